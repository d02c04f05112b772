"""The model: what is asked of it, the process that it runs in, and how it writes."""
