"""The grid language: notes <-> tokens, its grammar, and the limits on what is written in it."""
