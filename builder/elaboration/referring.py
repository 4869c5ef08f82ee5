"""A reference becomes what it names, or a fault that says what stands where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.elaboration.sight import FaultToldError, Seen, text_of
from dsl.catalogue import suggest
from dsl.diagnostics import Fix
from dsl.records import Layer, Place
from dsl.tables import Faults, described

_MOST = 12  # names that a note lists
_VALUE = re.compile(r"true|false|[\d.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a reference, for words about one that leads nowhere.

    layers: those of its block, from the first to the last. block: the named block that it stands in, if one.
    what: what it must name. value: whether a number or a truth value might stand there too.
    """

    layers: Sequence[Layer] = ()
    block: str = ""
    what: str = "no layer or input before this one"
    value: bool = False


def look_up(
    reference: Any, scope: Mapping[str, Seen], place: Place, faults: Faults, around: Surroundings | None = None
) -> Seen:
    """The layer or input of this name, or the result of it that a pick names (`lstm.1.0`)."""
    around = around or Surroundings()
    if not isinstance(reference, str):
        faults.add(place, f"a reference is a name, not {described(reference)}", "reference", part="value")
        raise FaultToldError
    head, *picks = [reference] if reference in scope else reference.split(".")
    if head not in scope:
        _tell_unknown(head, picks, scope, place, faults, around)
        raise FaultToldError
    seen = scope[head]
    if seen.barred and not (picks and picks[0] in seen.parameters):
        faults.add(place, seen.barred, "reference", part="value")
        raise FaultToldError
    for pick in picks:
        seen = _picked(seen, pick, place, faults, around)
    return seen


def _tell_unknown(
    head: str, picks: Sequence[str], scope: Mapping[str, Seen], place: Place, faults: Faults, around: Surroundings
) -> None:
    where = _standing(head, around.layers)
    near = suggest(head, list(scope)) if not where else []
    fix = Fix(f'did you mean "{".".join([near[0], *picks])}"?') if near else None
    notes = [where] if where else [] if near else [f"names in sight: {_some(list(scope))}"]
    if around.block and not where and not near:
        notes.append("a named block sees its own inputs, its params and [vars]")
    if around.value and _VALUE.fullmatch(head) and not near:
        notes.append("text is the name of a layer, or its position; a number or a truth value stands without quotes")
    faults.add(place, f'{around.what} is called "{head}"', "reference", part="value", notes=tuple(notes), fix=fix)


def _standing(name: str, layers: Sequence[Layer]) -> str:
    """Where a layer of this name stands, if not in sight."""
    if any(each.name == name for each in layers):
        return f"`{name}` is this layer, or stands after it: a layer sees what stands before it"
    for each, inner in _within(layers):
        if inner.name == name:
            around = f"the group `{each.name}`" if each.name else "a group"
            return f"`{name}` stands inside of {around}, of which only the `outputs` are seen from outside"
    return ""


def _within(layers: Sequence[Layer]) -> Iterator[tuple[Layer, Layer]]:
    """Every layer in a group of these, with the outermost group."""
    for each in layers:
        if each.group is not None:
            yield from ((each, inner) for inner in each.group.layers)
            yield from ((each, inner) for _, inner in _within(each.group.layers))


def _some(names: Sequence[str]) -> str:
    """The last ones, which stand nearest."""
    return ", ".join([*(["..."] if len(names) > _MOST else []), *names[-_MOST:]]) or "none"


def _picked(seen: Seen, pick: str, place: Place, faults: Faults, around: Surroundings) -> Seen:
    if seen.value is None:
        return seen
    found = seen.pick(pick)
    if found is not None:
        return found
    value, label = seen.value, seen.label
    several = isinstance(value, tuple | dict)
    word = f"`{pick}`" if pick else "what would stand behind the last dot"
    there = [f"{label}.{each}" for each in seen.picks if not several or each not in seen.parameters]
    notes = [f"what can be picked: {', '.join(there)}"] if there else []
    if several:
        message = f"`{label}` has no result {word}" + ("" if seen.unknown else f": it gives {text_of(value)}")
    elif any(each.name == label and each.repeat is not None for each in around.layers):
        message = f"`{label}` gives the result of its last copy, {text_of(value)}, and {word} is not seen from outside"
        notes = []
    else:
        message = f"`{label}` gives one tensor, {text_of(value)}, and has no {word} to pick"
        if not there and seen.module is not None:
            notes = ["the inside of a group, a block or a repeat is not visible from outside; its `outputs` are"]
    near = suggest(pick, seen.picks)
    fix = Fix(f'did you mean "{label}.{near[0]}"?') if near else None
    faults.add(place, message, "reference", part="value", notes=tuple(notes), fix=fix)
    raise FaultToldError
