"""Running one call on torch's meta device, with numbers for its free sizes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from builder.shapes.call import NOTHING, Call, ChoiceType, Nothing, TensorType, Value
from builder.shapes.constants import DECIDING
from builder.shapes.effort import demand_small
from builder.shapes.foreign import article, comes_from_python, objections, words_for
from builder.shapes.sizes import Free, worked_out
from dsl.catalogue import Parameter, find, find_settings, from_python, signature_of
from dsl.catalogue.signatures import PYTHON

# What torch raises when a call does not fit; anything else is a mistake of ours.
_OBJECTIONS = (RuntimeError, TypeError, ValueError, LookupError, AssertionError, ArithmeticError, AttributeError)


_LAYERS = frozenset(("module", "callable", "settings"))
# What torch has no meta form of, though its result's shape hangs on shapes alone: run for real, on drawn numbers.
_REAL = frozenset(("cov", "corrcoef", "histogram", "histogramdd", "istft", "combinations", "lstsq"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run made: shapes in numbers; of a module also its parameters and saved buffers, in their order."""

    result: Value
    parameters: dict[str, tuple[int, ...]]
    buffers: dict[str, tuple[int, ...]]
    multiply_adds: int


class Refused(Exception):  # noqa: N818 (it is torch's answer, as Misfit is a rule's)
    """torch does not take the call; its own words, the first line.

    unseen: it may take it, but does not know what comes of it without the numbers. own: the words are those of a layer
    from Python.
    """

    def __init__(self, message: str, unseen: bool = False, *, own: bool = False) -> None:
        super().__init__(message)
        self.unseen, self.own = unseen, own


def run(call: Call, numbers: Mapping[str, int], counted: bool = True) -> Outcome:
    """Make the module or take the function, and call it. Refused where torch objects.

    counted: whether multiply-adds are counted (else told as 0), which takes most of the time.
    """
    module: Any = None
    counter = FlopCounterMode(display=False) if counted else None
    try:
        with torch.device(_device(call, numbers)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reads = [_fed(each, numbers) for each in call.reads]
            keywords = {name: _fed(each, numbers) for name, each in call.keyword_reads.items()}
            if call.entry.role == "module":
                constructor, forward = _module_arguments(call, numbers)
                module = torch_object(call.entry.target)(**constructor)
                with counter or nullcontext():
                    made = module(*reads, **keywords, **forward)
            else:
                leading, others = _function_arguments(call, numbers, keywords)
                placed, named = _placed(call, reads)
                if call.entry.role == "method":
                    leading, placed = placed[:1], [*leading, *placed[1:]]
                with counter or nullcontext():
                    made = torch_object(call.entry.target)(*leading, *placed, **named, **others)
    except objections(call.entry, _OBJECTIONS) as error:
        raise _refused(call, error) from error
    parameters = {} if module is None else {name: tuple(each.shape) for name, each in module.named_parameters()}
    state = {} if module is None else module.state_dict()
    buffers = {name: tuple(each.shape) for name, each in state.items() if name not in parameters}
    return Outcome(_told(call, made), parameters, buffers, counter.get_total_flops() // 2 if counter else 0)


def _refused(call: Call, error: Exception) -> Refused:
    if comes_from_python(call.entry):
        return Refused(words_for(call.entry, error), own=True)
    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    unseen = isinstance(error, NotImplementedError) or "meta tensor" in words or "on meta" in words
    unseen = unseen and "copy out of meta" not in words  # raised while torch words another objection
    return Refused(words, unseen)


def _told(call: Call, made: Any) -> Value:
    """What was made. A layer from Python may make what no layer can read."""
    value = _described(made)
    if value is None and comes_from_python(call.entry):
        raise Refused(f"it gives {article(made)}, and a layer gives a tensor or a tuple of tensors", own=True)
    return value


def _device(call: Call, numbers: Mapping[str, int]) -> str:
    """On which device the call is run: where torch must see numbers, the CPU."""
    kind = call.entry.name
    written = call.arguments.get(DECIDING.get(kind, ""))
    if kind not in _REAL and not isinstance(written, (list, dict)):
        return "meta"
    if numbers:
        raise Refused(f"torch can tell what {kind} makes for fixed sizes only")
    demand_small(call)
    return "cpu"


def torch_object(target: str) -> Any:
    """What a dotted name stands for: "torch.nn.Linear"; of a layer from Python or of this project, the layer."""
    if target.startswith("tomograph."):
        from builder import layers

        return getattr(layers, target.removeprefix("tomograph."))
    if target.startswith(PYTHON):
        return from_python(target).object
    found: Any = torch
    for part in target.split(".")[1:]:
        found = getattr(found, part)
    return found


def _module_arguments(call: Call, numbers: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the constructor's, forward's). To find whether a mask is causal torch would look at its numbers: it is told."""
    signature = signature_of(call.entry, call.arguments)
    constructor = {name: _value(signature, name, each, numbers) for name, each in call.arguments.items()}
    inputs = {each.name: each for each in call.entry.inputs if not call.entry.accepts(each.name)}
    forward = {name: constructor.pop(name) for name in inputs if name in constructor}
    for name, each in inputs.items():
        if name.endswith("is_causal") and each.default is None and name not in call.keyword_reads:
            forward.setdefault(name, False)
    return constructor, forward


def _function_arguments(
    call: Call, numbers: Mapping[str, int], keywords: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """(those that go by place alone and stand first, the others by name)."""
    signature = signature_of(call.entry, {**call.arguments, **dict.fromkeys(call.keyword_reads, "a reference")})
    others = {name: _value(signature, name, each, numbers) for name, each in call.arguments.items()}
    others |= keywords
    if call.entry.accepts("training"):
        others.setdefault("training", False)
    places = [name for name, each in signature.items() if each.passing == "position"]
    return [others.pop(name) for name in places if name in others], others


def _placed(call: Call, reads: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """(tensors by place, tensors by name): those that stand behind another argument (index of gather) need theirs.

    A function that takes each tensor of a sequence as an argument of its own (einsum) gets them so.
    """
    given = {**call.arguments, **dict.fromkeys(call.keyword_reads, "a reference")}
    signature = list(signature_of(call.entry, given, len(reads)).values())
    if any(each.passing == "spread" for each in signature):
        return [item for each in reads for item in (each if isinstance(each, (tuple, list)) else [each])], {}
    free = [each for each in signature if each.takes_tensor and each.name not in given]
    together = 0
    while together < len(free) and free[together] is signature[together] and free[together].passing == "name":
        together += 1
    later = [each.name for each in free[together:]]
    return reads[:together], dict(zip(later, reads[together:], strict=False))


def _fed(value: Value, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, TensorType):
        return _drawn([worked_out(size, numbers) for size in value.shape], getattr(torch, value.dtype))
    if isinstance(value, ChoiceType):
        return value.option
    if isinstance(value, Nothing):
        return None
    if isinstance(value, tuple):
        return tuple(_fed(each, numbers) for each in value)
    if isinstance(value, dict):
        return tuple(_fed(each, numbers) for each in value.values())
    return value


def _drawn(shape: list[int], dtype: torch.dtype) -> torch.Tensor:
    """On meta without numbers; else between 0 and 1, or ones where whole numbers are meant."""
    if torch.get_default_device().type == "meta":
        return torch.empty(shape, dtype=dtype)
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return drawn.to(dtype) if dtype.is_floating_point or dtype.is_complex else torch.ones(shape, dtype=dtype)


def _value(signature: Mapping[str, Parameter], name: str, value: Any, numbers: Mapping[str, int]) -> Any:
    """An argument as torch takes it: dtypes by name, layers made, arrays as tensors where one is wanted, numbers for
    free sizes.
    """
    kinds = signature[name].type.split(" | ") if name in signature else []
    if isinstance(value, str) and "device" in kinds:
        return torch.get_default_device()
    if isinstance(value, str) and "dtype" in kinds:
        return getattr(torch, value)
    if isinstance(value, dict) and not _LAYERS.isdisjoint(kinds):
        return _layer(value)
    lists = any(each.endswith("]") for each in kinds)
    if "tensor" in kinds and (isinstance(value, dict) or (isinstance(value, (list, tuple)) and not lists)):
        return _tensor(value)
    if isinstance(value, (list, tuple)) and "tensors" in kinds:
        return [_tensor(each) for each in value]
    return _numbers(value, numbers)


def _tensor(value: Any) -> torch.Tensor:
    """An array, or a table that says its dtype too."""
    if not isinstance(value, dict):
        return torch.tensor(value)
    dtype = value.get("dtype")
    return torch.tensor(value["tensor"], dtype=getattr(torch, dtype) if isinstance(dtype, str) else None)


def _layer(value: Mapping[str, Any]) -> Any:
    """A layer as a value: a module, or a function with some of its arguments settled."""
    entry = find(value["type"]) or find_settings(value["type"])
    assert entry is not None, value
    signature = signature_of(entry, value["arguments"])
    arguments = {name: _value(signature, name, each, {}) for name, each in value["arguments"].items()}
    if entry.role in ("module", "settings"):
        return torch_object(entry.target)(**arguments)
    return functools.partial(torch_object(entry.target), **arguments) if arguments else torch_object(entry.target)


def _numbers(value: Any, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, Free):
        return worked_out(value, numbers)
    return tuple(_numbers(each, numbers) for each in value) if isinstance(value, (list, tuple)) else value


def _described(made: Any) -> Value:
    """Shapes and dtypes; a tuple with named fields is told as a dict."""
    if isinstance(made, torch.Tensor):
        return TensorType(tuple(made.shape), str(made.dtype).removeprefix("torch."))
    if type(made).__module__ == "torch.return_types" or hasattr(made, "_fields"):
        fields: tuple[str, ...] = getattr(made, "_fields", None) or type(made).__match_args__
        return {name: _described(getattr(made, name)) for name in fields}
    if isinstance(made, (tuple, list)):
        return tuple(NOTHING if each is None else _described(each) for each in made)
    return None
