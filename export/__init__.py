"""Export of trained networks: Keras -> ONNX, the parity of both, and the bundle on disk."""
