"""The model, named blocks, groups and the layers in them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.keys import KINDS, LAYER, meant, meant_name
from dsl.reading.inputs import InputReader
from dsl.records import Block, Definition, Input, Layer, Place
from dsl.source import key_text
from dsl.tables import Table, described, is_whole

_NAME: Final = re.compile(r"[^\W\d][\w-]*|\d[\w-]*[^\W\d][\w-]*")
_SAID: Final = ("type", "name", "input")
_FURTHER: Final = frozenset(LAYER).difference(_SAID)
_TOP: Final = ("vars", "blocks", "loss", "optimizer", "scheduler", "data", "train")


class BlockReader(InputReader):
    """Values stay as they are written: what an expression sees is known only where its layer stands."""

    def model(self, table: Table) -> Block:
        inputs = self.inputs(table)
        if not inputs and not table.has("inputs") and not table.meant("inputs"):
            self.faults.add(table.place, "the model has no `inputs`", "missing", part="key",
                            notes=('inputs = { image = ["N", 1, 28, 28] }',))  # fmt: skip
        block = self.block(table, inputs or ())
        for key in _TOP:
            if table.raw(key) is not None:
                self.faults.add(table.place.at(key), f"`{key}` has no place in `[model]`", "key", part="key",
                                fix=Fix(f"[{key}] stands beside [model], not in it"))  # fmt: skip
        _forget(table, *_TOP)
        table.close()
        return block

    def blocks(self, several: Table | None) -> dict[str, Definition]:
        found = {}
        for name in several.values if several else ():
            assert several is not None
            before, table = len(self.faults), several.table(name)
            if not name.isidentifier() or keyword.iskeyword(name):
                self.faults.add(several.place.at(name), f"`{name}` cannot name a block: it becomes a class", "name",
                                part="key")  # fmt: skip
            place = several.place.at(name)
            read = Definition(place=place, name=name, body=Block(place=place, layers=()))
            read = self.definition(name, table) if table is not None else read
            found[name] = replace(read, faulty=self.at_fault(place, before))
        return found

    def at_fault(self, place: Place, before: int) -> bool:
        """Whether faults were told of this table since there were `before`; those of layers in it are their own."""
        inner = key_text(place.at("layers").path) + "["
        return any(not each.key.startswith(inner) for each in self.faults[before:])

    def definition(self, name: str, table: Table) -> Definition:
        params, defaults = self.params(table), table.table("defaults")
        inputs = self.named_inputs(table) if table.has("inputs") else (Input(place=table.place, name="x"),)
        for given in dict.fromkeys((*params, *(defaults.values if defaults else ()))):
            if any(given == each.name for each in inputs):
                self.faults.add(table.place, f"`{given}` is a param and an input of the block", "name", part="key")
        block = self.block(table, inputs)
        table.close(f" of the block `{name}`")
        return Definition(place=table.place, name=name, body=block, params=params,
                          defaults=defaults.values if defaults else {})  # fmt: skip

    def params(self, table: Table) -> tuple[str, ...]:
        names = table.raw("params")
        if names is None:
            return ()
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            table.wrong("params", names, 'an array of names, as in ["channels"]')
            return ()
        for index, name in enumerate(names):
            unfit = not name.isidentifier() or keyword.iskeyword(name)
            if unfit or name in names[:index]:
                why = "an expression could not hold it" if unfit else "it stands there twice"
                self.faults.add(table.place.at("params", index), f"`{name}` cannot name a param: {why}", "name",
                                part="value")  # fmt: skip
        return tuple(names)

    def block(self, table: Table, inputs: tuple[Input, ...] | None) -> Block:
        there = table.has("layers") or table.meant("layers")
        layers = self.layers(table.raw("layers"), table.place.at("layers"), there)
        outputs = table.raw("outputs")
        if outputs is not None and not isinstance(outputs, str | list | dict):
            table.wrong("outputs", outputs, "a name, an array of names or a table of names")
            outputs = None
        elif outputs is not None and not outputs:
            self.faults.add(
                table.place.at("outputs"), "`outputs` is empty: leave it out to give the last layer's result"
            )
            outputs = None
        elif isinstance(outputs, dict) and "from" in outputs:  # the word by which a graph's references are known
            self.faults.add(table.place.at("outputs", "from"), "`from` is kept and cannot name an output", "name",
                            part="key")  # fmt: skip
            outputs = None
        return Block(place=table.place, inputs=inputs, layers=layers, outputs=outputs, init=table.raw("init"),
                     freeze=_or(table.raw("freeze"), False))  # fmt: skip

    def layers(self, value: Any, place: Place, there: bool = True) -> tuple[Layer, ...]:
        if value is None and there:  # a misspelled key, which is told
            return ()
        if not there:
            self.faults.add(Place(place.document, place.path[:-1]), "there are no `layers`", "missing", part="key")
            return ()
        if not isinstance(value, list):
            key = place.path[-1]
            header = f", or [[{key_text(place.path)}]]" if all(isinstance(each, str) for each in place.path) else ""
            fix = Fix(f"{key} = [{{ ... }}]{header}") if isinstance(value, dict) else None
            self.faults.add(place, f"`{key}` is an array of tables, not {described(value)}", fix=fix)
            return ()
        if not value:
            self.faults.add(place, "`layers` is empty: there is at least one layer", "missing")
        found = []
        for index, each in enumerate(value):
            if isinstance(each, dict):
                found.append(
                    plain_layer(each, place.at(index))
                    or self.layer(Table(each, place.at(index), self.faults, self.scope))
                )
            else:
                self.faults.add(
                    place.at(index), f'a layer is a table such as {{ type = "ReLU" }}, not {described(each)}'
                )
        return tuple(found)

    def layer(self, table: Table) -> Layer:
        before = len(self.faults)
        layer = self.whole_layer(table)
        if not self.at_fault(table.place, before):
            return layer
        return replace(layer, faulty=True, name=layer.name if layer.name is not None else meant_name(table.values))

    def whole_layer(self, table: Table) -> Layer:
        name, kind, reads = self.name(table), self.words(table, "type"), table.raw("input")
        if reads is not None and not isinstance(reads, str | list | dict):
            table.wrong("input", reads, "a name, an array of names or a table of them", _quoted("input", reads))
            reads = None
        elif reads is not None and not reads:
            self.faults.add(table.place.at("input"), "`input` is empty: leave it out to read the layer before")
        common: dict[str, Any] = {
            "place": table.place, "name": name, "input": reads, "args": table.raw("args"),
            "repeat": table.raw("repeat"), "parallel": _or(table.raw("parallel"), False),
            "when": _or(table.raw("when"), True),
            "tie": self.tie(table), "train_only": _or(table.raw("train_only"), False),
        }  # fmt: skip
        if common["parallel"] is not False and common["repeat"] is None:
            self.faults.add(table.place.at("parallel"), "`parallel` is for the copies of a `repeat`", "key",
                            fix=Fix("add repeat = ..., or leave parallel out"))  # fmt: skip
        if kind is None and common["args"] is not None:
            self.faults.add(
                table.place.at("args"), "`args` is for a layer with a `type`, whose arguments it gives", "key"
            )
        if table.has("layers"):
            return self.group(table, common)
        common |= {"init": table.raw("init"), "freeze": _or(table.raw("freeze"), False)}
        if kind is None and (table.has("share") or table.has("value")):
            share, value = self.words(table, "share"), self.words(table, "value")
            if share is not None and value is not None:
                self.faults.add(table.place.at("value"), "a layer has `share` or `value`, not both", "key")
            self.no_parameters(table, "share" if share is not None else "value")
            kind_of = "share" if share is not None else "value"
            _forget(table, "type", "share" if kind_of == "value" else "value")
            table.close(f" of a layer with `{kind_of}`")
            return Layer(share=share, value=value, **common)
        if kind is None and not table.has("type"):
            self.no_kind(table)
        arguments = {key: value for key, value in table.values.items() if key not in table.asked}
        if "share" in arguments:
            self.faults.add(table.place.at("share"), "a layer has `type` or `share`, not both", "key")
        return Layer(type=kind, arguments=arguments, **common)

    def no_parameters(self, table: Table, kind: str) -> None:
        """What is said of a layer's own parameters has no place where it has none."""
        for key in ("init", "freeze", "tie"):
            if table.values.get(key) not in (None, False):
                fix = Fix(f"write it on `{table.values['share']}`") if kind == "share" else None
                message = f"`{key}` has no place on a layer with `{kind}`, which has no parameters of its own"
                self.faults.add(table.place.at(key), message, "key", fix=fix)

    def misspelled_type(self, table: Table) -> bool:
        """Whether a key that stands for `type`, or for another that says what a layer is, is misspelled; told then."""
        for key in table.values:
            near = meant(key, table.values, KINDS)
            if near and key not in LAYER:
                self.faults.add(table.place.at(key), f"unknown key `{key}`", "key", part="key",
                                fix=Fix(f"did you mean `{near[0]}`?", near[0]))  # fmt: skip
                return True
        return False

    def no_kind(self, table: Table) -> None:
        """Nothing says what a layer is, or a misspelled key does."""
        if self.misspelled_type(table):
            return
        self.faults.add(table.place, "a layer has a `type`, `layers`, `share` or `value`", "missing")

    def group(self, table: Table, common: dict[str, Any]) -> Layer:
        for key in ("type", "share", "value"):
            value = table.raw(key)
            if value is not None:
                fix = Fix("leave type out: a group is a Sequential") if value == "Sequential" else None
                self.faults.add(table.place.at(key), f"a layer has `{key}` or `layers`, not both", "key", fix=fix)
        inputs = self.named_inputs(table) if table.raw("inputs") is not None else None
        block = self.block(table, inputs)
        _forget(table, "type", "share", "value")
        table.close(" of a group")
        return Layer(group=block, init=block.init, freeze=block.freeze, **common)

    def words(self, table: Table, key: str) -> str | None:
        """A key that is text; `${...}` in it waits until the layer is reached."""
        value = table.raw(key)
        if value is not None and not isinstance(value, str):
            table.wrong(key, value, "text", _quoted(key, value) if key == "share" else None)
            return None
        return value

    def tie(self, table: Table) -> Mapping[str, Any]:
        value = table.raw("tie")
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            table.wrong("tie", value, 'a table such as { weight = "embedding.weight" }')
            return {}
        return value

    def name(self, table: Table) -> str | None:
        """A layer's name; one that holds an expression is judged when it is worked out."""
        name = self.words(table, "name")
        if name is None or name == "" or holds_expression(name):
            return name
        message = unfit_name(name)
        if message:
            self.faults.add(table.place.at("name"), message, "name")
        return name


def plain_layer(values: Mapping[str, Any], place: Place) -> Layer | None:
    """A layer of a type with arguments, as most are, in whose form nothing can be wrong; None for any other."""
    kind, name, reads = values.get("type"), values.get("name"), values.get("input")
    named = name is None or (isinstance(name, str) and _NAME.fullmatch(name) and not keyword.iskeyword(name))
    fed = reads is None or (isinstance(reads, str | list | dict) and reads)
    if not isinstance(kind, str) or not named or not fed or not values.keys().isdisjoint(_FURTHER):
        return None
    arguments = {key: value for key, value in values.items() if key not in _SAID}
    return Layer(place=place, name=name, type=kind, input=reads, arguments=arguments)


def _quoted(key: str, value: Any) -> Fix | None:
    """A position is text where a name may stand."""
    return Fix(f'{key} = "{value}"', f'{key} = "{value}"') if is_whole(value) else None


def _or(value: Any, default: Any) -> Any:
    """The value of a key, or what it is where it is left out."""
    return default if value is None else value


def _forget(table: Table, *keys: str) -> None:
    """Keys that have no place here are not listed as known; written, they have been told."""
    for key in keys:
        if not table.has(key):
            table.asked.pop(key, None)


def unfit_name(name: str) -> str | None:
    """Why a layer cannot have this name, or None."""
    if name.isdigit():
        return f'"{name}" is a position, not a name: leave it out, or use a letter'
    if not _NAME.fullmatch(name):
        return f'a name has letters, digits, `_` and `-`, unlike "{name}"'
    return f"`{name}` is a Python keyword and cannot name a layer" if keyword.iskeyword(name) else None
