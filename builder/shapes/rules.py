"""The shape of one layer's result: by the rule of its type, or, where there is none, as torch tells it.

Each family of types is a file beside this one, with its table `RULES`. A new rule is a function in its family's file
and a line in that table. This module imports no torch; `builder.shapes.meta` does, and only when it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from builder.shapes import (
    adaptive,
    attention,
    class_losses,
    convolution,
    convolving,
    counted,
    creating,
    distances,
    elementwise,
    linear,
    losses,
    merging,
    normalisation,
    own,
    padding,
    parting,
    picking,
    pooling,
    products,
    recurrent,
    reducing,
    reshaping,
    resizing,
    varying,
    writing,
)
from builder.shapes.call import Call, Made, Misfit, TensorType, Value
from builder.shapes.constants import with_constants, with_names
from builder.shapes.effort import demand_counts
from builder.shapes.rule import Rule
from dsl.catalogue.entries import Entry

_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 1_000  # characters of a size

# Functions and methods of one name mean the same in all of these; torch.linalg, torch.fft and torch.special differ.
_NAMESPACES: Final = ("torch.nn", "torch.nn.functional", "torch", "torch.Tensor")
_TORCH: Final[Mapping[str, Rule]] = {
    **convolution.RULES,
    **convolving.RULES,
    **pooling.RULES,
    **linear.RULES,
    **elementwise.RULES,
    **reshaping.RULES,
    **merging.RULES,
    **products.RULES,
    **reducing.RULES,
    **normalisation.RULES,
    **parting.RULES,
    **padding.RULES,
    **resizing.RULES,
    **recurrent.RULES,
    **attention.RULES,
    **losses.RULES,
    **class_losses.RULES,
    **adaptive.RULES,
    **distances.RULES,
    **creating.RULES,
    **picking.RULES,
    **counted.RULES,
    **writing.RULES,
}
# What a layer calls -> its rule.
RULES: Final[Mapping[str, Rule]] = {
    **{f"{namespace}.{name}": rule for namespace in _NAMESPACES for name, rule in _TORCH.items()},
    **{f"torch.Tensor.{name}": rule for name, rule in picking.METHODS.items()},
    **{f"tomograph.{name}": rule for name, rule in {**own.RULES, **varying.RULES}.items()},
}


def has_rule(entry: Entry) -> bool:
    """Whether the type can be shaped without torch (in its common forms)."""
    return entry.target in RULES


def shape(call: Call) -> Made:
    """What the layer makes of what it reads. Misfit where it cannot."""
    try:
        made = _made(call)
    except OverflowError as error:
        raise Misfit(f"{call.entry.name} makes a size that is too large: {error}") from error
    _demand_sane(call, made.result)
    return made


def _made(call: Call) -> Made:
    call = with_names(call)
    demand_counts(call)
    rule = RULES.get(call.entry.target)
    made = rule(with_constants(call)) if rule else None
    if made is not None:
        return made
    from builder.shapes.meta import ask

    return ask(call)


def _demand_sane(call: Call, result: Value) -> None:
    """Sizes that torch could not hold, and formulas too long to be told, would grow without end from layer to layer."""
    if isinstance(result, TensorType):
        for size in result.shape:
            if isinstance(size, int) and size > _LARGEST:
                raise Misfit(f"{call.entry.name} makes a dim that is larger than 2^63 - 1, which torch cannot hold")
            if not isinstance(size, int) and len(str(size)) > _LONGEST:
                raise Misfit(f"{call.entry.name} makes a dim whose formula has more than {_LONGEST:,} characters")
    elif isinstance(result, (tuple, dict)):
        for each in result.values() if isinstance(result, dict) else result:
            _demand_sane(call, each)
