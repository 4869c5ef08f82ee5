"""`rearrange` as a chain of tensor methods, so that generated source needs torch alone."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.rearranging import Step, groups, steps


def chain(value: str, pattern: str, dims: int, lengths: Mapping[str, str]) -> str:
    """`x.unflatten(1, (8, -1)).permute(0, 1, 3, 2)` for an input of so many dims; `lengths` are Python text."""
    for step in steps(*groups(pattern, dims)):
        value += f".{step.method}({_arguments(step, lengths)})"
    return value


def _arguments(step: Step, lengths: Mapping[str, str]) -> str:
    """What is not given is -1: torch works it out."""
    places = ", ".join(str(each) for each in step.dims)
    if step.method != "unflatten":
        return places
    return f"{places}, ({', '.join(lengths.get(axis, '-1') for axis in step.axes)})"
