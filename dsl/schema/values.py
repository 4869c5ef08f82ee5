"""A type of the catalogue's grammar -> the JSON Schema of what a spec may write there.

One flat schema says all alternatives, without `anyOf`: keywords of JSON Schema each hold for values of their own kind,
and a complaint then names what was found and what goes there. An expression in a string goes everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeAlias

from dsl.catalogue.types import DTYPES, Form, forms

Schema: TypeAlias = dict[str, Any]

EXPRESSION: Final = r"\$\{"
# Where the definitions of layers and settings as values stand.
LAYER: Final = "#/definitions/layer"
SETTINGS: Final = "#/definitions/settings"

# The kinds of JSON value that each name of the grammar takes. Editors' readers of TOML hand on `inf` and `nan` as null.
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "int": ("integer",),
    "float": ("number", "null"),
    "bool": ("boolean",),
    "str": ("string",),
    "device": ("string",),
    "dtype": ("string",),
    "none": (),
    "tensor": ("string", "array", "object"),
    "tensors": ("string", "array"),
    "module": ("object",),
    "callable": ("object",),
    "settings": ("object",),
    "any": ("integer", "number", "null", "boolean", "string", "array", "object"),
}
_FREE: Final = ("str", "device", "tensor", "tensors", "any")  # whatever a string says
_TENSOR: Final = {
    "properties": {"tensor": {"type": ["array", "number", "boolean"]}, "dtype": {"enum": list(DTYPES)}},
    "required": ["tensor"],
    "additionalProperties": False,
}


def union(types: Iterable[str]) -> str:
    """One type with the alternatives of several, each once."""
    return " | ".join(dict.fromkeys(part for each in types for part in each.split(" | ")))


@cache
def held(type: str) -> Schema:
    """What a value is held against."""
    return _flat(forms(type))


@cache
def shown(type: str) -> Schema:
    """What an editor offers for a value: words of a closed list, else the kinds of value."""
    several = forms(type)
    words = [*_words(several), *(DTYPES if any(each.name == "dtype" for each in several) else ())]
    if words:
        return {"enum": words}
    kinds = [each for each in _kinds(several) if each != "null"]
    return {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {"type": "string"}


def _flat(several: Sequence[Form]) -> Schema:
    kinds = dict.fromkeys([*_kinds(several), "string"])
    made: Schema = {"type": [*kinds] if len(kinds) > 1 else next(iter(kinds))}
    names = {each.name for each in several if not each.lengths and not each.word}
    if not names.intersection(_FREE):
        made["pattern"] = _pattern(several)
    if not names.intersection(("any", "tensor", "tensors")):
        made |= _lists([each for each in several if each.lengths and not each.table])
    return made | _tables(several, names)


def _kinds(several: Sequence[Form]) -> list[str]:
    found: list[str] = []
    for form in several:
        if form.table:
            found.append("object")
        elif form.lengths:
            found.append("array")
        else:
            found += ("string",) if form.word else _KINDS[form.name]
    return list(dict.fromkeys(found))


def _words(several: Sequence[Form]) -> list[str]:
    return [form.name for form in several if form.word]


def _pattern(several: Sequence[Form]) -> str:
    """Of a string: one of the words, or what holds an expression."""
    dtypes = DTYPES if any(form.name == "dtype" and not form.lengths for form in several) else ()
    words = [re.escape(each) for each in (*_words(several), *dtypes)]
    return rf"^({'|'.join(words)})$|{EXPRESSION}" if words else EXPRESSION


def _lists(several: Sequence[Form]) -> Schema:
    """Of an array: the shortest and the longest that goes, and what is in it."""
    if not several:
        return {}
    lengths = [form.lengths[0] for form in several]
    made: Schema = {"items": _flat([replace(form, lengths=form.lengths[1:]) for form in several])}
    known = [each for each in lengths if each is not None]
    if len(known) == len(lengths):
        made |= {"minItems": min(known), "maxItems": max(known)}
    return made


def _tables(several: Sequence[Form], names: set[str]) -> Schema:
    """Of a table: a tensor written out, a layer, settings, or values by names of the spec's own."""
    tables = [replace(form, table=False) for form in several if form.table]
    if tables:
        return {"additionalProperties": _flat(tables)}
    if "tensor" in names:
        return dict(_TENSOR)
    if names.intersection(("module", "callable")):
        return {"allOf": [{"$ref": LAYER}]}
    return {"allOf": [{"$ref": SETTINGS}]} if "settings" in names else {}
