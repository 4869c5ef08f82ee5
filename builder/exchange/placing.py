"""Which tensor of a file goes where in a model, by names and shapes alone; else what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from builder.exchange.renaming import new_name

# By key; None where what stands there is no tensor, or nothing is known of its shape.
Shapes: TypeAlias = Mapping[str, tuple[int, ...] | None]
# Files from before torch 0.4.1 (2018) lack the counter of batch normalisation; torch takes them, with 0 in its place.
_COUNTER: Final = "num_batches_tracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a model holds. alike: keys of one and the same tensor -> its first key."""

    shapes: Shapes
    alike: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """taken: key of the model -> the file's. fresh: what starts anew, as `fresh` says. left: what the file holds of
    that, and what `rename` leaves out.

    What does not fit: missing (of the model), over (of the file; `names` says what `rename` makes of each), misshapen
    (of the model), twice (of the model -> the file's keys that come to it), idle (patterns of `fresh`).
    """

    taken: Mapping[str, str]
    names: Mapping[str, str]
    fresh: Sequence[str] = ()
    left: Sequence[str] = ()
    missing: Sequence[str] = ()
    over: Sequence[str] = ()
    misshapen: Sequence[str] = ()
    twice: Mapping[str, Sequence[str]] = field(default_factory=dict)
    idle: Sequence[str] = ()

    @property
    def fits(self) -> bool:
        return not (self.missing or self.over or self.misshapen or self.twice or self.idle)


def place(own: Own, held: Shapes, rename: Mapping[str, str], fresh: Sequence[str] = ()) -> Placing:
    """Where each tensor of a file goes. A file whose keys are the model's already is taken as it stands: a run's own
    weights, where `rename` is for those that somebody else published."""
    plain = placed(own, held, {}, fresh)
    return plain if plain.fits or not rename else placed(own, held, rename, fresh)


def placed(own: Own, held: Shapes, rename: Mapping[str, str], fresh: Sequence[str] = ()) -> Placing:
    """The same by `rename`, whatever the keys are."""
    names = {key: new_name(key, rename) for key in held}
    anew = [key for key in own.shapes if any(fnmatchcase(key, pattern) for pattern in fresh)]
    free, sources = set(anew), _sources(names)
    taken = {key: sources[key][0] for key in own.shapes if key in sources and key not in free}
    there = {own.alike.get(key, key) for key in taken}
    lacking = [key for key in own.shapes if key not in free and own.alike.get(key, key) not in there]
    return Placing(
        taken=taken, names=names, fresh=tuple(anew),
        left=[key for key, name in names.items() if not name or name in free],
        missing=[key for key in lacking if key.rpartition(".")[2] != _COUNTER],
        over=[key for key, name in names.items() if name and name not in own.shapes],
        misshapen=[key for key, source in taken.items() if _differ(own.shapes[key], held[source])],
        twice={key: several for key, several in sources.items() if len(several) > 1 and key in taken},
        idle=[pattern for pattern in fresh if not any(fnmatchcase(key, pattern) for key in own.shapes)],
    )  # fmt: skip


def _sources(names: Mapping[str, str]) -> dict[str, list[str]]:
    """The file's keys that come to each name."""
    found: dict[str, list[str]] = {}
    for key, name in names.items():
        found.setdefault(name, []).append(key)
    return found


def _differ(one: tuple[int, ...] | None, other: tuple[int, ...] | None) -> bool:
    return one is not None and other is not None and one != other
