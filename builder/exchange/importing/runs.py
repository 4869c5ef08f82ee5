"""Layers that stand one behind the other and are alike become one with `repeat`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

_LONGEST: Final = 80
_NUMBERED: Final = re.compile(r"(.*?)(\d+)")


def repeated(tables: list[dict[str, Any]], kinds: Collection[str], outputs: Any) -> list[dict[str, Any]]:
    """The layers of one block, runs put together. kinds: names of blocks. outputs: of the block, which may refer to
    single ones."""
    found: list[dict[str, Any]] = []
    at = 0
    while at < len(tables):
        end = _end(tables, at, kinds)
        run = tables[at:end]
        while len(run) > 1 and not _merges(run, at, tables, outputs):
            run = run[:-1]
        found.append(_merged(run) if len(run) > 1 else run[0])
        at += len(run)
    return found


def collapsed(table: dict[str, Any]) -> dict[str, Any]:
    """A group that holds no more than a run is that run under the group's name."""
    layers = table.get("layers")
    if not layers or len(layers) != 1 or layers[0].get("name") != "" or "repeat" not in layers[0]:
        return table
    if not set(table) <= {"name", "input", "layers"}:
        return table
    run = {key: value for key, value in layers[0].items() if key != "name"}
    outer: dict[str, Any] = {key: table[key] for key in ("name", "input") if key in table}
    return {**outer, **run}


def _end(tables: Sequence[dict[str, Any]], start: int, kinds: Collection[str]) -> int:
    """Behind the last of the layers from a place on that may be copies of one."""
    first = tables[start]
    if first.get("type") not in kinds or "repeat" in first or "tie" in first or first.get("name") == "":
        return start + 1
    end = start + 1
    while end < len(tables) and _follows(tables[end - 1], tables[end], end, first, end - start):
        end += 1
    return end


def _follows(before: dict[str, Any], table: dict[str, Any], at: int, first: dict[str, Any], count: int) -> bool:
    if (
        set(table) - {"input", "name"} != set(first) - {"input", "name"}
        or table["type"] != first["type"]
        or "tie" in table
    ):
        return False
    if not _names_count(first.get("name"), table.get("name"), count):
        return False
    return _chained(first.get("input"), table.get("input"), before.get("name", str(at - 1)))


def _names_count(first: Any, name: Any, count: int) -> bool:
    """Whether neither has a name, or names end in numbers that count on."""
    if first is None or name is None:
        return first is name
    one, other = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(name)
    return bool(one and other and one[1] == other[1] and int(other[2]) == int(one[2]) + count)


def _chained(first: Any, here: Any, before: str) -> bool:
    """Whether a copy reads what the one before it makes, and else what the first does."""
    if here is None:
        return first is None or isinstance(first, str)
    if isinstance(here, list) and isinstance(first, list) and len(here) == len(first):
        return here[0] == before and here[1:] == first[1:]
    return False


def _merges(run: Sequence[dict[str, Any]], start: int, tables: Sequence[dict[str, Any]], outputs: Any) -> bool:
    """Whether nothing else refers to what stands inside the run, and what differs can be said by the number."""
    for at, table in enumerate(run[:-1], start):
        word = table.get("name", str(at))
        others = [each for number, each in enumerate(tables) if not start <= number < start + len(run)]
        if any(
            each == word or each.startswith(f"{word}.") or re.search(rf"\$\{{.*\b{re.escape(word)}\b", each)
            for each in _words([others, outputs])
            if not word.isdigit() or each == word or each.startswith(f"{word}.")
        ):
            return False
    keys = [key for key in run[0] if key not in ("input", "name", "type")]
    return all(_by_number([each[key] for each in run]) is not None for key in keys)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _words(each)


def _merged(run: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = run[0]
    table: dict[str, Any] = {"name": _common_name(first.get("name")), "type": first["type"]}
    if "input" in first:
        table["input"] = first["input"]
    table["repeat"] = len(run)
    keys = [key for key in first if key not in ("input", "name", "type")]
    return {**table, **{key: _by_number([each[key] for each in run]) for key in keys}}


def _common_name(name: str | None) -> str:
    if name is None:
        return ""
    found = _NUMBERED.fullmatch(name)
    assert found is not None
    start = int(found[2])
    return f"{found[1]}${{i + {start}}}" if start else f"{found[1]}${{i}}"


def _by_number(values: Sequence[Any]) -> Any:
    """What gives a value for each copy by its number `i`: a plain value where all are the same; None where nothing
    short does."""
    first = values[0]
    if all(each == first and type(each) is type(first) for each in values):
        return first
    if any(isinstance(each, str) for each in values):
        return None
    text = _of_bools(values) if all(isinstance(each, bool) for each in values) else _of_numbers(values)
    listed = f"[{', '.join(_said(each) for each in values)}][i]"
    text = text or listed
    return f"${{{text}}}" if len(text) <= _LONGEST else None


def _of_bools(values: Sequence[bool]) -> str:
    if not any(values[1:]):
        return "i == 0"
    if all(values[1:]):
        return "i > 0"
    if not any(values[:-1]):
        return f"i == {len(values) - 1}"
    if all(values[:-1]):
        return f"i < {len(values) - 1}"
    alternate = all(value == bool(at % 2) for at, value in enumerate(values))
    return "i % 2 == 1" if alternate else "i % 2 == 0" if all(v != bool(at % 2) for at, v in enumerate(values)) else ""


def _of_numbers(values: Sequence[Any]) -> str:
    rest = values[1:]
    if all(each == rest[0] for each in rest):
        return f"{_said(values[0])} if i == 0 else {_said(rest[0])}"
    if all(isinstance(each, int) for each in values):
        step = values[1] - values[0]
        if all(each == values[0] + step * at for at, each in enumerate(values)):
            part = "i" if step == 1 else f"{step} * i"
            return part if values[0] == 0 else f"{values[0]} + {part}"
    if all(isinstance(each, float) for each in values) and (found := _part_of_whole(values)):
        return found
    if all(each == values[at % 2] for at, each in enumerate(values)):
        return f"{_said(values[0])} if i % 2 == 0 else {_said(values[1])}"
    return ""


def _part_of_whole(values: Sequence[float]) -> str:
    """`0.1 * (6 + i) / 17`, as rates that grow from block to block are made."""
    step = values[1] - values[0]
    for whole in range(1, 129):
        most = round(step * whole, 4)
        start = round(values[0] * whole / most) if most else -1
        if start >= 0 and all(most * (start + at) / whole == each for at, each in enumerate(values)):
            return f"{most} * {f'({start} + i)' if start else 'i'} / {whole}"
    return ""


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_said, value))}]"
    return repr(value)
