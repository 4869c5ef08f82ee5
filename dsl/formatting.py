"""Tables as TOML 1.0 text, in the order and the lines that specs are written in: a layer a line, a section a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from dsl.records import Spec

WIDTH: Final = 120
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
# The keys of the top in their order; in other tables, what stands first and what last.
TOP: Final = (
    "name", "doc", "allow", "vars", "blocks", "model", "loss", "optimizer", "scheduler", "data", "train", "metrics",
)  # fmt: skip
_FIRST: Final = ("name", "type", "params", "defaults", "inputs")
_LAST: Final = ("layers", "outputs")


def dumps(spec: Spec) -> str:
    """A spec as TOML text that loads by itself and, from a file in the same folder, means the same: `extends`,
    `include`, `patch` and overrides are worked in. Comments are not kept."""
    return dump_tables(spec.document.tables)


def dump_tables(tables: Mapping[str, Any]) -> str:
    """TOML text that reads back as the same tables."""
    return "\n".join(_sections((), _ordered(tables, TOP)))


def in_line(value: Any) -> str:
    """One value as it is written in TOML, all of it in a line."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(key)} = {in_line(each)}" for key, each in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_line(each) for each in value) + "]"
    return _scalar(value)


def _sections(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    """The text of a table's section and of those within it."""
    within = {key: value for key, value in table.items() if _is_section(path, key, value)}
    pairs = "".join(_pair(key, value) for key, value in table.items() if key not in within)
    heading = f"[{_path(path)}]\n" if path and (pairs or not within) else ""
    parts = [heading + pairs] if heading or pairs else []
    for key, value in within.items():
        inner = (*path, key)
        if isinstance(value, list):
            parts += [f"[[{_path(inner)}]]\n" + "".join(_pair(*each) for each in _layer(item)) for item in value]
        else:
            parts += _sections(inner, value if inner == ("blocks",) else dict(_layer(value)))
    return parts


def _is_section(path: tuple[str, ...], key: str, value: Any) -> bool:
    """Tables of the top, and each block; further down, a table that is too long for a line."""
    if not path and isinstance(value, list):
        return bool(value) and all(isinstance(each, dict) for each in value)
    if not isinstance(value, dict):
        return False
    return path in ((), ("blocks",)) or (bool(value) and not _fits(_pair(key, value)))


def _layer(table: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The pairs of a layer, a block or any other table, in the order that they are read best."""
    ends = {key: table[key] for key in _LAST if key in table} if isinstance(table.get("layers"), list) else {}
    return {**_ordered({key: value for key, value in table.items() if key not in ends}, _FIRST), **ends}.items()


def _ordered(table: Mapping[str, Any], first: Sequence[str]) -> dict[str, Any]:
    return {key: table[key] for key in dict.fromkeys([*(each for each in first if each in table), *table])}


def _pair(key: str, value: Any) -> str:
    return f"{_key(key)} = {_value(value, '', len(_key(key)) + 3)}\n"


def _value(value: Any, indent: str, column: int) -> str:
    """A value that starts in a column. An array is broken into lines where it does not fit, or holds several tables; a
    table is broken only where an array in it is (TOML 1.0), so a long layer is a long line."""
    if isinstance(value, dict):
        return _inline(value, indent)
    if not isinstance(value, list):
        return _scalar(value)
    whole = "[" + ", ".join(_value(each, indent, column) for each in value) + "]"
    tables = [each for each in value if isinstance(each, dict)]
    if len(tables) < 2 and "\n" not in whole and column + len(whole) <= WIDTH:
        return whole
    inner = indent + "  "
    items = [f"{_value(each, inner, len(inner))}," for each in value]
    lines = items if tables else _packed(items, WIDTH - len(inner))
    return "[\n" + "".join(f"{inner}{line}\n" for line in lines) + f"{indent}]"


def _inline(table: Mapping[str, Any], indent: str) -> str:
    pairs = [f"{_key(key)} = {_value(value, indent, len(indent))}" for key, value in _layer(table)]
    return f"{{ {', '.join(pairs)} }}" if pairs else "{}"


def _packed(items: Iterable[str], width: int) -> list[str]:
    """Lines of as many items as they take."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + 1 + len(item) <= width:
            lines[-1] += f" {item}"
        else:
            lines.append(item)
    return lines


def _fits(text: str) -> bool:
    return "\n" not in text.rstrip("\n") and len(text) <= WIDTH + 1


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    return str(value) if isinstance(value, int) else value.isoformat()


def _number(value: float) -> str:
    """0.001, but 1e-4: the plain form unless the other is shorter by more than a digit. Both read back the same."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    plain = repr(value)
    short = f"{Decimal(plain).normalize():e}" if 0 < abs(value) < 1 else plain
    return short if "e" in plain or len(short) + 1 < len(plain) else plain


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() or ord(character) > 0x9F else f"\\u{ord(character):04x}"


def _path(path: Iterable[str]) -> str:
    return ".".join(_key(each) for each in path)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _scalar(key)
