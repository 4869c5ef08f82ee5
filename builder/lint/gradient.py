"""Parameters that nothing freezes and that training cannot change: no gradient comes back to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from builder.graph import Node
from builder.lint.view import View, in_loss, label, state_keys, warning
from dsl.diagnostics import Diagnostic, Fix
from dsl.records import Place

_MOST = 6  # layers that a note lists


def no_gradient(view: View) -> Iterator[Diagnostic]:
    """Parameters whose layer's result reaches no term of the loss, or only through what gives no gradient back."""
    reached, between = reached_by_gradient(view), _between(view)
    causes: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(dict)
    for name, node in view.nodes.items():
        keys = [] if node.frozen or in_loss(name) or name not in view.used else state_keys(node)
        left = [each for each in keys if each not in reached]
        if left:
            causes[between[name]][name] = [] if len(left) == len(keys) else left
    for stops, names in causes.items():
        yield _told(view, stops, names)


def reached_by_gradient(view: View) -> set[str]:
    """The keys of the parameters that a gradient comes back to, from every term of the loss."""
    makers = _makers(view)
    found: set[str] = set()
    seen = set(view.ends)
    todo = list(view.ends)
    while todo:
        name = todo.pop()
        module = view.nodes[name].module
        for made in makers[module] if module is not None and not in_loss(name) else ():
            found.update(state_keys(made), made.ties.values())
        for read in view.reads[name]:
            if view.returned_to(read) and read.parameter is not None:
                found.add(_key(view.nodes[read.source], read.parameter, makers))
            elif view.returned_to(read) and read.source not in seen:
                seen.add(read.source)
                todo.append(read.source)
    return found


def _makers(view: View) -> dict[str | None, list[Node]]:
    """The nodes that make parameters, by the module that holds these."""
    found: dict[str | None, list[Node]] = defaultdict(list)
    for name, node in view.nodes.items():
        if node.parameters and not in_loss(name):
            found[node.module].append(node)
    return found


def _key(node: Node, parameter: str, makers: dict[str | None, list[Node]]) -> str:
    """The key of a parameter that is read of its layer; of a tied one, that of the parameter that it is."""
    own = f"{node.module}.{parameter}" if node.module else parameter
    return next((each.ties[parameter] for each in makers[node.module] if parameter in each.ties), own)


def _between(view: View) -> dict[str, tuple[str, ...]]:
    """What stands between each layer and the loss: the layers that give no gradient back, else the outputs that no term
    of the loss reads."""
    stops: dict[str, set[str]] = defaultdict(set)
    outputs: dict[str, set[str]] = defaultdict(set)
    for name in reversed(view.nodes):  # a node stands after what it reads
        if name.startswith("outputs.") and view.checked.losses and not view.readers[name]:
            outputs[name].add(name)
        for read in view.readers[name]:
            if view.returned_to(read):
                stops[name] |= stops[read.reader]
                outputs[name] |= outputs[read.reader]
            elif read.reader in view.used and read.whole:
                stops[name].add(read.reader)
    return {name: tuple(sorted(stops[name] or outputs[name])) for name in view.nodes}


def _told(view: View, stops: tuple[str, ...], names: Mapping[str, list[str]]) -> Diagnostic:
    """names: the layers that one cause holds for; with the keys of some of their parameters, where it is not all."""
    said = [_said(view, name, keys) for name, keys in names.items()]
    more = [f"and {len(said) - _MOST} more"] if len(said) > _MOST else []
    one = len(said) == 1
    place, why = _why(view, stops, view.nodes[next(iter(names))], one)
    who = f"{said[0]} gets" if one else f"{len(said)} layers get"
    notes = [] if one else [f"layers: {', '.join([*said[:_MOST], *more])}"]
    parts = [each.rpartition(".")[2] for keys in names.values() for each in keys]
    fix = Fix("bias = false") if parts == ["bias"] else None if parts else Fix("freeze = true, if that is meant")
    return warning(place, "no-gradient", f"{who} no gradient: {why}", *notes, fix=fix)


def _why(view: View, stops: tuple[str, ...], first: Node, one: bool) -> tuple[Place, str]:
    """Where it is told, and in what words. one: a single layer is meant."""
    goal = "the loss" if view.checked.losses else "the outputs"
    if not stops:
        return view.at(first), f"no number in {goal} hangs on {'it' if one else 'them'}"
    if stops[0].startswith("outputs."):
        words = " or ".join(f"`{each.partition('.')[2]}`" for each in stops)
        return _output(view, stops[0].partition(".")[2]), f"no term of the loss reads the output {words}"
    words = " and ".join(dict.fromkeys(f"`{label(view, view.nodes[each])}`" for each in stops))
    give = "gives" if len(stops) == 1 else "give"
    reach = "it reaches" if one else "they reach"
    return view.at(view.nodes[stops[0]]), f"{reach} {goal} only through {words}, which {give} none back"


def _said(view: View, name: str, keys: list[str]) -> str:
    """A layer, or some of its parameters, by the keys of the state dict."""
    node = view.nodes[name]
    return f"{', '.join(f'`{each}`' for each in keys or [name])} ({view.line(node)})"


def _output(view: View, name: str) -> Place:
    """Where an output is named; the last layer, where none is."""
    model = view.checked.spec.model
    if isinstance(model.outputs, list):
        names = list(view.checked.model.outputs)
        return model.place.at("outputs", names.index(name))
    if isinstance(model.outputs, dict):
        return model.place.at("outputs", name)
    return model.place.at("outputs") if model.outputs is not None else model.layers[-1].place.at("type")
