"""Which `rename` or `fresh` would make a file of weights fit: tried, and told only where it helps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from builder.exchange.placing import Own, Placing, Shapes, placed

_TRIED: Final = 40  # renames that are tried
_ASKED: Final = 60  # keys that lack or are left over, which renames are made up from
_RULES: Final = 3  # of a suggestion
_KNOWN: Final = {"gamma": "weight", "beta": "bias"}  # of normalisation, in TensorFlow's words
_MANY: Final = 5000  # tensors beyond which nothing is tried


def told_rename(own: Own, held: Shapes, found: Placing) -> str:
    """A `rename` by which more of the file fits, in a sentence; "" where none is found."""
    if not found.over or max(len(own.shapes), len(held)) > _MANY:
        return ""
    rules: dict[str, str] = {}
    best = _fitting(own, placed(own, held, rules))
    for _ in range(_RULES):
        tried = {pair: _fitting(own, placed(own, held, dict([*rules.items(), pair])))
                 for pair in islice(_renames(own, held, placed(own, held, rules)), _TRIED)}  # fmt: skip
        pair = _certain(tried)
        if pair is None or tried[pair] <= best:
            break
        best = tried[pair]
        rules[pair[0]] = pair[1]
    after = placed(own, held, rules)
    without = {**_dropped(after.over), **rules}
    if placed(own, held, without).fits:
        rules, after = without, placed(own, held, without)
    if not rules or (after.missing and best <= len(own.shapes) // 2):
        return ""
    written = ", ".join(f'"{old}" = "{new}"' for old, new in rules.items())
    whole = "it fits" if after.fits else f"{len(after.taken) - len(after.misshapen)} of {len(own.shapes)} fit"
    return f"{_common(held)}{whole} with rename = {{ {written} }}"


def _certain(tried: Mapping[tuple[str, str], int]) -> tuple[str, str] | None:
    """The pair by which the most fits; None where another way with one of its two sides would do as well."""
    best = max(tried, key=lambda each: (tried[each], -len(each[0])), default=None)
    if best is None:
        return None
    rivals = [each for each in tried if tried[each] == tried[best] and (each[0] == best[0]) != (each[1] == best[1])]
    return None if rivals else best


def told_fresh(own: Own, found: Placing) -> str:
    """`fresh`, where it is a small part of the model that does not come from the file."""
    rest = [*found.missing, *found.misshapen]
    if not rest or found.over or found.twice or found.idle or 2 * len(rest) > len(own.shapes):
        return ""
    kept = set(own.shapes).difference(rest)
    patterns = list(dict.fromkeys(_around(key, kept) for key in rest))
    if len(patterns) > 4:
        return ""
    written = ", ".join(f'"{each}"' for each in patterns)
    written = written if len(patterns) == 1 else f"[{written}]"
    return f'the rest fits: to let these start anew, weights = {{ file = "...", fresh = {written} }}'


def _around(key: str, kept: set[str]) -> str:
    """The outermost module that the key lies in and nothing of what is kept does, as a pattern."""
    parts = key.split(".")
    for length in range(1, len(parts)):
        prefix = ".".join(parts[:length]) + "."
        if not any(each.startswith(prefix) for each in kept):
            return f"{prefix}*"
    return key


def _fitting(own: Own, found: Placing) -> int:
    """How many tensors of the model come from the file as they should."""
    return len(found.taken) - len(found.misshapen) - len(found.twice)


def _common(held: Shapes) -> str:
    heads = {key.partition(".")[0] for key in held if "." in key}
    alone = len(heads) == 1 and all("." in key for key in held)
    return f'every key begins with "{heads.pop()}.": ' if alone else ""


def _renames(own: Own, held: Shapes, found: Placing) -> Iterator[tuple[str, str]]:
    """Pairs that may explain what is missing and what is left over: a prefix too many or too few, another word."""
    over, missing = found.over[:_ASKED], [*found.missing[:_ASKED]]
    heads, wanted = _prefixes(over), _prefixes(missing)
    yield from ((f"{head}*", "*") for head in heads)
    yield from (("*", f"{head}*") for head in wanted)
    yield from ((f"{head}*", f"{other}*") for head in heads[:4] for other in wanted[:4] if head != other)
    by_shape: dict[tuple[int, ...] | None, list[str]] = {}
    for key in over:
        by_shape.setdefault(held[key], []).append(key)
    pairs = (_words(each, key) for key in missing for each in by_shape.get(own.shapes[key], ()))
    yield from dict.fromkeys(pair for pair in pairs if pair is not None and _may_be(*pair))


def _may_be(old: str, new: str) -> bool:
    """Not where the last word of the old is known for another."""
    last = old.rpartition(".")[2]
    return last not in _KNOWN or new.rpartition(".")[2] == _KNOWN[last]


def _prefixes(keys: Sequence[str]) -> list[str]:
    """The first one and two parts of keys, the commonest first."""
    counts: dict[str, int] = {}
    for key in keys:
        parts = key.split(".")
        for length in (1, 2):
            if len(parts) > length:
                prefix = ".".join(parts[:length]) + "."
                counts[prefix] = counts.get(prefix, 0) + 1
    return sorted(counts, key=lambda each: -counts[each])[:6]


def _words(old: str, new: str) -> tuple[str, str] | None:
    """The rename of the parts between two keys that are not the same: `"*.gamma" = "*.weight"`."""
    left, right = old.split("."), new.split(".")
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    one, other = left[start : len(left) - end], right[start : len(right) - end]
    if not one or not other or any(each.isdigit() for each in (*one, *other)) or not (start or end):
        return None
    before, after = "*." if start else "", ".*" if end else ""
    return before + ".".join(one) + after, before + ".".join(other) + after


def _dropped(over: Sequence[str]) -> dict[str, str]:
    """Patterns that leave out what is left over, where it is the same in each copy (`h.3.attn.bias`)."""
    patterns = dict.fromkeys(re.sub(r"(?<![^.])\d+(?![^.])", "*", key) for key in over)
    return dict.fromkeys(patterns, "") if len(patterns) <= _RULES else {}
