"""An ONNX file, looked through before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from builder.exchange.programs.opened import ProgramError
from builder.extras import needed

_OPSETS: Final = range(9, 27)
_DOMAINS: Final = ("", "ai.onnx")


def open_onnx(path: Path) -> Any:
    """The model with the types of its values inferred. Raises ProgramError, MissingPackageError.

    Numbers that lie in other files are read where those lie in the file's own folder, not outside of it.
    """
    onnx = needed("onnx", "an .onnx file")
    try:
        if not path.is_file() and path.exists():
            raise ProgramError(f"cannot read {path}: it is no file")
        if path.stat().st_size >= 2**31:
            raise ProgramError(f"{path} is larger than an ONNX file can be")
        content = path.read_bytes()
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # whatever protobuf raises over bytes that are no message
        raise ProgramError(f"{path} is no ONNX file, or cut short: {_words(error)}") from error
    _check_opset(path, model)
    try:
        onnx.load_external_data_for_model(model, str(path.parent.resolve()))
        onnx.checker.check_model(model)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # the checker's own, and what its C++ part raises
        raise ProgramError(f"{path} is no sound ONNX file: {_words(error)}") from error
    if len(model.functions):
        raise ProgramError(f"{path} has functions of its own ({model.functions[0].name}), which are not read")
    return model


def _check_opset(path: Path, model: Any) -> None:
    if not model.graph.node and not model.graph.output:
        raise ProgramError(f"{path} is no ONNX file, or cut short: it has no graph")
    if not any(each.domain in _DOMAINS for each in model.opset_import):
        raise ProgramError(f"{path} does not say which opset it is of")
    for each in model.opset_import:
        if each.domain in _DOMAINS and each.version not in _OPSETS:
            raise ProgramError(f"{path} is of opset {each.version}; {_OPSETS.start} to {_OPSETS.stop - 1} are read")


def place(node: Any) -> str:
    """How a message names a node."""
    name = node.name or (node.output[0] if node.output else "")
    return f'node "{name}" ({node.domain + "." if node.domain else ""}{node.op_type})'


def _words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
