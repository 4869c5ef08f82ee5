"""Functions called in values, over the samples that torch ships for its own tests of them.

Each sample is written as a call in a `value`; what is told of it before anything runs is what torch then makes of it.
"""

from __future__ import annotations

import itertools
import math
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from shapes_against_torch import described

from builder.elaboration.sight import Seen
from builder.elaboration.values import compile_value
from builder.shapes.call import Misfit, TensorType
from dsl.catalogue import find
from dsl.expressions import ExpressionError

EACH = 2  # samples of one function
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

Tensors = dict[str, torch.Tensor]
WORDS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "none",
    bool: lambda value: str(value).lower(),
    int: repr,
    float: lambda value: repr(value) if math.isfinite(value) else str(value),
    str: repr,
    torch.dtype: lambda value: repr(str(value).removeprefix("torch.")),
}


def written(value: Any, tensors: Tensors) -> str:
    """The value as an expression has it; KeyError where it has no word for it."""
    if isinstance(value, torch.Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value
        return name
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(each, tensors) for each in value)}]"
    return WORDS[type(value)](value)


def calls() -> list[tuple[str, Tensors]]:
    found = []
    for op in op_db:
        entry = find(op.name) or find(f"torch.{op.name}")
        if entry is None or entry.role == "module" or torch.float32 not in op.supported_dtypes("cpu"):
            continue
        samples = op.sample_inputs_func(op, "cpu", torch.float32, requires_grad=False)  # not tracked: that takes long
        for sample in itertools.islice(samples, EACH):
            tensors: Tensors = {}
            try:
                arguments = [written(each, tensors) for each in (sample.input, *sample.args)]
                arguments += [f"{key}={written(value, tensors)}" for key, value in sample.kwargs.items()]
            except KeyError:
                continue
            found.append((f"{entry.target}({', '.join(arguments)})", tensors))
    return found


def outcome(text: str, tensors: Tensors) -> str:
    sight = {
        name: Seen(TensorType(tuple(each.shape), str(each.dtype).removeprefix("torch.")), {"from": name}, name)
        for name, each in tensors.items()
    }
    try:
        made = compile_value("${" + text + "}", {}, sight)
    except (ExpressionError, Misfit):
        return "refused"
    names = {f"read_{index}": tensors[each.label] for index, each in enumerate(made.reads)}
    source = made.text.format(*names, device='torch.device("cpu")')
    found = eval(source, {"torch": torch, "F": F, "self": types.SimpleNamespace(training=False), **names})
    told = described(made.made.result)
    return "agrees" if described(found) == told else f"{text}: told {told}, made {described(found)}"


@pytest.mark.filterwarnings("ignore")  # torch's samples use what it deprecates
def test_what_is_told_of_torchs_own_samples_is_what_torch_makes(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [outcome(text, tensors) for text, tensors in calls()]
    counts = {word: outcomes.count(word) for word in ("agrees", "refused")}
    with capsys.disabled():
        print(f"\nvalues over torch's samples: {counts}")  # some samples call a wrapper of torch's tests
    assert [each for each in outcomes if each not in counts] == []
    assert counts["agrees"] > 10 * counts["refused"]
