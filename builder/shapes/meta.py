"""Types without a rule: torch itself is asked, on the meta device, where tensors have shapes and no numbers.

Free sizes are found by probing: the layer is run with several numbers in their place, and `builder.shapes.probing`
finds each dim's formula. From which size on the layer runs at all becomes a condition. What cannot be found is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from builder.shapes.call import Call, ChoiceType, Condition, Made, Misfit, TensorType, Value
from builder.shapes.polynomials import fitted_polynomial
from builder.shapes.probing import Numbers, bases, fitted_value, probes
from builder.shapes.running import Outcome, Refused, run
from builder.shapes.sizes import Free, Size, names, single_name, worked_out
from dsl.catalogue.registered import replacements

# Where the input tells a constructor argument: (which tensor, which dim).
TOLD = {
    "in_features": (0, -1), "in1_features": (0, -1), "in2_features": (1, -1), "in_channels": (0, 1),
    "num_features": (0, 1), "num_channels": (0, 1), "normalized_shape": (0, -1), "input_size": (0, -1),
    "embed_dim": (0, -1), "d_model": (0, -1),
}  # fmt: skip
_REMEMBERED: dict[str, Made] = {}


def ask(call: Call) -> Made:
    """What torch makes of the call. Misfit with torch's own words where it objects."""
    key = repr((call.entry.target, dict(call.arguments), list(call.reads), dict(call.keyword_reads), replacements()))
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _asked(call)
    return _REMEMBERED[key]


def _asked(call: Call) -> Made:
    inferred = _inferred(call)
    call = replace(call, arguments={**inferred, **call.arguments})
    free = sorted(_free_names(call))
    made = _probed(call, free) if free else _plain(call)
    return replace(made, arguments=inferred)


def _plain(call: Call) -> Made:
    outcome = _run(call, {})
    return Made(
        result=outcome.result,
        parameters=outcome.parameters,
        buffers=outcome.buffers,
        multiply_adds=outcome.multiply_adds,
    )


def _probed(call: Call, free: Sequence[str]) -> Made:
    base, first = _first_that_runs(call, free)
    tried = probes(free, base)
    try:
        outcomes = [first, *(run(call, numbers, counted=False) for numbers in tried[1:])]
        result = fitted_value(free, tried, [each.result for each in outcomes])
        multiply_adds = _multiply_adds(call, free, base) if first.multiply_adds else 0
    except (Refused, ValueError) as reason:
        raise _cannot_tell(call, free, reason) from reason
    return Made(
        result=result,
        parameters=first.parameters,
        buffers=first.buffers,
        multiply_adds=multiply_adds,
        conditions=tuple(each for name in free for each in _from_which_size(call, name, base, result)),
    )


def _inferred(call: Call) -> dict[str, object]:
    """The constructor arguments that are left out and that the input tells."""
    found: dict[str, object] = {}
    tensors = list(_tensors([*call.reads, *call.keyword_reads.values()]))
    for name in call.entry.inferred:
        which, dim = TOLD.get(name, (0, None))
        if name in call.arguments or dim is None or which >= len(tensors):
            continue
        shape = tensors[which].shape
        size = shape[dim] if -len(shape) <= dim < len(shape) else None
        if isinstance(size, Free):
            message = f"{call.entry.name} needs {name}, and its input has the free size {size} there"
            raise Misfit(message, code="free", fix=f"give {size} a number in the model's inputs, or write {name}")
        if size is not None:
            found[name] = size
    return found


def _first_that_runs(call: Call, free: Sequence[str]) -> tuple[Numbers, Outcome]:
    refused: Refused | None = None
    for base in bases(free):
        try:
            return base, run(call, base)
        except Refused as reason:
            refused = refused or reason
    assert refused is not None
    raise _refusal(call, refused) from refused


def _run(call: Call, numbers: Numbers) -> Outcome:
    try:
        return run(call, numbers)
    except Refused as reason:
        raise _refusal(call, reason) from reason


def _from_which_size(call: Call, name: str, base: Numbers, result: Value) -> Iterator[Condition]:
    """`H >= 7`, where the layer runs and follows the formula from 7 on only; the others stay as in the base."""
    least, most = 1, base[name]
    while least < most:
        middle = 1 if least == 1 and most == base[name] else (least + most) // 2
        if _holds(call, {**base, name: middle}, result):
            most = middle
        else:
            least = middle + 1
    if least > 1:
        yield Condition(text=f"{name} >= {least}")


def _holds(call: Call, numbers: Numbers, result: Value) -> bool:
    try:
        return run(call, numbers, counted=False).result == _worked_out(result, numbers)
    except Refused:
        return False


def _multiply_adds(call: Call, free: Sequence[str], base: Numbers) -> Size:
    """For batch 1: the leading dim of the first tensor, where that is a free name, counts as 1."""
    first = next(_tensors([*call.reads, *call.keyword_reads.values()]), None)
    batch = str(first.shape[0]) if first and first.shape and single_name(first.shape[0]) else None
    rest = [name for name in free if name != batch]
    fixed = {batch: 1} if batch else {}
    return fitted_polynomial(rest, base, lambda numbers: run(call, {**base, **numbers, **fixed}).multiply_adds)


def _worked_out(value: Value, numbers: Numbers) -> Value:
    if isinstance(value, TensorType):
        return TensorType(tuple(worked_out(size, numbers) for size in value.shape), value.dtype)
    if isinstance(value, tuple):
        return tuple(_worked_out(each, numbers) for each in value)
    if isinstance(value, dict):
        return {key: _worked_out(each, numbers) for key, each in value.items()}
    return value


def _free_names(call: Call) -> set[str]:
    found: set[str] = set()
    for each in _tensors([*call.reads, *call.keyword_reads.values()]):
        found |= {name for size in each.shape for name in names(size)}
    for value in call.arguments.values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            found |= names(item) if isinstance(item, Free) else set()
    return found


def _tensors(values: Sequence[Value]) -> Iterator[TensorType]:
    for each in values:
        if isinstance(each, TensorType):
            yield each
        elif isinstance(each, tuple):
            yield from _tensors(each)
        elif isinstance(each, Mapping):
            yield from _tensors(list(each.values()))


def _refusal(call: Call, reason: Refused) -> Misfit:
    if reason.unseen:
        return Misfit(f"the shape of what {call.entry.name} makes cannot be told without the numbers that it reads")
    read = [*call.reads, *call.keyword_reads.values()]
    shapes = " and ".join(str(each) for each in _tensors(read))
    options = [each.option for each in read if isinstance(each, ChoiceType)]
    fed = " and ".join([*([shapes] if shapes else []), *options])
    return Misfit(f"{call.entry.name} does not take {fed or 'these arguments'}", notes=(_says(reason),))


def _cannot_tell(call: Call, free: Sequence[str], reason: Exception) -> Misfit:
    listed = " or ".join(free)
    message = f"what {call.entry.name} makes cannot be told while {listed} is free"
    notes = (_says(reason, ", for some sizes"),) if isinstance(reason, Refused) else (str(reason),)
    return Misfit(message, notes=notes, fix=f"give {listed} a number in the model's inputs", code="free")


def _says(reason: Refused, when: str = "") -> str:
    """torch's words; where the layer comes from Python, those of its own code."""
    return f"it fails{when}: {reason}" if reason.own else f"torch says{when}: {reason}"
