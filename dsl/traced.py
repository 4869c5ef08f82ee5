"""Values that know where they were written, whichever file or `--set` said them, and what they hide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dsl.diagnostics import Diagnostic, Fix
from dsl.source import Path, Source, key_text


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A value of a spec, the source that says it, and the path of keys to it there.

    value: the value as it was read, all of it from one place. parts: in place of it, the parts of a table or an array
    that was put together. hides: what stood here before something laid over it.
    """

    source: Source
    path: Path
    value: Any = None
    parts: dict[str, Traced] | list[Traced] | None = None
    hides: Traced | None = None

    def opened(self) -> dict[str, Traced] | list[Traced] | None:
        """The parts of a table or an array; None where it is neither."""
        if self.parts is not None:
            return self.parts
        if isinstance(self.value, dict):
            return {key: Traced(self.source, (*self.path, key), each) for key, each in self.value.items()}
        if isinstance(self.value, list):
            return [Traced(self.source, (*self.path, index), each) for index, each in enumerate(self.value)]
        return None

    def table(self) -> dict[str, Traced] | None:
        """The parts of a table; None where it is none."""
        found = self.opened()
        return found if isinstance(found, dict) else None

    def array(self) -> list[Traced] | None:
        """The parts of an array; None where it is none."""
        found = self.opened()
        return found if isinstance(found, list) else None

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.parts, dict):
            return {key: each.plain() for key, each in self.parts.items()}
        return self.value if self.parts is None else [each.plain() for each in self.parts]

    def find(self, path: Path) -> Traced | None:
        """The value at a path below this one; None where nothing is written."""
        found: Traced | None = self
        for step in path:
            found = found.part(step) if found is not None else None
        return found

    def part(self, step: str | int) -> Traced | None:
        parts = self.opened()
        if isinstance(parts, dict):
            return parts.get(step) if isinstance(step, str) else None
        inside = parts is not None and isinstance(step, int) and 0 <= step < len(parts)
        return parts[step] if inside else None  # type: ignore[index]

    def origin(self, path: Path) -> tuple[Source, Path]:
        """The source of what stands at a path, and the path there; of what nothing writes, where it would stand."""
        found = self
        for depth, step in enumerate(path):
            below = found.part(step) if found.parts is not None else None
            if below is None:
                return found.source, (*found.path, *path[depth:])
            found = below
        return found.source, found.path

    def put(self, path: Path, value: Traced) -> Traced:
        """This with another value at a path, whose tables and array elements are there or are tables yet to be made."""
        if not path:
            return replace(value, hides=self)
        parts = self.opened()
        step = path[0]
        if isinstance(parts, list) and isinstance(step, int):
            return self.with_parts([*parts[:step], parts[step].put(path[1:], value), *parts[step + 1 :]])
        table = parts if isinstance(parts, dict) else {}
        below = table.get(str(step))
        made = below.put(path[1:], value) if below is not None else _new(path[1:], value)
        return self.with_parts({**table, str(step): made})

    def with_parts(self, parts: dict[str, Traced] | list[Traced]) -> Traced:
        return replace(self, value=None, parts=parts)

    def without(self, *keys: str) -> Traced:
        """A table without some of its keys; itself where it has none of them."""
        table = self.table() or {}
        kept = {key: each for key, each in table.items() if key not in keys}
        return self if len(kept) == len(table) else self.with_parts(kept)

    def sources(self) -> Iterator[str]:
        """The names of the sources of this and its parts."""
        yield self.source.name
        for each in self.parts.values() if isinstance(self.parts, dict) else self.parts or ():
            yield from each.sources()

    def stack(self) -> Iterator[Traced]:
        """The value, then what it hides, the topmost first."""
        found: Traced | None = self
        while found is not None:
            yield found
            found = found.hides

    def fault(self, message: str, code: str, **details: Any) -> Diagnostic:
        return fault_at(self.source, self.path, message, code, **details)


def merged(base: Traced, over: Traced) -> Traced:
    """One value over another: tables key by key, all else replaced."""
    below, above = base.table(), over.table()
    if below is None or above is None:
        return replace(over, hides=base)
    parts = {}
    for key in _order(below, above):
        if key in below and key in above:
            parts[key] = merged(below[key], above[key])
        else:
            parts[key] = above[key] if key in above else below[key]
    return over.with_parts(parts)


def _order(below: dict[str, Traced], above: dict[str, Traced]) -> list[str]:
    """The keys below, and new ones before the key of both that they were written before: a var that is written anew
    may read those above it."""
    before: dict[str, list[str]] = {}
    waiting: list[str] = []
    for key in above:
        if key in below:
            before[key], waiting = waiting, []
        else:
            waiting.append(key)
    return [each for key in below for each in (*before.get(key, ()), key)] + waiting


def _new(path: Path, value: Traced) -> Traced:
    """The value within as many tables as the path has steps."""
    for step in reversed(path):
        value = Traced(value.source, value.path, parts={str(step): value})
    return value


def fault_at(
    source: Source,
    path: Path,
    message: str,
    code: str,
    *,
    key: str | None = None,
    part: str = "pair",
    label: str = "",
    notes: tuple[str, ...] = (),
    fix: Fix | None = None,
) -> Diagnostic:
    """A fault at a path of a source. key: the path as it is told, where the value stands elsewhere in the whole."""
    span = source.span(path, part)
    return Diagnostic(
        message=message,
        code=code,
        file=source.name,
        span=span,
        excerpt=source.line(span.line),
        key=key_text(path) if key is None else key,
        label=label,
        notes=notes,
        fix=_in_header(source, path, part, fix),
    )


def _in_header(source: Source, path: Path, part: str, fix: Fix | None) -> Fix | None:
    """The key of a header stands for all of it, `[trian]`, so that what takes its place is a header too."""
    spans = source.spans(path) if part == "key" and fix is not None and fix.replacement is not None else None
    if fix is None or fix.replacement is None or spans is None or spans.key is None:
        return fix
    written = source.text[slice(*spans.key)]
    before, word, after = written.rpartition(str(path[-1]))
    if not written.startswith("[") or not word:
        return fix
    return replace(fix, replacement=before + fix.replacement + after)
