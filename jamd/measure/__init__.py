"""How well jamd listens, in figures: `jamd measure`."""
