"""Types without a rule: torch itself is asked, on the meta device, where tensors have shapes and no numbers.

Free sizes are found by probing: the layer is run with several numbers in their place, each dim of the result is fitted
as a size over them (constant, affine, a product of two, or the floor of a quotient), and the fit is tried on further
numbers. What cannot be fitted is told, and never guessed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from builder.shapes.call import Call, ChoiceType, Made, Misfit, TensorType, Value
from builder.shapes.sizes import Free, Size, names, worked_out

# Where the input tells a constructor argument: (which tensor, which dim).
_TOLD = {
    "in_features": (0, -1), "in1_features": (0, -1), "in2_features": (1, -1), "in_channels": (0, 1),
    "num_features": (0, 1), "num_channels": (0, 1), "normalized_shape": (0, -1), "input_size": (0, -1),
    "embed_dim": (0, -1), "d_model": (0, -1),
}  # fmt: skip
_FIRST, _STEP = 48, 5040  # the least number put for a free size; 5040 has every divisor up to 10
_REMEMBERED: dict[str, Made] = {}


def ask(call: Call) -> Made:
    """What torch makes of the call. Misfit with torch's own words where it objects."""
    key = repr((call.entry.target, dict(call.arguments), list(call.reads), dict(call.keyword_reads)))
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _asked(call)
    return _REMEMBERED[key]


def _asked(call: Call) -> Made:
    inferred = _inferred(call)
    call = replace(call, arguments={**inferred, **call.arguments})
    free = sorted({name for tensor in _tensors([*call.reads, *call.keyword_reads.values()])
                   for size in tensor.shape for name in names(size)})  # fmt: skip
    base = {name: _FIRST + 2 * index for index, name in enumerate(free)}
    result, module, adds = _run(call, base)
    parameters, buffers = _state(module)
    fitted = _fitted(call, free, base, result) if free else _sized(result)
    return Made(result=fitted, arguments=inferred, parameters=parameters, buffers=buffers,
                multiply_adds=adds if not free or not adds else _fit_adds(call, free, base, adds))  # fmt: skip


def _inferred(call: Call) -> dict[str, object]:
    found: dict[str, object] = {}
    tensors = list(_tensors([*call.reads, *call.keyword_reads.values()]))
    for name in call.entry.inferred:
        which, dim = _TOLD.get(name, (0, None))
        if name in call.arguments or dim is None or which >= len(tensors):
            continue
        shape = tensors[which].shape
        size = shape[dim] if -len(shape) <= dim < len(shape) else None
        if isinstance(size, Free):
            raise Misfit(f"{call.entry.name} needs {name}, and its input has the free size {size} there", code="free")
        if size is not None:
            found[name] = size
    return found


def _run(call: Call, values: Mapping[str, int]) -> tuple[Any, Any, int]:
    """The result on meta with these numbers for the free sizes, the module if there is one, and its multiply-adds."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    entry = call.entry
    feed: Callable[[Value], Any] = lambda value: _meta(value, values)  # noqa: E731
    reads = [feed(each) for each in call.reads]
    keyword = {key: feed(each) for key, each in call.keyword_reads.items()}
    forward = {each.name for each in entry.inputs} if entry.role == "module" else set()
    plain = {key: _value(value, entry.parameter(key).type if entry.accepts(key) else "", values)
             for key, value in call.arguments.items() if key not in forward}  # fmt: skip
    fed = {key: value for key, value in call.arguments.items() if key in forward}
    module = None
    try:
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            if entry.role == "module":
                module = _found(entry.target)(**plain)
                result = module(*reads, **keyword, **fed)
            else:
                if entry.accepts("training"):
                    plain.setdefault("training", False)
                position = [
                    plain.pop(each.name)
                    for each in entry.parameters
                    if each.passing == "position" and each.name in plain
                ]
                result = _found(entry.target)(*position, *reads, **keyword, **plain)
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError, NotImplementedError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        shapes = ", ".join(str(each) for each in _tensors(call.reads))
        raise Misfit(
            f"{entry.name} does not take {shapes or 'these arguments'}", notes=(f"torch says: {words}",)
        ) from error
    return result, module, int(counter.get_total_flops()) // 2


def _found(target: str) -> Any:
    import torch

    found: Any = torch
    for part in target.split(".")[1:]:
        found = getattr(found, part)
    return found


def _meta(value: Value, values: Mapping[str, int]) -> Any:
    import torch

    if isinstance(value, TensorType):
        shape = [worked_out(size, values) for size in value.shape]
        return torch.empty(shape, dtype=getattr(torch, value.dtype), device="meta")
    if isinstance(value, ChoiceType):
        return value.option
    if isinstance(value, tuple):
        return tuple(_meta(each, values) for each in value)
    return value


def _value(value: Any, kind: str, values: Mapping[str, int]) -> Any:
    import torch

    if isinstance(value, Free):
        return worked_out(value, values)
    if isinstance(value, str) and "dtype" in kind:
        return getattr(torch, value)
    if isinstance(value, list):
        if "tensor" in kind:
            return torch.tensor(value, device="meta")
        return tuple(_value(each, "", values) for each in value)
    return value


def _state(module: Any) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    if module is None:
        return {}, {}
    parameters = {name: tuple(each.shape) for name, each in module.named_parameters()}
    kept = {name: tuple(each.shape) for name, each in module.state_dict().items() if name not in parameters}
    return parameters, kept


def _sized(result: Any) -> Value:
    """The result's shapes as they are, where no size is free."""
    return _mapped(result, lambda tensor, _: TensorType(tuple(tensor.shape), _dtype(tensor)), [])


def _fitted(call: Call, free: Sequence[str], base: dict[str, int], result: Any) -> Value:
    """The result's shapes over the free sizes."""
    probes = _probes(free, base)
    results = [result, *(_run(call, probe)[0] for probe in probes[1:])]

    def fit(tensor: Any, others: list[Any]) -> Value:
        shapes = [tuple(each.shape) for each in (tensor, *others)]
        if len({len(shape) for shape in shapes}) > 1:
            raise _untold(call, free)
        sizes = [_fit(free, probes, [shape[dim] for shape in shapes]) for dim in range(len(shapes[0]))]
        if any(size is None for size in sizes):
            raise _untold(call, free)
        return TensorType(tuple(size for size in sizes if size is not None), _dtype(tensor))

    return _mapped(results[0], fit, results[1:])


def _fit_adds(call: Call, free: Sequence[str], base: dict[str, int], adds: int) -> Size:
    """Multiply-adds for batch 1: the leading free size of the first tensor counts as 1."""
    first = next(_tensors([*call.reads, *call.keyword_reads.values()]))
    batch = first.shape[0] if first.shape and isinstance(first.shape[0], Free) else None
    rest = [name for name in free if batch is None or name not in names(batch)]
    one = {**base, **{name: 1 for name in free if name not in rest}}
    probes = [{**probe, **{k: one[k] for k in one if k not in rest}} for probe in _probes(rest, one)]
    return _fit(rest, probes, [_run(call, probe)[2] for probe in probes]) or 0


def _probes(free: Sequence[str], base: dict[str, int]) -> list[dict[str, int]]:
    """The base, one step along each name, along each pair, and a few uneven ones to verify with."""
    found = [dict(base)]
    found += [{**base, name: base[name] + _STEP} for name in free]
    found += [{**base, a: base[a] + _STEP, b: base[b] + _STEP} for a, b in itertools.combinations(free, 2)]
    found += [{name: value + extra * (index + 1) for index, (name, value) in enumerate(base.items())}
              for extra in (1, 2, 3, 5, 7, 11)]  # fmt: skip
    return found


def _fit(free: Sequence[str], probes: Sequence[Mapping[str, int]], found: Sequence[int]) -> Size | None:
    """The size over the free names that has these values at the probes; None where none of the forms has."""
    base, slopes = found[0], {}
    for index, name in enumerate(free):
        slopes[name] = Fraction(found[1 + index] - base, _STEP)
    for candidate in _candidates(free, probes, found, slopes):
        if all(worked_out(candidate, probe) == value for probe, value in zip(probes, found, strict=True)):
            return candidate
    return None


def _candidates(
    free: Sequence[str], probes: Sequence[Mapping[str, int]], found: Sequence[int], slopes: Mapping[str, Fraction]
) -> Iterator[Size]:
    base = probes[0]
    if all(slope.denominator == 1 for slope in slopes.values()):
        affine: Size = 0
        for name, slope in slopes.items():
            affine = affine + Free.named(name) * int(slope)
        yield affine + (found[0] - worked_out(affine, base))
        for (a, b), value in zip(itertools.combinations(free, 2), found[1 + len(free) :], strict=False):
            mixed = value - found[0] - int(slopes[a] + slopes[b]) * _STEP
            factor, rest = divmod(mixed, _STEP * _STEP)
            if factor and not rest:
                product = Free.named(a) * Free.named(b) * factor
                rest_of_a, rest_of_b = int(slopes[a]) - factor * base[b], int(slopes[b]) - factor * base[a]
                size = product + Free.named(a) * rest_of_a + Free.named(b) * rest_of_b
                yield size + (found[0] - worked_out(size, base))
        return
    by = max(slope.denominator for slope in slopes.values())
    over: Size = 0
    for name, slope in slopes.items():
        over = over + Free.named(name) * int(slope * by)
    start = found[0] * by - worked_out(over, base)
    for constant in range(start, start + by):
        yield (over + constant) // by


def _mapped(result: Any, make: Callable[[Any, list[Any]], Value], others: list[Any]) -> Value:
    import torch

    if isinstance(result, torch.Tensor):
        return make(result, others)
    fields = getattr(result, "_fields", None)
    if fields:
        return {name: _mapped(getattr(result, name), make, [getattr(each, name) for each in others]) for name in fields}
    if isinstance(result, (tuple, list)):
        return tuple(_mapped(each, make, [other[i] for other in others]) for i, each in enumerate(result))
    return None


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _tensors(values: Sequence[Value]) -> Iterator[TensorType]:
    for each in values:
        if isinstance(each, TensorType):
            yield each
        elif isinstance(each, tuple):
            yield from _tensors(each)


def _untold(call: Call, free: Sequence[str]) -> Misfit:
    listed = " or ".join(free)
    return Misfit(f"the shape that {call.entry.name} makes cannot be told while {listed} is free: write it as a number",
                  code="free")  # fmt: skip
