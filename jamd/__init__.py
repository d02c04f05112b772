"""A MIDI daemon that jams with you: the contract that its live and its learning side share."""

__version__ = "0.1.0"
