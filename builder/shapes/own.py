"""This project's own layers: MeanSubtract, ParameterList, ParameterDict, StochasticDepth, rearrange. Those that vary
images have a file of their own (varying.py)."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes import rearranging
from builder.shapes.call import Call, ChoiceType, Made, Misfit, TensorType, shape_text
from builder.shapes.elementwise import demand_probability
from builder.shapes.linear import rows
from builder.shapes.reading import demand_floating, demand_weights_dtype, names_text, operand, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size, product


def mean_subtract(call: Call) -> Made:
    """x - x.mean()."""
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    return Made(result=given)


def parameter_list(call: Call) -> Made:
    """x @ list.0 @ list.1 ...: (N, rows of the first) -> (N, columns of the last)."""
    given = tensor(call, 0, "input")
    demand_weights_dtype(call, given)
    matrices = _matrices(call, dict(enumerate(_listed(call))))
    multiply_adds: Size = 0
    result = given
    for key, matrix in matrices.items():
        result, cost = _times(call, result, key, matrix)
        multiply_adds = multiply_adds + cost
    return Made(result=result, parameters=matrices, multiply_adds=multiply_adds)


def parameter_dict(call: Call) -> Made:
    """x @ params[choice]; the choice is the second input."""
    given, choice = tensor(call, 0, "input"), operand(call, 1, "choice")
    demand_weights_dtype(call, given)
    shapes = call.arguments.get("shapes")
    if not isinstance(shapes, Mapping) or not shapes:
        raise Misfit(
            "ParameterDict needs shapes, a table of matrices' shapes by name", argument="shapes", code="argument"
        )
    matrices = _matrices(call, shapes)
    if not isinstance(choice, ChoiceType):
        raise Misfit('ParameterDict reads a tensor and a choice: input = ["x", "choice"]', code="argument")
    if choice.option not in matrices:
        held = ", ".join(matrices)
        raise Misfit(
            f"ParameterDict has no matrix `{choice.option}`, which the choice may be; it has {held}", argument="shapes"
        )
    result, cost = _times(call, given, choice.option, matrices[choice.option])
    return Made(result=result, parameters=matrices, multiply_adds=cost)


def stochastic_depth(call: Call) -> Made:
    """Same shape and dtype; the leading dim holds the samples."""
    given = tensor(call, 0, "input")
    demand_probability(call)
    demand_floating(call, given)
    if not given.shape:
        raise Misfit("StochasticDepth drops samples, but its input is a single number")
    return Made(result=given)


def rearrange(call: Call) -> Made:
    """The dims of the right side of the pattern; lengths of axes are the further arguments."""
    given, pattern = tensor(call, 0, "input"), call.get("pattern")
    if not isinstance(pattern, str):
        raise Misfit("rearrange needs pattern, a string", argument="pattern", code="argument")
    left, right = rearranging.groups(pattern, len(given.shape))
    written = {name: value for name, value in call.arguments.items() if not call.entry.accepts(name)}
    lengths = rearranging.demand_lengths(written, left)
    sizes, conditions = rearranging.sizes_of(left, given.shape, lengths)
    shape = tuple(product(sizes[axis] for axis in group) for group in right)
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def _listed(call: Call) -> list[object]:
    shapes = call.arguments.get("shapes")
    if not isinstance(shapes, (list, tuple)) or not shapes:
        raise Misfit("ParameterList needs shapes, a list of matrices' shapes", argument="shapes", code="argument")
    return list(shapes)


def _matrices(call: Call, shapes: Mapping[object, object] | Mapping[int, object]) -> dict[str, tuple[int, ...]]:
    return {str(key): _matrix(call, str(key), shape) for key, shape in shapes.items()}


def _matrix(call: Call, key: str, shape: object) -> tuple[int, ...]:
    sizes = shape if isinstance(shape, (list, tuple)) else ()
    for size in sizes:
        if isinstance(size, Free):
            message = f"shapes of {call.entry.name} must be fixed, but {key} hangs on the free size {names_text(size)}"
            raise Misfit(message, argument="shapes")
    found = tuple(size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size > 0)
    if len(found) != 2 or len(sizes) != 2:
        message = f"{call.entry.name} needs two sizes of at least 1 for each matrix, but {key} has {shape}"
        raise Misfit(message, argument="shapes", code="argument")
    return found


def _times(call: Call, given: TensorType, key: str, matrix: tuple[int, ...]) -> tuple[TensorType, Size]:
    """given @ matrix, and what it costs."""
    if not given.shape or given.shape[-1] != matrix[0]:
        message = f"{call.entry.name} multiplies {shape_text(given.shape)} by its matrix {key} of {shape_text(matrix)}"
        found = given.shape[-1] if given.shape else "none"
        notes = (f"the matrix takes {matrix[0]} features, and {found} reach it",)
        raise Misfit(message + ", which does not fit", argument="shapes", notes=notes)
    leading = given.shape[:-1]
    return TensorType((*leading, matrix[1]), given.dtype), rows(leading) * matrix[0] * matrix[1]


RULES: Mapping[str, Rule] = {
    "MeanSubtract": mean_subtract,
    "ParameterDict": parameter_dict,
    "ParameterList": parameter_list,
    "StochasticDepth": stochastic_depth,
    "rearrange": rearrange,
}
