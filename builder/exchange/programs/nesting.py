"""One flat list of calls as modules in modules, by the scopes that each call says it stands in."""

from __future__ import annotations

import builtins
import keyword
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, fx, nn

from builder.exchange.programs.scopes import class_word, put, scope

# Of a call: the path and the class of each module around it, outer ones first.
Scope = tuple[tuple[str, str], ...]


def nested(kind: str, graph: fx.Graph, leaves: Mapping[str, nn.Module | Tensor]) -> nn.Module:
    """Modules in modules. graph: calls of `leaves` by their paths and of functions, each with `meta["scope"]`.

    A scope that is entered once becomes a module with a `forward` of its own; one whose calls do not stand together is
    taken into what is around it, and so is one where a layer stands. leaves: layers, parameters and buffers by path.
    """
    for node in graph.nodes:
        around: Scope = node.meta.get("scope", ())
        node.meta["scope"] = tuple(each for each in around if not isinstance(leaves.get(each[0]), nn.Module))
    nesting = _Nesting()
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    calls = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
    output = next(node for node in graph.nodes if node.op == "output")
    whole = nesting.module("", kind, calls, placeholders, output.args[0])
    for path, each in leaves.items():
        _put(whole, nesting.made, path, each)
    for path, made in nesting.made.items():
        if path:
            _put(whole, nesting.made, path, made)
    return whole.eval()


@dataclass(slots=True)
class _Nesting:
    made: dict[str, nn.Module] = field(default_factory=dict)

    def module(
        self, path: str, kind: str, calls: Sequence[fx.Node], inputs: Sequence[fx.Node], results: Any
    ) -> nn.Module:
        """The module of a scope. inputs: what it reads from outside. results: what it gives."""
        graph = fx.Graph()
        stands: dict[fx.Node, Any] = {}
        words: list[str] = []
        for each in inputs:
            words.append(_free(_word(each, words), words) if path else str(each.target))
            stands[each] = graph.placeholder(words[-1])
        for child, child_kind, part in self._parts(path, calls):
            if child:
                self._call(graph, path, child, child_kind, part, stands, (calls, results))
            else:
                for node in part:
                    stands[node] = graph.node_copy(node, lambda each: stands[each])
                    if node.op in ("call_module", "get_attr"):
                        stands[node].target = _below(path, str(node.target))
                    if stands[node].name == "self":
                        stands[node]._rename("itself")
        graph.output(fx.node.map_arg(results, lambda each: stands[each]))
        made = self.made[path] = scope(class_word(kind), path, graph, {})
        return made

    def _call(
        self, graph: fx.Graph, path: str, child: str, kind: str, part: Sequence[fx.Node], stands: dict[fx.Node, Any],
        around: tuple[Sequence[fx.Node], Any],
    ) -> None:  # fmt: skip
        """Make a scope's module and call it."""
        inside = set(part)
        read = [each for node in part for each in node.all_input_nodes if each not in inside]
        inputs = list(dict.fromkeys(read))
        wanted = set(_nodes(around[1])) | {
            each for node in around[0] if node not in inside for each in node.all_input_nodes
        }
        given = [node for node in part if node in wanted]
        inputs.sort(key=lambda each: not _is_main(each, given))
        self.module(child, kind, part, inputs, given[0] if len(given) == 1 else tuple(given))
        called = graph.call_module(_below(path, child), tuple(stands[each] for each in inputs))
        if called.name == "self":
            called._rename("itself")
        if len(given) == 1:
            stands[given[0]] = called
        else:
            for at, node in enumerate(given):
                stands[node] = graph.call_function(operator.getitem, (called, at))

    def _parts(self, path: str, calls: Sequence[fx.Node]) -> list[tuple[str, str, list[fx.Node]]]:
        """Runs of calls by the scope below this one that they stand in, "" for those that stand in none."""
        runs: list[tuple[str, str, list[fx.Node]]] = []
        last: set[fx.Node] = set()  # what the last run holds
        for node in calls:
            child, kind = _next(path, node.meta.get("scope", ()))
            if not child and runs and runs[-1][0] and last.isdisjoint(node.all_input_nodes):
                _before_last(runs, node)  # what reads nothing of the scope need not part it
                continue
            if not runs or runs[-1][0] != child:
                runs.append((child, kind, []))
                last = set()
            runs[-1][2].append(node)
            last.add(node)
        names = [child for child, _, _ in runs]
        return [run if names.count(run[0]) == 1 else ("", "", run[2]) for run in runs]


def _before_last(runs: list[tuple[str, str, list[fx.Node]]], node: fx.Node) -> None:
    if len(runs) > 1 and not runs[-2][0]:
        runs[-2][2].append(node)
    else:
        runs.insert(len(runs) - 1, ("", "", [node]))


def _next(path: str, around: Scope) -> tuple[str, str]:
    """The scope of a call directly below a path."""
    for each, kind in around:
        if each != path and (not path or each.startswith(f"{path}.")):
            return each, kind
    return "", ""


def _below(path: str, target: str) -> str:
    return target.removeprefix(f"{path}.") if path else target


def _is_main(node: fx.Node, results: Sequence[fx.Node]) -> bool:
    """Whether an input is of the rank and kind of the result, as what goes along a main path is."""
    first = results[0].meta.get("type") if results else None
    return first is not None and node.meta.get("type") == first


def _word(node: fx.Node, words: Sequence[str]) -> str:
    return "x" if not words else node.name


def _free(word: str, words: Sequence[str]) -> str:
    taken = word in words or keyword.iskeyword(word) or hasattr(builtins, word) or word == "self"
    return f"{word}_{len(words)}" if taken else word


def _nodes(value: Any) -> Iterable[fx.Node]:
    found: list[fx.Node] = []
    fx.node.map_arg(value, lambda each: found.append(each))
    return found


def _put(whole: nn.Module, made: Mapping[str, nn.Module], path: str, part: Any) -> None:
    """Put a part at its path, in modules that are there or that hold it alone."""
    at, walked = whole, ""
    *around, name = path.split(".")
    for each in around:
        walked = f"{walked}.{each}" if walked else each
        if each not in at._modules:
            at.add_module(each, made.get(walked) or nn.Module())
        at = at._modules[each] or at
    held = at._modules.get(name)
    if held is None or type(held) is nn.Module:  # one that only holds others
        put(at, name, part)
        inside = held.named_children() if held is not None and isinstance(part, nn.Module) else ()
        for own, child in inside:
            part.add_module(own, child)
