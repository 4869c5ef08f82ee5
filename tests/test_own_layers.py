"""This project's own layers that stand for what torch has no class of: StochasticDepth and rearrange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from shapes_against_torch import call_of, typed
from torch import Tensor

import builder
import dsl
from builder.codegen.rearranging import chain
from builder.elaboration.sight import Seen
from builder.elaboration.values import compile_value
from builder.layers import StochasticDepth
from builder.shapes.call import Made, Misfit, TensorType
from builder.shapes.rules import shape
from builder.shapes.sizes import named
from dsl.expressions import ExpressionError

N, H, W, T = named("N"), named("H"), named("W"), named("T")


# StochasticDepth


@pytest.mark.parametrize(("mode", "size"), [("row", [6, 1, 1]), ("batch", [1, 1, 1])])
@pytest.mark.parametrize("p", [0.25, 0.9, 1.0])
def test_branches_are_dropped_as_torchvision_drops_them(mode: str, size: list[int], p: float) -> None:
    """torchvision.ops.stochastic_depth: one draw of Bernoulli(1 - p) for each row or one for all, over 1 - p."""
    x = torch.rand(6, 3, 2) + 1
    torch.manual_seed(3)
    found = StochasticDepth(p, mode)(x)
    torch.manual_seed(3)
    noise = torch.empty(size).bernoulli_(1 - p)
    assert torch.equal(found, x * (noise / (1 - p) if p < 1 else noise))


def test_some_rows_go_and_others_stay() -> None:
    torch.manual_seed(0)
    rows = StochasticDepth(0.5)(torch.ones(64, 5))
    assert set(rows.flatten().tolist()) == {0.0, 2.0}
    assert all(len(set(row.tolist())) == 1 for row in rows)


def test_in_evaluation_and_at_p_0_the_input_itself_comes_back() -> None:
    x = torch.rand(2, 3)
    assert StochasticDepth(0.5).eval()(x) is x
    assert StochasticDepth(0.0)(x) is x


def test_stochastic_depth_stands_in_a_spec_and_in_its_source() -> None:
    spec = dsl.loads("""
name = "Residual"
[model]
inputs = { x = ["N", 3, 4] }
layers = [
  { name = "drop", type = "StochasticDepth", p = 0.5, mode = "batch" },
  { type = "add", other = "x" },
]
""")
    model = builder.build(spec, device="cpu")
    x = torch.rand(4, 3, 4)
    assert torch.equal(model.eval()(x), x + x)
    torch.manual_seed(5)
    found = model.train()(x)
    torch.manual_seed(5)
    assert torch.equal(found, x * torch.empty(1, 1, 1).bernoulli_(0.5).div_(0.5) + x)
    assert "StochasticDepth(p=0.5, mode=batch)" in repr(model)


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        (typed("N", 3), {"p": 1.5}, "StochasticDepth has p = 1.5, but a probability lies between 0 and 1"),
        (typed(), {"p": 0.5}, "StochasticDepth drops samples, but its input is a single number"),
        (typed("N", dtype="int64"), {"p": 0.5}, "StochasticDepth reads floating-point numbers, but its input is int64"),
    ],
    ids=str,
)
def test_what_stochastic_depth_does_not_take(given: TensorType, arguments: Mapping[str, Any], message: str) -> None:
    with pytest.raises(Misfit) as caught:
        shape(call_of("StochasticDepth", arguments, [given]))
    assert caught.value.message == message


# rearrange

REARRANGED: list[tuple[str, dict[str, int], tuple[int, ...], str, Callable[[Tensor], Tensor]]] = [
    ("n (h d) t -> n h t d", {"h": 4}, (2, 12, 5), "x.unflatten(1, (4, -1)).permute(0, 1, 3, 2)",
     lambda x: x.reshape(2, 4, 3, 5).transpose(2, 3)),
    ("n h t d -> n t (h d)", {}, (2, 4, 5, 3), "x.permute(0, 2, 1, 3).flatten(2, 3)",
     lambda x: x.transpose(1, 2).reshape(2, 5, 12)),
    ("b c (h p) (w q) -> b (h w) (p q c)", {"p": 2, "q": 3}, (2, 3, 4, 6),
     "x.unflatten(2, (-1, 2)).unflatten(4, (-1, 3)).permute(0, 2, 4, 3, 5, 1).flatten(1, 2).flatten(2, 4)",
     lambda x: x.reshape(2, 3, 2, 2, 2, 3).permute(0, 2, 4, 3, 5, 1).reshape(2, 4, 18)),
    ("b c h w -> b (c h w)", {}, (2, 3, 4, 5), "x.flatten(1, 3)", lambda x: x.reshape(2, 60)),
    ("b ... -> ... b", {}, (2, 3, 4), "x.permute(1, 2, 0)", lambda x: x.permute(1, 2, 0)),
    ("b ... -> b (...)", {}, (2, 3, 4), "x.flatten(1, 2)", lambda x: x.reshape(2, 12)),
    ("... (h d) -> ... h d", {"h": 2, "d": 3}, (4, 5, 6), "x.unflatten(2, (2, 3))", lambda x: x.reshape(4, 5, 2, 3)),
    ("a 1 b -> b a", {}, (2, 1, 3), "x.squeeze(1).permute(1, 0)", lambda x: x[:, 0].T),
    ("a b -> a 1 b ()", {}, (2, 3), "x.unsqueeze(1).unsqueeze(3)", lambda x: x[:, None, :, None]),
    ("(a 1) b -> b a", {}, (2, 3), "x.permute(1, 0)", lambda x: x.T),
    ("a b->a b", {}, (2, 3), "x", lambda x: x),
    ("größe b -> b größe", {}, (2, 3), "x.permute(1, 0)", lambda x: x.T),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "lengths", "size", "text", "by_hand"), REARRANGED, ids=[each[0] for each in REARRANGED]
)
def test_rearrange_is_a_chain_of_tensor_methods(
    pattern: str, lengths: dict[str, int], size: tuple[int, ...], text: str, by_hand: Callable[[Tensor], Tensor]
) -> None:
    x = torch.arange(torch.Size(size).numel()).reshape(size)
    made = rearranged(pattern, TensorType(size), **lengths)
    found = chain("x", pattern, len(size), {axis: str(length) for axis, length in lengths.items()})
    assert found == text
    assert torch.equal(eval(found), by_hand(x))
    assert made.result == TensorType(tuple(by_hand(x).shape))


def rearranged(pattern: str, given: TensorType, **lengths: Any) -> Made:
    return shape(call_of("rearrange", {"pattern": pattern, **lengths}, [given]))


def test_free_sizes_are_worked_out_with_their_names() -> None:
    image = typed("N", 3, "H", "W")
    made = rearranged("b c (h p) (w q) -> b (h w) (p q c)", image, p=16, q=16)
    assert made.result == TensorType((N, (H // 16) * (W // 16), 768))
    assert [each.text for each in made.conditions] == ["H % 16 == 0", "W % 16 == 0"]
    joined = rearranged("n t c -> (n t) c", typed("N", "T", 8))
    assert (joined.result, joined.conditions) == (TensorType((N * T, 8)), ())
    cut = rearranged("(n t) c -> n t c", TensorType((N * T, 8)), t=T)
    assert (cut.result, cut.conditions) == (TensorType((N, T, 8)), ())
    assert [each.text for each in rearranged("a 1 -> a", typed(4, "T")).conditions] == ["T == 1"]
    assert [each.text for each in rearranged("a b -> b a", typed(4, "T"), b=7).conditions] == ["T == 7"]


def test_rearrange_stands_in_a_spec_and_in_a_value() -> None:
    spec = dsl.loads("""
name = "Heads"
[model]
inputs = { x = ["N", 12, "T"] }
layers = [
  { name = "heads", type = "rearrange", pattern = "n (h d) t -> n h t d", h = 4 },
  { type = "rearrange", pattern = "n h t d -> n t (h d)" },
]
""")
    x = torch.rand(2, 12, 5)
    assert torch.equal(builder.build(spec, device="cpu")(x), x.transpose(1, 2))
    sight = {"x": Seen(typed("N", 12, "T"), {"from": "inputs.x"}, "x")}
    made = compile_value('${rearrange(x * 2, "n (h d) t -> n h t d", h=heads) + 1}', {"heads": 4}, sight)
    assert made.text == "({0} * 2).unflatten(1, [4, -1]).permute(0, 1, 3, 2) + 1"
    assert made.made.result == TensorType((N, 4, T, 3))
    text = made.text.format("x")
    assert torch.equal(eval(text), (x * 2).reshape(2, 4, 3, 5).transpose(2, 3) + 1)


WRONG = {
    "n c": 'rearrange needs a pattern "left -> right", as in "n (h d) t -> n h t d"',
    "n -> c -> n": 'rearrange needs a pattern "left -> right", as in "n (h d) t -> n h t d"',
    "n c -> n": "rearrange has `c` on the left of its pattern only",
    "n c -> n c d": "rearrange has `d` on the right of its pattern only",
    "n ... -> n": "rearrange has `...` on the left of its pattern only",
    "n n -> n": "rearrange has `n` twice on the left of its pattern",
    "n c -> n c c": "rearrange has `c` twice on the right of its pattern",
    "n (c -> n c": "rearrange has a `(` in its pattern that nothing closes",
    "n c) -> n c": "rearrange has a `)` in its pattern that nothing opens",
    "n ((c d)) -> n c d": "rearrange has a bracket within a bracket in its pattern",
    "(n ...) -> n ...": "rearrange has `...` in a bracket on the left of its pattern; it can stand in one on the right",
    "n 2 -> n 2": "rearrange has `2` in its pattern, which is neither a name nor 1, `...` or a bracket",
    "n, c -> n c": "rearrange has `,` in its pattern, which is neither a name nor 1, `...` or a bracket",
    "n c t -> n t c": "rearrange has 3 dims on the left of its pattern, but its input has 2",
    "n c t ... -> n t c ...": "rearrange has at least 3 dims on the left of its pattern, but its input has 2",
    "n (h d) -> n h d": "rearrange cannot tell `h` and `d` of (h d), which is 12",
    "n 1 -> n": "rearrange has a 1 in its pattern where (N, 12) has 12",
}


@pytest.mark.parametrize(("pattern", "message"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_with_a_pattern_is_told(pattern: str, message: str) -> None:
    with pytest.raises(Misfit) as caught:
        rearranged(pattern, typed("N", 12))
    assert (caught.value.message, caught.value.argument) == (message, "pattern")


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"h": 5}, "rearrange cannot make (h d) with h = 5 of a dim of 12"),
        ({"h": 5, "d": 2}, "rearrange cannot make (h d) with h = 5, d = 2 of a dim of 12"),
        ({"h": 0}, "rearrange needs a whole number of at least 1 for `h`, not 0"),
        ({"h": 4, "t": 4}, "rearrange has no axis `t` in its pattern"),
    ],
    ids=str,
)
def test_sizes_of_axes_that_do_not_fit_are_told(lengths: dict[str, int], message: str) -> None:
    with pytest.raises(Misfit) as caught:
        rearranged("n (h d) -> n h d", typed("N", 12), **lengths)
    assert caught.value.message == message
    assert caught.value.argument in lengths


def test_arguments_of_rearrange_are_checked_at_their_lines() -> None:
    text = """
name = "Wrong"
[model]
inputs = { x = ["N", 12] }
layers = [
  { type = "rearrange", patern = "n (h d) -> n h d", h = 4 },
]
"""
    with pytest.raises(dsl.SpecError) as caught:
        builder.elaborate(dsl.loads(text))
    told = [(each.message, each.span and each.span.line) for each in caught.value.diagnostics]
    assert told == [("rearrange has no argument `patern`", 6)]
    with pytest.raises(dsl.SpecError) as caught:
        builder.elaborate(dsl.loads(text.replace("patern", "pattern").replace("h = 4", 'h = "4"')))
    assert [each.message for each in caught.value.diagnostics] == [
        '`h` of rearrange is a whole number, not "4"',
    ]


def test_a_value_that_calls_rearrange_wrongly_says_so() -> None:
    sight = {"x": Seen(typed("N", 12), {"from": "inputs.x"}, "x")}
    with pytest.raises(ExpressionError) as caught:
        compile_value('${rearrange(x, "n (h d) -> n h d", h=0.5)}', {}, sight)
    assert str(caught.value) == "`h` of rearrange is a whole number, not 0.5"
    with pytest.raises(Misfit):
        compile_value('${rearrange(x, "n (h d) -> n h d")}', {}, sight)
