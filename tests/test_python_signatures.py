"""What the signature of a class or function from Python says about a layer type."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
import torch
from python_layers import clean
from torch import Tensor, nn

import builder
from dsl.catalogue import REQUIRED, find

__all__ = ["clean"]


if TYPE_CHECKING:
    from nowhere import Late  # type: ignore[import-not-found]


def signed(
    self: nn.Module,
    whole: int,
    half: float = 0.5,
    *,
    flag: bool = True,
    word: Literal["a", "b"] = "a",
    sizes: list[int] | None = None,
    pair: tuple[int, int] = (1, 1),
    one_or_two: int | tuple[int, int] = 1,
    layer: nn.Module | None = None,
    act: Callable[[Tensor], Tensor] = torch.relu,
    dtype: torch.dtype = torch.float32,
    table: dict[str, int] | None = None,
    mixed: list[int | str] | None = None,
    nothing: Any = None,
    unsaid=3,  # type: ignore[no-untyped-def]
    late: Late | None = None,
    pile: collections.abc.Sequence = (),  # type: ignore[type-arg]
    level: Literal[1, 2] = 1,
) -> None:
    """Every form of annotation that people write."""


def test_what_annotations_say() -> None:
    builder.register(type("Signed", (nn.Module,), {"__init__": signed, "forward": lambda self, x: x}))
    entry = find("Signed")
    assert entry is not None
    assert {each.name: each.type for each in entry.parameters} == {
        "whole": "int", "half": "float", "flag": "bool", "word": "'a' | 'b'", "sizes": "int[] | none", "pair": "int[2]",
        "one_or_two": "int | int[2]", "layer": "module | none", "act": "callable", "dtype": "dtype", "table": "any",
        "mixed": "any", "nothing": "any", "unsaid": "any", "late": "any", "pile": "any", "level": "any",
    }  # fmt: skip
    assert (entry.parameter("whole").default, entry.parameter("half").default) == (REQUIRED, 0.5)


def test_what_a_call_takes() -> None:
    def fused(x, y, gain=1.0, mask: Tensor | None = None, parts: tuple[Tensor, ...] = (), *, mode: str = "a", **rest):  # type: ignore[no-untyped-def]
        """What people write without thinking of us."""

    builder.register(fused)
    entry = find("fused")
    assert entry is not None
    assert {each.name: each.type for each in entry.parameters} == {
        "x": "tensor", "y": "tensor | float | bool", "gain": "any", "mask": "tensor | none", "parts": "tensors",
        "mode": "str",
    }  # fmt: skip
    assert [each.name for each in entry.inputs] == ["x", "y", "mask", "parts"]


class Narrow(nn.Conv2d):
    """Takes what Conv2d takes, and hands it on."""

    def __init__(self, *args: Any, gain: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class Square(nn.Conv2d):
    """Gives some of what Conv2d takes itself."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(3, 3, size, **kwargs)


class Plain(nn.Conv2d):
    """Takes all that Conv2d takes."""


@pytest.mark.parametrize(
    ("kind", "required", "inferred"),
    [
        (Narrow, ["in_channels", "out_channels", "kernel_size"], ("in_channels",)),
        (Square, ["size"], ()),
        (Plain, ["in_channels", "out_channels", "kernel_size"], ("in_channels",)),
    ],
)
def test_what_stands_behind_keyword_arguments(
    kind: type[nn.Module], required: list[str], inferred: tuple[str, ...]
) -> None:
    builder.register(kind)
    entry = find(kind.__name__)
    assert entry is not None
    assert [each.name for each in entry.parameters if each.required] == required
    assert (entry.inferred, entry.kind) == (inferred, "convolution")
    assert entry.parameter("stride").type == "int | int[2]"
    assert [each.name for each in entry.inputs] == ["input"]
