"""Checking a text again and again while it is changed, as an editor or a language server does.

A sound text is kept in outline. Of the next one, only the layers that a change reaches are looked at, as long as it
changes the model's layers alone; where there is any doubt, and for every fault, the whole is checked as ever.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from builder.checking import Checked, check, check_around, with_meaning
from builder.elaboration.outline import Outline, outline_of
from builder.shapes.call import Value
from dsl import files
from dsl.catalogue import registered
from dsl.reader import read
from dsl.source import Source
from dsl.tables import Faults


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What is known of a text in which nothing is wrong.

    gives: what each of the outermost layers gives, in their order. outputs: what the model gives, by name. conditions:
    what must hold of its free sizes.
    """

    source: Source
    gives: Sequence[Value]
    outputs: Mapping[str, Value]
    conditions: list[str]
    found: Checked | None = None

    @cached_property
    def checked(self) -> Checked:
        """All of it: every layer's node with its line. Made by a check of the whole, where that is still to be done."""
        return self.found or check(read(self.source))


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The last sound text. rest: its tables without the model's layers, as text. around: as `_around` tells it."""

    name: str
    rest: str
    around: Any
    checked: Checked
    outline: Outline


class Checker:
    """Checks one file's texts, each the last one changed. In a text that stands on other files nothing is kept.

    whole: how many of the texts were checked from one end to the other.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self.whole = 0

    def check(self, text: str, name: str = "<spec>") -> Sound:
        """What is known of a sound text. Raises SpecError with all that is wrong, as `builder.checking` does.

        name: the file's; data and other files are looked for where a spec of this name would have them looked for.
        """
        source = Source(name, text.replace("\r\n", "\n"))
        tables = files.parse(source)
        return self._again(source, tables) or self._anew(source, tables)

    def _again(self, source: Source, tables: Mapping[str, Any]) -> Sound | None:
        """The answer by what is kept; None where that does not give one for certain."""
        kept, (rest, layers) = self._kept, _parted(tables)
        if kept is None or kept.name != source.name or layers is None or kept.rest != rest:
            return None
        outline = kept.outline.renewed(layers) if kept.around == _around() else None
        if outline is None or outline.outputs is None:
            return None
        faults = Faults()
        model = replace(kept.checked.model, outputs=outline.outputs, conditions=outline.conditions)
        check_around(kept.checked.spec, model, faults)
        if faults:
            return None
        self._kept = replace(kept, outline=outline)
        gives = [each.value for each in outline.came_to]
        return Sound(source=source, gives=gives, outputs=outline.outputs, conditions=outline.conditions)

    def _anew(self, source: Source, tables: Mapping[str, Any]) -> Sound:
        self.whole += 1
        checked = check(with_meaning(lambda: read(source, tables)))
        rest, layers = _parted(tables)
        alone = not any(key in tables for key in ("extends", "include", "patch")) and checked.spec.weights is None
        outline = outline_of(checked.spec, checked.model, layers) if layers is not None and alone else None
        if outline is not None:
            self._kept = _Kept(name=source.name, rest=rest, around=_around(), checked=checked, outline=outline)
        marks = checked.model.course.marks if checked.model.course is not None else ()
        gives = [mark.seen.value if mark.seen is not None else None for mark in marks]
        return Sound(source=source, gives=gives, outputs=checked.model.outputs, conditions=checked.model.conditions,
                     found=checked)  # fmt: skip


def _parted(tables: Mapping[str, Any]) -> tuple[str, list[Any] | None]:
    """(all but the model's layers, as text in which order and kinds of numbers tell; the layers)."""
    model = tables.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("layers"), list):
        return "", None
    return repr({**tables, "model": {**model, "layers": None}}), model["layers"]


def _around() -> Any:
    """What types of layers there are hangs on: what Python has registered, and where it looks for packages."""
    return registered.targets(), registered.replacements(), os.getcwd(), [*sys.path]
