"""Holding written arguments against a signature: names, types, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dsl.catalogue.entries import Entry, Parameter
from dsl.catalogue.suggestions import suggest
from dsl.catalogue.types import mismatch, words

Signature: TypeAlias = Sequence[Parameter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One argument that does not fit.

    kind: "unknown", the type takes no argument of this name (or not beside the others that are written); "type", the
        value is of another type; "missing", it must be given and is not.
    found: the value as written; None where it is missing.
    expected: words for what would fit: "a whole number or two of them"; the names it takes, where it is unknown.
    suggestions: names that may have been meant, the likeliest first.
    """

    kind: Literal["unknown", "type", "missing"]
    argument: str
    found: object = None
    expected: str = ""
    suggestions: tuple[str, ...] = ()


def bind(entry: Entry, arguments: Mapping[str, object]) -> list[Problem]:
    """What is wrong with the arguments, in their order, missing ones last; an empty list where all is well.

    A function with several signatures is held against the first that takes all the names and all the values.
    """
    signatures = (entry.parameters, *entry.overloads)
    taking = [each for each in signatures if _taken(each, arguments) == len(arguments)]
    if not taking:
        taking = [max(signatures, key=lambda each: _taken(each, arguments))]
    attempts = [_check(entry, each, taking, arguments) for each in taking]
    return min(attempts, key=len)


def _taken(signature: Signature, arguments: Mapping[str, object]) -> int:
    return sum(each.name in arguments for each in signature)


def _check(
    entry: Entry, signature: Signature, taking: Sequence[Signature], arguments: Mapping[str, object]
) -> list[Problem]:
    """The problems with one signature; `taking` are all those that take the names, for the words of what fits."""
    parameters = {each.name: each for each in signature}
    problems = []
    for name, value in arguments.items():
        if name not in parameters:
            problems.append(_unknown(name, value, [each for each in parameters if each not in arguments]))
        elif mismatch(parameters[name].type, value) is not None:
            problems.append(Problem(kind="type", argument=name, found=value, expected=_fitting(name, taking)))
    meant = {problem.suggestions[0] for problem in problems if problem.suggestions}
    missing = [each for each in signature if _is_missing(entry, each, arguments) and each.name not in meant]
    return problems + [Problem(kind="missing", argument=each.name, expected=words(each.type)) for each in missing]


def _unknown(name: str, value: object, free: list[str]) -> Problem:
    expected = "one of " + ", ".join(free) if free else "no argument"
    return Problem(
        kind="unknown", argument=name, found=value, expected=expected, suggestions=tuple(suggest(name, free))
    )


def _fitting(name: str, taking: Sequence[Signature]) -> str:
    """What any of the signatures takes for this argument."""
    types = [each.type for signature in taking for each in signature if each.name == name]
    return words(" | ".join(dict.fromkeys(part for type in types for part in type.split(" | "))))


def _is_missing(entry: Entry, parameter: Parameter, arguments: Mapping[str, object]) -> bool:
    """A function's tensors are fed, not written; what the input tells need not be."""
    fed = entry.role in ("function", "method") and parameter.takes_tensor
    return parameter.required and not fed and parameter.name not in (*arguments, *entry.inferred)
