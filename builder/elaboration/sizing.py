"""Where the sizes that are known only when the model runs are found then: in which dim of which tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from builder.elaboration.sight import Seen
from builder.shapes.call import TensorType
from builder.shapes.sizes import Free, named, names


def places_of(arguments: Mapping[str, Any], read: Sequence[Seen], around: Iterable[Seen]) -> dict[str, Any]:
    """Text of a size, or of a free name in one -> [reference, dim].

    A size that a tensor read here has is taken from it; else its names are, from here or from what is in sight.
    """
    found: dict[str, Any] = {}
    sizes = list(_free(arguments.values()))
    seen = [*read, *around] if sizes else []
    for size in sizes:
        here = _place_of(size, read)
        if here is not None:
            found[str(size)] = here
            continue
        for name in sorted(names(size)):
            place = _place_of(named(name), seen)
            if place is not None:
                found[name] = place
    return found


def _place_of(size: Any, several: Iterable[Seen]) -> list[Any] | None:
    for seen in several:
        if isinstance(seen.value, TensorType) and not seen.barred and size in seen.value.shape:
            return [seen.reference, seen.value.shape.index(size)]
    return None


def _free(values: Iterable[Any]) -> Iterator[Free]:
    for value in values:
        if isinstance(value, Free):
            yield value
        elif isinstance(value, list | tuple):
            yield from _free(value)
        elif isinstance(value, dict):
            yield from _free(value.values())
