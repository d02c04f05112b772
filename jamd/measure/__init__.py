"""How well jamd listens and answers, in figures: `jamd measure`."""
