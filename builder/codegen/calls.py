"""The expressions that make a module and that call a node."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from builder.codegen.holes import hole
from builder.codegen.literals import called, entry_of, keywords, marked
from builder.codegen.rearranging import chain
from builder.graph import Node
from dsl.catalogue import Entry, Parameter, signature_of

_SIGNS = {"torch.add": "+", "torch.sub": "-", "torch.mul": "*", "torch.div": "/", "torch.matmul": "@",
          "torch.pow": "**"}  # fmt: skip


def constructor(node: Node) -> str:
    """`nn.Conv2d(1, 6, kernel_size=5)`."""
    entry = entry_of(node.target)
    arguments = {key: value for key, value in node.arguments.items() if key not in forward_arguments(node)}
    return f"{called(entry)}({keywords(entry, arguments, sizes_first=True)})"


def forward_arguments(node: Node) -> dict[str, Any]:
    """The arguments that go into each call of a module, not into its constructor.

    A name that both have (`log_input` of PoissonNLLLoss) is the constructor's: what is fed is a tensor.
    """
    entry = entry_of(node.target)
    names = {each.name for each in entry.inputs if not entry.accepts(each.name)}
    return {key: value for key, value in node.arguments.items() if key in names}


def call(node: Node, values: Sequence[str], keyword_values: Mapping[str, str], module: str) -> str:
    """The expression that computes a node. `values` are Python's names for what it reads; `module` for its module."""
    entry = entry_of(node.target)
    device = _device(node, values, keyword_values)
    if node.role == "module":
        named = [f"{key}={value}" for key, value in keyword_values.items()]
        written = {*forward_arguments(node), *keyword_values}
        placed = list(values) if entry.target.startswith("tomograph.") else _placed(entry.inputs, written, values)
        return f"{module}({_joined(*placed, *named, keywords(entry, forward_arguments(node), device))})"
    if node.target == "tomograph.rearrange":
        lengths = {key: marked(key, value) for key, value in node.arguments.items() if key != "pattern"}
        fed = (*values, *keyword_values.values())
        return chain(fed[0], node.arguments["pattern"], len(node.input_shapes[0]), lengths)
    given = {**node.arguments, **dict.fromkeys(keyword_values, "a reference")}
    signature = signature_of(entry, given, len(values))
    texts = dict(keyword_values)
    texts |= {key: _worded(entry, key, value, signature, device) for key, value in node.arguments.items()}
    order = list(signature)
    texts = dict(sorted(texts.items(), key=lambda each: order.index(each[0]) if each[0] in signature else len(order)))
    first = [texts.pop(name) for name, each in signature.items() if each.passing == "position" and name in texts]
    words = [f"{key}={text}" for key, text in texts.items()]
    words += ["training=self.training"] if entry.accepts("training") and "training" not in node.arguments else []
    placed = _placed(list(signature.values()), given, values)
    if node.role == "method":
        return f"{placed[0]}.{entry.name}({_joined(*first, *placed[1:], *words)})"
    return f"{called(entry)}({_joined(*first, *placed, *words)})"


def infix(node: Node, values: Sequence[str], keyword_values: Mapping[str, str]) -> str:
    """`x + y` of a function that Python has a sign for; "" of any other call."""
    sign = _SIGNS.get(node.target)
    operands = [*values, *keyword_values.values(), *(hole("", repr(each)) for each in node.arguments.values())]
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each)
                  for each in node.arguments.values())  # fmt: skip
    names = {*keyword_values, *node.arguments}
    if sign is None or len(operands) != 2 or not numbers or not names <= {"other", "exponent"} or values[0][:1] == "[":
        return ""
    space = "" if sign == "**" else " "  # as formatters write a plain power
    return f"{operands[0]}{space}{sign}{space}{operands[1]}"


def identifier(name: str) -> str:
    """A Python name made from a layer's: `x` where nothing is left."""
    text = re.sub(r"\W", "_", name.rpartition(".")[2])
    if not text.isidentifier() or keyword.iskeyword(text):
        text = f"x{text}" if f"x{text}".isidentifier() else "x"
    return text


def _device(node: Node, values: Sequence[str], keyword_values: Mapping[str, str]) -> str:
    """Where the first tensor that is read lies; tensors that are written in the call are made there."""
    read = [*zip(node.reads, values, strict=True)]
    read += [(reference, keyword_values[key]) for key, reference in node.keyword_reads.items()]
    return next((f"{text}.device" for reference, text in read if isinstance(reference, dict)), "")


def _placed(signature: Sequence[Parameter], given: Collection[str], values: Sequence[str]) -> list[str]:
    """Tensors by place; those behind another argument (the index of gather) by name; einsum's one by one.

    given: names of the arguments that are written or fed by name; those have their values already.
    """
    if any(each.passing == "spread" for each in signature):
        return [f"*{value}" if value.startswith("[") else value for value in values]
    free = [each for each in signature if each.takes_tensor and each.name not in given]
    together = 0
    while together < len(free) and free[together] is signature[together] and free[together].passing == "name":
        together += 1
    later = [each.name for each in free[together:]]
    return [*values[:together], *(f"{name}={value}" for name, value in zip(later, values[together:], strict=False))]


def _worded(entry: Entry, key: str, value: Any, signature: Mapping[str, Parameter], device: str) -> str:
    """An argument's text; attention drops weights in training alone, which torch's function leaves to the caller."""
    text = marked(key, value, signature.get(key), device)
    drops = key == "dropout_p" and entry.name == "scaled_dot_product_attention"
    return f"{text} if self.training else 0.0" if drops else text


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
