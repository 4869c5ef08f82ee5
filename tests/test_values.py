"""`value` layers: their text is run by torch and compared with the shape, dtype and cost that were told before."""

from __future__ import annotations

import itertools
import types
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from shapes_against_torch import NUMBERS, described, real, typed, with_numbers

from builder.elaboration.sight import Seen
from builder.elaboration.values import Compiled, compile_value
from builder.shapes.call import ChoiceType, Misfit, Value
from builder.shapes.sizes import named, worked_out
from dsl.expressions import ExpressionError


def seen(name: str, value: Value, **parameters: Value) -> Seen:
    return Seen(value, {"from": name}, name, parameters=parameters)  # type: ignore[arg-type]


SIGHT = {
    each.label: each
    for each in (
        seen("x", typed("N", 4, "T")),
        seen("mean", typed("N", 8)),
        seen("log_variance", typed("N", 8)),
        seen("query", typed("N", 2, "T", 6)),
        seen("key", typed("N", 2, "T", 6)),
        seen("ids", typed("N", "T", dtype="int64")),
        seen("mask", typed("N", "T", dtype="bool")),
        seen("image", typed(3, 8, 6)),
        seen("encoder", typed("N", 3), weight=typed(3, 8)),
        seen("parts", (typed("N", 3), typed("N", 5))),
        seen("topk", {"values": typed("N", 3), "indices": typed("N", 3, dtype="int64")}),
        seen("lost", None),
        seen("choice", ChoiceType("a", ("a", "b"))),
    )
}
CONSTANTS = {"heads": 2, "i": 0, "width": [1, 2], "word": "int64", "nothing": None, "deep": True, "batch": named("N")}


def compiled(expression: str, constants: Mapping[str, Any] = CONSTANTS) -> Compiled:
    return compile_value("${" + expression + "}", constants, SIGHT)


def run(made: Compiled, numbers: Mapping[str, int]) -> Any:
    """What torch makes of the text, with tensors of these sizes for what it reads."""
    names = {f"read_{index}": real_tree(each.value, numbers) for index, each in enumerate(made.reads)}
    text = made.text.format(*names, device='torch.device("cpu")')
    return eval(text, {"torch": torch, "F": F, "self": types.SimpleNamespace(training=False), **names})


def real_tree(value: Value, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, dict):
        return {key: real_tree(each, numbers) for key, each in value.items()}
    return real(with_numbers(value, numbers))


def holds(made: Compiled, numbers: Mapping[str, int]) -> bool:
    return all(eval(condition.text, {}, dict(numbers)) for condition in made.made.conditions)


TEXTS = {
    "mean + exp(log_variance / 2) * randn_like(mean)": "{0} + torch.exp({1} / 2) * torch.randn_like({0})",
    "query @ transpose(key, -2, -1) / query.shape[-1] ** 0.5": "{0} @ torch.transpose({1}, -2, -1) / 2.449489742783178",
    "x / x.shape[2] ** 0.5": "{0} / {0}.shape[2] ** 0.5",
    "x * x.shape[1]": "{0} * 4",
    "x * (x.shape[2] - 1)": "{0} * ({0}.shape[2] - 1)",
    "reshape(x, [x.shape[0], -1])": "torch.reshape({0}, [{0}.shape[0], -1])",
    "reshape(x, x.shape[:1] + [-1])": "torch.reshape({0}, [{0}.shape[0], -1])",
    "view(x, x.shape[0], 2, 2, -1)": "{0}.view([{0}.shape[0], 2, 2, -1])",
    "(x + 1) * -2": "({0} + 1) * -2",
    "-(x + 1)": "-({0} + 1)",
    "x - (x - 1)": "{0} - ({0} - 1)",
    "x ** (x ** 2)": "{0} ** {0} ** 2",
    "(x ** x) ** 2": "({0} ** {0}) ** 2",
    "(-1) ** x": "(-1) ** {0}",
    "2 / ids": "2 / {0}",
    "1 - x": "1 - {0}",
    "x[:, 1:, ::2]": "{0}[:, 1:, ::2]",
    "x[..., none, -1]": "{0}[..., None, -1]",
    "x[[0]]": "{0}[[0],]",
    "x[:, x.shape[1] - 1]": "{0}[:, 3]",
    "x if deep else missing": "{0}",
    "x * heads if i == 0 else x": "{0} * 2",
    "x + batch": "{0} + {0}.shape[0]",
    "zeros(3) + batch * 2": "torch.zeros([3], device={0}.device) + {0}.shape[0] * 2",
    "arange(x.shape[2])": "torch.arange({0}.shape[2], device={0}.device)",
    "arange(10) + x[0, 0, 0]": "torch.arange(10, device={0}.device) + {0}[0, 0, 0]",
    "arange(10)": "torch.arange(10, device={device})",
    "zeros_like(x, dtype=word)": "torch.zeros_like({0}, dtype=torch.int64)",
    "to(mask, dtype='float32')": "{0}.to(dtype=torch.float32)",
    "float(mask)": "{0}.float()",
    "masked_fill(mean, mean > 0, -inf)": "{0}.masked_fill({0} > 0, -torch.inf)",
    "pad(x, [1, 1], value=nan)": "F.pad({0}, [1, 1], value=torch.nan)",
    "torch.nn.functional.pad(x, [1, 1])": "F.pad({0}, [1, 1])",
    "linalg.norm(x, dim=1)": "torch.linalg.norm({0}, dim=1)",
    "dropout(x, 0.1)": "F.dropout({0}, 0.1, training=self.training)",
    "dropout(x, training=true)": "F.dropout({0}, training=True)",
    "scaled_dot_product_attention(query, key, key, dropout_p=0.1)": "F.scaled_dot_product_attention("
    "{0}, {1}, {1}, dropout_p=0.1 if self.training else 0.0)",
    "einsum('bht,bhs->bts', query[..., 0], key[..., 0])": "torch.einsum('bht,bhs->bts', {0}[..., 0], {1}[..., 0])",
    "topk.values * 2": "{0} * 2",
    "topk(x, 2, dim=1).values": "torch.topk({0}, 2, dim=1).values",
    "split(x, 2, dim=1)[-1]": "torch.split({0}, 2, dim=1)[1]",
    "parts[-1] + parts[1]": "{0} + {0}",
    "cat(parts, 1)": "torch.cat({0}, 1)",
    "cat([x, x], dim=1)": "torch.cat([{0}, {0}], dim=1)",
    "mean @ transpose(encoder.weight, 0, 1)": "{0} @ torch.transpose({1}, 0, 1)",
    "mean * [1, 2, 3, 4, 5, 6, 7, 8]": "{0} * torch.tensor([1, 2, 3, 4, 5, 6, 7, 8], device={0}.device)",
    "where(mask, 0.0, ids)": "torch.where({0}, 0.0, {1})",
    "max(x, dim=1)": "torch.max({0}, dim=1)",
    "[mean, x]": "({0}, {1})",
}


@pytest.mark.parametrize(("expression", "text"), TEXTS.items(), ids=TEXTS)
def test_a_value_becomes_python_that_torch_runs_as_it_was_told(expression: str, text: str) -> None:
    made = compiled(expression)
    assert made.text == text
    tried = [numbers for numbers in NUMBERS if holds(made, numbers)]
    assert tried
    for numbers in tried:
        assert described(with_numbers(made.made.result, numbers)) == described(run(made, numbers))


def test_what_is_read_comes_in_the_order_of_first_use_each_once() -> None:
    made = compiled("(log_variance + mean) * log_variance + topk.values[:, :1] * encoder.weight[0, 0]")
    assert made.text == "({0} + {1}) * {0} + {2}[:, :1] * {3}[0, 0]"
    assert [each.reference for each in made.reads] == [
        {"from": "log_variance"},
        {"from": "mean"},
        {"from": "topk", "pick": ["values"]},
        {"from": "encoder", "parameter": "weight"},
    ]


def test_a_size_that_is_known_reads_nothing() -> None:
    assert [each.label for each in compiled("mean * x.shape[1] + parts[0].shape[1]").reads] == ["mean"]


def test_multiply_adds_of_products_add_up() -> None:
    """For one sample: (1, 8) @ (8, 3) has 24, and (1, 3) @ (3, 8) has 24."""
    made = compiled("mean @ transpose(encoder.weight, 0, 1) @ encoder.weight")
    assert made.made.multiply_adds == 48


def test_what_free_sizes_must_satisfy_is_told() -> None:
    assert [each.text for each in compiled("x[:, :, :10] + x[:, :, -10:]").made.conditions] == ["T >= 10"]
    assert [each.text for each in compiled("x + mean").made.conditions] == ["T == 8", "N == 4"]


def test_a_layer_may_have_the_name_of_a_function() -> None:
    sight = {"exp": seen("exp", typed("N", 2)), "torch": seen("torch", typed("N", 2))}
    made = compile_value("${exp(exp) + torch.nn.functional.relu(torch)}", {"sum": 3}, sight)
    assert made.text == "torch.exp({0}) + F.relu({1})"


def test_what_reads_an_unknown_result_is_unknown_and_silent() -> None:
    for expression in ("lost + x", "exp(lost)", "x[lost]", "lost.values", "lost[0] + 1"):
        assert compiled(expression).made.result is None


# The operators against torch, in every pair of dtypes and shapes

OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "@")
OPERANDS: dict[str, Value | int | float | bool] = {
    "f": typed(3, 3), "v": typed(3), "h": typed(3, 1, dtype="float16"), "n": typed(3, dtype="int64"),
    "s": typed(), "c": typed(dtype="int64"), "b": typed(3, 3, dtype="bool"), "u": typed(3, dtype="uint8"),
    "2": 2, "2.5": 2.5, "true": True, "(-1)": -1,
}  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_make_what_torch_makes_or_object_where_it_does(operator: str) -> None:
    sight = {name: seen(name, value) for name, value in OPERANDS.items() if not isinstance(value, (int, float))}
    for left, right in itertools.product(OPERANDS, OPERANDS):
        if left not in sight and right not in sight:
            continue
        written = f"{left} {operator} {right}"
        names = {name: real(each.value) for name, each in sight.items()}
        try:
            expected = described(eval(written, {"true": True, **names}))
        except (RuntimeError, TypeError, ZeroDivisionError):
            expected = "objects"
        try:
            found = described(compile_value("${" + written + "}", {}, sight).made.result)
        except (Misfit, ExpressionError):
            found = "objects"
        assert (written, found) == (written, expected)


# Random combinations against torch

LEAVES = (
    "x",
    "mean[:, :4, none]",
    "ids[:, none]",
    "x.shape[1]",
    "x.shape[2]",
    "2",
    "0.5",
    "width[1]",
    "arange(4)[:, none]",
)
FORMS = (  # of what came before and a leaf
    "({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} / ({1} + 3))", "-({0} * 1)", "exp(x * {0})",
    "where(x > {0}, x, {1})", "maximum(x * {0}, x + {1})", "sum(x * {0}, 1, keepdim=true)", "(x * {0})[:, 1:2]",
    "(x + {0})[..., ::2]", "(x * {0} > {1})", "cat([x * {0}, x + {1}], 1)", "flip(x * {0}, [1])",
    "(x + {0})[:, [1, 0]]", "({0} ** 2)", "softmax(x * {0}, -1)", "stack([x * {0}, x], 0)[1]",
    "transpose(transpose(x * {0}, 1, 2), 1, 2)", "chunk(x * {0}, 2, dim=1)[0]",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(150))
def test_random_values_are_what_torch_makes_of_them(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)

    def pick(several: tuple[str, ...]) -> str:
        return several[int(torch.randint(len(several), (), generator=draw))]

    expression = pick(LEAVES)
    for _ in range(4):
        expression = pick(FORMS).format(expression, pick(LEAVES))
    numbers = {"N": 2, "T": 6}
    try:
        made = compiled(f"{expression} + zeros(1)")
    except Misfit:
        with pytest.raises((RuntimeError, IndexError)):
            run_plainly(f"{expression} + torch.zeros(1)", numbers)
        return
    if holds(made, numbers):
        assert described(with_numbers(made.made.result, numbers)) == described(run(made, numbers))
        assert isinstance(worked_out(made.made.multiply_adds, numbers), int)


def run_plainly(expression: str, numbers: Mapping[str, int]) -> Any:
    """The expression itself as Python with torch's names in it."""
    names = {
        name: real_tree(each.value, numbers) for name, each in SIGHT.items() if not isinstance(each.value, ChoiceType)
    }
    called = {name: getattr(torch, name) for name in dir(torch)} | {"softmax": F.softmax, "torch": torch}
    return eval(expression, {**called, **names, "none": None, "true": True, "width": [1, 2]})


# What is wrong

ERRORS = {
    "x + missing": "no variable is called `missing`",
    "expp(x)": "no function is called `expp`; did you mean `exp`?",
    "Linear(x)": "`Linear` is a layer type; a value calls functions alone",
    "x.sum(1)": "a value calls functions, not methods: sum(x, ...)",
    "(x + 1).sum(1)": "a value calls functions, not methods: sum(x + 1, ...)",
    "x.T": "a value calls functions, and has no `.T`: write transpose(x, 0, 1)",
    "x.half": "`x` has no result or parameter `half`; it is one tensor, and has only a shape",
    "topk.value": "`topk` has no result or parameter `value`; what can be picked is `values`, `indices`",
    "parts[2]": "`parts` has no result or parameter `2`; what can be picked is `0`, `1`",
    "topk(x, 2, dim=1).value": "there is no result `value`; what can be picked is `values`, `indices`",
    "parts + 1": "`+` takes one tensor, and one side of `parts + 1` is several results: (N, 3), (N, 5)",
    "parts.shape": "`parts` has no shape: it gives several results: (N, 3), (N, 5)",
    "choice + 1": "`choice` is a choice of words, which a value does not read",
    "x and mean": "`and` joins truth values; for tensors write logical_and(a, b): `x and mean`",
    "not mask": "`not` turns a truth value; for tensors write logical_not(a): `not mask`",
    "0 < x < 1": "tensors are compared two at a time: logical_and(a < b, b < c), not `0 < x < 1`",
    "mask & mask": "a value has the operators + - * / // % ** @, and functions such as logical_and",
    "~mask": "`~` is not in the language; logical_not(a) and bitwise_not(a) are",
    "x if mask else x": "`if` chooses by numbers that are known; for tensors write where(condition, a, b): "
    "`x if mask else x`",
    "x if x.shape[0] > 2 else mean": "a comparison hangs on a free size, N, which has no number before the model runs",
    "x + none": "`+` works on tensors and numbers: `x + none`",
    "x + 'a'": "`+` works on tensors and numbers: `x + 'a'`",
    "x @ 2": "`@` works on tensors: `x @ 2`",
    "x.shape": "a value is a tensor, and `x.shape` is not one",
    "2 * heads": "a value is a tensor, and `2 * heads` is not one",
    "sum(x, dim=1, keepdims=true)": "sum has no argument `keepdims`; did you mean `keepdim`?",
    "softmax(x, 'a')": '`dim` of softmax is a whole number, not "a"',
    "exp(x, 1)": "exp takes 1 argument, but 2 are written",
    "exp()": "exp needs `input`: a tensor",
    "exp(x, input=x)": "exp is given `input` twice",
    "cat(x)": "`tensors` of cat is a list of tensors, not (N, 4, T)",
    "sqrt(64) * x": "`input` of sqrt is a tensor, not 64; the root of a number is its power 0.5",
    "zeros(x.shape[0] / 2)": "`size` of zeros is a list of whole numbers, not the number N / 2",
    "len(x)": "`len` is no function of tensors; the size of a dim is x.shape[0]",
    "x[0.5]": "`0.5` is no whole number, as an index is",
    "x[true]": "`true` is no whole number, as an index is",
    "exp(*[x])": "`exp(*[x])` is not something a value may hold",
    "[y for y in x]": "`[y for y in x]` is not something a value may hold",
    "x.__class__": "`x` has no result or parameter `__class__`; it is one tensor, and has only a shape",
    "().__class__": "`.__class__` is not something a value may hold: it asks shapes and picks results",
    "einsum('{', x)": "a word in a value has no braces",
    "x + 1 / 0": "`x + 1 / 0` divides by zero",
    "x * 9 ** 9 ** 9": "a power in a spec has an exponent of at most 64",
    "cat([x] * 10 ** 9)": "a list in a spec has at most 10,000 elements",
    "cat([[x] * 5000] * 5000)": "a list in a spec has at most 10,000 elements",
}


@pytest.mark.parametrize(("expression", "message"), ERRORS.items(), ids=ERRORS)
def test_what_is_no_value_is_told(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(expression)
    assert str(caught.value) == message


def test_a_name_that_is_not_known_is_handed_on() -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled("x + maen")
    assert caught.value.name == "maen"


@pytest.mark.parametrize("text", ["x", "a ${x}", "${x} ${x}", "${x"])
def test_a_value_is_one_whole_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_value(text, {}, SIGHT)


MISFITS = {
    "mean + image": "`+` cannot match (N, 8) with (3, 8, 6)",
    "mean @ encoder.weight": "`@` cannot multiply (N, 8) by (3, 8)",
    "mean @ ids": "`@` needs one dtype, but its inputs are float32 and int64",
    "1 - mask": "`-` reads numbers, but one of its inputs is bool",
    "-mask": "`-` reads numbers, but its input is bool",
    "ids ** -1": "`**` cannot raise int64 to a negative whole number",
    "cat([mean, image])": "cat reads tensors that agree in all dims but dim 0, but they are (N, 8) and (3, 8, 6)",
    "image[3]": "index 3 lies outside (3, 8, 6), which has 3 there",
    "image[0, 0, 0, 0]": "4 indices are too many for (3, 8, 6), which has 3 dims",
    "image[::-1]": "a slice of a tensor has a step of at least 1, but this one has -1",
    "image[mean]": "an index is int64 or int32, but this one is float32",
    "ids[mask]": "a mask picks from (N, T) as many numbers as the data says, so the result has no known shape",
}


@pytest.mark.parametrize(("expression", "message"), MISFITS.items(), ids=MISFITS)
def test_what_does_not_fit_is_told_in_the_users_words(expression: str, message: str) -> None:
    with pytest.raises(Misfit) as caught:
        compiled(f"exp({expression})")
    assert caught.value.message == message
    assert caught.value.notes[-1] == f"in `{expression}`".replace("-1", "(-1)" if "**" in expression else "-1")


@pytest.mark.parametrize("size", [4, "N"])
def test_sizes_that_grow_from_layer_to_layer_end_in_an_error(size: int | str) -> None:
    """Each layer squares the size, and so the number of its digits, or the length of its formula, doubles."""
    value: Value = typed(size)
    with pytest.raises((Misfit, ExpressionError)):
        grown(value)


def grown(value: Value) -> Value:
    for _ in range(100):
        value = compile_value("${repeat(x, x.shape[0])}", {}, {"x": seen("x", value)}).made.result
    return value
