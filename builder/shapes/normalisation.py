"""Normalisation: BatchNorm, InstanceNorm, GroupNorm, LayerNorm, RMSNorm, LocalResponseNorm, and the functions."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.reading import (
    Shapes,
    agreed,
    argument,
    demand_dims,
    demand_floating,
    demand_weights_dtype,
    fixed,
    has_shape,
    place,
    sizes,
    tensor,
    whole,
)
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size

_FORMS = {"1": "(N, C) or (N, C, L)", "2": "(N, C, H, W)", "3": "(N, C, D, H, W)"}
_BATCH_DIMS = {"1": (2, 3), "2": (4,), "3": (5,)}


def batch_norm(call: Call) -> Made:
    """BatchNorm1d to 3d: over the batch and the image, channel by channel; channels stand in dim 1."""
    given, dims = tensor(call, 0, "input"), call.entry.name[-2]
    demand_dims(call, given, _BATCH_DIMS[dims], _FORMS[dims])
    return _batch_norm(call, given)


def _batch_norm(call: Call, given: TensorType) -> Made:
    channels, inferred = agreed(call, "num_features", given.shape[1], "channels")
    demand_weights_dtype(call, given)
    return Made(
        result=given,
        arguments=inferred,
        parameters=_scale(call, (channels,)) if argument(call, "affine") is True else {},
        buffers=_statistics(call, channels),
    )


def synchronised_batch_norm(call: Call) -> Made:
    """SyncBatchNorm: BatchNorm of any number of dims over several processes; torch trains it on a GPU alone."""
    given = tensor(call, 0, "input")
    if len(given.shape) < 2:
        raise Misfit(f"{call.entry.name} reads (N, C, ...), but its input is {given}")
    return _batch_norm(call, given)


def instance_norm(call: Call) -> Made:
    """InstanceNorm1d to 3d: over each image alone; (N, C, *) or (C, *)."""
    given, dims = tensor(call, 0, "input"), int(call.entry.name[-2])
    letters = {1: "L", 2: "H, W", 3: "D, H, W"}[dims]
    demand_dims(call, given, (dims + 1, dims + 2), f"(N, C, {letters}) or (C, {letters})")
    channels, inferred = agreed(call, "num_features", given.shape[-dims - 1], "channels")
    affine, tracked = argument(call, "affine") is True, argument(call, "track_running_stats") is True
    demand_weights_dtype(call, given) if affine or tracked else demand_floating(call, given)
    return Made(
        result=given,
        arguments=inferred,
        parameters=_scale(call, (channels,)) if affine else {},
        buffers=_statistics(call, channels),
    )


def group_norm(call: Call) -> Made:
    """GroupNorm: channels (dim 1) in `num_groups` groups."""
    given = tensor(call, 0, "input")
    _demand_channels(call, given)
    channels, inferred = agreed(call, "num_channels", given.shape[1], "channels")
    _in_groups(call, channels)
    affine = argument(call, "affine") is True
    demand_weights_dtype(call, given) if affine else demand_floating(call, given)
    return Made(result=given, arguments=inferred, parameters=_scale(call, (channels,)) if affine else {})


def layer_norm(call: Call) -> Made:
    """LayerNorm and RMSNorm: over the last dims, `normalized_shape`; left out, the last one."""
    given = tensor(call, 0, call.entry.inputs[0].name)
    if not given.shape:
        raise Misfit(f"{call.entry.name} reads a tensor with at least one dim, but its input is a single number")
    inferred: dict[str, object] = {}
    if "normalized_shape" in call.arguments:
        normalised = tuple(fixed(call, each, "normalized_shape") for each in sizes(call, "normalized_shape"))
        conditions = _ends_with(call, given, normalised)
    else:
        last, inferred = agreed(call, "normalized_shape", given.shape[-1], "features")
        normalised, conditions = (last,), ()
    affine = argument(call, "elementwise_affine") is True
    demand_weights_dtype(call, given) if affine else demand_floating(call, given)
    parameters = _scale(call, normalised) if affine else {}
    return Made(result=given, arguments=inferred, parameters=parameters, conditions=conditions)


def layer_norm_function(call: Call) -> Made:
    """layer_norm and rms_norm of torch.nn.functional: weight and bias have the shape that is normalised over."""
    given, normalised = tensor(call, 0, "input"), sizes(call, "normalized_shape")
    demand_floating(call, given)
    conditions = _ends_with(call, given, normalised)
    for index, each in enumerate(call.entry.inputs[1:], start=1):
        conditions += has_shape(call, index, each.name, normalised)
    return Made(result=given, conditions=conditions)


def group_norm_function(call: Call) -> Made:
    given = tensor(call, 0, "input")
    _demand_channels(call, given)
    demand_floating(call, given)
    _in_groups(call, fixed(call, given.shape[1], "number of channels"))
    return Made(result=given, conditions=_by_channel(call, given))


def keeps_channels(call: Call) -> Made:
    """LocalResponseNorm; local_response_norm, batch_norm and instance_norm as functions."""
    given = tensor(call, 0, "input")
    least = 3 if "esponse" in call.entry.name else 2
    if len(given.shape) < least:
        raise Misfit(f"{call.entry.name} reads at least {least} dims, channels in dim 1, but its input is {given}")
    demand_floating(call, given)
    return Made(result=given, conditions=_by_channel(call, given))


def _by_channel(call: Call, given: TensorType) -> Conditions:
    """The statistics, weight and bias that a function is fed have a number for each channel."""
    if call.entry.role == "module":
        return ()
    inputs = call.entry.inputs
    fed = [has_shape(call, index, each.name, given.shape[1:2]) for index, each in enumerate(inputs) if index]
    return tuple(condition for several in fed for condition in several)


def normalise(call: Call) -> Made:
    """torch.nn.functional.normalize: to length 1 along `dim`."""
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    place(call, argument(call, "dim"), len(given.shape))
    return Made(result=given)


def _scale(call: Call, shape: tuple[int, ...]) -> Shapes:
    biased = call.entry.accepts("bias") and argument(call, "bias") is not False
    return {"weight": shape} | ({"bias": shape} if biased else {})


def _statistics(call: Call, channels: int) -> Shapes:
    if argument(call, "track_running_stats") is not True:
        return {}
    return {"running_mean": (channels,), "running_var": (channels,), "num_batches_tracked": ()}


def _demand_channels(call: Call, given: TensorType) -> None:
    if len(given.shape) < 2:
        raise Misfit(f"{call.entry.name} reads (N, C, ...), but its input is {given}")


def _in_groups(call: Call, channels: int) -> None:
    groups = whole(call, "num_groups", 1)
    if channels % groups:
        message = f"{call.entry.name} needs its channels to be a multiple of num_groups, but {channels} is none of"
        raise Misfit(f"{message} {groups}", argument="num_groups")


def _ends_with(call: Call, given: TensorType, normalised: tuple[Size, ...]) -> Conditions:
    """The input's last dims are those to normalise over."""
    found = given.shape[-len(normalised) :]
    message = f"{call.entry.name} normalises over {shape_text(normalised)}, but its input is {given}"
    exact = len(found) == len(normalised) and not any(isinstance(size, Free) for size in found)
    replacement = f"normalized_shape = {list(found)}" if exact else None
    fix = f"{replacement}, or leave normalized_shape out" if len(normalised) == 1 and replacement else replacement
    misfit = Misfit(message, argument="normalized_shape", fix=fix, replacement=replacement)
    if len(found) != len(normalised):
        raise misfit
    pairs = zip(found, normalised, strict=True)
    return tuple(each for a, b in pairs if a != b for each in needs_equal(a, b, misfit))


RULES: Mapping[str, Rule] = {
    "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm,
    "BatchNorm3d": batch_norm,
    "GroupNorm": group_norm,
    "InstanceNorm1d": instance_norm,
    "InstanceNorm2d": instance_norm,
    "InstanceNorm3d": instance_norm,
    "LayerNorm": layer_norm,
    "LocalResponseNorm": keeps_channels,
    "RMSNorm": layer_norm,
    "SyncBatchNorm": synchronised_batch_norm,
    "batch_norm": keeps_channels,
    "group_norm": group_norm_function,
    "instance_norm": keeps_channels,
    "layer_norm": layer_norm_function,
    "local_response_norm": keeps_channels,
    "normalize": normalise,
    "rms_norm": layer_norm_function,
}
