"""An `.onnx` file becomes modules that can be run and recorded."""
