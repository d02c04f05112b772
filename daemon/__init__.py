"""The live side: it listens, keeps time, and plays what its worker writes."""
