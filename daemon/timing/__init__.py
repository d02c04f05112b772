"""The beat: who leads it, how it is followed or found, and where in it notes are meant to lie."""
