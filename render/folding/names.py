"""What a person wants open or closed, by name or pattern, whatever the level says."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from render.folding.tree import Tree


@dataclass(frozen=True, slots=True)
class Wishes:
    """Names of groups and blocks; `open` has single layers too. around: of each that is open, all that hold it."""

    open: frozenset[str]
    closed: frozenset[str]
    around: frozenset[str]


def wishes(tree: Tree, expand: Sequence[str], collapse: Sequence[str]) -> Wishes:
    """The names that are meant. ValueError for one that nothing here has. Where both ask for one, it is closed."""
    groups = list(tree.parents)
    wanted = _meant(expand, [*groups, *tree.nodes], "no layer, group or block")
    closed = _meant(collapse, groups, "no group or block")
    opened = wanted - closed
    around = {each for name in opened for each in tree.around(_holder(tree, name))}
    return Wishes(frozenset(opened), frozenset(closed), frozenset(around))


def _holder(tree: Tree, name: str) -> str:
    return tree.parents[name] if name in tree.parents else tree.nodes[name].region


def _meant(patterns: Iterable[str], names: Collection[str], nothing: str) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        matches = {pattern} if pattern in names else set(fnmatch.filter(names, pattern))
        if not matches:
            raise ValueError(f"{nothing} is called {pattern!r}{_nearest(pattern, names)}")
        found |= matches
    return found


def _nearest(pattern: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; there are {', '.join(list(names)[:5])}" if names else "; the model has none"
