"""A spec's text -> its records. Unknown keys are errors everywhere; all faults are told at once."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any, Final

from dsl import files
from dsl import overrides as settings
from dsl.diagnostics import Fix, SpecError, in_order
from dsl.expressions import holds_expression
from dsl.keys import KINDS, LAYER, meant, meant_name
from dsl.layering import layered
from dsl.parts import sound_parts
from dsl.records import Block, Data, Definition, Document, Group, Input, Layer, Loss, Optimizer, Place, Spec, Train
from dsl.source import Source, key_text
from dsl.tables import FAULTY, Faults, Table, described, is_whole, resolved

_NAME: Final = re.compile(r"[^\W\d][\w-]*|\d[\w-]*[^\W\d][\w-]*")
DTYPES: Final = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
)  # fmt: skip
# Names that the source of a module needs for itself.
_TAKEN: Final = ("self", "torch", "nn", "F", "Tensor", "OrderedDict")
_TOP: Final = ("vars", "blocks", "loss", "optimizer", "data", "train")
# Keys of the language that this version does not read.
_LATER_TOP: Final = ("scheduler", "metrics")
_LATER_MODEL: Final = ("weights", "rename")


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Read a spec from a file. Raises SpecError, whose `diagnostics` holds everything that is wrong with its form."""
    name = os.fspath(path)
    return _read(files.read(name), overrides or {})


def loads(text: str, name: str = "<spec>", overrides: Mapping[str, Any] | None = None) -> Spec:
    """Read a spec from text; `name` stands for the file in messages, and paths are relative to its folder."""
    return _read(Source(name, text.replace("\r\n", "\n")), overrides or {})


def _read(source: Source, changes: Mapping[str, Any]) -> Spec:
    traced, misset = settings.apply(layered(source), changes)
    document = Document(source, traced.plain(), traced)
    faults = Faults(misset)
    tables, root = document.tables, Place(document, ())
    scope = _vars(tables.get("vars"), root.at("vars"), faults)
    spec = _Reader(faults, scope).spec(Table(tables, root, faults, scope), document)
    if faults or spec is None:
        raise SpecError(in_order(faults), sound_parts(spec, faults) if spec is not None else None)
    return spec


def _vars(values: Any, place: Place, faults: Faults) -> dict[str, Any]:
    """Each var may be an expression over earlier ones."""
    scope: dict[str, Any] = {}
    if values is None:
        return scope
    if not isinstance(values, dict):
        faults.add(place, f"`vars` is a table, not {described(values)}")
        return scope
    for name, value in values.items():
        if keyword.iskeyword(name):
            faults.add(place.at(name), f"`{name}` is a Python keyword and cannot name a var", "name", part="key")
        elif not name.isidentifier():
            faults.add(place.at(name), f"a var's name has letters, digits and `_`, unlike `{name}`", "name", part="key")
        before = len(faults)
        scope[name] = resolved(value, place.at(name), faults, scope)
        earlier = list(scope)[:-1]
        later = [each for each in values if each not in earlier and re.search(rf"\b{re.escape(each)}\b", str(value))]
        if later:
            where = {each: "is this var itself" if each == name else "is written after it" for each in later}
            told = [f"`{each}` {where[each]}: a var sees those before it" for each in later]
            faults[before:] = [replace(each, notes=tuple(told), fix=None) for each in faults[before:]]
    return scope


class _Reader:
    def __init__(self, faults: Faults, scope: Mapping[str, Any]) -> None:
        self.faults, self.scope = faults, scope

    def spec(self, top: Table, document: Document) -> Spec | None:
        name = top.text("name") or File(document.source.name).stem or "Model"
        doc = top.text("doc", "")
        top.raw("vars")
        blocks = self.blocks(top.table("blocks"))
        model_table = top.table("model")
        model = self.model(model_table) if model_table else None
        bare = [key for key in ("inputs", "layers", "outputs") if top.raw(key) is not None]
        if bare and not top.has("model"):
            listed = " and ".join(f"`{each}`" for each in bare)
            message = f"{listed} stand{'s' if len(bare) == 1 else ''} outside of `[model]`"
            self.faults.add(top.place.at(bare[0]), message, "key", part="key",
                            fix=Fix("write [model] on a line before it"))  # fmt: skip
        if not top.has("model") and not bare and not top.meant("model"):
            top.faults.add(
                top.place, "the spec has no `[model]`", "missing", notes=("a model has `inputs` and `layers`",)
            )
        spec = None if model is None else Spec(
            document=document, name=name, doc=doc, vars=self.scope, model=model, blocks=blocks, losses=self.losses(top),
            optimizer=self.optimizer(top.table("optimizer")), data=self.data(top.table("data")),
            train=self.train(top.table("train") or Table({}, top.place.at("train"), self.faults, self.scope)),
        )  # fmt: skip
        if model is None:
            for key in ("loss", "optimizer", "data", "train"):
                top.raw(key)
        top.close(_LATER_TOP)
        return spec

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
        table.close(_LATER_MODEL)
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
        table.close((), f" of the block `{name}`")
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

    def named_inputs(self, table: Table) -> tuple[Input, ...]:
        """The inputs of a block or a group: names, whose shapes are those of what is fed."""
        names, place = table.raw("inputs"), table.place.at("inputs")
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            self.faults.add(place, f"`inputs` of a block or a group is an array of names, not {described(names)}",
                            label='such as inputs = ["x"]', notes=("the shapes are those of what is fed",))  # fmt: skip
            return ()
        found = []
        for index, name in enumerate(names):
            if not _names_an_argument(name) or name in names[:index]:
                why = "it becomes an argument's name" if name not in names[:index] else "it stands there twice"
                self.faults.add(place.at(index), f"`{name}` cannot name an input: {why}", "name", part="value")
            else:
                found.append(Input(place=place.at(index), name=name))
        return tuple(found)

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
        return Block(place=table.place, inputs=inputs, layers=layers, outputs=outputs, init=table.raw("init"),
                     freeze=_or(table.raw("freeze"), False))  # fmt: skip

    def inputs(self, table: Table) -> tuple[Input, ...]:
        several = table.table("inputs")
        if several is None:
            return ()
        found = []
        for name in several.values:
            before, place = len(self.faults), several.place.at(name)
            read = self.input(name, several.raw(name), place) or Input(place=place, name=name)
            found.append(replace(read, faulty=len(self.faults) > before))
        return tuple(found)

    def input(self, name: str, value: Any, place: Place) -> Input | None:
        if not _names_an_argument(name):
            self.faults.add(place, f"`{name}` cannot name an input: it becomes an argument's name", "name", part="key")
            return None
        if name in self.scope:
            self.faults.add(
                place, f"`{name}` is a var and an input; one of them needs another name", "name", part="key"
            )
        value = resolved(value, place, self.faults, self.scope)
        if value is FAULTY:
            return None
        if isinstance(value, list):
            shape = self.shape(value, place)
            return Input(place=place, name=name, shape=shape) if shape is not None else None
        if isinstance(value, dict):
            return self.declared(name, Table(value, place, self.faults, self.scope))
        self.faults.add(place, f'an input is a shape such as ["N", 3, 32, 32] or a table, not {described(value)}')
        return None

    def declared(self, name: str, table: Table) -> Input | None:
        """An input (or a field of `random`) written as a table."""
        options = table.raw("options")
        if options is not None:
            table.close()
            if not isinstance(options, list) or not options or not all(isinstance(each, str) for each in options):
                table.wrong("options", options, "an array of words")
                return None
            return Input(place=table.place, name=name, options=tuple(options))
        value = table.raw("shape")
        dtype, low, high = table.word("dtype", "float32", DTYPES), table.whole("low", None, -(2**63)), table.raw("high")
        if high is not None and not is_whole(high):
            table.wrong("high", high, "a whole number")
        elif high is not None and high <= (low or 0):
            table.faults.add(table.place.at("high"), f"`high` is above `low` ({low or 0}), unlike {high}")
        table.close()
        if not isinstance(value, list):
            if value is not None:
                table.wrong("shape", value, 'an array such as ["N", 3, 32, 32]')
            elif not _misspelled(table, "shape", "options"):
                self.faults.add(table.place, f"`{name}` has no `shape`", "missing", part="key")
            return None
        shape = self.shape(value, table.place.at("shape"))
        if shape is None:
            return None
        return Input(place=table.place, name=name, shape=shape, dtype=dtype, low=low, high=high)

    def shape(self, value: list[Any], place: Place) -> tuple[int | str, ...] | None:
        for index, size in enumerate(value):
            named = isinstance(size, str) and size.isidentifier() and not keyword.iskeyword(size)
            if not named and not (is_whole(size) and size >= 1):
                self.faults.add(place.at(index),
                                f"a size is a whole number of at least 1 or a name, not {described(size)}",
                                part="value")  # fmt: skip
                return None
        return tuple(value)

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
                found.append(self.layer(Table(each, place.at(index), self.faults, self.scope)))
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
            table.close((), f" of a layer with `{kind_of}`")
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
        table.close((), " of a group")
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

    def losses(self, top: Table) -> tuple[Loss, ...]:
        value = top.raw("loss")
        if value is None:
            return ()
        place = top.place.at("loss")
        if isinstance(value, dict):
            return (self.loss(Table(value, place, self.faults, self.scope)),)
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            tables = [Table(each, place.at(i), self.faults, self.scope) for i, each in enumerate(value)]
            return tuple(self.loss(table) for table in tables)
        fix = Fix(f'[loss] with type = "{value}"') if isinstance(value, str) else None
        top.wrong("loss", value, "a table or an array of tables", fix)
        return ()

    def loss(self, table: Table) -> Loss:
        factor = table.number("factor", 1.0)
        if table.has("layers"):
            name = self.name(table)
            block = self.block(table, ())
            table.close()
            return Loss(place=table.place, block=block, name=name, factor=factor)
        if not table.has("type") and not table.has("value"):
            if not self.misspelled_type(table):
                self.faults.add(table.place, "the loss has no `type`", "missing", part="key")
            return Loss(place=table.place, block=Block(place=table.place, inputs=(), layers=()))
        layer = self.layer(table)
        arguments = {key: value for key, value in layer.arguments.items() if key != "factor"}
        plain = replace(layer, name=None, arguments=arguments)
        return Loss(place=table.place, block=Block(place=table.place, inputs=(), layers=(plain,)),
                    name=layer.name, factor=factor)  # fmt: skip

    def optimizer(self, table: Table | None) -> Optimizer | None:
        if table is None:
            return None
        kind = table.text("type")
        if kind is None:
            if not table.has("type") and not self.misspelled_type(table):
                self.faults.add(table.place, "the optimizer has no `type`", "missing", part="key")
            return None
        groups = self.groups(table.raw("groups"), table.place.at("groups"))
        rest = {key: value for key, value in table.values.items() if key not in ("type", "groups")}
        arguments = resolved(rest, table.place, self.faults, self.scope)
        return Optimizer(
            place=table.place, type=kind, arguments={} if arguments is FAULTY else arguments, groups=groups
        )

    def groups(self, value: Any, place: Place) -> tuple[Group, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.faults.add(place, f"`groups` is an array of tables, not {described(value)}")
            return ()
        found = []
        for index, each in enumerate(value):
            table = Table(each, place.at(index), self.faults, self.scope)
            match = table.text("match")
            rest = resolved({k: v for k, v in each.items() if k != "match"}, table.place, self.faults, self.scope)
            if match is None:
                self.faults.add(table.place, "a group of parameters has no `match`", "missing")
            elif rest is not FAULTY:
                found.append(Group(place=table.place, match=match, arguments=rest))
        return tuple(found)

    def data(self, table: Table | None) -> Data | None:
        if table is None:
            return None
        source = table.value("source", None, _is_source, "a name, a path or a table of files")
        if not table.has("source") and not _misspelled(table, "source", "validation"):
            self.faults.add(table.place, "the data has no `source`", "missing", part="key")
        validation = table.value("validation", None, _is_validation, "a part between 0 and 1, or a source")
        fields = resolved(table.raw("fields") or {}, table.place.at("fields"), self.faults, self.scope)
        if not isinstance(fields, dict):
            table.wrong("fields", table.values["fields"], "a table")
            fields = {}
        prepare = None
        if table.raw("prepare") is not None:
            layers = self.layers(table.raw("prepare"), table.place.at("prepare"))
            prepare = Block(place=table.place.at("prepare"), layers=layers)
        data = Data(
            place=table.place, source=source, validation=validation, batch_size=table.whole("batch_size", 32, 1),
            shuffle=table.truth("shuffle", True), num_workers=table.whole("num_workers", 0),
            drop_last=table.truth("drop_last", False), samples=table.whole("samples", 1000, 1),
            sizes=self.sizes(table), fields=self.fields(fields, table), prepare=prepare,
        )  # fmt: skip
        table.close()
        return data

    def sizes(self, table: Table) -> dict[str, int]:
        inner = table.table("sizes")
        return {} if inner is None else {name: inner.whole(name, 1, 1) for name in inner.values}

    def fields(self, values: dict[str, Any], table: Table) -> dict[str, Any]:
        """A declaration becomes an Input; a name of the source's, or several, stay as they are."""
        found: dict[str, Any] = {}
        for name, value in values.items():
            place = table.place.at("fields", name)
            if isinstance(value, dict):
                value = self.declared(name, Table(value, place, self.faults, self.scope))
            elif not isinstance(value, str) and not _texts(value):
                self.faults.add(place, f"a field is the source's name for it or a declaration, not {described(value)}")
            found[name] = value
        return found

    def train(self, table: Table) -> Train:
        device = table.value(
            "device", "auto", lambda value: isinstance(value, str) or _texts(value), "a device or several"
        )
        epochs, steps = table.whole("epochs", None, 1), table.whole("steps", None, 1)
        if epochs is not None and steps is not None:
            self.faults.add(table.place.at("steps"), "training lasts for `epochs` or for `steps`, not both", "key")
        train = Train(
            place=table.place, epochs=epochs, steps=steps, seed=table.whole("seed", 0),
            device=tuple(device) if isinstance(device, list) else device,
            precision=table.word("precision", "float32", ("float32", "bf16", "fp16", "auto")),
            memory_format=table.word("memory_format", "contiguous", ("contiguous", "channels_last")),
            clip_grad_norm=table.number("clip_grad_norm", None, 0.0),
        )  # fmt: skip
        table.close(("accumulate", "early_stopping", "compile", "deterministic", "save_every"))
        return train


def _quoted(key: str, value: Any) -> Fix | None:
    """A position is text where a name may stand."""
    return Fix(f'{key} = "{value}"', f'{key} = "{value}"') if is_whole(value) else None


def _or(value: Any, default: Any) -> Any:
    """The value of a key, or what it is where it is left out."""
    return default if value is None else value


def _misspelled(table: Table, *keys: str) -> bool:
    return any(table.meant(key) for key in keys)


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


def _names_an_argument(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and name not in _TAKEN


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _is_source(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and all(isinstance(v, str) for v in value.values()))


def _is_validation(value: Any) -> bool:
    return _is_source(value) or (isinstance(value, float) and 0 < value < 1)
