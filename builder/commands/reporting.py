"""`--check` and `--summary`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from builder.checking import Checked
from builder.checking import check as check_spec
from builder.commands.formats import FOR_PROGRAMS, OF_CHECK_ALONE
from builder.commands.warning import tell
from builder.graph import Node, parameter_count
from builder.lint import lint
from builder.shapes.call import ChoiceType, TensorType, Value
from builder.shapes.conditions import needs
from builder.shapes.linear import rows
from builder.shapes.sizes import Size, plain
from builder.totals import size_of, total
from builder.wording import written_shape
from dsl.records import Spec

_BYTES = {
    "float64": 8,
    "int64": 8,
    "complex64": 8,
    "float16": 2,
    "bfloat16": 2,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}


def check(spec: Spec, format: str, quiet: bool = False) -> dict[str, Any]:
    """Check a spec; one line when all is well: name, parameters, inputs and outputs with shapes. Then the warnings."""
    checked = check_spec(spec)
    warnings = lint(checked)
    model = checked.model
    if format == "text" and not quiet:
        inputs = ", ".join(f"{name} {_text(value)}" for name, value in model.inputs.items())
        outputs = ", ".join(f"{name} {written_shape(shape)}" for name, shape in _outputs(checked))
        print(f"{model.name}: {model.parameters:,} parameters, {inputs} -> {outputs}")
        for condition in model.conditions:
            print(needs(model.name, condition), file=sys.stderr)
        for note in checked.notes:
            print(f"note: {note}", file=sys.stderr)
        tell(warnings)
    name = spec.document.source.name
    if format in OF_CHECK_ALONE and (text := FOR_PROGRAMS[format](name, warnings)):
        print(text)
    return {"spec": name, "ok": True, "diagnostics": [each.as_data() for each in warnings]}


def summary(spec: Spec, format: str) -> dict[str, Any]:
    """A line a layer, and totals: parameters, multiply-adds, memory for weights and activations."""
    checked = check_spec(spec)
    model = checked.model
    layers = [node for node in model.nodes if node.role not in ("input", "output")]
    adds = total(node.multiply_adds for node in layers)
    if format == "text":
        _print_table(layers)
        _print_totals(layers, model.parameters, adds)
    return {
        "name": model.name,
        "inputs": {
            node.name.partition(".")[2]: node.options or node.shape for node in model.nodes if node.role == "input"
        },
        "outputs": dict(_outputs(checked)),
        "parameters": model.parameters,
        "trainable_parameters": model.trainable_parameters,
        "multiply_adds": plain(adds),
        "layers": [
            {
                "name": node.name, "type": node.type, "input_shapes": node.input_shapes, "output_shape": node.shape,
                "parameters": parameter_count(node), "multiply_adds": node.multiply_adds, "line": node.line,
            }
            for node in layers
        ],
    }  # fmt: skip


def _outputs(checked: Checked) -> list[tuple[str, Any]]:
    return [(node.name.partition(".")[2], node.shape) for node in checked.model.nodes if node.role == "output"]


def _print_table(layers: Sequence[Node]) -> None:
    rows = [("layer", "type", "makes", "parameters", "multiply-adds")]
    for node in layers:
        count = parameter_count(node)
        adds = f"{node.multiply_adds:,}" if isinstance(node.multiply_adds, int) else str(node.multiply_adds)
        rows.append(
            (
                node.name,
                node.type,
                written_shape(node.shape),
                f"{count:,}" if count else "",
                adds if adds != "0" else "",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows:
        left = "  ".join(text.ljust(width) for text, width in zip(row[:3], widths[:3], strict=True))
        right = "  ".join(text.rjust(width) for text, width in zip(row[3:], widths[3:], strict=True))
        print(f"{left}  {right}".rstrip())


def _print_totals(layers: Sequence[Node], parameters: int, adds: Size) -> None:
    text = f"{adds:,}" if isinstance(adds, int) else str(adds)
    print(f"\n{parameters:,} parameters ({_megabytes(parameters * 4)}), {text} multiply-adds at batch 1")
    activations = total(_memory(node) for node in layers)
    if isinstance(activations, int):
        print(f"{_megabytes(activations)} of activations at batch 1")


def _memory(node: Node) -> Size:
    """Bytes of what a layer makes, its leading free size (the batch) taken as 1."""
    return total(_bytes(shape, dtype) for shape, dtype in _tensors(node.shape, node.dtype))


def _bytes(shape: Sequence[Any], dtype: str | None) -> Size:
    size: Size = _BYTES.get(dtype or "", 4)
    for index, each in enumerate(shape):
        leading = index == 0 and isinstance(each, str)
        size = size * (rows((size_of(each),)) if leading else size_of(each))
    return size


def _tensors(shape: Any, dtype: Any) -> Iterator[tuple[Sequence[Any], str | None]]:
    """The single tensors of what a layer makes, however deep its results nest."""
    if isinstance(shape, dict):
        for key, each in shape.items():
            yield from _tensors(each, dtype[key] if isinstance(dtype, dict) else dtype)
    elif isinstance(shape, list) and any(isinstance(each, list | dict) for each in shape):
        for index, each in enumerate(shape):
            yield from _tensors(each, dtype[index] if isinstance(dtype, list) else dtype)
    elif shape is not None:
        yield shape, dtype


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:,.1f} KiB"


def _text(value: Value) -> str:
    if isinstance(value, TensorType):
        return str(value)
    return " | ".join(value.options) if isinstance(value, ChoiceType) else "?"
