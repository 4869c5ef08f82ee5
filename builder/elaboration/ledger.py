"""What a walk has found so far, and what its helpers may ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from builder.elaboration.astray import Astray, astray
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.naming import failed
from builder.elaboration.sharing import Recipe
from builder.elaboration.sight import FaultToldError, Seen, data_of
from builder.graph import Node, Region
from builder.shapes.call import TensorType
from dsl.catalogue import Entry, find
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Block, Definition, Layer, Place
from dsl.tables import Faults

_MOST_AGAIN: Final = 10_000


@dataclass(slots=True)
class Ledger(ABC):
    """A walk as the kinds of layers see it: they write down what they make, and hand layers inside them back to it.

    inputs: the whole's. state: every parameter and buffer so far, by dotted name. recipes: how each module was made, by
    its path. index: where each node stands in `nodes`, each region in `regions`. places: the place of each of these,
    and the part of it that the file's line is taken from; lines are found once somebody reads them. written: the places
    of the layers that have been walked; again: how many walks have been over one of them once more. astray: the layers
    that could not be made.
    """

    faults: Faults
    vars: Mapping[str, Any]
    blocks: Mapping[str, Definition]
    nodes: list[Node] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    inputs: dict[str, Seen] = field(default_factory=dict)
    state: dict[str, TensorType] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[Place, str]] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)
    again: int = 0
    types: dict[str, Entry | None] = field(default_factory=dict)
    astray: list[Astray] = field(default_factory=list)

    @abstractmethod
    def layers(self, block: Block, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """Walk the layers of a block; its frame's scope gets their names. Gives what the last one makes."""

    @abstractmethod
    def once(self, layer: Layer, key: str | None, frame: Frame, feed: Feed, module: str | None = None) -> Seen:
        """A layer's node or nodes. key: None adds no level. module: the path of the module, if an earlier layer's."""

    @abstractmethod
    def passed(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """A layer that is not there passes its first input through, and takes no position."""

    @abstractmethod
    def seen_as(self, layer: Layer, key: str | None, seen: Seen, frame: Frame) -> Seen:
        """Put a result in sight under the layer's name or position."""

    def demand_bounded(self, layer: Layer) -> None:
        """Repeats in repeats, and blocks of blocks, multiply: what they make of the layers that are written ends."""
        place = id(layer.place)
        if place not in self.written:
            self.written.add(place)
            return
        self.again += 1
        if self.again <= _MOST_AGAIN:
            return
        if self.again == _MOST_AGAIN + 1:
            message = f"`repeat` and blocks make more than {_MOST_AGAIN:,} layers out of those that are written"
            place_told = layer.place.at("type" if layer.repeat is None else "repeat")
            self.faults.add(place_told, message, "value", fix=Fix("repeat fewer times, or nest less"))
        raise FaultToldError

    @staticmethod
    def key(name: str | None, frame: Frame) -> str | None:
        """What the next entry of the module is called; None for one that adds no level."""
        if name == "":
            return None
        key = name or str(frame.entries.count)
        frame.entries.count += 1
        return key

    def entry(self, kind: str) -> Entry | None:
        """The type of this name. Python's search path is looked at once for each name, not for each layer."""
        if kind not in self.types:
            self.types[kind] = find(kind)
        return self.types[kind]

    def write(self, node: Node, layer: Layer, frame: Frame) -> None:
        """Put a finished node down."""
        self.index[node.name] = len(self.nodes)
        self.places[node.name] = layer.place, "value"
        self.nodes.append(node)
        frame.region.children.append(node.name)

    @property
    def found(self) -> tuple[int, int]:
        """How many layers there are so far: made, and astray."""
        return len(self.nodes), len(self.astray)

    def lose(
        self, layer: Layer, key: str | None, frame: Frame, first: Any, before: Seen | None, since: tuple[int, int]
    ) -> Seen:
        """Put down a layer whose fault has been told, for pictures; what the layers below see of it.

        since: what had been found before it; where some of what is inside it has been found, that stands for it.
        """
        seen = failed(layer, key)
        if self.found == since:
            name = frame.prefix + (key or layer.name or str(frame.entries.count))
            entry = self.entry(layer.type) if layer.type and layer.type not in self.blocks else None
            self.astray.append(astray(layer, name, entry, frame, first, before, len(self.nodes)))
        astray_last = self.found[1] > since[1] and self.astray[-1].after == len(self.nodes)
        last = self.astray[-1].node if astray_last else self.nodes[-1]
        return replace(seen, reference={"from": last.name})

    def node(self, name: str) -> Node | None:
        """The node of this name, if it has been made."""
        at = self.index.get(name)
        return self.nodes[at] if at is not None else None

    def remember(self, layer: Layer, frame: Frame, key: str, path: str, *, copies: bool) -> None:
        """How a module is called, for calls further down: made as at first, it reads what stands around this call."""
        known = layer.type is not None and layer.type not in self.blocks and not holds_expression(layer.type)
        recipe = Recipe.of(layer, frame, key, self.entry(layer.type or "") if known else None, copies=copies)
        earlier = self.recipes.get(path) if frame.shared else None
        self.recipes[path] = recipe if earlier is None else replace(earlier, frame=recipe.frame)

    def owner(self, path: str) -> Node | None:
        """The node that made the module at this path; of a group or a block the module in it that adds no level."""
        made = self.recipes.get(path)
        found = self.node(made.name) if made else None
        if found is not None or made is None:
            return found
        return next((each for each in self.nodes if each.module == path and each.role == "module"), None)

    # Regions

    def open(
        self, name: str, kind: str, place: Place, module: str = "", reads: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None, copies: int = 0,
    ) -> Region:  # fmt: skip
        region = Region(name=name, type=kind, module=module, copies=copies, reads=dict(reads or {}),
                        params=data_of(dict(params or {})))  # fmt: skip
        self.index[f"region {name}"] = len(self.regions)
        self.places[f"region {name}"] = place, "key"
        self.regions.append(region)
        return region

    def close(self, name: str, **found: Any) -> None:
        """Write into a region what became known of it."""
        at = self.index[f"region {name}"]
        self.regions[at] = replace(self.regions[at], **found)
