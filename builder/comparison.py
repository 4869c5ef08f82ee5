"""What is different between two models: of their graphs, whatever the texts are.

What a difference is made of is told, what follows from it too (a shape further down); not told is what is no difference
of the model: names of positions that an inserted layer moves, lines, how a graph is divided into files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import networkx

from builder.differences import Change, Comparison, Difference, told_once
from builder.graph import Node, Region, nodes, parameter_count
from builder.matching import Match, Part, default, matched, tree
from builder.shapes.sizes import plain
from builder.totals import total


def compare(old: networkx.DiGraph[str], new: networkx.DiGraph[str]) -> Comparison:
    """Everything that is different between two finished graphs."""
    return Comparing(old, new).comparison()


class Comparing:
    """Two graphs side by side. twins: old node -> new. matches: all parts, outer ones first, in the new one's order."""

    def __init__(self, old: networkx.DiGraph[str], new: networkx.DiGraph[str]) -> None:
        self.graphs = old, new
        self.old, self.new = ({each.name: each for each in nodes(graph)} for graph in (old, new))
        self.twins: dict[str, str] = {name: name for name in self.old if name in self.new and _is_end(self.old[name])}
        whole = tree(old), tree(new)
        self.matches: list[Match] = [whole, *self.matched(*whole)]
        self.found_again = set(self.twins.values())

    def matched(self, old: Part, new: Part) -> Iterator[Match]:
        """All the parts, outer ones first; only now is it known which layer is which."""
        for before, after in matched(old, new):
            yield before, after
            if before and after and isinstance(before.what, Region):
                yield from self.matched(before, after)
            elif before and after:
                self.twins[before.name] = after.name

    def comparison(self) -> Comparison:
        layers = [change for match in self.matches if (change := self.change(*match)) is not None]
        pairs = [(self.old[one], self.new[other]) for one, other in self.twins.items()]
        keys = [(one.name, two.name) for one, two in pairs if one.parameters and one.name != two.name]
        return Comparison(
            inputs=tuple(self.ends("inputs.")), layers=told_once(layers, self.copies()),
            outputs=tuple(self.ends("outputs.")), totals=tuple(self.totals()), keys=tuple(keys),
        )  # fmt: skip

    def copies(self) -> dict[str, int]:
        """Repeats that have as many copies in both models, by their name in the new one."""
        return {
            after.name: after.what.copies
            for before, after in self.matches
            if before and after and isinstance(before.what, Region) and isinstance(after.what, Region)
            and before.what.copies == after.what.copies > 1
        }  # fmt: skip

    def ends(self, prefix: str) -> Iterator[Change]:
        """What is different of the inputs or the outputs."""
        for old, new in self.matched_ends(prefix):
            change = self.change(old, new)
            if change is not None:
                yield replace(change, name=change.name.removeprefix(prefix))

    def matched_ends(self, prefix: str) -> Iterator[Match]:
        """The inputs or the outputs, which have names in both."""
        names = dict.fromkeys(each for each in (*self.new, *self.old) if each.startswith(prefix))
        yield from ((_part(self.old.get(name)), _part(self.new.get(name))) for name in names)

    def change(self, old: Part | None, new: Part | None) -> Change | None:
        if old is None or new is None:
            only = old or new
            assert only is not None
            return _change("removed" if new is None else "added", only)
        if isinstance(old.what, Node) and isinstance(new.what, Node):
            found = [*self.of_layers(old.what, new.what)]
        elif isinstance(old.what, Region) and isinstance(new.what, Region):
            found = [*_of_regions(old.what, new.what)]
        else:
            return None
        if old.short != new.short:
            found.insert(0, Difference("name", old.name, new.name))
        return replace(_change("changed", new), differences=tuple(found)) if found else None

    def of_layers(self, old: Node, new: Node) -> Iterator[Difference]:
        yield from _of(("type", old.type, new.type), *_arguments(old, new))
        yield from self.reads(old, new)
        yield from _of(
            ("init", old.init, new.init), ("tie", old.ties, new.ties), ("freeze", old.frozen, new.frozen),
            ("train_only", old.passes is not None, new.passes is not None), ("options", old.options, new.options),
            ("shape", old.shape, new.shape), ("dtype", old.dtype, new.dtype),
            ("parameters", parameter_count(old), parameter_count(new)),
        )  # fmt: skip

    def reads(self, old: Node, new: Node) -> Iterator[Difference]:
        """What they read, where that is not the same layer of the two models."""
        fed: list[tuple[str, Any, Any]] = [("input", old.reads, new.reads)]
        names = dict.fromkeys((*new.keyword_reads, *old.keyword_reads))
        fed += [(name, old.keyword_reads.get(name), new.keyword_reads.get(name)) for name in names]
        for what, before, after in fed:
            if self.reference(before, 0) != self.reference(after, 1):
                yield Difference(what, _words(before), _words(after))

    def reference(self, reads: Any, side: int) -> Any:
        """References by the new model's names, followed through layers that only one of the models has."""
        if isinstance(reads, list):
            return [self.reference(each, side) for each in reads]
        if not isinstance(reads, dict):
            return reads
        if not isinstance(reads.get("from"), str):
            return {key: self.reference(each, side) for key, each in reads.items()}
        picks = {key: reads[key] for key in ("pick", "parameter") if key in reads}
        name = reads["from"]
        while name not in (self.found_again if side else self.twins):
            node = (self.new if side else self.old)[name]
            first = next(_first(node.reads), None)
            if first is None:
                return {"from": ("only here", side, name), **picks}
            name, picks = first["from"], {key: first[key] for key in ("pick", "parameter") if key in first}
        return {"from": name if side else self.twins[name], **picks}

    def totals(self) -> Iterator[Difference]:
        counts = []
        for graph in self.graphs:
            layers = [each for each in nodes(graph) if not _is_end(each)]
            counts.append((
                sum(map(parameter_count, layers)), sum(parameter_count(each) for each in layers if not each.frozen),
                plain(total(each.multiply_adds for each in layers)),
            ))  # fmt: skip
        words = ("parameters", "trainable parameters", "multiply-adds")
        yield from _of(*zip(words, *counts, strict=True))


def _is_end(each: Node) -> bool:
    return each.role in ("input", "output")


def _part(node: Node | None) -> Part | None:
    return Part(node.name, node, (), (node,)) if node is not None else None


def _change(kind: str, part: Part) -> Change:
    what = part.what
    shape = what.shape if isinstance(what, Node) else part.layers[-1].shape if part.layers else None
    return Change(
        kind=kind, name=part.name, type=what.type or "group", layers=len(part.layers), shape=shape,
        parameters=sum(map(parameter_count, part.layers)), line=what.line,
    )  # fmt: skip


def _of(*several: tuple[str, Any, Any]) -> Iterator[Difference]:
    return (Difference(what, old, new) for what, old, new in several if old != new)


def _arguments(old: Node, new: Node) -> Iterator[tuple[str, Any, Any]]:
    """The arguments that one of them has written; what the other leaves out is its default."""
    if old.type == new.type == "rearrange":
        yield "pattern", _unnamed(old), _unnamed(new)
        return
    names = list(dict.fromkeys((*new.arguments, *old.arguments)))
    if old.expression and old.expression == new.expression:  # it reads the same by other names
        names = [each for each in names if each != "value"]
    for name in names:
        yield (name, *(each.arguments.get(name, default(each, name)) for each in (old, new)))
    if "value" not in names or old.arguments.get("value") == new.arguments.get("value"):
        yield "value", old.expression, new.expression  # the same text over other params


def _unnamed(node: Node) -> str:
    """A pattern of `rearrange` with letters for its axes, in their order, and their lengths."""
    letters: dict[str, str] = {}
    pattern = re.sub(
        r"\w+", lambda axis: letters.setdefault(axis[0], chr(97 + len(letters))), node.arguments["pattern"]
    )
    lengths = [f"{letters[key]} = {size}" for key, size in node.arguments.items() if key in letters]
    return ", ".join([pattern, *sorted(lengths)])


def _of_regions(old: Region, new: Region) -> Iterator[Difference]:
    return _of(
        *([("type", old.type or "group", new.type or "group")] if new.name else []),  # the model's is its name
        ("repeat", old.copies, new.copies),
        ("init", old.init, new.init), ("freeze", old.frozen, new.frozen),
        ("train_only", old.passes is not None, new.passes is not None),
    )  # fmt: skip


def _first(reads: Any) -> Iterator[dict[str, Any]]:
    """The references of a tree, in order."""
    if isinstance(reads, list):
        for each in reads:
            yield from _first(each)
    elif isinstance(reads, dict) and isinstance(reads.get("from"), str):
        yield reads


def _words(reads: Any) -> Any:
    """References as a spec writes them; of a single one in an array no array."""
    if isinstance(reads, list):
        words = [_words(each) for each in reads]
        return words[0] if len(words) == 1 else words
    if not isinstance(reads, dict) or "from" not in reads:
        return reads
    picks = [reads["parameter"]] if "parameter" in reads else reads.get("pick", [])
    return ".".join([reads["from"].removeprefix("inputs."), *map(str, picks)])
