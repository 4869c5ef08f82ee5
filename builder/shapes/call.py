"""What a shape rule is given, what it answers, and how it objects.

A rule is a function `Call -> Made` that raises `Misfit`. It imports no torch. It trusts that the arguments' names and
types fit the signature (the catalogue has seen to that) and judges only what hangs on the tensors and on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from builder.shapes.sizes import Size, plain
from dsl.catalogue.entries import REQUIRED, Entry


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor as far as it is known before anything runs. dtype is torch's name without `torch.`: "float32"."""

    shape: tuple[Size, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return shape_text(self.shape)


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """An input that is not a tensor but one of a few words, settled at call time; `option` is the one looked at."""

    option: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """A None in the place of one of several results: attention's weights that nobody asked for."""


NOTHING: Final = Nothing()
# A tensor, a choice, a None of torch's, several results (a tuple, or a dict by field name), or None: not known.
Value: TypeAlias = "TensorType | ChoiceType | Nothing | tuple[Value, ...] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One layer, about to be shaped.

    arguments: those that the spec writes, by PyTorch's name; lists for tuples.
    reads: the positional tensors in order; a tuple where a sequence of tensors is fed. None of them is unknown.
    keyword_reads: tensors fed by argument name.
    """

    entry: Entry
    arguments: Mapping[str, object]
    reads: Sequence[Value]
    keyword_reads: Mapping[str, Value] = field(default_factory=dict)

    def get(self, name: str) -> object:
        """The argument as written, else PyTorch's default (None for one that is required and left out)."""
        if name in self.arguments:
            return self.arguments[name]
        default = self.entry.parameter(name).default
        return None if default is REQUIRED else default

    def tensor(self, index: int = 0) -> TensorType:
        """The positional tensor at `index`; Misfit where something else or nothing is fed."""
        value = self.reads[index] if index < len(self.reads) else None
        if isinstance(value, TensorType):
            return value
        raise Misfit(f"{self.entry.name} reads a tensor, but {_what(value)} reaches it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that free sizes must satisfy for the model to hold: `H >= 63`, `H % 32 == 0`."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A rule's answer.

    arguments: constructor arguments that were left out and are worked out from the input (`in_channels`).
    parameters, buffers: shapes of the state dict's entries in its order, by name below the layer.
    multiply_adds: of convolutions, linear layers, matrix products and attention, for batch 1 (the leading dim, where
        the layer has a batch dim, counts as 1); half of what `torch.utils.flop_counter` counts.
    """

    result: Value
    arguments: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    buffers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    multiply_adds: Size = 0
    conditions: Sequence[Condition] = ()


@dataclass(slots=True, eq=False)
class Misfit(Exception):  # noqa: N818 (it is an answer, which elaboration turns into a diagnostic)
    """An objection in one sentence that names the type and the sizes: "Linear expects 5400 features, but its input has
    6400". Elaboration adds the place and who gave the input.

    argument: the argument to point at; None points at the layer's type (or its `input`).
    notes: further lines, such as the formula that failed: "floor((4 + 2*0 - 7) / 1) + 1 = -2".
    fix: what to do, in words; replacement: the text that takes the place of `argument = value`, where it is certain.
    """

    message: str
    argument: str | None = None
    notes: tuple[str, ...] = ()
    fix: str | None = None
    replacement: str | None = None
    code: str = "shape"

    def __str__(self) -> str:
        return self.message


def shape_text(shape: Sequence[Size]) -> str:
    """(N, 6400), as Python writes tuples."""
    inner = ", ".join(str(plain(size)) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _what(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, ChoiceType):
        return "a choice of words"
    if isinstance(value, Nothing):
        return "torch's None"
    return f"{len(value)} results"  # type: ignore[arg-type]
