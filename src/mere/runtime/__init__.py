"""Models that were exported to ONNX, read without torch."""
