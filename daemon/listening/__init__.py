"""What the player plays: as it was meant, as the model hears it, and apart from jamd's echo."""
