"""The learning side: music files -> tokens -> a trained Keras model."""
