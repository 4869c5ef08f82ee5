"""Holding written arguments against a signature: names, types, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from dsl.catalogue.aliases import WORDS
from dsl.catalogue.entries import Entry, Parameter
from dsl.catalogue.suggestions import suggest
from dsl.catalogue.types import DTYPES, forms, mismatch, words

Signature: TypeAlias = Sequence[Parameter]
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One argument that does not fit.

    kind: "unknown", the type takes no argument of this name (or not beside the others that are written); "type", the
        value is of another type; "missing", it must be given and is not.
    found: the value as written; None where it is missing.
    expected: words for what would fit: "a whole number or two of them"; the names it takes, where it is unknown.
    suggestions: names, or words of a closed list, that may have been meant, the likeliest first.
    unquoted: what stands in a text that would fit without its quotes; else "".
    """

    kind: Literal["unknown", "type", "missing"]
    argument: str
    found: object = None
    expected: str = ""
    suggestions: tuple[str, ...] = ()
    unquoted: str = ""


def bind(entry: Entry, arguments: Mapping[str, object]) -> list[Problem]:
    """What is wrong with the arguments: unknown names first, missing ones last; an empty list where all is well.

    A function with several signatures is held against the first that takes all the names and all the values.
    """
    further = [name for name in arguments if not entry.accepts(name)]
    unknown = [found for name in further if (found := _further(entry, name, arguments)) is not None]
    known = {name: value for name, value in arguments.items() if entry.accepts(name)}
    signatures = (entry.parameters, *entry.overloads)
    most = max(_taken(each, known) for each in signatures)
    taking = [each for each in signatures if _taken(each, known) == most]
    return unknown + min((_check(entry, each, taking, known, unknown) for each in taking), key=len)


def signature_of(entry: Entry, arguments: Mapping[str, object], fed: int = 0) -> dict[str, Parameter]:
    """The parameters by name of the signature that the arguments fit best; a module's `forward` stands before it.

    fed: how many tensors are fed by place, besides the arguments.
    """
    known = {name: value for name, value in arguments.items() if entry.accepts(name)}
    signatures = (entry.parameters, *entry.overloads)
    most = max(_taken(each, known) for each in signatures)
    taking = [each for each in signatures if _taken(each, known) == most]
    best = min(taking, key=lambda each: (len(_check(entry, each, taking, known, ())), _unfed(each, known, fed)))
    return {each.name: each for each in (*(entry.inputs if entry.role == "module" else ()), *best)}


def _unfed(signature: Signature, arguments: Mapping[str, object], fed: int) -> int:
    """How many tensors too many or too few are fed."""
    free = [each for each in signature if each.takes_tensor and each.name not in arguments]
    required = sum(each.required for each in free)
    return max(fed - len(free), required - fed, 0) if fed else 0


def _taken(signature: Signature, arguments: Mapping[str, object]) -> int:
    return sum(each.name in arguments for each in signature)


def _check(
    entry: Entry,
    signature: Signature,
    taking: Sequence[Signature],
    arguments: Mapping[str, object],
    unknown: Sequence[Problem],
) -> list[Problem]:
    """The problems with one signature. `taking` are all those that take as many names, for the words of what fits."""
    parameters = {each.name: each for each in signature}
    problems = []
    for name, value in arguments.items():
        if name not in parameters:
            problems.append(_apart(entry, name, parameters, arguments))
        elif mismatch(parameters[name].type, value) is not None:
            near, bare = _meant_word(parameters[name].type, value), _unquoted(parameters[name].type, value)
            problems.append(Problem(kind="type", argument=name, found=value, expected=_fitting(name, taking),
                                    suggestions=near, unquoted=bare))  # fmt: skip
    meant = {each.suggestions[0] for each in unknown if each.suggestions}
    missing = [each for each in signature if _is_missing(entry, each, arguments) and each.name not in meant]
    return problems + [Problem(kind="missing", argument=each.name, expected=words(each.type)) for each in missing]


def _meant_word(type: str, value: object) -> tuple[str, ...]:
    """Words of a closed list that a text is near to."""
    if not isinstance(value, str):
        return ()
    several = forms(type)
    known = [each.name for each in several if each.word]
    known += DTYPES if any(each.name == "dtype" for each in several) else ()
    return tuple(suggest(value.removeprefix("torch."), known, WORDS))


def _unquoted(type: str, value: object) -> str:
    """The text, where a number or a truth value stands in it that would fit."""
    if not isinstance(value, str):
        return ""
    text = value.strip().lower()
    if text in ("true", "false"):
        return text if mismatch(type, text == "true") is None else ""
    if text in ("none", "null"):
        return '"${none}"' if mismatch(type, None) is None else ""
    if not _NUMBER.fullmatch(text):
        return ""
    return text if mismatch(type, float(text) if "." in text else int(text)) is None else ""


def _further(entry: Entry, name: str, arguments: Mapping[str, object]) -> Problem | None:
    """A name that no signature has: fine where the type takes more of them and it is no slip for one that it has."""
    problem = _unknown(entry, name, arguments)
    if not entry.more or problem.suggestions:
        return problem
    if mismatch(entry.more, arguments[name]) is None:
        return None
    return Problem(kind="type", argument=name, found=arguments[name], expected=words(entry.more))


def _unknown(entry: Entry, name: str, arguments: Mapping[str, object]) -> Problem:
    """A name that no signature has. What a function reads first is fed as its input, so it is not on offer."""
    first = [each.name for each in entry.inputs[:1]] if entry.role in ("function", "method") else ()
    free = [each for each in entry.argument_names if each not in arguments and each not in first]
    return Problem(
        kind="unknown",
        argument=name,
        found=arguments[name],
        expected=f"one of {', '.join(free)}" if free else "no further argument",
        suggestions=tuple(suggest(name, free)),
    )


def _apart(entry: Entry, name: str, parameters: Collection[str], arguments: Mapping[str, object]) -> Problem:
    """A name of another signature than the other names: `std` takes `correction` or `unbiased`, not both."""
    company = [{each.name for each in s} for s in (entry.parameters, *entry.overloads) if name in {p.name for p in s}]
    others = [each for each in arguments if each in parameters and not all(each in names for names in company)]
    expected = f"{name} without {', '.join(others)}" if others else f"{name} alone"
    return Problem(kind="unknown", argument=name, found=arguments[name], expected=expected)


def _fitting(name: str, taking: Sequence[Signature]) -> str:
    """What any of the signatures takes for this argument."""
    types = [each.type for signature in taking for each in signature if each.name == name]
    return words(" | ".join(dict.fromkeys(part for type in types for part in type.split(" | "))))


def _is_missing(entry: Entry, parameter: Parameter, arguments: Mapping[str, object]) -> bool:
    """A function's tensors are fed, not written; what the input tells need not be."""
    fed = entry.role in ("function", "method") and parameter.takes_tensor
    return parameter.required and not fed and parameter.name not in (*arguments, *entry.inferred)
