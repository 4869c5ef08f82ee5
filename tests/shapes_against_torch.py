"""torch as the judge of shape rules: one case is shaped by its rule with free names, then run for real with numbers."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, named, worked_out
from dsl.catalogue import find

# What the free names stand for, one run each.
NUMBERS: tuple[Mapping[str, int], ...] = (
    {"N": 1, "T": 12, "H": 24, "W": 36, "M": 3},
    {"N": 2, "T": 7, "H": 17, "W": 13, "M": 2},
    {"N": 3, "T": 5, "H": 32, "W": 20, "M": 4},
)


def typed(*sizes: int | str, dtype: str = "float32") -> TensorType:
    return TensorType(tuple(named(size) for size in sizes), dtype)


def call_of(
    name: str, arguments: Mapping[str, Any], reads: Any, keyword_reads: Mapping[str, Any] | None = None
) -> Call:
    entry = find(name)
    assert entry is not None, name
    return Call(entry=entry, arguments=arguments, reads=tuple(reads), keyword_reads=keyword_reads or {})


def agrees(name: str, arguments: Mapping[str, Any], *reads: Any, counted: bool = True, **keyword_reads: Any) -> Made:
    """Assert that the rule and torch say the same for every set of numbers that the rule's conditions allow.

    counted: whether torch's counter sees the multiply-adds of this type.
    """
    made = shape(call_of(name, arguments, reads, keyword_reads))
    tried = 0
    for numbers in NUMBERS:
        if all(eval(condition.text, {}, dict(numbers)) for condition in made.conditions):
            _compare(name, arguments, reads, keyword_reads, made, numbers, counted)
            tried += 1
    assert tried, "no set of numbers meets the conditions"
    return made


def agrees_or_both_object(name: str, arguments: Mapping[str, Any], *reads: Any) -> None:
    """Where the rule accepts, torch says the same; where the rule objects, torch does not take it either."""
    try:
        agrees(name, arguments, *reads)
    except Misfit:
        with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)):
            run(name, arguments, with_numbers(reads, NUMBERS[1]), {})


def objection(name: str, arguments: Mapping[str, Any], *reads: Any, **keyword_reads: Any) -> Misfit:
    """What the rule objects to."""
    with pytest.raises(Misfit) as caught:
        shape(call_of(name, arguments, reads, keyword_reads))
    return caught.value


def _compare(
    name: str,
    arguments: Any,
    reads: Any,
    keyword_reads: Any,
    made: Made,
    numbers: Mapping[str, int],
    counted: bool,
) -> None:
    fixed_reads, fixed_keywords = with_numbers(reads, numbers), with_numbers(keyword_reads, numbers)
    arguments = with_numbers(arguments, numbers)
    again = shape(call_of(name, arguments, fixed_reads, fixed_keywords))
    result, module, operations = run(name, {**arguments, **made.arguments}, fixed_reads, fixed_keywords)
    expected = described(result)
    assert described(with_numbers(made.result, numbers)) == expected
    assert described(again.result) == expected, "with numbers in place of names"
    if module is not None:
        assert {key: tuple(value.shape) for key, value in module.named_parameters()} == dict(made.parameters)
        assert {key: tuple(value.shape) for key, value in module.named_buffers()} == dict(made.buffers)
        assert list(module.state_dict()) == [*_in_order(module, made)]
    if counted and numbers["N"] == 1:
        assert worked_out(made.multiply_adds, numbers) == operations / 2


def _in_order(module: torch.nn.Module, made: Made) -> list[str]:
    return [key for key in (*made.parameters, *made.buffers) if key in module.state_dict()]


def run(name: str, arguments: Mapping[str, Any], reads: Any, keyword_reads: Any) -> tuple[Any, Any, int]:
    """(result, the module or None, floating-point operations as torch counts them)."""
    entry = find(name)
    assert entry is not None
    called = operator.attrgetter(entry.target.removeprefix("torch."))(torch)
    given = {key: as_torch(key, value) for key, value in arguments.items()}
    tensors, keywords = [real(each) for each in reads], {key: real(each) for key, each in keyword_reads.items()}
    counter = FlopCounterMode(display=False)
    module = None
    if entry.role == "module":
        module = called(**given)
        with counter:
            result = module(*tensors, **keywords)
    else:
        with counter:
            leading = [given.pop(each.name) for each in entry.parameters if each.passing == "position"]
            spread = any(each.passing == "spread" for each in entry.parameters)
            result = called(*leading, *(tensors[0] if spread else tensors), **keywords, **given)
    return result, module, counter.get_total_flops()


def as_torch(name: str, value: Any) -> Any:
    return getattr(torch, value) if name == "dtype" and isinstance(value, str) else value


def real(value: Any) -> Any:
    if isinstance(value, TensorType):
        dtype = getattr(torch, value.dtype)
        filled = torch.rand(value.shape) if dtype.is_floating_point else torch.ones(value.shape)
        return filled.to(dtype)
    if isinstance(value, tuple):
        return tuple(real(each) for each in value)
    return value


def described(value: Any) -> Any:
    """Shape and dtype of a tensor, or a tree of them; the tuples with named fields that torch gives become dicts."""
    if isinstance(value, TensorType):
        return tuple(value.shape), value.dtype
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), str(value.dtype).removeprefix("torch.")
    if hasattr(value, "_fields") or type(value).__module__ == "torch.return_types":
        kinds = (torch.Tensor, tuple, list)
        fields = [each for each in dir(type(value)) if each[0] != "_" and isinstance(getattr(value, each), kinds)]
        return {each: described(getattr(value, each)) for each in fields}
    if isinstance(value, dict):
        return {key: described(each) for key, each in value.items()}
    return None if value is None else tuple(described(each) for each in value)


def with_numbers(value: Any, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, Free):
        return worked_out(value, numbers)
    if isinstance(value, TensorType):
        return TensorType(tuple(worked_out(size, numbers) for size in value.shape), value.dtype)
    if isinstance(value, dict):
        return {key: with_numbers(each, numbers) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(with_numbers(each, numbers) for each in value)
    return value
