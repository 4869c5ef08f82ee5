"""Reshapes in the words that say what they do: which dims are cut, which are joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builder.exchange.importing.values import Vary


def said(before: Sequence[Any], after: Sequence[Any]) -> tuple[str, dict[str, Any]] | None:
    """(type, arguments) that make one shape of another: "flatten", "unflatten", "unsqueeze", "reshape"; None where it
    stays as it is."""
    before, after = list(before), list(after)
    if before == after:
        return None
    front = _alike(before, after)
    back = _alike(before[front:][::-1], after[front:][::-1])
    inner, outer = before[front : len(before) - back], after[front : len(after) - back]
    if len(outer) == 1 and len(inner) > 1:
        to_end = {} if not back else {"end_dim": front + len(inner) - 1}
        return "flatten", {**({"start_dim": front} if front else {}), **to_end}
    if len(inner) == 1 and len(outer) > 1 and sum(isinstance(each, Vary) for each in outer) <= 1:
        return "unflatten", {
            "dim": front if back else -1,
            "sizes": [-1 if isinstance(each, Vary) else each for each in outer],
        }
    if not inner and outer == [1]:
        return "unsqueeze", {"dim": front if back else -1}
    if not outer and inner == [1]:
        return "squeeze", {"dim": front if back else -1}
    return "reshape", {"shape": _sizes(before, after)}


def _alike(some: Sequence[Any], others: Sequence[Any]) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(some, others, strict=False)) if a != b), min(len(some), len(others))
    )


def _sizes(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """One size that varies is what is left over."""
    varying = [at for at, each in enumerate(after) if isinstance(each, Vary)]
    if len(varying) == 1 and 0 not in after:
        return [-1 if at == varying[0] else each for at, each in enumerate(after)]
    return list(after)


def transposed(rank: int, one: int, other: int) -> list[int]:
    dims = list(range(rank))
    dims[one], dims[other] = dims[other], dims[one]
    return dims


def rearranged(
    cut: tuple[int, Sequence[int]] | None, order: Sequence[int], joined: tuple[int, int] | None
) -> tuple[str, dict[str, int]]:
    """(pattern, lengths of axes) in einops' words. cut: (dim, its sizes), the first cut of it; order: of the dims after
    that; joined: (first, last) of the dims that become one."""
    rank = len(order) - (len(cut[1]) - 1 if cut else 0)
    names = _names(rank, cut, order, joined)
    left = list(names)
    lengths: dict[str, int] = {}
    if cut:
        dim, sizes = cut
        parts = names[dim : dim + len(sizes)]
        lengths = {name: size for name, size in zip(parts, sizes, strict=True) if size != -1}
        if len(lengths) == len(parts):
            lengths.pop(parts[-1])
        left[dim : dim + len(sizes)] = [f"({' '.join(parts)})"]
    right = [names[each] for each in order]
    if joined:
        first, last = joined
        right[first : last + 1] = [f"({' '.join(right[first : last + 1])})"]
    return f"{' '.join(left)} -> {' '.join(right)}", lengths


def _names(
    rank: int, cut: tuple[int, Sequence[int]] | None, order: Sequence[int], joined: tuple[int, int] | None
) -> list[str]:
    """Names of axes: what is usual for the number of dims, letters for others."""
    whole = len(order)
    if cut is not None and rank == 3 and cut[0] == 2 and len(cut[1]) == 2:
        return ["n", "t", "heads", "c"]
    if cut is not None and rank == 3 and cut[0] == 2 and len(cut[1]) == 3:
        return ["n", "t", "parts", "heads", "c"]
    if cut is None and whole == 4:
        heads = list(order) == [0, 2, 1, 3] and joined == (2, 3)
        return ["n", "heads", "t", "c"] if heads else ["n", "c", "h", "w"]
    if cut is None and whole == 3:
        return ["n", "t", "c"]
    return list("abcdefghijk"[:whole])
