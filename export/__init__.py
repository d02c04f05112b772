"""The way out of training: Keras -> ONNX, its parity, and the bundle on disk."""
