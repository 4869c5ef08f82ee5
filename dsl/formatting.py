"""Tables as TOML 1.0 text: a layer a line, tables of the top as sections."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
WIDTH: Final = 120


def dump_tables(tables: Mapping[str, Any]) -> str:
    """TOML text that reads back as the same tables."""
    plain = {key: value for key, value in tables.items() if not _is_section(value)}
    sections = {key: value for key, value in tables.items() if _is_section(value)}
    parts = ["".join(_pair(key, value) for key, value in plain.items())] if plain else []
    for key, value in sections.items():
        for each in value if isinstance(value, list) else [value]:
            heading = f"[[{_key(key)}]]" if isinstance(value, list) else f"[{_key(key)}]"
            parts.append(heading + "\n" + "".join(_pair(k, v) for k, v in each.items()))
    return "\n".join(parts)


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
    )


def _pair(key: str, value: Any) -> str:
    return f"{_key(key)} = {_value(value, '')}\n"


def _value(value: Any, indent: str) -> str:
    """Arrays of tables are broken into lines; a table that holds one is broken there alone (TOML 1.0)."""
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        inner = indent + "  "
        lines = "".join(f"{inner}{_value(each, inner)},\n" for each in value)
        return f"[\n{lines}{indent}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {_value(each, indent)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each, indent) for each in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return (
            ("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")
            if not math.isfinite(value)
            else repr(value)
        )
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    return str(value) if isinstance(value, int) else value.isoformat()


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() or ord(character) > 0x9F else f"\\u{ord(character):04x}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _scalar(key)
