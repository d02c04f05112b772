"""What `jamd bench` measures: each figure beside its yardstick, in one run."""
