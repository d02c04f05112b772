"""A page on what a model is worth: `jamd evaluate --report`."""
