"""What becomes a class, what a Sequential or a list of modules, and what each must be handed to run.

A *key* names something that a line of `forward` reads: `(node, *picks)` for what a node makes; `("#region:name",
*picks)` for an input of a group or a block; `("@path", *picks)` for a module, parameter or buffer by its dotted path
from the top, which a class reaches itself where it lies inside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder import graph as contract
from builder.codegen.forms import Form, Key, form_of
from builder.codegen.imports import imported_names, targets_of
from builder.codegen.literals import entry_of
from builder.graph import Node, Region

if TYPE_CHECKING:
    import networkx

_STORED = ("parameter", "buffer")


@dataclass(slots=True)
class Structure:
    """A graph as modules in modules.

    needs: of each region, the keys that come from outside it, in the order of use. read: what any line reads, the
    first parts of keys. instances: of each block the regions that it makes. calls: of each module. kept: nodes whose
    value is worked out when the model is made, for a buffer that keeps it, and in no call. imported: names of layers
    from Python. defaults: of each module in a block, the arguments that it leaves at their default and another
    instance's does not.
    """

    graph: networkx.DiGraph[str]
    nodes: dict[str, Node] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    needs: dict[str, dict[Key, None]] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    instances: dict[str, list[Region]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    forms: dict[str, Form] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    tied: list[Node] = field(default_factory=list)
    imported: frozenset[str] = frozenset()
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in contract.nodes(self.graph)}
        self.regions = contract.regions(self.graph)
        for region in self.regions.values():
            self.calls[region.module] += 1
            if region.type and region.module == region.name:
                self.instances.setdefault(region.type, []).append(region)
        self.imported = imported_names(targets_of(self.nodes.values()))
        self.kept = self._kept()
        self.tied = [node for node in self.nodes.values() if node.ties]
        self.needs = {name: {} for name in self.regions}
        self.defaults = self._left_out()
        self._note_needs("")
        for name in reversed(self.regions):  # inner ones first
            self.forms[name] = form_of(self, name)

    # Keys

    def key(self, reference: Any) -> Key:
        node, picks = self.nodes[reference["from"]], tuple(reference.get("pick", ()))
        if "input" in reference:
            region, name, path, picked = reference["input"]
            return (f"#{region}:{name}", *path, *picks[picked:])
        if "parameter" in reference:
            return (f"@{node.module}.{reference['parameter']}" if node.module else f"@{reference['parameter']}",)
        if node.role in _STORED:
            return (f"@{node.module}", *picks)
        return (node.name, *picks)

    def keys(self, references: Any) -> Iterator[Key]:
        """The keys in a structure of references."""
        if isinstance(references, list):
            for each in references:
                yield from self.keys(each)
        elif isinstance(references, dict) and isinstance(references.get("from"), str):
            yield self.key(references)
        elif isinstance(references, dict):
            for each in references.values():
                yield from self.keys(each)

    def steps(self, key: Key) -> list[str]:
        """Each pick of a key as text: a dict that feeds an input is asked by key, torch's named tuples by attribute."""
        region, _, name = str(key[0]).removeprefix("#").rpartition(":")
        fed = self.regions[region].reads[name] if str(key[0]).startswith("#") else None
        texts = []
        for pick in key[1:]:
            structured = isinstance(fed, list) or (isinstance(fed, dict) and not isinstance(fed.get("from"), str))
            texts.append(f'["{pick}"]' if structured and isinstance(pick, str) else _picked(pick))
            fed = fed[pick] if structured and fed is not None else None
        return texts

    def inside(self, key: Key, region: str) -> bool:
        """Whether a region makes or holds what the key names."""
        if not region:
            return True
        if key[0].startswith("@"):
            there = self.regions[region]  # copies that another made are called one by one by what stands around them
            opened = there.copies and there.module != region
            return not opened and str(key[0]).startswith(f"@{there.module}.")
        if key[0].startswith("#"):
            return f"{str(key[0])[1:].rpartition(':')[0]}.".startswith(f"{region}.")
        return str(key[0]).startswith(f"{region}.")

    def reads(self, node: Node) -> Iterator[Key]:
        """What a node's line in `forward` reads, its module among it."""
        yield from self.keys([node.reads, node.keyword_reads, node.device, node.passes])
        for reference, _ in node.sizes.values():
            yield self.key(reference)
        if node.role == "module" and node.module != self.regions[node.region].module:
            yield (f"@{node.module}",)

    def parts(self, region: str) -> Iterator[tuple[str, list[Key]]]:
        """Nodes and regions that `forward` of a region calls, in order, with what each reads; lists are opened."""
        for child in self.regions[region].children:
            if child in self.nodes:
                if self.nodes[child].role not in _STORED and child not in self.kept:
                    yield child, list(self.reads(self.nodes[child]))
            elif self.forms[child] == "list" or (self.forms[child] == "call" and self.regions[child].copies):
                yield from self.parts(child)
            elif self.runs(child):
                yield child, self.call_reads(child)

    def call_reads(self, region: str) -> list[Key]:
        """What the call of a region reads: its inputs, what else it needs, and itself where another made it."""
        there = self.regions[region]
        own = [] if there.module == region or not self._computes(region) else [(f"@{there.module}",)]
        return [*self.keys([there.reads, there.passes]), *self.needs[region], *own]

    def runs(self, region: str) -> bool:
        """Whether anything in a region is called, besides tensors that it holds."""
        return self.forms[region] != "nothing" and self._computes(region)

    def _computes(self, region: str) -> bool:
        return any(
            self._computes(child) if child in self.regions else self.nodes[child].role not in _STORED
            for child in self.regions[region].children
        )

    def is_called_once(self, region: Region) -> bool:
        return self.calls[region.module] == 1

    def starts_itself(self, region: Region) -> bool:
        """Whether the class of a region starts its parameters: all instances of its block do so in the same way. Where
        they do not, what holds an instance starts it."""
        return not region.type or len({tuple(each.init) for each in self.instances[region.type]}) == 1

    def is_function(self, name: str) -> bool:
        """Whether a region is a chain that a block makes more than once, and so a function of its own."""
        block = self.regions[name].type
        if not block or self.forms[name] != "chain":
            return False
        chains = (each for each in self.instances[block] if self.forms[each.name] == "chain")
        return next(chains, None) is not next(chains, None)

    def tied_to(self, path: str) -> str:
        """The parameter that one is in the end, where the one that it is tied to is tied itself."""
        targets = {f"{node.module}.{name}" if node.module else name: target
                   for node in self.nodes.values() for name, target in node.ties.items()}  # fmt: skip
        while path in targets:
            path = targets[path]
        return path

    # Structure

    def _kept(self) -> set[str]:
        read_by: dict[str, set[str]] = {}
        for node in self.nodes.values():
            for source in contract.references([node.reads, node.keyword_reads]):
                read_by.setdefault(source, set()).add(node.name)
        kept: set[str] = set()
        for node in reversed(self.nodes.values()):
            readers = read_by.get(node.name, set())
            computed = node.role in ("function", "method", "value") and bool(readers)
            if computed and all(self.nodes[each].role == "buffer" or each in kept for each in readers):
                kept.add(node.name)
        return kept

    def _left_out(self) -> dict[str, dict[str, Any]]:
        places: dict[tuple[str, str, str], list[Node]] = {}
        for node in self.nodes.values():
            around = self.block_around(node.region)
            if around and node.role == "module":
                places.setdefault((self.regions[around].type, node.name[len(around) :], node.target), []).append(node)
        found = {}
        for nodes in places.values():
            defaults = {each.name: each.default for each in entry_of(nodes[0].target).parameters
                        if isinstance(each.default, int | float | str)}  # fmt: skip
            said = {key: None for node in nodes for key in node.arguments if key in defaults}
            found.update(
                {node.name: {key: defaults[key] for key in said if key not in node.arguments} for node in nodes}
            )
        return found

    def block_around(self, region: str) -> str:
        """The region that a named block makes, from one inside it; "" where there is none."""
        while region and not self.regions[region].type:
            region = region.rpartition(".")[0]
        return region

    def _note_needs(self, region: str) -> None:
        for child in self.regions[region].children:
            if child in self.regions:
                there = self.regions[child]
                self._need(self.keys([there.reads, there.passes]), region)
                if there.module != child and not there.copies and self._computes(child):
                    self._need([(f"@{there.module}",)], region)
                self._note_needs(child)
            elif self.nodes[child].role not in _STORED and child not in self.kept:
                self._need(self.reads(self.nodes[child]), region)
        self._need(self.keys(self.regions[region].results), region)

    def _need(self, keys: Any, region: str) -> None:
        for key in keys:
            self.read.add(str(key[0]))
            at = region
            while at and not self.inside(key, at):
                self.needs[at][key] = None
                at = at.rpartition(".")[0]
                while at not in self.regions:
                    at = at.rpartition(".")[0]


def _picked(pick: int | str) -> str:
    return f".{pick}" if isinstance(pick, str) else f"[{pick}]"
