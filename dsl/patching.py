"""`[patch."conv.0"]`: layers of the model changed, set beside others, replaced and taken away, by where they are
before any patch of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from dsl.catalogue.suggestions import suggest
from dsl.diagnostics import Diagnostic, Fix
from dsl.traced import Traced, merged

_KEYS: Final = ("set", "before", "after", "replace", "remove")
_EXPRESSION: Final = re.compile(r"\$\{[^}]*\}")
_Steps: TypeAlias = tuple[int, ...]  # an index into `layers`, then one into that layer's own `layers` ...


class _PatchError(Exception):
    """What is wrong with a patch. at: the value it is told at, where that is not the patch itself."""

    def __init__(self, message: str, at: Traced | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message, self.at, self.details = message, at, details


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """What a patch does with one layer. replace: None where it stays, empty where it goes."""

    key: str
    set: Traced | None
    before: Sequence[Traced]
    after: Sequence[Traced]
    replace: Sequence[Traced] | None

    @property
    def holds_inside(self) -> bool:
        """Whether the layers within the layer are still there afterwards."""
        return self.replace is None and (self.set is None or self.set.part("layers") is None)


def patched(whole: Traced, patch: Traced) -> tuple[Traced, list[Diagnostic]]:
    """A spec with the table `patch` worked in, and what is wrong with the patches that are then left out."""
    table = patch.table()
    if table is None:
        return whole, [patch.fault("`patch` is a table: of layers by their paths", "value")]
    edits: dict[_Steps, _Edit] = {}
    faults: list[Diagnostic] = []
    for key, said in table.items():
        try:
            edit = _edit(key, said)
            steps = _found(whole, key)
            _keep_apart(edits, steps, edit)
            edits[steps] = edit
        except _PatchError as fault:
            part = "key" if fault.at is None else "pair"
            faults.append((fault.at or said).fault(fault.message, "patch", **{"part": part, **fault.details}))
    model, layers = whole.part("model"), whole.find(("model", "layers"))
    if model is None or layers is None or not edits:
        return whole, faults
    changed = model.with_parts({**(model.table() or {}), "layers": _rebuilt(layers, edits)})
    return whole.with_parts({**(whole.table() or {}), "model": changed}), faults


def _rebuilt(layers: Traced, edits: Mapping[_Steps, _Edit]) -> Traced:
    """An array of layers after the edits of those in it and of those within them."""
    found: list[Traced] = []
    for index, layer in enumerate(layers.array() or []):
        here = {steps[1:]: edit for steps, edit in edits.items() if steps[0] == index}
        edit = here.pop((), None)
        inside = layer.part("layers")
        if here and inside is not None:
            layer = layer.with_parts({**(layer.table() or {}), "layers": _rebuilt(inside, here)})
        found += [layer] if edit is None else _edited(layer, edit)
    return layers.with_parts(found)


def _edited(layer: Traced, edit: _Edit) -> list[Traced]:
    kept = [layer] if edit.set is None else [merged(layer, edit.set)]
    return [*edit.before, *(kept if edit.replace is None else edit.replace), *edit.after]


# Finding the layer


def _found(whole: Traced, key: str) -> _Steps:
    """Where a layer is, as written: by names, and by its index in `layers` where it has none."""
    steps: _Steps = ()
    inside, names = whole.find(("model", "layers")), key.split(".")
    for depth, name in enumerate(names):
        layers = (inside.array() if inside is not None else None) or []
        index = _index(layers, name)
        if index is None:
            raise _not_there(layers, names, depth)
        steps = (*steps, index)
        if depth + 1 < len(names):
            inside = _inside(whole, layers[index], names, depth)
    return steps


def _index(layers: Sequence[Traced], name: str) -> int | None:
    named = [index for index, layer in enumerate(layers) if _name(layer) == name]
    if named:
        return named[0]
    return int(name) if name.isdecimal() and len(name) < 9 and int(name) < len(layers) else None


def _name(layer: Traced) -> str | None:
    name = layer.part("name")
    return name.value if name is not None and isinstance(name.value, str) else None


def _inside(whole: Traced, layer: Traced, names: Sequence[str], depth: int) -> Traced:
    """The `layers` of a group. Raises _PatchError for what a path cannot go into."""
    path, kind = ".".join(names[: depth + 1]), layer.part("type")
    if layer.part("repeat") is not None and names[depth + 1].isdecimal():
        raise _one_copy(path)
    inside = layer.part("layers")
    if inside is not None:
        return inside
    if kind is not None and whole.find(("blocks", str(kind.value))) is not None:
        fix = Fix(f'give it other values by [patch."{path}"], or define [blocks.{kind.value}] here')
        raise _PatchError(f"`{path}` is the block {kind.value}, and a patch does not reach into a named block", fix=fix)
    what = f"a {kind.value}" if kind is not None else "a layer"
    raise _PatchError(f"`{path}` is {what}, and has no layers in it")


def _one_copy(path: str) -> _PatchError:
    note = "a patch is for the layer as written, in all copies: leave the number out, and go on by names"
    return _PatchError(f"`{path}` is repeated, and one copy of a repeat cannot be patched", notes=(note,))


def _not_there(layers: Sequence[Traced], names: Sequence[str], depth: int) -> _PatchError:
    name, path = names[depth], ".".join(names[:depth])
    for layer in layers:
        own = _name(layer) or ""
        if "${" in own and re.fullmatch(r"\w+".join(map(re.escape, _EXPRESSION.split(own))), name):
            return _one_copy(".".join([*names[:depth], own]))
    there = [_name(layer) or str(index) for index, layer in enumerate(layers)]
    near = suggest(name, there)
    fix = Fix(f'did you mean [patch."{".".join([*names[:depth], near[0], *names[depth + 1 :]])}"]?') if near else None
    notes = (f"layers there: {', '.join(there[:20])}{', ...' if len(there) > 20 else ''}",) if there else ()
    return _PatchError(f"there is no layer `{name}` in {f'`{path}`' if path else 'the model'}", notes=notes, fix=fix)


# Reading the patch


def _edit(key: str, said: Traced) -> _Edit:
    table = said.table()
    if table is None:
        raise _PatchError("a patch is a table with `set`, `before`, `after`, `replace` or `remove`", part="pair")
    for name, value in table.items():
        if name not in _KEYS:
            raise _unknown(key, name, value)
    setting, remove = table.get("set"), table.get("remove")
    if setting is not None and setting.table() is None:
        raise _PatchError("`set` is a table of the layer's keys", setting)
    if remove is not None and remove.value is not True:
        raise _PatchError("`remove` is true, or is left out", remove)
    replacement = _layers(table, "replace")
    if remove is not None and (setting is not None or replacement is not None):
        raise _PatchError("a layer that is removed cannot be changed too", remove)
    if setting is not None and replacement is not None:
        raise _PatchError("a layer is changed by `set` or replaced, not both", setting)
    if not table:
        raise _PatchError("a patch has `set`, `before`, `after`, `replace` or `remove`")
    return _Edit(key=key, set=setting, before=_layers(table, "before") or (), after=_layers(table, "after") or (),
                 replace=() if remove is not None else replacement)  # fmt: skip


def _layers(table: Mapping[str, Traced], key: str) -> Sequence[Traced] | None:
    """One layer or several; None where the patch has no such key."""
    said = table.get(key)
    if said is None:
        return None
    layers = [said] if said.table() is not None else said.array()
    if not layers or any(each.table() is None for each in layers):
        raise _PatchError(f"`{key}` is a layer or an array of layers", said)
    return layers


def _unknown(key: str, name: str, value: Traced) -> _PatchError:
    if value.table() is not None and not suggest(name, _KEYS):  # [patch.conv.0], which TOML reads as three tables
        fix = Fix(f'the path of a layer stands in quotes: [patch."{key}.{name}"]')
        return _PatchError(f"unknown key `{name}` of a patch", value, part="key", fix=fix)
    near = suggest(name, _KEYS)
    notes = () if near else (f"known here: {', '.join(_KEYS)}",)
    fixed = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
    return _PatchError(f"unknown key `{name}` of a patch", value, part="key", notes=notes, fix=fixed)


def _keep_apart(edits: Mapping[_Steps, _Edit], steps: _Steps, edit: _Edit) -> None:
    """Raise _PatchError where another patch is for the same layer, or one takes away what the other changes."""
    for others, other in edits.items():
        if steps == others:
            raise _PatchError(f"`{edit.key}` and `{other.key}` are the same layer: one patch says all of it")
        (shorter, outer), (longer, inner) = sorted(((steps, edit), (others, other)), key=lambda each: len(each[0]))
        if longer[: len(shorter)] == shorter and not outer.holds_inside:
            note = f"the patch of `{outer.key}` takes it away"
            raise _PatchError(f"`{inner.key}` is not there after another patch", notes=(note,))
