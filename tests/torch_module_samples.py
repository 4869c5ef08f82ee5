"""torch's own sample inputs for its modules (`module_db`), and samples of ours for the classes that it lacks."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.testing._internal.common_modules import ModuleInfo, ModuleInput, module_db
from torch_samples import Sample, Unsayable

# Classes whose instances are handed to others, so that their own arguments must be known.
_HANDED_ON = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.PairwiseDistance, nn.LayerNorm)


@cache
def infos() -> dict[str, ModuleInfo]:
    """torch's entries by the class's name."""
    return {info.name.removeprefix("nn."): info for info in module_db}


def samples(name: str) -> Iterator[Sample | str]:
    """Every sample of a class, those for evaluation only where they are others; a text is why one is left out."""
    seen: set[str] = set()
    for training in (True, False):
        new = {_key(each): each for each in _inputs(name, training)} if not training else {}
        inputs = _inputs(name, training) if training else [each for key, each in new.items() if key not in seen]
        seen |= {_key(each) for each in inputs}
        for index, each in enumerate(inputs):
            yield _sample(getattr(nn, name), f"{name} {index} {'' if training else 'in evaluation'}".strip(), each)


def _inputs(name: str, training: bool) -> list[ModuleInput]:
    torch.manual_seed(7)
    with noted():
        inputs: list[ModuleInput] = infos()[name].module_inputs_func(
            infos()[name], device="cpu", dtype=torch.float32, requires_grad=False, training=training
        )
    return inputs


@contextmanager
def noted() -> Iterator[None]:
    """While samples are made, modules of some classes keep their own arguments by name."""
    originals = {kind: kind.__init__ for kind in _HANDED_ON}

    def noting(kind: type, original: Any) -> Any:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            if type(self) is kind:
                self.noted_arguments = by_name(original, args, kwargs)

        return init

    for kind, original in originals.items():
        kind.__init__ = noting(kind, original)  # type: ignore[misc]
    try:
        yield
    finally:
        for kind, original in originals.items():
            kind.__init__ = original  # type: ignore[misc]


def by_name(constructor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments by name; those of recurrent layers stand in overloads."""
    function = next(iter(typing.get_overloads(constructor)), constructor)
    names = [each for each in inspect.signature(function).parameters if each != "self"]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _sample(kind: type[nn.Module], label: str, each: ModuleInput) -> Sample | str:
    made, fed = each.constructor_input, each.forward_input
    try:
        constructor = by_name(kind.__init__, made.args, made.kwargs)
        return module_sample(kind, constructor, fed.args, fed.kwargs, label=label)
    except Unsayable as reason:
        return str(reason)


def module_sample(
    kind: type[nn.Module], constructor: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], label: str = ""
) -> Sample:
    private = [each for each in constructor if each.startswith("_")]
    if private:
        raise Unsayable("a private argument")
    names = [each for each in inspect.signature(kind.forward).parameters if each != "self"]
    given = {**dict(zip(names, args, strict=False)), **kwargs}

    def run(module: nn.Module, training: bool, fed: dict[str, torch.Tensor]) -> Any:
        return module(**{key: replaced(key, value, fed) for key, value in given.items()})

    return Sample(
        target=f"torch.nn.{kind.__name__}",
        label=label or kind.__name__,
        constructor=constructor,
        given=given,
        make=lambda: kind(**constructor),
        run=run,
    )


def replaced(name: str, value: Any, fed: Mapping[str, torch.Tensor]) -> Any:
    """The value with its tensors taken from what is fed (the sample's own copies, or those of another size)."""
    if isinstance(value, torch.Tensor):
        return fed.get("x" if name == "self" else name, value)
    if isinstance(value, (list, tuple)):
        return type(value)(replaced(f"{name}_{index}", each, fed) for index, each in enumerate(value))
    return value


def _key(each: ModuleInput) -> str:
    """What tells one sample from another: the numbers of its tensors too."""
    made, fed = each.constructor_input, each.forward_input
    return f"{[_text(part) for part in (made.args, made.kwargs, fed.args, fed.kwargs)]}"


def _text(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} {tuple(value.shape)} {value.tolist()}"
    if isinstance(value, dict):
        return f"{ ({key: _text(part) for key, part in value.items()}) }"
    if isinstance(value, (list, tuple)):
        return f"{[_text(part) for part in value]}"
    return type(value).__name__ if hasattr(value, "__dict__") else repr(value)
