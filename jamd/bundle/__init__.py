"""A model on disk, checked before anything of it is loaded."""
