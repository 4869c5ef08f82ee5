"""What somebody may have meant by a word that nothing is called.

Nearness is the number of letters put in, left out, replaced or swapped with their neighbour (Damerau 1964; here in the
form that edits no letter twice), with small letters, `_` and `-` counting for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from operator import or_

from dsl.catalogue.aliases import ALIASES

_AT_MOST = 3
_ENDING = 3  # so many letters may be lacking at a word's end


def suggest(word: str, candidates: Iterable[str], aliases: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """At most three of the candidates, the likeliest first; none where none is near.

    aliases: names that other frameworks use, folded, with what they are here; those of `dsl.catalogue.aliases` if left
        out. Only what stands among the candidates is suggested.
    """
    known = dict.fromkeys(candidates)
    key = folded(word)
    table = ALIASES if aliases is None else aliases
    same = sorted((each for each in known if folded(each) == key), key=lambda each: _case_differences(word, each))
    meant = [each for each in table.get(key, ()) if each in known]
    alike = [each for each in same if _starts_alike(word, each)]
    return list(dict.fromkeys([*alike, *meant, *same]))[:_AT_MOST] or _near(word, key, known)[:_AT_MOST]


@lru_cache(maxsize=8192)  # the catalogue's names, which are asked for at each fault
def folded(word: str) -> str:
    """The word as it is compared: small letters, no `_` or `-`."""
    return word.lower().replace("_", "").replace("-", "")


def distance(left: str, right: str, limit: int) -> int:
    """How many edits lie between two words; `limit + 1` where there are more than `limit`."""
    over = limit + 1
    if abs(len(left) - len(right)) > limit:
        return over
    before: list[int] = []
    last = [min(j, over) for j in range(len(right) + 1)]
    for i, a in enumerate(left, 1):
        # A cell further from the diagonal than the limit cannot be within it.
        low, high = max(1, i - limit), min(len(right), i + limit)
        row = [over] * (len(right) + 1)
        row[0] = min(i, over)
        for j in range(low, high + 1):
            best = last[j - 1] if a == right[j - 1] else min(last[j], row[j - 1], last[j - 1]) + 1
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == right[j - 1]:
                best = min(best, before[j - 2] + 1)
            row[j] = best
        if min(row) > limit:
            return over
        before, last = last, row
    return min(last[-1], over)


def _near(word: str, key: str, candidates: Iterable[str]) -> list[str]:
    """The nearest of the candidates within reach, those that are spelled most alike first."""
    limit = _reach(key)
    letters, most = _letters(key), 2 * max(limit, 1)  # an edit takes out one letter at most, and puts in one
    found = []
    for each in candidates:
        other = folded(each)
        if (letters ^ _letters(other)).bit_count() > most and not other.startswith(key):
            continue
        apart = distance(key, other, limit)
        edits = min(apart if apart <= limit else len(key), _begun(key, other), _lacking(key, other),
                    1 if key == other * 2 else len(key))  # fmt: skip
        if edits < len(key):
            reordered = sorted(key) == sorted(other)
            found.append((edits, not reordered, not _starts_alike(word, each), -_shared_start(key, other),
                          _case_differences(word, each), each))  # fmt: skip
    found.sort()
    return [each for edits, *_, each in found if edits == found[0][0]]


@lru_cache(maxsize=8192)
def _letters(word: str) -> int:
    """The letters that stand in a word, each a bit; some share one."""
    return reduce(or_, (1 << ord(each) % 61 for each in word), 0)


def _reach(key: str) -> int:
    """How many slips are forgiven: the longer the word, the more; none in a word of two letters."""
    return 0 if len(key) < 3 else 1 if len(key) < 7 else 2 if len(key) < 10 else 3


def _begun(key: str, other: str) -> int:
    """A word that lacks only its end, as "Conv" does of Conv2d, counts as one slip."""
    return 1 if len(key) >= 4 and other.startswith(key) and len(other) <= len(key) + _ENDING else len(other) + len(key)


def _lacking(key: str, other: str) -> int:
    """A word of two letters that lacks one of a word of three, as "dm" does of dim, counts as one slip."""
    lacks = len(key) == 2 and len(other) == 3 and distance(key, other, 1) == 1
    return 1 if lacks else len(other) + len(key)


def _case_differences(word: str, candidate: str) -> int:
    """How much the two differ in what folding hides: capitals at the start weigh most (Conv2D is nearer Conv2d)."""
    if not _starts_alike(word, candidate):
        return 100
    return sum(a != b for a, b in zip(word, candidate, strict=False)) + abs(len(word) - len(candidate))


def _starts_alike(word: str, candidate: str) -> bool:
    """A word with a capital means a class, one without a function."""
    return word[:1].isupper() == candidate[:1].isupper()


def _shared_start(left: str, right: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
