"""The arguments of types: what each type is held against, and what an editor shows of them.

The editors' Taplo completes and explains by what it meets under `properties`, whatever else the table says, and never
looks under `then`. So the two stand apart: a *view*, in which every argument of every type is a key, and *rules*, in
which each type closes its table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dsl.catalogue.entries import REQUIRED, Entry, Parameter
from dsl.schema.values import EXPRESSION, Schema, held, shown, union

_MOST: Final = 6  # types that the text of an argument names


class Shared:
    """Definitions of the schema; what several arguments or types have in common stands there once."""

    def __init__(self) -> None:
        self.made: dict[str, Schema] = {}
        self._names: dict[str, str] = {}

    def reference(self, wanted: str, schema: Schema) -> Schema:
        """A reference to this schema, defined under the wanted name, or under that of the same schema before."""
        text = json.dumps(schema, sort_keys=True)
        if text not in self._names:
            plain = re.sub(r"\W+", "_", wanted).strip("_") or "value"
            name = next(each for each in _numbered(plain) if each not in self.made)
            self._names[text], self.made[name] = name, schema
        return {"$ref": f"#/definitions/{self._names[text]}"}


def _numbered(name: str) -> Iterable[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def rules(entries: Mapping[str, Entry], common: Sequence[str], shared: Shared) -> Schema:
    """For each known type its keys, and no further ones; for any other type nothing.

    entries: by every name that a spec may write. common: keys that each type has besides its arguments.
    """
    groups: dict[str, list[str]] = {}
    for name, entry in entries.items():
        reference = shared.reference(f"of {entry.name}", closed(entry, common, shared))["$ref"]
        groups.setdefault(reference, []).append(name)
    return {"allOf": [{"if": is_of(names), "then": {"$ref": reference}} for reference, names in groups.items()]}


def closed(entry: Entry, common: Sequence[str], shared: Shared) -> Schema:
    """The keys of one type and no further ones, each argument held against its type."""
    taken: dict[str, list[str]] = {}
    for each in _parameters(entry):
        if each.name not in common:
            taken.setdefault(each.name, []).append(each.type)
    properties = {name: shared.reference(union(several), held(union(several))) for name, several in taken.items()}
    further = shared.reference(entry.more, held(entry.more)) if entry.more else False
    return {
        "properties": properties,
        "patternProperties": {f"^({'|'.join(common)})$": True},
        "additionalProperties": further,
    }


def is_of(names: Sequence[str]) -> Schema:
    """That a table's type is one of these."""
    return {"properties": {"type": {"enum": list(names)}}, "required": ["type"]}


def one_of(names: Iterable[str]) -> Schema:
    """A name of a closed list, or an expression."""
    return {"pattern": f"^({'|'.join(map(re.escape, names))})$|{EXPRESSION}"}


def view(entries: Mapping[str, Entry]) -> dict[str, Schema]:
    """Each argument of all these types, with what it takes and whose it is."""
    owners: dict[str, dict[str, list[Parameter]]] = {}
    for name, entry in entries.items():
        for each in _parameters(entry):
            owners.setdefault(each.name, {}).setdefault(name, []).append(each)
    return {name: _seen(owners[name]) for name in sorted(owners)}


def types(entries: Mapping[str, Entry], sentences: Mapping[str, str]) -> Schema:
    """The key `type`: these names are offered, each with its signature and PyTorch's sentence; others go too."""
    told = [_told(entry, sentences.get(entry.target, "")) for entry in entries.values()]
    return {"type": "string", "enum": list(entries), "x-taplo": {"docs": {"enumValues": told}}}


def signature(entry: Entry) -> str:
    """As PyTorch's manual writes it, without what the input tells: `Conv2d(out_channels, kernel_size, stride=1)`."""
    left_out = (*entry.inferred, *((each.name for each in entry.inputs[:1]) if entry.role != "module" else ()))
    written = [_argument(each) for each in entry.parameters if each.name not in left_out]
    return f"{entry.target}({', '.join(written)})"


def _told(entry: Entry, sentence: str) -> str:
    return "\n\n".join([*([sentence] if sentence else []), f"`{signature(entry)}`"])


def _argument(parameter: Parameter) -> str:
    if parameter.default is REQUIRED:
        return parameter.name
    return f"{parameter.name}={_value(parameter.default)}"


def _value(default: object) -> str:
    if default is None:
        return '"${none}"'
    return json.dumps(default) if not isinstance(default, tuple) else json.dumps(list(default))


def _parameters(entry: Entry) -> list[Parameter]:
    """Every argument of every signature, those of a module's `forward` too."""
    fed = entry.inputs if entry.role == "module" else ()
    return [each for several in (entry.parameters, *entry.overloads, fed) for each in several]


def _seen(owners: Mapping[str, Sequence[Parameter]]) -> Schema:
    every = [each for several in owners.values() for each in several]
    more = f" and {len(owners) - _MOST} more" if len(owners) > _MOST else ""
    made = {"description": f"An argument of {', '.join([*owners][:_MOST])}{more}."}
    return made | shown(union(each.type for each in every)) | _agreed(every)


def _agreed(every: Sequence[Parameter]) -> Schema:
    """The default, where all types have the same."""
    defaults = {json.dumps(None if each.required else each.default): each.default for each in every}
    value: Any = next(iter(defaults.values()))
    return {} if len(defaults) > 1 or value is REQUIRED or value is None else {"default": value}
