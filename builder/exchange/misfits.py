"""What to say where a file's weights do not fit a model: each by name, the nearest to it, and what may help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from builder.exchange.placing import Own, Placing, Shapes
from builder.exchange.suggesting import told_fresh, told_rename

_MOST: Final = 12  # names of a kind that are told
_LOOKED_AT: Final = 400  # keys that the nearest is looked for among
_LONGEST: Final = 200  # letters of a key that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """words: what is wrong, in a sentence. lines: each by name. advice: what may help; "" where nothing is known."""

    words: str
    lines: Sequence[str]
    advice: str

    @property
    def text(self) -> str:
        return "\n  ".join([self.words, *self.lines, *([self.advice] if self.advice else [])])


def told(file: str, own: Own, held: Shapes, found: Placing) -> Misfit:
    """What does not fit of a file. Call it only where something does not."""
    near = _Nearest(found.over, held, own.shapes)
    lines = [
        *_some([f"missing: {_named(key, own.shapes)}{near.of(key)}" for key in found.missing[:_MOST]], found.missing,
               "missing"),
        *_some([f"left over: {_named(key, held)}{_renamed(key, found)}" for key in found.over[:_MOST]], found.over,
               "left over"),
        *_some([f"of another shape: {_named(found.taken[key], held)}, in the model {_there(key, own, found)}"
                for key in found.misshapen[:_MOST]], found.misshapen, "of another shape"),
        *(f"twice: {', '.join(map(_short, keys))} come to {_short(key)}" for key, keys in found.twice.items()),
        *(f'no key of the model fits the pattern "{pattern}" of `fresh`' for pattern in found.idle),
    ]  # fmt: skip
    counts = {"lacks": found.missing, "has besides": found.over, "has in another shape": found.misshapen}
    words = " and ".join(f"{what} {len(keys)}" for what, keys in counts.items() if keys)
    words = f"{file} does not fit the model" + (f": of its {len(own.shapes)} tensors it {words}" if words else "")
    return Misfit(words=words, lines=lines, advice=told_rename(own, held, found) or told_fresh(own, found))


def _some(lines: Sequence[str], of: Sequence[str], what: str) -> Iterator[str]:
    yield from lines
    if len(of) > len(lines):
        yield f"... and {len(of) - len(lines):,} more {what}"


def _named(key: str, shapes: Shapes) -> str:
    shape = shapes[key]
    return f"{_short(key)} {'(no tensor)' if shape is None else shape}"


def _there(key: str, own: Own, found: Placing) -> str:
    return str(own.shapes[key]) if found.taken[key] == key else _named(key, own.shapes)


def _renamed(key: str, found: Placing) -> str:
    return "" if found.names[key] == key else f", as {_short(found.names[key])}"


def _short(key: str) -> str:
    shown = "".join(each if each.isprintable() else "?" for each in str(key)[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


class _Nearest:
    """The key of the file that is likest to one of the model: of its shape, if any is."""

    def __init__(self, over: Sequence[str], held: Shapes, own: Shapes) -> None:
        self.own = own
        self.by_shape: dict[tuple[int, ...] | None, list[str]] = {}
        for key in over:
            self.by_shape.setdefault(held[key], []).append(key)
        self.over = over

    def of(self, key: str) -> str:
        among = self.by_shape.get(self.own[key], self.over)[:_LOOKED_AT]
        if not among:
            return ""
        best = max(among, key=lambda each: _likeness(key[-_LONGEST:], each[-_LONGEST:]))
        return f", nearest in the file: {_short(best)}" if _likeness(key[-_LONGEST:], best[-_LONGEST:]) >= 0.5 else ""


def _likeness(one: str, other: str) -> float:
    """From 0 to 1; the same last word and numbers count beside the letters."""
    parts, others = one.split("."), other.split(".")
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < 0.4:
        return 0.0
    same = parts[-1] == others[-1] and _numbers(parts) == _numbers(others)
    return 0.8 * matcher.ratio() + (0.2 if same else 0.0)


def _numbers(parts: Sequence[str]) -> list[str]:
    return [each for each in parts if each.isdigit()]


def told_start(file: str, found: Placing, count: int) -> str:
    """What a model starts from, where not all of it comes from the file: "" where all does."""
    told: Mapping[str, Sequence[str]] = {"starts anew": found.fresh, "left in the file": found.left}
    parts = [f"{what}: {', '.join(map(_short, keys[:_MOST]))}" + (f" and {len(keys) - _MOST} more" if len(keys) > _MOST
             else "") for what, keys in told.items() if keys]  # fmt: skip
    return "; ".join([f"{len(found.taken)} of {count} tensors are {file}'s", *parts]) if parts else ""
