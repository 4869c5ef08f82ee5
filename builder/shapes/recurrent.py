"""RNN, LSTM and GRU, and their cells."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, Value, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.reading import (
    agreed,
    argument,
    demand_dims,
    demand_weights_dtype,
    operand,
    tensor,
    whole,
)
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size, product

# How many gates share one matrix.
_GATES = {"RNN": 1, "LSTM": 4, "GRU": 3, "RNNCell": 1, "LSTMCell": 4, "GRUCell": 3}


def recurrent(call: Call) -> Made | None:
    """(T, N, input_size), or (N, T, input_size) with `batch_first`, or (T, input_size) -> (output, state).

    The state is (layers, N, hidden_size); LSTM's is a pair of such, hidden and cell. `lengths` is torch's to judge.
    """
    if set(call.keyword_reads) - {"input", "hx"}:
        return None
    given = tensor(call, 0, "input")
    demand_dims(call, given, (2, 3), "(T, N, C), (N, T, C) with batch_first, or (T, C)")
    width, inferred = agreed(call, "input_size", given.shape[-1], "features")
    demand_weights_dtype(call, given)
    hidden, projected = whole(call, "hidden_size", 1), _projection(call)
    directions = 2 if argument(call, "bidirectional") is True else 1
    batch = _batch(call, given)
    states = directions * whole(call, "num_layers", 1)
    state = TensorType((states, *batch, projected or hidden), given.dtype)
    cell = TensorType((states, *batch, hidden), given.dtype)
    output = TensorType((*given.shape[:-1], directions * (projected or hidden)), given.dtype)
    last: Value = (state, cell) if call.entry.name == "LSTM" else state
    parameters = _layers(call, width, hidden, projected, directions)
    return Made(
        result=(output, last),
        arguments=inferred,
        parameters=parameters,
        multiply_adds=_length(call, given) * sum(product(each) for each in parameters.values() if len(each) == 2),
        conditions=_fed_state(call, last),
    )


def cell(call: Call) -> Made:
    """One step: (N, input_size) or (input_size) -> (N, hidden_size); LSTMCell gives hidden and cell."""
    given = tensor(call, 0, "input")
    demand_dims(call, given, (1, 2), "(N, C) or (C)")
    width, inferred = agreed(call, "input_size", given.shape[-1], "features")
    demand_weights_dtype(call, given)
    hidden, gates = whole(call, "hidden_size", 1), _GATES[call.entry.name]
    state = TensorType((*given.shape[:-1], hidden), given.dtype)
    result: Value = (state, state) if call.entry.name == "LSTMCell" else state
    rows = gates * hidden
    parameters: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, hidden)}
    if argument(call, "bias") is not False:
        parameters |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    return Made(
        result=result,
        arguments=inferred,
        parameters=parameters,
        multiply_adds=rows * (width + hidden),
        conditions=_fed_state(call, result),
    )


def _projection(call: Call) -> int:
    """`proj_size` of LSTM: the width to which the hidden state is brought; 0 leaves it."""
    if call.entry.name != "LSTM":
        return 0
    size, hidden = whole(call, "proj_size", 0), whole(call, "hidden_size", 1)
    if size >= hidden and size:
        raise Misfit(f"LSTM needs proj_size below hidden_size, but {size} is not below {hidden}", argument="proj_size")
    return size


def _batch(call: Call, given: TensorType) -> tuple[Size, ...]:
    if len(given.shape) == 2:
        return ()
    return (given.shape[0] if argument(call, "batch_first") is True else given.shape[1],)


def _length(call: Call, given: TensorType) -> Size:
    return given.shape[1 if len(given.shape) == 3 and argument(call, "batch_first") is True else 0]


def _layers(call: Call, width: int, hidden: int, projected: int, directions: int) -> dict[str, tuple[int, ...]]:
    """The parameters layer by layer, forwards and then backwards, as torch names them."""
    rows = _GATES[call.entry.name] * hidden
    carried = projected or hidden
    parameters: dict[str, tuple[int, ...]] = {}
    for layer in range(whole(call, "num_layers", 1)):
        for suffix in ("", "_reverse")[:directions]:
            end = f"_l{layer}{suffix}"
            parameters[f"weight_ih{end}"] = (rows, width if layer == 0 else carried * directions)
            parameters[f"weight_hh{end}"] = (rows, carried)
            if argument(call, "bias") is not False:
                parameters[f"bias_ih{end}"] = parameters[f"bias_hh{end}"] = (rows,)
            if projected:
                parameters[f"weight_hr{end}"] = (projected, hidden)
    return parameters


def _fed_state(call: Call, expected: Value) -> Conditions:
    """The first state, where one is fed, has the shape of the last."""
    fed = operand(call, 1, "hx")
    if fed is None:
        return ()
    wanted = expected if isinstance(expected, tuple) else (expected,)
    found = fed if isinstance(fed, tuple) else (fed,)
    if len(found) != len(wanted):
        count = "a pair of tensors" if len(wanted) == 2 else "one tensor"
        raise Misfit(f"{call.entry.name} reads {count} as its first state (hx), but {len(found)} are fed")
    conditions: Conditions = ()
    for each, other in zip(found, wanted, strict=True):
        assert isinstance(other, TensorType)
        if not isinstance(each, TensorType) or len(each.shape) != len(other.shape):
            raise _wrong_state(call, each, other)
        for a, b in zip(each.shape, other.shape, strict=True):
            conditions += needs_equal(a, b, _wrong_state(call, each, other)) if a != b else ()
    return conditions


def _wrong_state(call: Call, fed: Value, wanted: TensorType) -> Misfit:
    found = shape_text(fed.shape) if isinstance(fed, TensorType) else "something else"
    return Misfit(f"{call.entry.name} reads a first state (hx) of {wanted}, but it is {found}")


RULES: Mapping[str, Rule] = {
    "GRU": recurrent,
    "GRUCell": cell,
    "LSTM": recurrent,
    "LSTMCell": cell,
    "RNN": recurrent,
    "RNNCell": cell,
}
