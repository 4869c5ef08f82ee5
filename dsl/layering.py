"""`extends` and `include`: a spec that stands on other files, put together with every value's place kept.

Of a spec that extends another, tables go over the other's key by key, and all else replaces what was there. An included
file gives its blocks alone (its own, those that it extends and those that it includes). A block that a spec defines
itself hides an included one of the same name; an included one replaces one of an extended file; two includes with
different blocks of one name are an error. Patches of a file come last of what it says, so an extended file's come first
of all. Names of files are relative to the folder of the file that says them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from dsl import files
from dsl.diagnostics import Diagnostic, Fix, SpecError, in_order
from dsl.patching import patched
from dsl.source import Source
from dsl.traced import Traced, merged

KEYS: Final = ("extends", "include", "patch")  # worked in here: the reader sees none of them
MOST: Final = 64  # files of one spec
_ALLOWED: Final = "what it names lies below its folder, or below the working directory if that holds the spec"
# The files that led here: where each really lies, and what it is called.
_Chain: TypeAlias = dict[str, str]


def layered(source: Source, tables: Mapping[str, Any] | None = None) -> Traced:
    """The whole of a spec. tables: those of its text, where it has been parsed already.

    Raises SpecError with all that is wrong with its files and patches; what else is wrong with a spec that is not yet
    whole is not told.
    """
    layers = _Layers(source, tables)
    whole = layers.whole(source, {os.path.realpath(source.name): source.name})
    if layers.faults:
        raise SpecError(in_order(layers.faults))
    return whole


class _Layers:
    """One spec's files, each read once, and what is wrong with them."""

    def __init__(self, source: Source, tables: Mapping[str, Any] | None) -> None:
        self.parsed = {} if tables is None else {source: tables}
        self.roots = files.roots(source.name)
        self.faults: list[Diagnostic] = []
        self.sources: dict[str, Source | None] = {os.path.realpath(source.name): source}
        self.included: dict[str, dict[str, Traced]] = {}

    def whole(self, source: Source, chain: _Chain, *, blocks_only: bool = False) -> Traced:
        """A file with all that it extends, includes and patches. Faults are collected, what is at fault left out."""
        try:
            own = Traced(source, (), self.parsed.get(source) or files.parse(source))
        except SpecError as error:
            self.faults += error.diagnostics
            return Traced(source, (), {})
        rest, base, patch = own.without(*KEYS), own.part("extends"), own.part("patch")
        found = self.extended(base, rest, chain, blocks_only) if base is not None else rest
        found = self.with_blocks(found, rest.find(("blocks",)), own.part("include"), chain)
        if patch is None or blocks_only:
            return found
        found, faults = patched(found, patch)
        self.faults += faults
        return found

    def extended(self, said: Traced, over: Traced, chain: _Chain, blocks_only: bool) -> Traced:
        if not isinstance(said.value, str):
            self.faults.append(said.fault("`extends` is the name of one file", "value"))
            return over
        opened = self.opened(said, chain)
        if opened is None:
            return over
        source, longer = opened
        return merged(self.whole(source, longer, blocks_only=blocks_only), over)

    def with_blocks(self, whole: Traced, own: Traced | None, said: Traced | None, chain: _Chain) -> Traced:
        mine = own.table() if own is not None else {}
        there = whole.part("blocks")
        blocks = there.table() if there is not None else {}
        if said is None or mine is None or blocks is None:
            return whole
        new = {}
        for name, block in self.blocks_of(said, mine, chain).items():
            new[name] = replace(block, hides=blocks[name]) if name in blocks else block
        older = {name: block for name, block in blocks.items() if name not in new}
        holder = there or Traced(said.source, said.path)
        return whole.with_parts({**(whole.table() or {}), "blocks": holder.with_parts({**new, **older})})

    def blocks_of(self, said: Traced, mine: dict[str, Traced], chain: _Chain) -> dict[str, Traced]:
        """The included blocks by name, without those that the file defines itself."""
        found: dict[str, Traced] = {}
        for each in [said] if isinstance(said.value, str) else said.array() or [said]:
            for name, block in self.included_by(each, chain).items():
                other = found.setdefault(name, block)
                if name not in mine and (other.source, other.path) != (block.source, block.path):
                    self.faults.append(_twice(each, name, other, block))
        return {name: block for name, block in found.items() if name not in mine}

    def included_by(self, said: Traced, chain: _Chain) -> dict[str, Traced]:
        if not isinstance(said.value, str):
            self.faults.append(said.fault("`include` is a file or an array of files", "value"))
            return {}
        opened = self.opened(said, chain)
        if opened is None:
            return {}
        source, longer = opened
        real = list(longer)[-1]
        if real not in self.included:
            before = len(self.faults)
            blocks = self.whole(source, longer, blocks_only=True).part("blocks")
            self.included[real] = (blocks.table() if blocks is not None else None) or {}
            if not self.included[real] and len(self.faults) == before:
                self.faults.append(said.fault(f"{source.name} has no blocks to include", "file", part="value"))
        return self.included[real]

    def opened(self, said: Traced, chain: _Chain) -> tuple[Source, _Chain] | None:
        """The file that a value names, and the chain with it; None where it cannot be had, which has been told."""
        name, real = _named(said)
        problem = self.problem(name, real, chain)
        if problem is not None:
            message, notes = problem
            self.faults.append(said.fault(message, "file", part="value", notes=notes))
            return None
        if real not in self.sources:
            self.sources[real] = self.read(said, name, real)
        source = self.sources[real]
        return None if source is None else (source, {**chain, real: name})

    def problem(self, name: str, real: str, chain: _Chain) -> tuple[str, tuple[str, ...]] | None:
        """Why a file is not to be read, and notes."""
        if not real:
            return f"{name} names no file", ()
        if not any(File(real).is_relative_to(root) for root in self.roots):
            return f"{name} is outside of what this spec may have read", (_ALLOWED,)
        if real in chain:
            names = list(chain.values())
            return "files extend or include each other in a circle", (
                " -> ".join([*names[list(chain).index(real) :], chain[real]]),
            )
        if real not in self.sources and len(self.sources) >= MOST:
            return f"a spec is made of at most {MOST} files", ()
        return None

    def read(self, said: Traced, name: str, real: str) -> Source | None:
        try:
            return files.read_below(name, real)
        except SpecError as error:
            message = error.diagnostics[0].message
            self.faults.append(said.fault(f"{name} cannot be read: {message}", "file", part="value"))
            return None


def _named(said: Traced) -> tuple[str, str]:
    """What a file is called, as the person would call it, and where it really lies ("" where nothing could)."""
    text: str = said.value
    joined = os.path.join(said.source.folder, text)
    if not text or "\0" in text:
        return text.replace("\0", "\\0") or '""', ""
    real, short = os.path.realpath(joined), os.path.normpath(joined)
    return short if os.path.realpath(short) == real else joined, real


def _twice(said: Traced, name: str, first: Traced, second: Traced) -> Diagnostic:
    return said.fault(
        f"two included files define the block `{name}`",
        "name",
        part="value",
        notes=tuple(f"{each.source.name}:{each.source.span(each.path).line}" for each in (first, second)),
        fix=Fix(f"give one of them another name, or define `{name}` in this spec, which then holds"),
    )
