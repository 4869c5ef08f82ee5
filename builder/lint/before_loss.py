"""What a loss reads, where torch takes it and it is not what the loss is made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from builder.graph import Node
from builder.lint.reads import Read, called
from builder.lint.view import View, in_loss, label, warning
from dsl.diagnostics import Diagnostic, Fix

_SOFTMAX: Final = ("Softmax", "LogSoftmax", "Softmax2d", "softmax", "log_softmax", "gumbel_softmax")
_SIGMOID: Final = ("Sigmoid", "LogSigmoid", "sigmoid", "logsigmoid", "expit")
# Losses that apply a function themselves: what it is, and what before it is one too many.
_APPLIES: Final = {
    "CrossEntropyLoss": ("log_softmax", (*_SOFTMAX, *_SIGMOID)),
    "cross_entropy": ("log_softmax", (*_SOFTMAX, *_SIGMOID)),
    "BCEWithLogitsLoss": ("sigmoid", (*_SIGMOID, *_SOFTMAX)),
    "binary_cross_entropy_with_logits": ("sigmoid", (*_SIGMOID, *_SOFTMAX)),
    "MultiLabelSoftMarginLoss": ("sigmoid", (*_SIGMOID, *_SOFTMAX)),
    "multilabel_soft_margin_loss": ("sigmoid", (*_SIGMOID, *_SOFTMAX)),
}
# Losses that read what another function gives, and those that do without.
_NEEDS: Final = {
    "NLLLoss": ("log_softmax", "CrossEntropyLoss applies it itself"),
    "nll_loss": ("log_softmax", "cross_entropy applies it itself"),
    "CTCLoss": ("log_softmax", ""),
    "ctc_loss": ("log_softmax", ""),
    "KLDivLoss": ("log_softmax", ""),
    "kl_div": ("log_softmax", ""),
    "BCELoss": ("sigmoid", "BCEWithLogitsLoss applies it itself"),
    "binary_cross_entropy": ("sigmoid", "binary_cross_entropy_with_logits applies it itself"),
}
_GIVES: Final = {
    "log_softmax": ("LogSoftmax", "log_softmax", "LogSigmoid", "logsigmoid"),
    "sigmoid": ("Sigmoid", "sigmoid", "expit", "Hardsigmoid", "hardsigmoid", *_SOFTMAX[:1], "Softmax2d", "softmax"),
}
# Kinds of layers whose numbers are neither logarithms nor probabilities, as far as they are no function of _GIVES.
_SCORES: Final = ("convolution", "linear", "recurrent", "attention", "normalisation", "activation", "embedding")
_CLASSES: Final = ("CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss", "MultiMarginLoss", "multi_margin_loss")
_PLACES: Final = (("input", "log_probs"), ("target", "targets"))  # what losses call the two tensors
_FAR_OFF: Final = 2  # times as many classes as targets: fewer are room to grow, or a size that machines like


def doubled_activation(view: View) -> Iterator[Diagnostic]:
    """A softmax or a sigmoid before a loss that applies its own."""
    for name, loss in _losses(view, _APPLIES):
        own, doubling = _APPLIES[called(loss)]
        made = _scores(view, name)
        if made is not None and called(made) in doubling:
            message = f"{loss.type} reads scores and applies {own} itself, and `{label(view, made)}` comes before it"
            fix = Fix("take it out, and apply it to the outputs of the trained model where probabilities are wanted")
            yield warning(view.at(made), "doubled-activation", message, view.stands(loss), fix=fix)


def missing_activation(view: View) -> Iterator[Diagnostic]:
    """A loss over logarithms or probabilities that gets scores."""
    for name, loss in _losses(view, _NEEDS):
        wanted, instead = _NEEDS[called(loss)]
        made = _scores(view, name)
        if made is not None and made.kind in _SCORES and called(made) not in _GIVES[wanted]:
            message = (
                f"{loss.type} reads what {wanted} gives, and `{label(view, made)}` ({view.line(made)}) gives scores"
            )
            notes = [instead] if instead else []
            yield warning(view.at(loss), "missing-activation", message, *notes, fix=_added(view, wanted, made))


def single_class(view: View) -> Iterator[Diagnostic]:
    """A loss over classes whose output has one class."""
    for name, loss in _losses(view, _CLASSES):
        if _classes(view, name) == 1:
            message = f"{loss.type} over one class is 0, whatever comes out"
            fix = Fix("BCEWithLogitsLoss is for a yes or no; two classes need two outputs")
            yield warning(view.at(loss), "single-class", message, fix=fix)


def unused_classes(view: View) -> Iterator[Diagnostic]:
    """An output with at least twice as many classes as the targets name."""
    for name, loss in _losses(view, _CLASSES):
        classes, high = _classes(view, name), _high(view, name)
        if isinstance(classes, int) and high is not None and classes >= _FAR_OFF * max(high, 1) and classes > 2:
            message = f"the output has {classes:,} classes, but the targets go up to {high - 1:,} alone"
            yield warning(view.at(loss), "unused-classes", message, fix=Fix(f"{high:,} classes"))


def loss_broadcast(view: View) -> Iterator[Diagnostic]:
    """Shapes (N, 1) and (N,) held against each other in a loss: torch stretches both to (N, N)."""
    for name, node in view.nodes.items():
        if not in_loss(name) or not _stretches(node):
            continue
        shapes = [each for each in node.input_shapes if isinstance(each, list)]
        pair = next(((a, b) for a in shapes for b in shapes if len(b) == 1 and a == [*b, 1] and b != [1]), None)
        if pair is not None:
            (size,) = pair[1]
            message = f"({size}, 1) and ({size},) together are stretched to ({size}, {size})"
            fix = Fix('squeeze the output: { type = "squeeze", dim = -1 }')
            yield warning(view.at(node), "loss-broadcast", message, fix=fix)


def _added(view: View, wanted: str, made: Node) -> Fix:
    if called(made) in _SOFTMAX:
        return Fix(f"{wanted} in place of `{label(view, made)}`")
    dim = ", dim = 1" if wanted == "log_softmax" else ""
    return Fix(f'add {{ type = "{wanted}"{dim} }} before it')


def _losses(view: View, types: Any) -> Iterator[tuple[str, Node]]:
    """The nodes of these types, those of one layer but once."""
    found = [(name, node) for name, node in view.nodes.items() if node.kind == "loss" and called(node) in types]
    yield from {(node.file, node.line, node.column): (name, node) for name, node in reversed(found)}.values()


def _scores(view: View, name: str) -> Node | None:
    """The node that made what a loss holds against the target."""
    first = _fed(view, name, 0)
    return view.origin(first) if first is not None else None


def _fed(view: View, name: str, index: int) -> Read | None:
    """What a loss reads as its input, 0, or as its target, 1: by name, else by place."""
    reads = [each for each in view.reads[name] if each.whole]
    placed = [each for each in reads if each.argument is None]
    named = [each for each in reads if each.argument in _PLACES[index]]
    return next(iter([*named, *placed[index : index + 1]]), None)


def _classes(view: View, name: str) -> Any:
    """How many classes the loss has before it: the second dim, or the only one."""
    read = _fed(view, name, 0)
    shape = view.nodes[read.source].shape if read is not None and read.source in view.nodes and not read.pick else None
    sizes = shape if isinstance(shape, list) else []
    return sizes[1] if len(sizes) > 1 else sizes[0] if sizes else None


def _high(view: View, name: str) -> int | None:
    """Below what the targets of a loss lie; None where they are no field as it is, or not class numbers."""
    read = _fed(view, name, 1)
    node = view.nodes.get(read.source) if read is not None else None
    if node is None or node.role != "input" or not str(node.dtype).startswith(("int", "uint")):
        return None
    return view.high(node.name.partition(".")[2])


def _stretches(node: Node) -> bool:
    """Whether it works number by number, and puts no dim in or out itself."""
    if node.role == "value":
        return not any(each in node.expression for each in ("[", "unsqueeze", "squeeze", "view", "reshape", "@", "mm"))
    return node.kind in ("merge", "arithmetic", "loss") and called(node) in _ONE_BY_ONE


_ONE_BY_ONE: Final = (
    "add", "sub", "subtract", "mul", "multiply", "div", "divide", "maximum", "minimum", "pow", "dist",
    "GaussianNLLLoss", "gaussian_nll_loss",
)  # fmt: skip
