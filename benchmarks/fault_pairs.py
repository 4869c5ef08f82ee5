"""How often two faults in two layers are both told, and nothing else.

    python benchmarks/fault_pairs.py [PER_SPEC]

Of every spec under `specs/`, tokens are changed one at a time, as in `mutations.py`; besides, an argument is left out
or is given a value of another kind. A change that alone breaks the spec with exactly one diagnostic is a fault. Two
faults in two layers, drawn with a fixed seed, PER_SPEC pairs a spec (40 unless said), are then put in place together: a
pair is right if exactly the two diagnostics come that the two faults give alone. Printed: pairs and right ones by what
was changed, above in the file and below; on standard error, each pair that is not right.

A fault counts as one in a layer if it is told there. A changed size, or an argument with a default that is left out,
often fits where it stands and shows in a later layer, whose shape another fault may have made unknown: pairs of all
changes, these too, are counted in a line of their own. So are pairs of which neither is
about a shape: what needs no shape should be told whatever stands above.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import TypeAlias

from mutations import ROOT, TOKENS, found

from builder.fixing import faults_of
from dsl.diagnostics import Diagnostic
from dsl.source import Path as KeyPath
from dsl.source import Source, key_text

KINDS = ("type", "keyword", "reference", "size", "missing", "value")
# What was changed above and below, whether each is told in the layer where it stands, whether one is about a shape.
Kinds: TypeAlias = tuple[str, str, bool, bool]
_FAULTS_PER_SPEC = 24
_ARGUMENT = re.compile(r"(?P<out>, (?P<key>\w+) = (?P<value>\d+|true|false|\[[\d, ]+\]))(?=[,} ])")
_OF_EVERY_LAYER = {"repeat", "share", "freeze", "train_only", "when", "name", "input", "type"}


@dataclass(frozen=True)
class Change:
    """What stands in place of text[start:end]; the layer that holds it."""

    kind: str
    start: int
    end: int
    new: str
    layer: KeyPath


def main(per_spec: int) -> None:
    pairs: Counter[Kinds] = Counter()
    right: Counter[Kinds] = Counter()
    wrong: list[str] = []
    for path in sorted((ROOT / "specs").rglob("*.toml")):
        text = path.read_text(encoding="utf-8")
        for (first, told_first), (second, told_second) in pairs_of(text, str(path), per_spec):
            there = is_told_there(first, told_first) and is_told_there(second, told_second)
            kinds = first.kind, second.kind, there, "shape" in (told_first.code, told_second.code)
            pairs[kinds] += 1
            told = faults_of(changed(text, (first, second)), str(path))
            if is_right(told, (told_first, told_second)):
                right[kinds] += 1
            else:
                wrong.append(_described(path, (told_first, told_second), told))
    print(_table(pairs, right))
    print("\n".join(wrong), file=sys.stderr)


def pairs_of(text: str, name: str, count: int) -> list[tuple[tuple[Change, Diagnostic], tuple[Change, Diagnostic]]]:
    """Pairs of faults in two layers, neither inside of the other, with what each gives alone; the upper one first."""
    chance = random.Random(Path(name).name)
    faults = list(faults_alone(text, name, chance))
    apart = [pair for pair in combinations(faults, 2) if _are_apart(pair[0][0].layer, pair[1][0].layer)]
    return chance.sample(apart, min(count, len(apart)))


def faults_alone(text: str, name: str, chance: random.Random) -> Iterator[tuple[Change, Diagnostic]]:
    """Changes that give one diagnostic, in the order of the file; each kind has the same share of the draw."""
    by_kind = {kind: [each for each in changes(text) if each.kind == kind] for kind in KINDS}
    drawn: list[Change] = []
    for several in by_kind.values():
        drawn += chance.sample(several, min(_FAULTS_PER_SPEC // len(KINDS) + 2, len(several)))
    for change in sorted(drawn, key=lambda each: each.start):
        told = faults_of(changed(text, (change,)), name)
        if len(told) == 1:
            yield change, told[0]


def changes(text: str) -> Iterator[Change]:
    """Every change that can be made to a layer of a spec."""
    layers = _layers(text)
    for kind, start, end in found(text):
        layer = _around(layers, start)
        if kind in KINDS and kind in TOKENS and layer is not None:
            token = text[start:end]
            doubled = token[: len(token) // 2 + 1] + token[len(token) // 2 :]
            yield Change(kind, start, end, str(int(token) * 2 + 1) if kind == "size" else doubled, layer)
    for match in _ARGUMENT.finditer(text):
        layer = _around(layers, match.start())
        if layer is not None and match["key"] not in _OF_EVERY_LAYER:
            yield Change("missing", *match.span("out"), "", layer)
            yield Change("value", *match.span("value"), '"wrong kind"', layer)


def changed(text: str, several: Sequence[Change]) -> str:
    """The text with changes that do not overlap."""
    for each in sorted(several, key=lambda change: change.start, reverse=True):
        text = text[: each.start] + each.new + text[each.end :]
    return text


def is_right(told: Sequence[Diagnostic], alone: Sequence[Diagnostic]) -> bool:
    """Whether what is told of both is what each gives alone: code, key and line; messages may name the other's size."""
    return Counter(map(_identity, told)) == Counter(map(_identity, alone))


def is_told_there(change: Change, told: Diagnostic) -> bool:
    """Whether a fault is told in the layer that was changed, not in one further down."""
    own = key_text(change.layer)
    return told.key == own or (told.key.startswith(f"{own}.") and not told.key.startswith(f"{own}.layers"))


def _identity(each: Diagnostic) -> tuple[str, str, int]:
    return each.code, each.key, each.span.line if each.span else 0


def _layers(text: str) -> list[tuple[int, int, KeyPath]]:
    """(start, end, path) of each layer."""
    spans = Source("", text).every()
    return [(*each.value, path) for path, each in spans.items()
            if len(path) > 1 and path[-2] == "layers" and isinstance(path[-1], int)]  # fmt: skip


def _around(layers: Sequence[tuple[int, int, KeyPath]], at: int) -> KeyPath | None:
    """The innermost layer that holds an offset."""
    holding = [(end - start, path) for start, end, path in layers if start <= at < end]
    return min(holding)[1] if holding else None


def _are_apart(one: KeyPath, other: KeyPath) -> bool:
    length = min(len(one), len(other))
    return one[:length] != other[:length]


def _described(path: Path, alone: Sequence[Diagnostic], told: Sequence[Diagnostic]) -> str:
    wanted, had = Counter(map(_identity, alone)), Counter(map(_identity, told))
    lines = [f"- {path.relative_to(ROOT)}, lines {' and '.join(str(_identity(each)[2]) for each in alone)}"]
    lines += [f"  - silent: {each.message}" for each in alone if (wanted - had)[_identity(each)]]
    lines += [f"  - besides: {each.message}" for each in told if (had - wanted)[_identity(each)]]
    return "\n".join(lines)


def _table(pairs: Counter[Kinds], right: Counter[Kinds]) -> str:
    lines = ["| above | below | pairs | both and nothing else |", "| --- | --- | ---: | ---: |"]

    def add(words: str, several: Sequence[Kinds]) -> None:
        count, good = sum(pairs[each] for each in several), sum(right[each] for each in several)
        lines.append(f"| {words} | {count:,} | {good:,} ({good / max(count, 1):.1%}) |")

    there = [each for each in pairs if each[2]]
    for above, below in product(KINDS, KINDS):
        if several := [each for each in there if each[:2] == (above, below)]:
            add(f"{above} | {below}", several)
    add("told in their layers |", there)
    add("of these, none about a shape |", [each for each in there if not each[3]])
    add("all, told further down too |", list(pairs))
    return "\n".join(lines)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
