"""`rearrange` in einops' notation: what a pattern says, and the tensor methods that carry it out.

"n (h d) t -> n h t d": each word is an axis, a bracket is one dim made of several, `...` is any number of dims and `1`
(or an empty bracket) is a dim of 1. The rule and the generated source follow one plan.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from builder.shapes.call import Misfit, shape_text
from builder.shapes.conditions import Conditions, needs_equal, needs_multiple
from builder.shapes.sizes import Free, Size, product
from dsl.catalogue import suggest

Group: TypeAlias = tuple[str, ...]  # the axes that make up one dim; none of them: a dim of 1
_Dim: TypeAlias = tuple[bool, Group]  # as written: whether it is a bracket, and its axes
_WORD = re.compile(r"\s*(\.\.\.|[()]|[^\W\d]\w*|1(?!\w)|\S+?(?=[\s().]|$))")


@dataclass(frozen=True, slots=True)
class Step:
    """One method of a tensor. `axes` are unflatten's: the axes that `dims[0]` is cut into."""

    method: str  # "unflatten", "squeeze", "permute", "flatten", "unsqueeze"
    dims: tuple[int, ...]
    axes: Group = ()


def groups(pattern: str, dims: int) -> tuple[list[Group], list[Group]]:
    """The dims of both sides of a pattern, for an input of so many; `...` becomes the axes `...0`, `...1` and so on.

    Misfit where it is no pattern, or names other dims.
    """
    sides = pattern.split("->")
    if len(sides) != 2:
        raise _wrong('rearrange needs a pattern "left -> right", as in "n (h d) t -> n h t d"')
    left, right = _side(sides[0], "left"), _side(sides[1], "right")
    if any(bracket and "..." in group for bracket, group in left):
        raise _wrong("rearrange has `...` in a bracket on the left of its pattern; it can stand in one on the right")
    _demand_same_axes(left, right)
    named = sum("..." not in group for _, group in left)
    if dims < named or (dims > named and named == len(left)):
        least = "at least " if named < len(left) else ""
        message = f"rearrange has {least}{named} dims on the left of its pattern, but its input has {dims}"
        raise Misfit(message, argument="pattern")
    gap = [f"...{index}" for index in range(dims - named)]
    return _spread(left, gap), _spread(right, gap)


def steps(left: Sequence[Group], right: Sequence[Group]) -> list[Step]:
    """Dims are cut, put in order and joined; a tensor that has them so already is left alone."""
    order = [axis for group in left for axis in group]
    wanted = [axis for group in right for axis in group]
    places = tuple(order.index(axis) for axis in wanted)
    moved = [Step("permute", places)] if places != tuple(range(len(places))) else []
    return [*_cut(left), *moved, *_joined(right)]


def sizes_of(
    left: Sequence[Group], shape: Sequence[Size], lengths: Mapping[str, Size]
) -> tuple[dict[str, Size], Conditions]:
    """The size of each axis; Misfit where a bracket does not come out even, or has two axes of unknown size."""
    sizes: dict[str, Size] = {}
    conditions: Conditions = ()
    for group, size in zip(left, shape, strict=True):
        unknown = [axis for axis in group if axis not in lengths]
        known = product(lengths[axis] for axis in group if axis in lengths)
        sizes |= {axis: lengths[axis] for axis in group if axis in lengths}
        if len(unknown) > 1:
            names = " and ".join(f"`{axis}`" for axis in unknown)
            fix = f"give one of them its size: {unknown[0]} = ..."
            raise Misfit(f"rearrange cannot tell {names} of ({' '.join(group)}), which is {size}", argument="pattern",
                         fix=fix)  # fmt: skip
        misfit = _uneven(group, size, known, lengths, shape)
        conditions += needs_multiple(size, known, misfit) if unknown else needs_equal(size, known, misfit)
        sizes |= dict.fromkeys(unknown, size // known)
    return sizes, conditions


def demand_lengths(lengths: Mapping[str, object], left: Sequence[Group]) -> dict[str, Size]:
    """The axes' lengths as written; Misfit where one is of no axis, or below 1."""
    axes = [axis for group in left for axis in group]
    found: dict[str, Size] = {}
    for name, length in lengths.items():
        if name not in axes:
            near = suggest(name, axes)
            meant = f"did you mean `{near[0]}`?" if near else None
            raise Misfit(f"rearrange has no axis `{name}` in its pattern", argument=name, code="argument", fix=meant)
        if isinstance(length, bool) or not isinstance(length, (int, Free)) or (isinstance(length, int) and length < 1):
            raise Misfit(f"rearrange needs a whole number of at least 1 for `{name}`, not {length}", argument=name)
        found[name] = length
    return found


def _uneven(group: Group, size: Size, known: Size, lengths: Mapping[str, Size], shape: Sequence[Size]) -> Misfit:
    told = ", ".join(f"{axis} = {lengths[axis]}" for axis in group if axis in lengths)
    if not group:
        return Misfit(f"rearrange has a 1 in its pattern where {shape_text(shape)} has {size}", argument="pattern")
    what = f"({' '.join(group)})" if len(group) > 1 else f"`{group[0]}`"
    argument = next((axis for axis in group if axis in lengths), "pattern")
    return Misfit(f"rearrange cannot make {what} with {told} of a dim of {size}", argument=argument)


def _cut(left: Sequence[Group]) -> Iterator[Step]:
    place = 0
    for group in left:
        if not group:
            yield Step("squeeze", (place,))
        elif len(group) > 1:
            yield Step("unflatten", (place,), group)
        place += len(group)


def _joined(right: Sequence[Group]) -> Iterator[Step]:
    for place, group in enumerate(right):
        if not group:
            yield Step("unsqueeze", (place,))
        elif len(group) > 1:
            yield Step("flatten", (place, place + len(group) - 1))


def _side(text: str, side: str) -> list[_Dim]:
    """The dims of one side. A 1 adds nothing to a bracket, and alone is an empty one."""
    found: list[_Dim] = []
    inside: list[str] | None = None
    for word in _words(text):
        if word == "(":
            if inside is not None:
                raise _wrong("rearrange has a bracket within a bracket in its pattern")
            inside = []
        elif word == ")":
            if inside is None:
                raise _wrong("rearrange has a `)` in its pattern that nothing opens")
            found.append((True, tuple(inside)))
            inside = None
        elif inside is not None:
            inside += [word] if word != "1" else []
        else:
            found.append((False, (word,) if word != "1" else ()))
    if inside is not None:
        raise _wrong("rearrange has a `(` in its pattern that nothing closes")
    _demand_once([axis for _, group in found for axis in group], side)
    return found


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        if word not in ("...", "(", ")", "1") and not word.isidentifier():
            raise _wrong(f"rearrange has `{word}` in its pattern, which is neither a name nor 1, `...` or a bracket")
        yield word


def _demand_once(axes: Sequence[str], side: str) -> None:
    for axis, count in Counter(axes).items():
        if count > 1:
            raise _wrong(f"rearrange has `{axis}` twice on the {side} of its pattern")


def _demand_same_axes(left: Sequence[_Dim], right: Sequence[_Dim]) -> None:
    first, second = (dict.fromkeys(axis for _, group in side for axis in group) for side in (left, right))
    for side, these, others in (("left", first, second), ("right", second, first)):
        for axis in these:
            if axis not in others:
                raise _wrong(f"rearrange has `{axis}` on the {side} of its pattern only")


def _spread(side: Sequence[_Dim], gap: Sequence[str]) -> list[Group]:
    """`...` as the dims that it stands for: each its own outside a bracket, together in one."""
    found: list[Group] = []
    for bracket, group in side:
        axes = tuple(each for axis in group for each in (gap if axis == "..." else (axis,)))
        found += [axes] if bracket or not group else [(axis,) for axis in axes]
    return found


def _wrong(message: str) -> Misfit:
    return Misfit(message, argument="pattern", code="argument")
