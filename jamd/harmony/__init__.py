"""Chords, keys, and the changes that a player gives."""
