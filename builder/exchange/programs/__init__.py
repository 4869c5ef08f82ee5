"""Programs in files become modules that can be run and recorded: `.pt2` of torch.export, `.onnx`."""
