"""How well a model predicts held-out music, beside what it must beat."""
