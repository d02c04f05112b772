"""What `jamd bench` measures: each figure beside what it is to be compared with, in one run."""
