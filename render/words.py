"""What a person would call a layer: its title, the facts below it, its shape. Words only: no colours, no places."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from builder.graph import Node

# Merges are drawn as small circles with these signs. By type, as the spec says it.
SIGNS = {
    "add": "+", "sub": "−", "subtract": "−", "mul": "×", "multiply": "×", "div": "÷", "divide": "÷",
    "matmul": "@", "bmm": "@", "maximum": "max", "minimum": "min",
    "cat": "cat", "concat": "cat", "concatenate": "cat", "stack": "stack",
}  # fmt: skip

# The signs of merges that take tensors of one shape.
SAME_SHAPE = frozenset("+−×÷")

# Types whose name is not yet what a person would say, after the dimension (`2d`) is cut off.
_SAID = {
    "relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "selu": "SELU", "elu": "ELU", "silu": "SiLU",
    "leaky_relu": "LeakyReLU", "prelu": "PReLU", "logsigmoid": "LogSigmoid", "hardswish": "Hardswish",
    "max_pool": "MaxPool", "avg_pool": "AvgPool", "adaptive_avg_pool": "AdaptiveAvgPool",
    "adaptive_max_pool": "AdaptiveMaxPool", "conv_transpose": "Transposed conv", "ConvTranspose": "Transposed conv",
    "batch_norm": "BatchNorm", "layer_norm": "LayerNorm", "group_norm": "GroupNorm", "rms_norm": "RMSNorm",
    "MultiheadAttention": "Multi-head attention", "scaled_dot_product_attention": "Attention",
}  # fmt: skip

NAME_LIMIT: Final = 24  # characters; longer names lose their middle
VALUE_LIMIT: Final = 88  # characters of an expression in a box

# A free size of this name at the front of the first input is the batch; another name may well be time.
_BATCH_NAMES = ("N", "B", "batch", "batch_size")


def title(node: Node) -> str:
    """`Conv 3×3`, `MaxPool 2×2`, `Linear`: what the layer is, with the size of its window where it has one."""
    if node.kind == "convolution" and _is_depthwise(node):
        return f"Depthwise conv {_window(node)}".strip()
    return f"{_type_said(node.type)} {_window(node)}".strip()


def details(node: Node) -> Iterator[str]:
    """The facts worth a place below the title: `96 ch`, `stride 4`, `pad 2`."""
    rule = _DETAILS.get(node.kind)
    if node.role == "value":
        yield shortened(str(node.arguments.get("value", "")), VALUE_LIMIT)
    elif rule is not None:
        yield from rule(node)
    elif node.kind in ("other", "loss"):
        yield from _any_details(node)


def name_said(node: str) -> str:
    """The last part of a dotted name; nothing for a position, which says no more than the place on the page."""
    last = node.rpartition(".")[2]
    return "" if last.isdigit() else last


def region_said(region: str) -> str:
    """A region's name, with as much in front of a position as makes a name of it: `layer1.0` of `stage.layer1.0`."""
    parts = region.split(".")
    start = len(parts) - 1
    while start > 0 and parts[start].isdigit():
        start -= 1
    said = ".".join(parts[start:])
    return "" if said.replace(".", "").isdigit() else said


def batch_name(inputs: list[Node]) -> str | None:
    """The free size that stands for the batch, if the first input begins with one."""
    for each in inputs:
        if isinstance(each.shape, list) and each.shape and each.shape[0] in _BATCH_NAMES:
            return str(each.shape[0])
    return None


def shape_said(shape: Any, batch: str | None) -> str:
    """`96×54×54`: the sizes without the batch; of several results each, with commas; "" where it is not known."""
    if shape is None:
        return ""
    if isinstance(shape, dict):
        return ", ".join(filter(None, (shape_said(each, batch) for each in shape.values())))
    if any(isinstance(each, list | dict) for each in shape):
        return ", ".join(filter(None, (shape_said(each, batch) for each in shape)))
    if not shape:
        return "scalar"
    sizes = shape[1:] if len(shape) > 1 and shape[0] == batch else shape
    return "×".join(_size_said(size) for size in sizes)


def count_said(count: int) -> str:
    """46,764,746."""
    return f"{count:,}"


def number_said(number: Any) -> str:
    """0.5; of a fraction three digits."""
    return f"{number:.3g}" if isinstance(number, float) else str(number)


def printable(text: str) -> str:
    """The text with spaces for what XML cannot hold: control characters and halves of surrogate pairs."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]+", " ", text).strip()


def shortened(text: str, limit: int) -> str:
    """The text, printable, its middle left out where it is longer than `limit` characters."""
    clean = printable(text)
    if len(clean) <= limit:
        return clean
    tail = (limit - 1) // 2
    return f"{clean[: limit - 1 - tail]}…{clean[-tail:]}"


def facts_on_lines(facts: Sequence[str], limit: int) -> list[str]:
    """Facts with dots between them, on as many lines of so many characters as they need."""
    lines: list[str] = []
    for fact in facts:
        joined = f"{lines[-1]} · {fact}" if lines else fact
        if lines and len(joined) <= limit:
            lines[-1] = joined
        else:
            lines += textwrap.wrap(fact, limit)
    return lines


def _size_said(size: int | str) -> str:
    text = str(size)
    return f"({text.replace(' // ', '//')})" if " " in text else text


def _type_said(type_: str) -> str:
    short = type_.rpartition(".")[2]
    if match := re.fullmatch(r"(.*[a-z])_?[123]d", short):
        short = match[1]
    if short in _SAID:
        return _SAID[short]
    if short.islower():
        return short.strip("_").replace("_", " ").capitalize()
    return short


def _dimensions(node: Node) -> int:
    match = re.search(r"([123])d$", node.type)
    return int(match[1]) if match else 1


def _window(node: Node) -> str:
    """`3×3`: of a kernel, or of what an adaptive pool makes."""
    size = node.arguments.get("kernel_size", node.arguments.get("output_size"))
    if size is None or node.kind not in ("convolution", "pooling"):
        return ""
    return _times(size if isinstance(size, list) else [size] * _dimensions(node))


def _times(sizes: list[Any]) -> str:
    return "×".join("·" if each is None else str(each) for each in sizes)


def _is_depthwise(node: Node) -> bool:
    groups = node.arguments.get("groups", 1)
    return bool(groups != 1 and groups == node.arguments.get("in_channels"))


def _convolution_details(node: Node) -> Iterator[str]:
    if "out_channels" in node.arguments:
        yield f"{node.arguments['out_channels']} ch"
    yield from _spacing(node.arguments)
    if node.arguments.get("groups", 1) != 1 and not _is_depthwise(node):
        yield f"{node.arguments['groups']} groups"


def _pooling_details(node: Node) -> Iterator[str]:
    yield from _spacing(node.arguments)


def _spacing(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, said, usual in (("stride", "stride", 1), ("padding", "pad", 0), ("dilation", "dilation", 1)):
        value = arguments.get(name)
        if value not in (None, usual) and not (isinstance(value, list) and all(each == usual for each in value)):
            yield f"{said} {_value_said(value)}"


def _linear_details(node: Node) -> Iterator[str]:
    if "in_features" in node.arguments and "out_features" in node.arguments:
        yield f"{node.arguments['in_features']} → {node.arguments['out_features']}"


def _embedding_details(node: Node) -> Iterator[str]:
    if "num_embeddings" in node.arguments:
        yield f"{node.arguments['num_embeddings']} × {node.arguments.get('embedding_dim')}"


def _recurrent_details(node: Node) -> Iterator[str]:
    if "hidden_size" in node.arguments:
        yield f"{node.arguments.get('input_size')} → {node.arguments['hidden_size']}"
    if node.arguments.get("num_layers", 1) != 1:
        yield f"{node.arguments['num_layers']} layers"
    if node.arguments.get("bidirectional") is True:
        yield "bidirectional"


def _attention_details(node: Node) -> Iterator[str]:
    if "num_heads" in node.arguments:
        yield f"{node.arguments['num_heads']} heads"
    if node.arguments.get("is_causal") is True:
        yield "causal"


def _input_details(node: Node) -> Iterator[str]:
    if node.options:
        yield " | ".join(node.options)
    elif isinstance(node.dtype, str) and node.dtype != "float32":
        yield node.dtype


def _any_details(node: Node) -> Iterator[str]:
    """At most three plain arguments under their own names: `hidden_size 128`, `bidirectional`."""
    told = 0
    for name, value in node.arguments.items():
        if told == 3:
            return
        if value is True or (isinstance(value, int | float | str) and value is not False):
            told += 1
            yield name if value is True else f"{name} {shortened(_value_said(value), 24)}"


def _value_said(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    same = len({str(each) for each in value}) == 1
    return str(value[0]) if same else _times(value)


def short_word(node: Node) -> str:
    """A layer told in one word or two in its producer's detail line: `ReLU`, `BatchNorm`, `Dropout 0.5`."""
    number = node.arguments.get("p", node.arguments.get("negative_slope"))
    return _type_said(node.type) if number is None else f"{_type_said(node.type)} {number_said(number)}"


def _number_details(node: Node) -> Iterator[str]:
    number = node.arguments.get("p", node.arguments.get("negative_slope"))
    if number is not None:
        yield number_said(number)


def _shape_details(node: Node) -> Iterator[str]:
    if isinstance(node.arguments.get("pattern"), str):
        yield shortened(node.arguments["pattern"], VALUE_LIMIT)


_DETAILS: Mapping[str, Callable[[Node], Iterator[str]]] = {
    "convolution": _convolution_details,
    "pooling": _pooling_details,
    "shape": _shape_details,
    "linear": _linear_details,
    "embedding": _embedding_details,
    "recurrent": _recurrent_details,
    "attention": _attention_details,
    "input": _input_details,
    "dropout": _number_details,
    "activation": _number_details,
}
