"""This project's own layers that vary or level images: the flips, RandomCrop, RandomAffine, Normalize."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_at_least, needs_equal
from builder.shapes.elementwise import demand_probability
from builder.shapes.reading import argument, demand_dims, demand_floating, numbers, tensor
from builder.shapes.rule import Rule


def flip(call: Call) -> Made:
    """Same shape and dtype; the leading dim holds the samples."""
    given, least = tensor(call, 0, "input"), 2 if call.entry.name == "RandomHorizontalFlip" else 3
    demand_probability(call)
    if len(given.shape) < least:
        form = "(N, *, W)" if least == 2 else "(N, *, H, W)"
        raise Misfit(f"{call.entry.name} reads {form}, but its input is {shape_text(given.shape)}")
    return Made(result=given)


def crop(call: Call) -> Made:
    """(N, C, H, W) -> (N, C, *size), which must fit into the padded image."""
    given = tensor(call, 0, "input")
    demand_dims(call, given, (4,), "(N, C, H, W)")
    size, padding = numbers(call, "size", 2, least=1), numbers(call, "padding", 2, least=0)
    conditions: Conditions = ()
    for index, noun in enumerate(("high", "wide")):
        there = given.shape[2 + index] + 2 * padding[index]
        message = f"RandomCrop takes a part {size[index]} {noun}, but the image with its padding is {there} {noun}"
        conditions += needs_at_least(there, size[index], Misfit(message, argument="size"))
    return Made(result=TensorType((*given.shape[:2], *size), given.dtype), conditions=conditions)


def affine(call: Call) -> Made:
    """Same shape and dtype."""
    given = tensor(call, 0, "input")
    demand_dims(call, given, (4,), "(N, C, H, W)")
    demand_floating(call, given)
    for each in _listed(argument(call, "translate")):
        if not 0 <= each <= 1:
            message = f"translate of RandomAffine has parts of the image, 0 to 1, not {each}"
            raise Misfit(message, argument="translate", code="argument")
    for each in _listed(argument(call, "scale")):
        if each <= 0:
            raise Misfit(f"scale of RandomAffine has factors above 0, not {each}", argument="scale", code="argument")
    return Made(result=given)


def normalize(call: Call) -> Made:
    """Same shape and dtype; a number for each channel, or one for all."""
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    if len(given.shape) < 2:
        raise Misfit(f"Normalize reads (N, C, *), but its input is {shape_text(given.shape)}")
    conditions: Conditions = ()
    for name in ("mean", "std"):
        found = _listed(argument(call, name))
        if name == "std" and 0 in found:
            raise Misfit("std of Normalize divides, so it is not 0", argument="std", code="argument")
        message = f"Normalize has {len(found)} numbers in {name}, but its input has {given.shape[1]} channels"
        if len(found) != 1:
            conditions += needs_equal(given.shape[1], len(found), Misfit(message, argument=name))
    return Made(result=given, conditions=tuple(dict.fromkeys(conditions)))


def _listed(value: object) -> list[float]:
    """The numbers of an argument whose type has been checked."""
    written = value if isinstance(value, list | tuple) else [value]
    return [float(each) for each in written if isinstance(each, int | float)]


RULES: Mapping[str, Rule] = {
    "Normalize": normalize,
    "RandomAffine": affine,
    "RandomCrop": crop,
    "RandomHorizontalFlip": flip,
    "RandomVerticalFlip": flip,
}
