"""torch's own sample inputs for its functions (`op_db`) as calls of the catalogue's functions and methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo
from torch_module_samples import noted, replaced
from torch_samples import NONE, Sample, Unsayable, data

from dsl.catalogue import Entry, Parameter, find, mismatch

_DTYPES = (torch.float32, torch.int64, torch.bool, torch.complex64)


@cache
def infos() -> dict[str, list[OpInfo]]:
    """torch's entries by the function's dotted name without `torch.`, aliases too; a name may have several variants."""
    found: dict[str, list[OpInfo]] = {}
    for info in op_db:
        for name in (info.name, *(alias.name for alias in info.aliases)):
            found.setdefault(name.removeprefix("_refs."), []).append(info)
    return found


def infos_of(target: str) -> list[OpInfo]:
    """The entries for a function or a method of the catalogue."""
    name = target.removeprefix("torch.").removeprefix("Tensor.")
    return infos().get(name, [])


# Where a result's size hangs on the numbers, a spec cannot know it: the reason that such samples are counted under.
BY_NUMBERS = "a result whose size hangs on the numbers"
_BY_NUMBERS = ("argwhere", "bincount", "nonzero", "unique", "unique_consecutive")
_BY_NUMBERS_OF = {
    "masked_select": "mask", "repeat_interleave": "repeats", "tensor_split": "tensor_indices_or_sections",
}  # fmt: skip


def hangs_on_numbers(entry: Entry, given: Mapping[str, Any]) -> bool:
    if entry.name == "one_hot":
        return given.get("num_classes", -1) == -1
    deciding = _BY_NUMBERS_OF.get(entry.name, "")
    decides = isinstance(given.get(deciding), torch.Tensor) and given.get("output_size") is None
    return entry.name in _BY_NUMBERS or decides


def samples(target: str, most: int) -> Iterator[Sample | str]:
    """At most so many samples of each variant; a text is why one is left out."""
    entry = find(target)
    assert entry is not None, target
    for info in infos_of(target):
        torch.manual_seed(11)
        for index, each in enumerate(_inputs(info, most)):
            try:
                args, kwargs = _call(info, entry, each)
                yield _sample(entry, f"{target} {info.variant_test_name} {index}", args, kwargs)
            except Unsayable as reason:
                yield str(reason)


def _inputs(info: OpInfo, most: int) -> list[Any]:
    supported = info.supported_dtypes("cpu")
    dtype = next((each for each in _DTYPES if each in supported), None)
    if dtype is None:
        return []
    with noted():
        return list(islice(info.sample_inputs_func(info, "cpu", dtype, requires_grad=False), most))


class _Caught(TorchFunctionMode):
    """Keeps what one function is called with: some of torch's entries swap arguments on the way to it."""

    def __init__(self, function: Any) -> None:
        self.function, self.call = function, None  # type: ignore[var-annotated]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is self.function and self.call is None:
            self.call = args, kwargs or {}
        return func(*args, **kwargs or {})


def _call(info: OpInfo, entry: Entry, each: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the function itself is called with for a sample."""
    function = torch_function(f"torch.{info.name}") or torch_function(entry.target)
    direct = (each.input, *each.args), each.kwargs
    if info.op is function or function is None:
        return direct
    with _Caught(function) as caught:
        info.op(each.input, *each.args, **each.kwargs)
    return caught.call or direct


def function_sample(target: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Sample:
    """A call of ours."""
    entry = find(target)
    assert entry is not None, target
    return _sample(entry, f"{target} own", args, kwargs)


def torch_function(target: str) -> Any:
    """What stands behind a dotted name; None where nothing does."""
    found: Any = torch
    for part in target.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def _sample(entry: Entry, label: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Sample:
    args = _one_list(entry, args)
    given = bound(entry, args, _needed(kwargs))
    if hangs_on_numbers(entry, given):
        raise Unsayable(BY_NUMBERS)
    follows = entry.accepts("training") and "training" not in given
    spread = any(each.passing == "spread" for each in entry.parameters)
    placed = [name for name, _ in zip(given, args, strict=False)]

    def run(_: object, training: bool, fed: Mapping[str, torch.Tensor]) -> Any:
        args = [replaced(name, given[name], fed) for name in placed]
        kwargs = {name: replaced(name, value, fed) for name, value in given.items() if name not in placed}
        if follows:
            kwargs["training"] = training
        if entry.name == "scaled_dot_product_attention" and not training:
            kwargs["dropout_p"] = 0.0
        return function(*args[:-1], *args[-1], **kwargs) if spread else function(*args, **kwargs)

    function = torch_function(entry.target)
    return Sample(target=entry.target, label=label, given=given, run=run)


def _one_list(entry: Entry, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors of a function that spreads them (meshgrid, einsum) as one list, behind what stands before it."""
    places = [each.passing for each in entry.parameters]
    if "spread" not in places:
        return args
    before = places.index("spread")
    tensors = [part for each in args[before:] for part in (each if isinstance(each, (list, tuple)) else [each])]
    return (*args[:before], tensors)


def bound(entry: Entry, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name, for the first signature that takes them all."""
    for signature in (entry.parameters, *entry.overloads):
        found = _bound(signature, args, kwargs)
        if found is not None:
            return found
    raise Unsayable("a form of the call that the catalogue leaves out")


def _bound(signature: tuple[Parameter, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    names = [each.name for each in signature]
    if len(args) > len(names) and signature[-1].type == "int[]":  # x.sum_to_size(2, 3): the sizes one by one
        args = (*args[: len(names) - 1], list(args[len(names) - 1 :]))
    if len(args) > len(names) or set(names[: len(args)]) & set(kwargs):
        return None
    found = {**dict(zip(names, args, strict=False)), **kwargs}
    missing = [each for each in signature if each.required and each.name not in found]
    parameters = {each.name: each for each in signature}
    if missing or any(name not in parameters for name in found):
        return None
    fits = all(_fits(parameters[name], value) for name, value in found.items())
    return {name: found[name] for name in names if name in found} if fits else None


def _fits(parameter: Parameter, value: Any) -> bool:
    kinds = parameter.type.split(" | ")
    if isinstance(value, torch.Tensor):
        return "tensor" in kinds
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, torch.Tensor) for each in value):
        return "tensors" in kinds
    others = [each for each in kinds if each != "tensor"] if isinstance(value, str) else kinds
    return bool(others) and mismatch(" | ".join(others), _plain(data(value))) is None


def _plain(value: Any) -> Any:
    """What a spec's value is once it is read."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if value == NONE else value


# Settings of memory that leave the numbers as they are, where they have these values.
_USUAL: Mapping[str, Any] = {
    "requires_grad": False, "layout": torch.strided, "pin_memory": False, "non_blocking": False, "copy": False,
    "memory_format": torch.contiguous_format,
}  # fmt: skip


def _needed(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name without those that say what is so anyway."""
    private = [name for name, value in kwargs.items() if name.startswith("_") and value is None]
    usual = [name for name, value in _USUAL.items() if name in kwargs and kwargs[name] == value]
    return {name: value for name, value in kwargs.items() if name not in (*private, *usual)}
