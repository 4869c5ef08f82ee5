"""`--set KEY=VALUE`: one value changed from outside, typed by the value there."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import tomli

from dsl.diagnostics import Diagnostic, Fix
from dsl.source import Path, Source, Span, key_text

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
# Tables in which a key may be set that the file does not write.
_OPEN: Final = ("optimizer", "data", "train", "loss")


@dataclass(frozen=True)
class Setting(Source):
    """A `--set` as a source of its own: the whole of it is the place of the value."""

    def span(self, path: Path, part: str = "pair") -> Span:
        return Span(1, 1, 1, len(self.text) + 1)


def apply(
    tables: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[Path, Source], list[Diagnostic]]:
    """The tables with every override in place, where each comes from, and what does not fit.

    A value that is text is read as TOML where the value there is no text: `vars.width=128` is a number.
    """
    changed = copy.deepcopy(dict(tables)) if overrides else dict(tables)
    origins: dict[Path, Source] = {}
    faults: list[Diagnostic] = []
    for key, value in overrides.items():
        setting = Setting("--set", f"{key}={value}")
        problem = _set(changed, key, value, origins, setting)
        if isinstance(problem, Diagnostic):
            faults.append(problem)
    return changed, origins, faults


def parse_path(key: str) -> Path | None:
    """`model.layers[2].p` as keys; None where it is not a path."""
    path: list[str | int] = []
    rest = key
    while rest:
        match = _STEP.match(rest)
        if match is None:
            return None
        path.append(int(match[2]) if match[2] is not None else match[1].strip())
        rest = rest[match.end() :].removeprefix(".")
    return tuple(path) or None


def _set(
    tables: dict[str, Any], key: str, value: Any, origins: dict[Path, Source], setting: Setting
) -> Diagnostic | None:
    path = parse_path(key)
    if path is None:
        return _fault(setting, f"`{key}` is not a key such as train.epochs or model.layers[0].p")
    holder: Any = tables
    for depth, step in enumerate(path[:-1]):
        if isinstance(holder, dict) and step not in holder and depth == 0 and step in _OPEN:
            holder[step] = {}
        if not _holds(holder, step):
            return _unknown(setting, holder, path[: depth + 1])
        holder = holder[step]
    last = path[-1]
    if not _holds(holder, last) and not (isinstance(holder, dict) and len(path) > 1 and path[0] in _OPEN):
        return _unknown(setting, holder, path)
    there = holder[last] if _holds(holder, last) else None
    typed, expected = _typed(there, value)
    if expected:
        return _fault(setting, f"`{key}` is {expected}, and {value!r} is not", label=f"expected {expected}")
    holder[last] = typed
    origins[path] = setting
    return None


def _holds(holder: Any, step: str | int) -> bool:
    if isinstance(holder, list):
        return isinstance(step, int) and step < len(holder)
    return isinstance(holder, dict) and step in holder


def _typed(there: Any, value: Any) -> tuple[Any, str | None]:
    """The value in the type of the one that is there, or what was expected."""
    if isinstance(value, str) and not (isinstance(there, str) and "${" not in there):
        value = _as_toml(value)
    if there is None or (isinstance(there, str) and "${" in there) or (isinstance(value, str) and "${" in value):
        return value, None
    if isinstance(there, bool) or isinstance(value, bool):
        fits = isinstance(there, bool) and isinstance(value, bool)
    elif isinstance(there, float):
        fits, value = isinstance(value, int | float), float(value) if isinstance(value, int) else value
    elif isinstance(there, str | list):  # one word or several: device, source, input
        fits = isinstance(value, str | list)
    else:
        fits = isinstance(value, type(there))
    return value, None if fits else _WORDS.get(type(there), "a value")


_WORDS: Final = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "an array", dict: "a table",
}  # fmt: skip


def _as_toml(text: str) -> Any:
    try:
        return tomli.loads(f"value = {text}")["value"]
    except (tomli.TOMLDecodeError, RecursionError):
        return text


def _unknown(setting: Setting, holder: Any, path: Path) -> Diagnostic:
    from dsl.catalogue.suggestions import suggest

    known = [str(key) for key in holder] if isinstance(holder, dict) else []
    near = suggest(str(path[-1]), known)
    fix = Fix(f"did you mean {key_text((*path[:-1], near[0]))}?") if near else None
    return _fault(setting, f"there is no `{key_text(path)}` in the spec", fix=fix)


def _fault(setting: Setting, message: str, label: str = "", fix: Fix | None = None) -> Diagnostic:
    return Diagnostic(
        message=message,
        code="set",
        file=setting.name,
        span=setting.span(()),
        excerpt=setting.text,
        label=label,
        fix=fix,
    )
