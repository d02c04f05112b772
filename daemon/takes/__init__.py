"""Takes: a session written down as it happens, kept, drawn, and played once more."""
