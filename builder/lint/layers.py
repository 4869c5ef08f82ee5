"""Layers that take away what another one does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from builder.graph import Node, Region
from builder.lint.reads import called
from builder.lint.view import View, in_loss, label, warning
from dsl.diagnostics import Diagnostic, Fix
from dsl.records import Place
from dsl.source import Setting

_NORMS: Final = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
)  # fmt: skip


def bias_before_norm(view: View) -> Iterator[Diagnostic]:
    """A bias that the batch norm after it takes away with the mean: it costs memory and learns nothing."""
    for name in view.alike(_biased(view)):
        node = view.nodes[name]
        norm = view.nodes[view.readers[name][0].reader]
        place = view.at(node, "bias")
        message = f"the bias of `{label(view, node)}` has no effect: `{label(view, norm)}` subtracts the mean"
        own = " and adds a bias of its own" if "bias" in norm.parameters else ""
        yield warning(place, "bias-before-norm", f"{message}{own}", view.stands(norm),
                      fix=Fix("bias = false", _replacement(place)))  # fmt: skip


def _biased(view: View) -> set[str]:
    """The nodes with a bias that only batch norms read; of a module that is called several times, if all calls are."""
    calls: dict[str | None, list[str]] = defaultdict(list)
    for name, node in view.nodes.items():
        if node.kind in ("convolution", "linear") and node.role == "module":
            calls[node.module].append(name)
    found = set()
    for names in calls.values():
        first = view.nodes[names[0]]
        own = "bias" in first.parameters and "bias" not in first.ties and not first.frozen
        if own and all(_normed(view, name) for name in names):
            found |= set(names)
    return found


def _normed(view: View, name: str) -> bool:
    """Whether only batch norms read a node, over the dim that its bias has a number for each of."""
    readers = [view.nodes.get(each.reader) for each in view.readers[name]]
    rows = view.nodes[name].kind == "convolution" or len(view.nodes[name].shape or ()) == 2
    return rows and bool(readers) and all(each is not None and _subtracts(each) for each in readers)


def _subtracts(norm: Node) -> bool:
    return called(norm) in _NORMS and norm.role == "module" and norm.passes is None and not norm.frozen


def _replacement(place: Place) -> str | None:
    """The text in place of `bias = true`, or of a `type` that stands in a table of one line."""
    written, span = place.written, place.span()
    if isinstance(place.source, Setting):
        return None
    if written.partition("bias")[2].strip(" =") == "true":
        return "bias = false"
    in_line = "{" in place.source.line(span.line)[: span.column - 1]
    return f"{written}, bias = false" if place.path[-1] == "type" and written and in_line else None


def dropout_last(view: View) -> Iterator[Diagnostic]:
    """Dropout with nothing behind it that could make up for what it drops."""
    found = {}
    for name, node in view.nodes.items():
        if node.role == "output" and not in_loss(name):
            made = view.origin(view.reads[name][0]) if view.reads[name] else None
            if made is not None and made.kind == "dropout" and made.arguments.get("p", 0.5):
                found[made.name] = made
    for made in (found[name] for name in view.alike(found)):
        message = f"`{label(view, made)}` drops numbers of an output: in training the loss reads zeros there"
        yield warning(view.at(made), "dropout-last", message, fix=Fix("put it before the last layer that has weights"))


def init_overwritten(view: View) -> Iterator[Diagnostic]:
    """An `init` of a layer, a group or a block for which all that it starts is started again further out."""
    parts: list[Node | Region] = [*view.nodes.values(), *view.regions.values()]
    for inner in parts:
        for key in inner.init:
            kind = inner.type.rpartition(".")[2] if isinstance(inner, Node) and key else ""
            outer = next((each for each in _around(view, inner) if _hides(each.init, key, kind)), None)
            layer = view.layer(inner)
            if outer is not None and layer is not None and key:
                message = f"the init of `{key}` has no effect: that of {_called(view, outer)} runs after it"
                place = _place(view, inner, key)
                yield warning(place, "init-overwritten", message, part="pair")


def _around(view: View, inner: Node | Region) -> Iterator[Region]:
    """The regions around a node or a region, the innermost first."""
    name = inner.region if isinstance(inner, Node) else inner.name.rpartition(".")[0]
    if isinstance(inner, Region) and not inner.name:
        return
    while True:
        if name in view.regions:
            yield view.regions[name]
        if not name:
            return
        name = name.rpartition(".")[0]


def _hides(init: Mapping[str, Any], key: str, kind: str) -> bool:
    """Whether an outer init starts all that this key of an inner one does: by the same words, or by the name alone."""
    own = key.rpartition(".")[2]
    return bool({key, own, *([f"{kind}.{own}"] if kind else [])} & set(init))


def _called(view: View, region: Region) -> str:
    return f"`{label(view, region)}`" if region.name else "`[model]`"


def _place(view: View, inner: Node | Region, key: str) -> Place:
    layer = view.layer(inner)
    assert layer is not None
    body = view.checked.spec.blocks.get(inner.type)
    own = isinstance(layer.init, Mapping) and key in layer.init
    group = layer.group is not None and isinstance(layer.group.init, Mapping) and key in layer.group.init
    place = layer.place if own or group or body is None else body.body.place
    return place.at("init", key)
