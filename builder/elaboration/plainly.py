"""Layers as an outline has them: plain ones, and closed ones.

A *plain* layer has a type with plain arguments, and reads the layer before or layers by their names: what it gives
hangs on nothing else. Any other is *closed* (a group, a block, a repeat, an expression ...): it is kept as it is, as
long as nothing changes that it could see.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from builder.elaboration.arguments import is_reference
from builder.elaboration.frame import Entries, Feed, Frame
from builder.elaboration.settled import Settled, known, plain_arguments, plain_call
from builder.elaboration.sight import FaultToldError, Seen
from builder.elaboration.stored import STORED
from builder.elaboration.typed import TypedLayer
from builder.graph import Region
from builder.shapes.call import TensorType, Value
from dsl.catalogue import Entry, find
from dsl.expressions import holds_expression, whole
from dsl.reading.blocks import plain_layer
from dsl.records import Layer, Spec
from dsl.tables import Faults

_MOST: Final = 256  # feeds that a kind remembers
_WORD: Final = re.compile(r"[\w-]+")
_NAME: Final = re.compile(r"\w+")
_OWN: Final = ("name", "when", "repeat", "value")  # keys in which an expression names no layer by a text of its making


@dataclass(slots=True, eq=False)
class Kind:
    """All the plain layers of one type with the same arguments. several: they read an array. made: what they came to,
    by what they were fed."""

    layer: Layer
    entry: Entry
    several: bool
    made: dict[tuple[Value, ...], Settled] = field(default_factory=dict)

    def settled(self, feed: tuple[Value, ...]) -> Settled | None:
        """What such a layer makes of these; None where that is a fault, or is not told by them alone."""
        if not all(isinstance(value, TensorType) for value in feed):
            return None
        found = self.made.get(feed)
        if found is None:
            found = self._worked_out(Feed(tuple(Seen(value, {"from": ""}, "") for value in feed), array=self.several))
            if found is not None:
                if len(self.made) >= _MOST:
                    self.made.clear()
                self.made[feed] = found
        return found

    def _worked_out(self, feed: Feed) -> Settled | None:
        call, faults = plain_call(self.entry, self.layer, feed), Faults()
        frame = Frame("", "", Entries(Region(name="", type="")), {}, {})
        if call is None:
            return None
        try:
            TypedLayer(faults, self.layer, self.entry, "", "", frame, feed, {}).node()
        except FaultToldError:
            return None
        return known(call)


@dataclass(slots=True, eq=False)
class Plain:
    """reads: names, or None for the layer before. names: its own, if it has one."""

    name: str | None
    kind: Kind
    reads: tuple[str, ...] | None
    names: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Closed:
    """A layer as the walk over the whole left it.

    seens: what it put in sight by name. seen: what it gives. words: every word that is written in it. conditions: those
    that it sets. doubtful: which layers it reads is not told by its words.
    """

    seens: Mapping[str, Seen]
    seen: Seen | None
    words: frozenset[str]
    conditions: Sequence[str]
    doubtful: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.seens)

    @property
    def value(self) -> Value:
        return self.seen.value if self.seen is not None else None

    @property
    def owned(self) -> Mapping[str, TensorType]:
        return self.seen.parameters if self.seen is not None else {}


Row: TypeAlias = Plain | Closed
Outcome: TypeAlias = Settled | Closed  # what a row came to; a closed one is its own


class Plainly:
    """Reads layers as plain ones, for one spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.kinds: dict[Hashable, Kind | None] = {}
        self.entries: dict[str, Entry | None] = {}

    def plain(self, table: Any) -> Plain | None:
        """A layer's table as a plain layer; None where it is none, or is not well-formed."""
        layer = plain_layer(table, self.spec.place) if isinstance(table, dict) else None
        arguments = plain_arguments(layer) if layer is not None else None
        if layer is None or arguments is None:
            return None
        reads = _names_of(layer.input)
        kind = self._kind(layer, isinstance(layer.input, list), arguments)
        if kind is None or (reads is None and layer.input is not None):
            return None
        return Plain(layer.name, kind, reads, (layer.name,) if layer.name is not None else ())

    def _kind(self, layer: Layer, several: bool, arguments: Hashable) -> Kind | None:
        of = layer.type, several, arguments
        if of not in self.kinds:
            entry = self._entry(str(layer.type))
            fits = entry is not None and not any(is_reference(entry, *each) for each in layer.arguments.items())
            self.kinds[of] = Kind(layer, entry, several) if entry is not None and fits else None
        return self.kinds[of]

    def _entry(self, name: str) -> Entry | None:
        special = name in self.spec.blocks or name in STORED or holds_expression(name)
        return None if special else find(name)


def _names_of(written: Any) -> tuple[str, ...] | None:
    """The names of layers in an `input`; None where it may say more than that."""
    several = written if isinstance(written, list) else [written]
    return tuple(several) if all(isinstance(each, str) and _is_name(each) for each in several) else None


def _is_name(text: str) -> bool:
    return _WORD.fullmatch(text) is not None and not text.isdigit()


def closed(table: Any, vars: Mapping[str, Any], **found: Any) -> Closed:
    """A layer that is not plain. A var may hold a layer's name."""
    written = [*texts([table, vars])]
    words = {word for _, text in written for pattern in (_WORD, _NAME) for word in pattern.findall(text)}
    doubtful = any(is_doubtful(key, text) for key, text in written)
    return Closed(words=frozenset(words), doubtful=doubtful, **found)


def texts(written: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, its keys too, with the key that it stands under."""
    if isinstance(written, str):
        yield key, written
    elif isinstance(written, Mapping):
        for inner, each in written.items():
            yield "", inner
            yield from texts(each, inner)
    elif isinstance(written, list):
        for each in written:
            yield from texts(each, key)


def is_doubtful(key: str, text: str) -> bool:
    """Whether a text may lead to a layer that is no word of it: by its position, or by a name that is put together."""
    if not holds_expression(text):
        return text.partition(".")[0].isdigit()
    return key not in _OWN and (whole(text) is None or "'" in text or '"' in text)
