"""The grammar of arguments' types, and whether a value fits one.

    type        = alternative { " | " alternative }
    alternative = word | element { "[" [length] "]" } | "{" element { "[" [length] "]" } "}"
    word        = "'" text "'"          one word of a closed list
    element     = name [ "?" ]
    name        = int | float | bool | str | none | tensor | tensors | dtype | device | module | callable | settings
                | any

`int[2]` is two whole numbers, `int[]` any number of them, `int[][]` a list of lists, `int?[2]` two of which each may be
none, `{int[]}` a table whose values are lists of whole numbers.

A float takes whole numbers too. A value is what TOML and evaluated expressions give: a bool, int, float, str, list,
table or None; any other object is a size with free names in it and fits where a number does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

DTYPES: Final = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    "complex128",
)  # fmt: skip
_KNOWN = (type(None), bool, int, float, str, list, tuple, dict)
_FORM = re.compile(r"(\{?)('[^']*'|[a-z]+)(\??)((?:\[\d*\])*)(\}?)")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
# One of them, and several.
_WORDS = {
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "bool": ("true or false", "truth values"),
    "str": ("a string", "strings"),
    "none": ("none", "nones"),
    "tensor": ("a tensor (the name of a layer, or an array)", "tensors"),
    "tensors": ("a list of tensors", "lists of tensors"),
    "dtype": ('a dtype such as "float32"', "dtypes"),
    "device": ('a device such as "cpu"', "devices"),
    "module": ("a layer (a table with a type)", "layers"),
    "callable": ("a layer (a table with a type)", "layers"),
    "settings": ("settings (a table with a type)", "settings"),
    "any": ("any value", "values"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """One alternative. lengths: of each level of lists, the outermost first; None where any number will do."""

    name: str  # "int", ... or the word itself for "'word'"
    word: bool = False
    optional: bool = False
    table: bool = False
    lengths: tuple[int | None, ...] = ()


@cache
def forms(type: str) -> tuple[Form, ...]:
    """The alternatives of a type; ValueError where the text is not of the grammar."""
    return tuple(_form(text) for text in type.split(" | "))


def mismatch(type: str, value: object) -> str | None:
    """None when the value fits the type; else words for what is expected: "a whole number or two of them"."""
    return None if any(_fits(form, value) for form in forms(type)) else words(type)


@cache
def words(type: str) -> str:
    """What the type takes, as one would say it. `none` goes unsaid beside other things."""
    several = forms(type)
    choices = [f'"{form.name}"' for form in several if form.word]
    phrases = [_one_of(choices)] if choices else []
    names = [form.name for form in several if not form.lengths and not form.word]
    for form in several:
        if form.word or (form.name == "none" and len(several) > 1) or (form.name == "int" and _covered(form, several)):
            continue
        phrases.append(_again(form) if form.lengths and not form.table and form.name in names else _phrase(form))
    return " or ".join(dict.fromkeys(phrases))


def _form(text: str) -> Form:
    match = _FORM.fullmatch(text)
    if not match or bool(match[1]) != bool(match[5]):
        raise ValueError(f"not a type of the catalogue's grammar: {text!r}")
    lengths = tuple(int(length) if length else None for length in reversed(re.findall(r"\[(\d*)\]", match[4])))
    name, word = match[2].strip("'"), match[2].startswith("'")
    if not word and name not in _WORDS:
        raise ValueError(f"not a type of the catalogue's grammar: {text!r}")
    return Form(name, word, bool(match[3]), bool(match[1]), lengths)


def _fits(form: Form, value: object) -> bool:
    if form.table:
        return isinstance(value, dict) and all(_fits_lists(form, form.lengths, each) for each in value.values())
    return _fits_lists(form, form.lengths, value)


def _fits_lists(form: Form, lengths: tuple[int | None, ...], value: object) -> bool:
    if not lengths:
        return _fits_one(form, value) or (form.optional and value is None)
    if not isinstance(value, list | tuple) or (lengths[0] is not None and len(value) != lengths[0]):
        return False
    return all(_fits_lists(form, lengths[1:], each) for each in value)


def _fits_one(form: Form, value: object) -> bool:
    if form.word:
        return isinstance(value, str) and value == form.name
    match form.name:
        case "int":
            return (isinstance(value, int) and not isinstance(value, bool)) or not isinstance(value, _KNOWN)
        case "float":
            return (isinstance(value, int | float) and not isinstance(value, bool)) or not isinstance(value, _KNOWN)
        case "bool":
            return isinstance(value, bool)
        case "str" | "device":
            return isinstance(value, str)
        case "dtype":
            return isinstance(value, str) and value in DTYPES
        case "none":
            return value is None
        case "tensor":
            return _is_tensor(value)
        case "tensors":
            return isinstance(value, str) or (isinstance(value, list | tuple) and all(map(_is_tensor, value)))
        case "module" | "callable" | "settings":
            return isinstance(value, dict) and "type" in value
        case _:
            return True


def _is_tensor(value: object) -> bool:
    """The name of a layer, or an array."""
    return isinstance(value, str) or _is_array(value) or _is_tensor_table(value)


def _is_tensor_table(value: object) -> bool:
    """`{ tensor = [1, 2], dtype = "int64" }`; a single number is a tensor without dims."""
    if not isinstance(value, dict) or "tensor" not in value or set(value) - {"tensor", "dtype"}:
        return False
    inner = value["tensor"]
    return (isinstance(inner, bool | int | float) or _is_array(inner)) and value.get("dtype", DTYPES[0]) in DTYPES


def _is_array(value: object) -> bool:
    """Numbers or truth values in lists, those of one level all of one length; or the names of layers in a list."""
    if not isinstance(value, list | tuple):
        return False
    if all(isinstance(each, str) for each in value) or all(isinstance(each, bool | int | float) for each in value):
        return True
    return all(_is_array(each) for each in value) and len({_dims(each) for each in value}) == 1


def _dims(array: object) -> tuple[int, ...]:
    if not isinstance(array, list | tuple):
        return ()
    return (len(array), *(_dims(array[0]) if array else ()))


def _covered(form: Form, several: tuple[Form, ...]) -> bool:
    """A whole number goes unsaid where a number will do."""
    return any(other.name == "float" and other.lengths == form.lengths for other in several)


def _one_of(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else "one of " + ", ".join(choices)


def _phrase(form: Form) -> str:
    if form.table:
        return f"a table of {_plural(form, form.lengths)}"
    if not form.lengths:
        return _WORDS[form.name][0]
    if form.lengths[0] is not None:
        return f"{_number(form.lengths[0])} {_plural(form, form.lengths[1:])}"
    return f"a list of {_plural(form, form.lengths[1:])}"


def _plural(form: Form, lengths: tuple[int | None, ...]) -> str:
    return f"lists of {_plural(form, lengths[1:])}" if lengths else _WORDS[form.name][1]


def _again(form: Form) -> str:
    """Several of what has just been said: "two of them"."""
    length = form.lengths[0]
    return "a list of them" if length is None else f"{_number(length)} of them"


def _number(length: int) -> str:
    return _NUMBERS[length] if length < len(_NUMBERS) else str(length)
