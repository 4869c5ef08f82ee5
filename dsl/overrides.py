"""`--set KEY=VALUE`: one value changed from outside, typed by the value there, over everything that the files say."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import tomli

from dsl.catalogue.suggestions import suggest
from dsl.diagnostics import Diagnostic, Fix
from dsl.layering import KEYS
from dsl.source import Path, Setting, key_text
from dsl.traced import Traced

_NAME: Final = r"""(?:(?P<bare>[^.\[\]"']+)|"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)')"""
_FIRST: Final = re.compile(_NAME)
_NEXT: Final = re.compile(r"\[(?P<index>-?\d{1,9})\]|\." + _NAME)


class _MisfitError(Exception):
    """Why a setting does not fit."""

    def __init__(self, message: str, notes: tuple[str, ...] = (), fix: Fix | None = None, label: str = "") -> None:
        super().__init__(message)
        self.details: dict[str, Any] = {"notes": notes, "fix": fix, "label": label}


def apply(whole: Traced, overrides: Mapping[str, Any]) -> tuple[Traced, list[Diagnostic]]:
    """The spec with every override laid over it, and what does not fit.

    A value that is text is read as TOML where the value there is no text: `vars.width=128` is a number. A key may be
    new wherever the language has a table, and the reader judges it; a new var must be one that the spec reads.
    """
    faults: list[Diagnostic] = []
    for key, value in overrides.items():
        setting = Setting(Setting.NAME, f"{key}={value}")
        try:
            whole = _set(whole, key, value, setting)
        except _MisfitError as fault:
            faults.append(Traced(setting, (key,)).fault(str(fault), "set", **fault.details))
    return whole, faults


def parse_path(key: str) -> Path | None:
    """`model.layers[2].p` as keys; None where it is not a path. A key with a dot in it stands in quotes."""
    path: list[str | int] = []
    at = 0
    while at < len(key):
        match = (_NEXT if path else _FIRST).match(key, at)
        if match is None:
            return None
        path.append(_step(match.groupdict()))
        at = match.end()
    return tuple(path) or None


def _step(found: Mapping[str, str | None]) -> str | int:
    if (index := found.get("index")) is not None:
        return int(index)
    if (basic := found["basic"]) is not None:
        return re.sub(r"\\(.)", r"\1", basic)
    return found["literal"] if found["literal"] is not None else str(found["bare"]).strip()


def located(whole: Traced, path: Path) -> Path:
    """The path with names and digits in the place of indices made indices: `model.layers.conv.p` as
    `model.layers[0].p`. Raises LookupError, a sentence, where an array has no such element."""
    found: Path = ()
    node: Traced | None = whole
    for step in path:
        elements = node.array() if node is not None else None
        if elements is not None:
            step = _index(elements, step, found)
        found = (*found, step)
        node = node.part(step) if node is not None else None
    return found


def _index(elements: list[Traced], step: str | int, path: Path) -> int:
    names = [_name(each) for each in elements]
    if isinstance(step, str) and step in names:
        return names.index(step)
    number = int(step) if isinstance(step, int) or (step.isdecimal() and len(step) < 9) else None
    if number is not None and 0 <= number < len(elements):
        return number
    count = f"it has {len(elements)}, from [0] to [{len(elements) - 1}]" if elements else "it is empty"
    known = [name for name in names if name]
    if isinstance(step, int) or not known:
        raise LookupError(f"`{key_text(path)}` has no `{step}`: {count}")
    near = suggest(step, known)
    words = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
    raise LookupError(f"`{key_text(path)}` has no `{step}`: {words}")


def _name(element: Traced) -> str | None:
    name = element.part("name")
    return name.value if name is not None and isinstance(name.value, str) else None


def _set(whole: Traced, key: str, value: Any, setting: Setting) -> Traced:
    path = parse_path(key)
    if path is None:
        raise _MisfitError(f"`{key}` is not a key such as train.epochs or model.layers[0].p")
    if path[0] in KEYS:
        raise _MisfitError(f"`{path[0]}` is worked in before --set, and cannot be set")
    try:
        path = located(whole, path)
    except LookupError as error:
        raise _MisfitError(str(error)) from error
    _check_way(whole, path)
    there = whole.find(path)
    if there is None and path[0] == "vars" and not _reads(whole.plain(), str(path[-1])):
        raise _no_var(whole, path)
    typed = _typed(None if there is None else there.plain(), _said(value))
    if path[0] == "vars" and there is not None and not isinstance(there.value, dict | list):
        _judge(key, there.value, typed)
    return whole.put(path, Traced(setting, path, typed))


def _check_way(whole: Traced, path: Path) -> None:
    """Raise _MisfitError where the path goes through what is no table or array, or asks a table for an index."""
    node: Traced | None = whole
    for depth, step in enumerate(path):
        parts = node.opened() if node is not None else {}
        if parts is None:
            raise _MisfitError(f"`{key_text(path[:depth])}` is no table, and has no `{step}`")
        if isinstance(step, int) and not isinstance(parts, list):
            raise _MisfitError(f"there is no array `{key_text(path[:depth])}` in the spec")
        node = node.part(step) if node is not None else None


def _reads(value: Any, name: str) -> bool:
    """Whether an expression somewhere in the spec has the name in it."""
    if isinstance(value, dict | list):
        return any(_reads(each, name) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and any(name in re.findall(r"\w+", each) for each in re.findall(r"\$\{[^}]*", value))


def _no_var(whole: Traced, path: Path) -> _MisfitError:
    table = whole.part("vars")
    known = list((table.table() if table is not None else None) or {})
    near = suggest(str(path[-1]), known)
    fix = Fix(f"did you mean {key_text((*path[:-1], near[0]))}?") if near else None
    return _MisfitError(f"there is no `{key_text(path)}` in the spec", fix=fix)


def _said(value: Any) -> Any:
    """A value from Python as TOML could say it."""
    if value is None:
        return "${none}"
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, tuple | list):
        return [_said(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _said(each) for key, each in value.items()}
    if isinstance(value, bool | int | float | str):
        return value
    raise _MisfitError(f"a value is what TOML can say, not a {type(value).__name__}")


def _typed(there: Any, value: Any) -> Any:
    """Text as the value that it stands for beside the one that is there."""
    if isinstance(value, str) and (not _is_text(there) or value[:1] in ("[", "{", '"', "'")):
        value = _as_toml(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if isinstance(there, float) and whole else value


def _judge(key: str, there: Any, value: Any) -> None:
    """A var has the type that it has in the spec: nothing else would judge it."""
    if any(isinstance(each, str) and "${" in each for each in (there, value)):
        return
    number = isinstance(there, float) and isinstance(value, float)
    if type(value) is not type(there) and not number:
        expected = _WORDS.get(type(there), "a value")
        raise _MisfitError(f"`{key}` is {expected}, and {value!r} is not", label=f"expected {expected}")


_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "${" not in value


def _as_toml(text: str) -> Any:
    try:
        found = tomli.loads(f"value = {text}")
    except (tomli.TOMLDecodeError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
