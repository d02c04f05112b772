"""From a corpus to a run: what the networks are, what they read, and how they learn."""
