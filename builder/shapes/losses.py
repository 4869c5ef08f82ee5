"""Losses that compare two tensors of one shape, number by number; modules and functions alike.

Which dtypes each one takes was tried with torch, forward and backward. A target that torch would stretch to the input
(with a warning, as in MSELoss) is refused: that is nearly always a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from builder.shapes.broadcasting import broadcast_shapes
from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.constants import tensor_of
from builder.shapes.dtypes import category, result_dtype
from builder.shapes.reading import Shapes, argument, demand_floating, operand, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size


def same_shape(call: Call) -> Made | None:
    """Input and target of one shape; without reduction, the result has it too."""
    if legacy_reduction(call):
        return None
    given, target = tensor(call, 0, "input"), tensor(call, 1, "target")
    demand_floating(call, given)
    demand_target_dtype(call, given, target)
    conditions = agree(call, given, "target", target, given.shape) + _stretched(call, given)
    promotes = _TARGETS[call.entry.name] in (_FLOATING, _NUMBERS, _ANY) and call.entry.name not in _KEEPS_DTYPE
    dtype = result_dtype([given, target]) if promotes else given.dtype
    return made(call, given.shape, dtype, conditions)


def _stretched(call: Call, given: TensorType) -> Conditions:
    """Weights of losses that go number by number are stretched to the input."""
    conditions: Conditions = ()
    for name in ("weight", "pos_weight"):
        each = weights(call, name)
        if each is not None:
            shape, more = broadcast_shapes(call.entry.name, given.shape, each.shape)
            conditions += more
            if len(shape) > len(given.shape):
                raise Misfit(f"{call.entry.name} has an input of {given}, but {name} is {each}", argument=name)
    return conditions


def margin_ranking(call: Call) -> Made | None:
    """Two inputs and a target of 1 and -1, all of one shape."""
    if legacy_reduction(call):
        return None
    first, second, target = tensor(call, 0, "input1"), tensor(call, 1, "input2"), tensor(call, 2, "target")
    demand_floating(call, first)
    demand_floating(call, second, "its second input")
    demand_target_dtype(call, first, target)
    conditions = agree(call, first, "the second input", second, first.shape)
    conditions += agree(call, first, "target", target, first.shape)
    return made(call, first.shape, result_dtype([first, second, target]), conditions)


def cosine_embedding(call: Call) -> Made | None:
    """Two inputs (N, D) or (D,), a target of 1 and -1, (N,) or a single number."""
    if legacy_reduction(call):
        return None
    first, second, target = tensor(call, 0, "input1"), tensor(call, 1, "input2"), tensor(call, 2, "target")
    demand_floating(call, first)
    demand_floating(call, second, "its second input")
    if len(first.shape) not in (1, 2):
        raise Misfit(f"{call.entry.name} reads (N, D) or (D,), but its first input is {first}")
    conditions = agree(call, first, "the second input", second, first.shape)
    conditions += agree(call, first, "target", target, first.shape[:-1])
    return made(call, first.shape[:-1], result_dtype([first, second]), conditions)


def triplet_margin(call: Call) -> Made | None:
    """Anchor, positive and negative of one shape (*, D) -> (*)."""
    if legacy_reduction(call):
        return None
    anchor = tensor(call, 0, "anchor")
    demand_floating(call, anchor)
    conditions: Conditions = ()
    tensors = [anchor]
    for index, name in enumerate(("positive", "negative"), start=1):
        other = tensor(call, index, name)
        demand_floating(call, other, name)
        conditions += agree(call, anchor, name, other, anchor.shape, "anchor")
        tensors.append(other)
    return made(call, anchor.shape[:-1], result_dtype(tensors), conditions)


def gaussian(call: Call) -> Made:
    """Input and target, stretched to each other; `var` of the input's shape, or without the last dim, or with 1s."""
    given, target, variance = (tensor(call, index, name) for index, name in enumerate(("input", "target", "var")))
    demand_floating(call, given)
    demand_floating(call, variance, "var")
    shape, conditions = broadcast_shapes(call.entry.name, given.shape, target.shape)
    stretched = tuple(size if size == 1 else each for size, each in zip(variance.shape, given.shape, strict=False))
    if variance.shape not in ((), (1,), given.shape[:-1]) and variance.shape != stretched:
        conditions += agree(call, given, "var", variance, given.shape)
    return made(call, shape, result_dtype([given, target, variance]), conditions)


def multi_label_soft_margin(call: Call) -> Made | None:
    """Input and target (*, C) -> (*)."""
    if legacy_reduction(call):
        return None
    given, target = tensor(call, 0, "input"), tensor(call, 1, "target")
    demand_floating(call, given)
    demand_target_dtype(call, given, target)
    conditions = agree(call, given, "target", target, given.shape) + _stretched(call, given)
    return made(call, given.shape[:-1], result_dtype([given, target]), conditions)


def legacy_reduction(call: Call) -> bool:
    """`size_average` and `reduce`, which torch keeps for old programs: torch is asked."""
    return any(call.arguments.get(name) is not None for name in ("size_average", "reduce"))


def made(call: Call, shape: tuple[Size, ...], dtype: str, conditions: Conditions) -> Made:
    """The loss: one number, or `shape` where `reduction` is "none"; constant weights are buffers."""
    kept = shape if argument(call, "reduction") == "none" else ()
    buffers = constants(call) if call.entry.role == "module" else {}
    return Made(result=TensorType(kept, dtype), buffers=buffers, conditions=conditions)


def constants(call: Call) -> Shapes:
    """Arrays given as `weight` and `pos_weight`: buffers of the module."""
    found = {name: tensor_of(call.arguments.get(name)) for name in ("weight", "pos_weight")}
    return {name: fixed_shape(each) for name, each in found.items() if each is not None}


def fixed_shape(constant: TensorType) -> tuple[int, ...]:
    """The shape of an array that the spec writes: numbers alone."""
    return tuple(size for size in constant.shape if isinstance(size, int))


def weights(call: Call, name: str) -> TensorType | None:
    """A weight, written as an array or fed as a tensor; None where there is none."""
    places = [each.name for each in call.entry.inputs]
    fed = operand(call, places.index(name), name) if name in places else None
    return fed if isinstance(fed, TensorType) else tensor_of(call.arguments.get(name))


def agree(
    call: Call, given: TensorType, name: str, other: TensorType, wanted: Sequence[Size], first: str = "input"
) -> Conditions:
    """The other tensor has the wanted shape."""
    message = f"{call.entry.name} reads {name} of shape {shape_text(wanted)}, but {name} is {other}"
    notes = (f"the {first} is {given}",) if name != "the second input" else (f"the first input is {given}",)
    misfit = Misfit(message, notes=notes, fix=_mend(tuple(wanted), other.shape))
    if len(wanted) != len(other.shape):
        raise misfit
    pairs = zip(other.shape, wanted, strict=True)
    return tuple(each for a, b in pairs if a != b for each in needs_equal(a, b, misfit))


def _mend(wanted: tuple[Size, ...], found: tuple[Size, ...]) -> str | None:
    if wanted == (*found, 1):
        return 'squeeze the input: { type = "squeeze", dim = -1 }, or unsqueeze the target'
    return None


def demand_target_dtype(call: Call, given: TensorType, target: TensorType) -> None:
    wanted = _TARGETS[call.entry.name]
    if not wanted.fits(given.dtype, target.dtype):
        message = f"{call.entry.name} reads a target of {wanted.words(given.dtype)}, but target is {target.dtype}"
        raise Misfit(message, fix=f"convert it in prepare, with {given.dtype}" if category(target.dtype) < 2 else None)


@dataclass(frozen=True, slots=True)
class Targets:
    """Which dtypes a target may have beside an input of a given one."""

    fits: Callable[[str, str], bool]
    words: Callable[[str], str]


_SAME = Targets(lambda given, target: given == target, lambda given: f"the input's dtype ({given})")
_FLOATING = Targets(lambda _, target: category(target) == 2, lambda _: "floating-point numbers")
_NUMBERS = Targets(lambda _, target: category(target) in (1, 2), lambda _: "numbers")
_ANY = Targets(lambda _, target: category(target) < 3, lambda _: "numbers or truth values")
_TARGETS: Mapping[str, Targets] = {
    "BCELoss": _SAME,
    "BCEWithLogitsLoss": _FLOATING,
    "HingeEmbeddingLoss": _ANY,
    "HuberLoss": _SAME,
    "KLDivLoss": _FLOATING,
    "L1Loss": _NUMBERS,
    "MSELoss": _ANY,
    "MarginRankingLoss": _NUMBERS,
    "PoissonNLLLoss": _ANY,
    "MultiLabelSoftMarginLoss": _NUMBERS,
    "SmoothL1Loss": _ANY,
    "SoftMarginLoss": _NUMBERS,
    "binary_cross_entropy": _SAME,
    "binary_cross_entropy_with_logits": _FLOATING,
    "hinge_embedding_loss": _ANY,
    "huber_loss": _SAME,
    "kl_div": _FLOATING,
    "l1_loss": _NUMBERS,
    "margin_ranking_loss": _NUMBERS,
    "mse_loss": _ANY,
    "multilabel_soft_margin_loss": _NUMBERS,
    "poisson_nll_loss": _ANY,
    "smooth_l1_loss": _ANY,
    "soft_margin_loss": _NUMBERS,
}
# The result has the input's dtype, whatever the target's.
_KEEPS_DTYPE = ("HingeEmbeddingLoss", "SoftMarginLoss", "hinge_embedding_loss", "soft_margin_loss")
_OTHERS: Mapping[str, Rule] = {
    "CosineEmbeddingLoss": cosine_embedding,
    "GaussianNLLLoss": gaussian,
    "MarginRankingLoss": margin_ranking,
    "MultiLabelSoftMarginLoss": multi_label_soft_margin,
    "TripletMarginLoss": triplet_margin,
    "cosine_embedding_loss": cosine_embedding,
    "gaussian_nll_loss": gaussian,
    "margin_ranking_loss": margin_ranking,
    "multilabel_soft_margin_loss": multi_label_soft_margin,
    "triplet_margin_loss": triplet_margin,
}
RULES: Mapping[str, Rule] = {**dict.fromkeys(_TARGETS, same_shape), **_OTHERS}
