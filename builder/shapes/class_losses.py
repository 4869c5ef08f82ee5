"""Losses whose target holds class numbers: CrossEntropy, NLL, the margin losses over classes, CTC."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_at_least, needs_equal
from builder.shapes.dtypes import category, result_dtype
from builder.shapes.losses import agree, legacy_reduction, made, weights
from builder.shapes.reading import argument, demand_floating, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size

_CLASS_NUMBERS = ("int64", "uint8")


def cross_entropy(call: Call) -> Made | None:
    """Input (N, C, *) or (C,); target class numbers (N, *), or class probabilities of the input's shape."""
    if legacy_reduction(call):
        return None
    given, target = _scores(call), tensor(call, 1, "target")
    wanted = _without_classes(given)
    if category(target.dtype) >= 2 and target.shape == given.shape:
        _weight_for_each_class(call, given)
        return made(call, wanted, result_dtype([given, target]), ())
    return _by_class_number(call, given, target, _CLASS_NUMBERS)


def negative_log_likelihood(call: Call) -> Made | None:
    """Input of log-probabilities (N, C, *) or (C,), target class numbers (N, *)."""
    if legacy_reduction(call):
        return None
    return _by_class_number(call, _scores(call), tensor(call, 1, "target"), _CLASS_NUMBERS)


def multi_margin(call: Call) -> Made | None:
    """Input (N, C) or (C,), target class numbers (N,) or one; a single number, or a list of one, torch may judge."""
    if legacy_reduction(call) or _unusual(call):
        return None
    return _by_class_number(call, _scores(call, most=2), tensor(call, 1, "target"), ("int64",))


def _unusual(call: Call) -> bool:
    given, target = tensor(call, 0, "input"), tensor(call, 1, "target")
    return not given.shape or (len(given.shape) == 1 and target.shape == (1,))


def multi_label_margin(call: Call) -> Made | None:
    """Input (N, C) or (C,); the target of the same shape lists class numbers and ends in -1."""
    if legacy_reduction(call) or not tensor(call, 0, "input").shape:
        return None
    given, target = _scores(call, most=2), tensor(call, 1, "target")
    if target.dtype != "int64":
        raise _not_class_numbers(call, given.shape, target)
    return made(call, given.shape[:-1], given.dtype, agree(call, given, "target", target, given.shape))


def ctc(call: Call) -> Made | None:
    """log_probs (T, N, C) or (T, C); targets (N, S), or all in a row; the lengths of both, (N,) each."""
    scores, targets = tensor(call, 0, "log_probs"), tensor(call, 1, "targets")
    if len(scores.shape) not in (2, 3):
        raise Misfit(f"{call.entry.name} reads log_probs of (T, N, C) or (T, C), but they are {scores}")
    demand_floating(call, scores, "log_probs")
    if category(targets.dtype) != 1:
        found = f"targets has {targets.dtype} {targets}"
        raise Misfit(f"{call.entry.name} reads targets of whole numbers (int64), but {found}", code="dtype")
    batch = scores.shape[1:-1]
    conditions = _lengths(call, batch)
    if batch and len(targets.shape) == 2:
        message = f"{call.entry.name} reads targets of (N, S) for the {batch[0]} of log_probs {scores}, but they are"
        conditions += needs_equal(targets.shape[0], batch[0], Misfit(f"{message} {targets}"))
    elif len(targets.shape) != 1:
        raise Misfit(f"{call.entry.name} reads targets of (N, S), or of one dim, but they are {targets}")
    blank = argument(call, "blank")
    if isinstance(blank, int):
        message = f"{call.entry.name} has blank {blank}, but log_probs {scores} have {scores.shape[-1]} classes"
        conditions += needs_at_least(scores.shape[-1] - blank, 1, Misfit(message, argument="blank"))
    return made(call, batch, scores.dtype, conditions)


def _lengths(call: Call, batch: tuple[Size, ...]) -> Conditions:
    conditions: Conditions = ()
    for index, name in enumerate(("input_lengths", "target_lengths"), start=2):
        given = tensor(call, index, name)
        if category(given.dtype) != 1:
            raise Misfit(f"{call.entry.name} reads {name} of whole numbers, but they are {given.dtype}", code="dtype")
        message = f"{call.entry.name} reads {name} of {shape_text(batch)}, but they are {given}"
        if not batch and given.shape in ((), (1,)):
            continue
        if len(given.shape) != 1:
            raise Misfit(message)
        conditions += needs_equal(given.shape[0], batch[0], Misfit(message)) if batch else ()
    return conditions


def _scores(call: Call, most: int | None = None) -> TensorType:
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    if not given.shape or (most is not None and len(given.shape) > most):
        form = "(N, C) or (C,)" if most else "(N, C), (N, C, ...) or (C,)"
        raise Misfit(f"{call.entry.name} reads {form}, but its input is {given}")
    return given


def _without_classes(given: TensorType) -> tuple[Size, ...]:
    return () if len(given.shape) == 1 else (given.shape[0], *given.shape[2:])


def _by_class_number(call: Call, given: TensorType, target: TensorType, dtypes: tuple[str, ...]) -> Made:
    wanted = _without_classes(given)
    if target.dtype not in dtypes:
        raise _not_class_numbers(call, wanted, target)
    _weight_for_each_class(call, given)
    return made(call, wanted, given.dtype, agree(call, given, "target", target, wanted))


def _not_class_numbers(call: Call, wanted: tuple[Size, ...], target: TensorType) -> Misfit:
    message = f"{call.entry.name} reads class numbers (int64) of shape {shape_text(wanted)}, but target has"
    return Misfit(f"{message} {target.dtype} {target}", code="dtype")


def _weight_for_each_class(call: Call, given: TensorType) -> None:
    weight = weights(call, "weight")
    if weight is None:
        return
    classes, kind = given.shape[0] if len(given.shape) == 1 else given.shape[1], call.entry.name
    if weight.shape != (classes,):
        message = f"{kind} needs a weight for each of {classes} classes, but weight has {weight}"
        raise Misfit(message, argument="weight")
    if weight.dtype != given.dtype:
        message = f"{kind} needs a weight of {given.dtype}, as its input is, but weight has {weight.dtype}"
        fix = "write 1.0 in place of 1" if category(weight.dtype) < 2 else None
        raise Misfit(message, argument="weight", fix=fix, code="dtype")


RULES: Mapping[str, Rule] = {
    "CTCLoss": ctc,
    "CrossEntropyLoss": cross_entropy,
    "MultiLabelMarginLoss": multi_label_margin,
    "MultiMarginLoss": multi_margin,
    "NLLLoss": negative_log_likelihood,
    "cross_entropy": cross_entropy,
    "ctc_loss": ctc,
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multi_label_margin,
    "nll_loss": negative_log_likelihood,
}
