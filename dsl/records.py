"""A spec as records. The class bodies read as the grammar of the language; every record knows its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dsl.diagnostics import Diagnostic, Fix
from dsl.source import Path, Setting, Source, Span, key_text
from dsl.traced import Traced, fault_at


@dataclass(frozen=True, eq=False)
class Document:
    """A spec as it was read: the file that was named, the tables after everything that was laid over each other, and
    the same values with the place that each was written at."""

    source: Source
    tables: Mapping[str, Any]
    traced: Traced

    @cached_property
    def several(self) -> bool:
        """Whether it is put together from more than one file."""
        return len(set(self.traced.sources()) - {Setting.NAME, self.source.name}) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where something stands: a document and the path of keys to it. Line and column are found when asked for."""

    document: Document
    path: Path

    def at(self, *keys: str | int) -> Place:
        return Place(self.document, (*self.path, *keys))

    @property
    def source(self) -> Source:
        """The file, or the `--set`, that the value comes from."""
        return self.document.traced.origin(self.path)[0]

    def span(self, part: str = "pair") -> Span:
        source, path = self.document.traced.origin(self.path)
        return source.span(path, part)

    @property
    def written(self) -> str:
        """The text of `key = value` as it stands there, where it fits on a line; else nothing."""
        source, path = self.document.traced.origin(self.path)
        return source.written(path)

    @property
    def line_words(self) -> str:
        """Words such as "line 22", with the file where there are several."""
        of = f" of {self.source.name}" if self.document.several else ""
        return f"line {self.span('value').line}{of}"

    def fault(
        self,
        message: str,
        code: str,
        *,
        part: str = "pair",
        label: str = "",
        notes: tuple[str, ...] = (),
        fix: Fix | None = None,
    ) -> Diagnostic:
        source, path = self.document.traced.origin(self.path)
        key = key_text(self.path)
        return fault_at(source, path, message, code, key=key, part=part, label=label, notes=notes, fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a block. shape: whole numbers and names of free sizes; None: that of what is fed. options: it is
    a choice of words instead. faulty: what it is could not be read, and has been told."""

    place: Place
    name: str
    shape: tuple[int | str, ...] | None = None
    dtype: str = "float32"
    low: int | None = None
    high: int | None = None
    options: tuple[str, ...] | None = None
    faulty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: a `type` with arguments, a group, an earlier layer that is called again, or an expression.

    Values are as written, `${...}` not yet worked out: what they see is known only where the layer stands. None, an
    empty table and "" mean that the key is not written, but for `name`: "" adds no level, None stands at its position.
    faulty: a key of its own has the wrong form, which has been told.
    """

    place: Place
    name: str | None = None
    type: str | None = None
    input: Any = None  # a reference, an array or a table of them; None: the layer before
    group: Block | None = None
    share: str | None = None
    value: str | None = None  # an expression over tensors
    arguments: Mapping[str, Any] = field(default_factory=dict)
    args: Any = None
    repeat: Any = None
    parallel: Any = False
    when: Any = True
    tie: Mapping[str, Any] = field(default_factory=dict)
    init: Any = None
    freeze: Any = False
    train_only: Any = False
    faulty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a model, a named block, a group, a loss and the steps of `prepare` have in common.

    inputs: None where a group names none of its own. outputs: a name, a list, a dict of names, or None for the last.
    """

    place: Place
    layers: tuple[Layer, ...]
    inputs: tuple[Input, ...] | None = None
    outputs: Any = None
    init: Any = None
    freeze: Any = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named block. params must be given where it is used, defaults may be; a default may be an expression over
    params, earlier defaults and the shapes of the inputs. faulty: as of a layer."""

    place: Place
    name: str
    body: Block
    params: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    faulty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One term of the loss: a block of one layer or more."""

    place: Place
    block: Block
    name: str | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """match: shell patterns of parameter names. type: an optimizer of its own; None: the one around it."""

    place: Place
    match: tuple[str, ...]
    arguments: Mapping[str, Any]
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    place: Place
    type: str
    arguments: Mapping[str, Any]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """One stretch of the learning rate's course. every: "epoch" or "step"; None: what its type goes by. steps: how long
    the stretch is, counted in `every`; None: to the end. metric: what ReduceLROnPlateau watches."""

    place: Place
    type: str
    arguments: Mapping[str, Any]
    every: str | None = None
    steps: int | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where samples come from. source: a name, a path, or a table of field -> file. fields: our name -> the source's,
    or for `random` the declaration of a field. prepare: layers run on each batch."""

    place: Place
    source: Any
    validation: Any = None
    batch_size: int = 32
    shuffle: bool = True
    num_workers: int = 0
    drop_last: bool = False
    samples: int = 1000
    sizes: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    prepare: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """The run ends when `metric` has not been better by more than `min_delta` for `patience` epochs."""

    place: Place
    metric: str | None = None
    patience: int = 5
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """Weights averaged over the steps: "EMA" with a decay, or "SWA", the plain mean from `start` (a part of the run)
    on."""

    place: Place
    type: str
    decay: float = 0.999
    start: float = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """accumulate: batches in a step. time_limit: seconds. save_every: steps from one checkpoint to the next."""

    place: Place
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    device: str | tuple[str, ...] = "auto"
    precision: str = "float32"
    memory_format: str = "contiguous"
    clip_grad_norm: float | None = None
    clip_grad_value: float | None = None
    accumulate: int = 1
    early_stopping: EarlyStopping | None = None
    average: Average | None = None
    compile: bool = False
    deterministic: bool = False
    time_limit: float | None = None
    save_every: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What outputs are measured by in validation: a class of torchmetrics. input: the names of what it reads; None:
    what the loss holds against each other."""

    place: Place
    name: str
    type: str
    arguments: Mapping[str, Any]
    input: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What the model starts from. file: as it is written; None where only `rename` is. fresh: shell patterns of the
    model's keys that start anew. rename: patterns of the file's keys -> what those are called in the model; "" where
    they are left out."""

    place: Place
    file: str | None = None
    fresh: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """allow: codes of warnings that are not told. weights: None where `[model]` says nothing of any."""

    document: Document
    name: str
    doc: str
    vars: Mapping[str, Any]
    model: Block
    blocks: Mapping[str, Definition]
    losses: tuple[Loss, ...]
    optimizer: Optimizer | None
    schedulers: tuple[Scheduler, ...]
    data: Data | None
    train: Train
    metrics: tuple[Metric, ...] = ()
    allow: tuple[str, ...] = ()
    weights: Weights | None = None

    @property
    def place(self) -> Place:
        return Place(self.document, ())
