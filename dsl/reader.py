"""A spec's text -> its records. Unknown keys are errors everywhere; all faults are told at once."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from dsl import files
from dsl import overrides as settings
from dsl.diagnostics import Fix, SpecError, in_order
from dsl.layering import layered
from dsl.parts import sound_parts
from dsl.reading import TrainingReader
from dsl.reading.allowing import allowed
from dsl.records import Document, Place, Spec
from dsl.source import Source
from dsl.tables import Faults, Table, described, resolved


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Read a spec from a file. Raises SpecError, whose `diagnostics` holds everything that is wrong with its form."""
    name = os.fspath(path)
    return read(files.read(name), overrides=overrides)


def loads(text: str, name: str = "<spec>", overrides: Mapping[str, Any] | None = None) -> Spec:
    """Read a spec from text; `name` stands for the file in messages, and paths are relative to its folder."""
    return read(Source(name, text.replace("\r\n", "\n")), overrides=overrides)


def read(source: Source, tables: Mapping[str, Any] | None = None, overrides: Mapping[str, Any] | None = None) -> Spec:
    """The same from a source. tables: those of its text, where somebody has parsed it already."""
    traced, misset = settings.apply(layered(source, tables), overrides or {})
    document = Document(source, traced.plain(), traced)
    faults = Faults(misset)
    root = Place(document, ())
    scope = _vars(document.tables.get("vars"), root.at("vars"), faults)
    spec = _Reader(faults, scope).spec(Table(document.tables, root, faults, scope), document)
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


class _Reader(TrainingReader):
    def spec(self, top: Table, document: Document) -> Spec | None:
        name = top.text("name") or File(document.source.name).stem or "Model"
        doc = top.text("doc", "")
        top.raw("vars")
        allow = allowed(top)
        blocks = self.blocks(top.table("blocks"))
        model_table = top.table("model")
        weights = self.weights(model_table) if model_table else None
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
            optimizer=self.optimizer(top.table("optimizer")), schedulers=self.schedulers(top),
            data=self.data(top.table("data")),
            train=self.train(top.table("train") or Table({}, top.place.at("train"), self.faults, self.scope)),
            metrics=self.metrics(top.table("metrics")), allow=allow, weights=weights,
        )  # fmt: skip
        if model is None:
            for key in ("loss", "optimizer", "scheduler", "data", "train", "metrics"):
                top.raw(key)
        top.close()
        return spec
