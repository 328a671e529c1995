"""Learning: data sets, training, ONNX export, registry, serving."""
