"""The ports: jamd's own and everybody else's, what is connected to what, and Ableton Link."""
