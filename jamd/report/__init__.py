"""A page on how good a model is: `jamd evaluate --report`."""
