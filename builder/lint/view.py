"""What the checks look at: a checked spec, its nodes and who reads them, and the place of each in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from builder.checking import Checked, target_of
from builder.elaboration import Elaboration
from builder.graph import Node, Region
from builder.lint.reads import Read, called, reads_of, trains
from dsl.diagnostics import Diagnostic, Fix
from dsl.records import Block, Layer, Place


@dataclass(frozen=True)
class View:
    """A sound spec as one web. Nodes of the n-th term of the loss have names that begin with `loss n: `, and its inputs
    read the model's outputs and inputs."""

    checked: Checked
    nodes: dict[str, Node] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    reads: dict[str, list[Read]] = field(default_factory=lambda: defaultdict(list))
    readers: dict[str, list[Read]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, checked: Checked) -> View:
        view = cls(checked)
        view._add(checked.model, "")
        for index, (_, done) in enumerate(checked.losses):
            view._add(done, f"loss {index}: ")
        return view

    def _add(self, done: Elaboration, prefix: str) -> None:
        self.regions.update((prefix + each.name, each) for each in done.regions)
        for node in done.nodes:
            self.nodes[prefix + node.name] = node
            for read in reads_of(node):
                self._join(replace(read, source=prefix + read.source, reader=prefix + read.reader))
            if prefix and node.role == "input":
                self._join(Read(self._outside(node.name.partition(".")[2]), prefix + node.name))
            if prefix and node.role == "value" and not node.expression:
                self._read_all(prefix, node)

    def _read_all(self, prefix: str, node: Node) -> None:
        """A value over targets that are not known is not worked out: it may read all that is in its sight."""
        for name in self.nodes:
            if name.startswith(("inputs.", "outputs.", prefix)) and name != prefix + node.name:
                self._join(Read(name, prefix + node.name))

    def _join(self, read: Read) -> None:
        self.reads[read.reader].append(read)
        self.readers[read.source].append(read)

    def _outside(self, name: str) -> str:
        """The node of the model that a loss reads by this name; else its field, which is no node."""
        outputs = list(self.checked.model.outputs)
        name = outputs[0] if name == "output" and len(outputs) == 1 else name
        return next((each for each in (f"outputs.{name}", f"inputs.{name}") if each in self.nodes), f"field.{name}")

    # What becomes of a node

    @cached_property
    def ends(self) -> list[str]:
        """What a gradient comes from: the terms of the loss; without a loss, the model's outputs."""
        found = [name for name, node in self.nodes.items() if node.role == "output"]
        return [name for name in found if not self.checked.losses or in_loss(name)]

    @cached_property
    def used(self) -> set[str]:
        """The nodes that an output or the loss hangs on."""
        found = {name for name, node in self.nodes.items() if node.role == "output"}
        todo = list(found)
        while todo:
            name = todo.pop()
            sources = {each.source for each in self.reads[name]} | self._tied(name)
            todo += sources - found
            found |= sources
        return found

    def _tied(self, name: str) -> set[str]:
        """The nodes whose parameters are this one's too."""
        targets = self.nodes[name].ties.values() if name in self.nodes else ()
        return {owner for target in targets for owner in self.owners.get(target, ())}

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """The nodes that make a parameter, by its key in the state dict."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, node in self.nodes.items():
            for key in state_keys(node) if not in_loss(name) else ():
                found[key].append(name)
        return found

    def returned_to(self, read: Read) -> bool:
        """Whether a gradient that is there for the reader comes back to what it reads."""
        source = self.nodes.get(read.source)
        return read.returns and source is not None and (read.parameter is not None or trains(source, read.pick))

    def origin(self, read: Read) -> Node | None:
        """The node that made the numbers that are read, behind those that only give them another shape."""
        node = self.nodes.get(read.source)
        while node is not None and (node.role in ("input", "output") or node.kind == "shape" or called(node) in _SAME):
            feeding = [each for each in self.reads[read.source] if each.whole]
            if not feeding:
                return None
            read = feeding[0]
            node = self.nodes.get(read.source)
        return node if read.parameter is None else None

    # Where it stands

    @cached_property
    def layers(self) -> dict[tuple[str, int, int], Layer]:
        """The layers as written, by where they begin."""
        spec = self.checked.spec
        losses = (loss.block for loss, _ in self.checked.losses)
        bodies = [spec.model, *(each.body for each in spec.blocks.values()), *losses]
        return {_start(layer.place): layer for body in bodies for layer in layers_in(body)}

    def layer(self, what: Node | Region) -> Layer | None:
        """The layer that a node or a region comes from."""
        return self.layers.get((what.file, what.line, what.column))

    def line(self, node: Node) -> str:
        """Words such as "line 22", with the file where there are several."""
        layer = self.layer(node)
        return layer.place.line_words if layer is not None else f"line {node.line}"

    def stands(self, node: Node) -> str:
        """A sentence about where another layer is that a warning speaks of."""
        return f"{node.type} stands in {self.line(node)}"

    def at(self, what: Node | Region, *keys: str) -> Place:
        """The place of a layer's first key of these that is written, else of its `type` or what it has in its stead."""
        layer = self.layer(what)
        if layer is None:
            return self.checked.spec.place
        table = self._written(layer.place)
        wanted = (*keys, "type", "value", "share", "layers")
        return next((layer.place.at(key) for key in wanted if key in table), layer.place)

    def _written(self, place: Place) -> Mapping[str, Any]:
        table: Any = self.checked.spec.document.tables
        for step in place.path:
            table = table[step]
        return table if isinstance(table, dict) else {}

    def alike(self, found: Iterable[str]) -> list[str]:
        """Those of some nodes whose layer has no other node that is not among them: a layer of a block or a repeat is
        warned of where the warning holds for every use and every copy."""
        chosen = set(found)
        places: dict[tuple[str, int, int], list[str]] = defaultdict(list)
        for name, node in self.nodes.items():
            if node.role not in ("input", "output"):
                places[node.file, node.line, node.column].append(name)
        whole = [each for each in places.values() if chosen.issuperset(each)]
        return [group[0] for group in whole]

    def high(self, name: str) -> int | None:
        """Below what the numbers of a field lie, by the name that a loss reads it by; None where it is not known."""
        fields = {each.name: each for each in self.checked.fields or ()}
        prepared = self.checked.prepare.outputs if self.checked.prepare else {}
        if name == "target" and name not in fields:
            name = target_of(self.checked.feeding, [*fields, *(each for each in prepared if each not in fields)]) or ""
        return None if name in prepared or name not in fields else fields[name].high


# What gives the numbers that it reads, maybe in another dtype.
_SAME = frozenset(("Identity", "clone", "to", "type_as", "float", "double", "half", "bfloat16"))


def in_loss(name: str) -> bool:
    """Whether a node is of a term of the loss."""
    return name.startswith("loss ")


def state_keys(node: Node) -> list[str]:
    """The keys in the state dict of the parameters that a node makes and that are its own."""
    own = [key for key in node.parameters if key not in node.ties]
    if node.role == "parameter":
        return [str(node.module)] if own else []
    return [f"{node.module}.{key}" if node.module else key for key in own]


def layers_in(block: Block) -> Iterator[Layer]:
    """The layers of a block and of the groups in it."""
    for layer in block.layers:
        yield layer
        if layer.group is not None:
            yield from layers_in(layer.group)


def label(view: View, what: Node | Region) -> str:
    """What a layer is called in a warning: its name as written, else its type."""
    layer = view.layer(what)
    written = layer.name if layer is not None and layer.name and "${" not in layer.name else None
    return written or what.type or what.name


def warning(
    place: Place, code: str, message: str, *notes: str, fix: Fix | None = None, part: str = "pair"
) -> Diagnostic:
    """One warning at a place of the spec."""
    return replace(place.fault(message, code, part=part, notes=notes, fix=fix), severity="warning")


def _start(place: Place) -> tuple[str, int, int]:
    span = place.span("value")
    return place.source.name, span.line, span.column
