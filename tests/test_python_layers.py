"""`builder.register`: classes and functions as layer types, what they take, and what is told when they fail."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from python_layers import clean, facts, spec
from torch import Tensor, nn

import builder
import dsl
from builder.codegen import source_of
from builder.codegen.forward import IMPORTED
from builder.graph import layers, node
from dsl.catalogue import RegistrationError, names, registered
from dsl.catalogue.registered import NEEDED

__all__ = ["clean"]


class Scale(nn.Module):
    """x * weight."""

    def __init__(self, features: int, start: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((features,), start))
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != len(self.weight):
            raise ValueError(f"{x.shape[-1]} features, and {len(self.weight)} numbers")
        return x * self.weight


class Split(nn.Module):
    def __init__(self, in_features: int, size: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_features, size)

    def forward(self, x: Tensor, doubled: bool = False) -> tuple[Tensor, Tensor]:
        made = self.fc(x)
        return (2 * made if doubled else made), x


class Total(nn.Module):
    def forward(self, *several: Tensor) -> Tensor:
        return torch.stack(several).sum(0)


class Joined(nn.Module):
    def forward(self, several: list[Tensor]) -> Tensor:
        return torch.cat(several, -1)


class Narrow(nn.Conv2d):
    def __init__(self, *args: Any, gain: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gain = gain


def times(factor: float) -> type[nn.Module]:
    class Times(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return factor * x

    return Times


def blend(x: Tensor, other: Tensor, factor: float = 0.5, training: bool = False) -> Tensor:
    return x * factor + other * (1 - factor) + training


# Registering


def test_a_class_and_a_function_are_types(tmp_path: Path) -> None:
    assert builder.register(Scale) is Scale
    assert builder.register(blend) is blend
    path = spec(
        tmp_path,
        '{ name = "scale", type = "Scale", features = 4, start = 3.0 }',
        '{ name = "blend", type = "blend", other = "x", factor = 0.25 }',
    )
    model = builder.build(path, device="cpu")
    x = torch.randn(2, 4)
    assert type(model.scale) is Scale
    assert list(model.state_dict()) == ["scale.weight", "scale.calls"]
    assert torch.equal(model.eval()(x), 3 * x * 0.25 + x * 0.75)
    assert torch.equal(model.train()(x), 3 * x * 0.25 + x * 0.75 + 1)  # a function follows the model's mode
    graph = builder.elaborate(dsl.load(path))
    scale = node(graph, "scale")
    assert (scale.shape, scale.parameters, scale.buffers) == (["N", 4], {"weight": [4]}, {"calls": [1]})


@pytest.mark.parametrize(
    ("decorate", "name"),
    [
        (lambda layer: builder.register(layer), "Scale"),
        (lambda layer: builder.register()(layer), "Scale"),
        (lambda layer: builder.register(name="Mine")(layer), "Mine"),
        (lambda layer: builder.register("Mine")(layer), "Mine"),
        (lambda layer: builder.register(layer, name="Mine"), "Mine"),
    ],
)
def test_ways_to_register(decorate: Callable[[Any], Any], name: str, tmp_path: Path) -> None:
    assert decorate(Scale) is Scale
    path = spec(tmp_path, f'{{ name = "scale", type = "{name}", features = 4 }}')
    assert type(builder.build(path, device="cpu").scale) is Scale
    assert name in names()
    dotted = spec(tmp_path, f'{{ type = "{__name__}.Scale", features = 4 }}')
    assert [each.target for each in layers(builder.elaborate(dsl.load(dotted)))] == [f"python.{__name__}.Scale"]


def test_what_the_input_tells_may_be_left_out(tmp_path: Path) -> None:
    builder.register(Split, inferred=["in_features"])
    builder.register(Narrow)
    builder.register(nn.Linear, name="Dense")
    path = spec(tmp_path, '{ name = "split", type = "Split", size = 3, doubled = true }')
    model = builder.build(path, device="cpu")
    assert model.split.fc.in_features == 4
    x = torch.randn(2, 4)
    assert torch.equal(model(x)[0], 2 * model.split.fc(x))
    path = spec(
        tmp_path, '{ name = "narrow", type = "Narrow", out_channels = 5, kernel_size = [3, 1], gain = 2 }',
        '{ name = "dense", type = "Dense", out_features = 7 }', inputs='x = ["N", 2, 8, 8]',
    )  # fmt: skip
    model = builder.build(path, device="cpu")
    assert (model.narrow.in_channels, model.narrow.gain, type(model.dense)) == (2, 2, nn.Linear)
    assert model(torch.zeros(1, 2, 8, 8)).shape == (1, 5, 6, 7)  # 8 - 3 + 1 rows; 8 columns become 7 features


def test_several_tensors(tmp_path: Path) -> None:
    builder.register(Total)
    builder.register(Joined)
    path = spec(
        tmp_path, '{ name = "total", type = "Total", input = ["x", "y", "x"] }',
        '{ name = "joined", type = "Joined", input = ["total", "x"] }', inputs='x = ["N", 4], y = ["N", 4]',
    )  # fmt: skip
    x, y = torch.randn(2, 2, 4)
    assert torch.equal(builder.build(path, device="cpu")(x, y), torch.cat([x + y + x, x], -1))


def test_a_layer_made_in_a_function(tmp_path: Path) -> None:
    @builder.register
    class Twice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * x

    path = spec(tmp_path, '{ type = "Twice" }')
    assert torch.equal(builder.build(path, device="cpu")(torch.ones(1, 4)), torch.full((1, 4), 2.0))
    source = source_of(builder.elaborate(dsl.load(path)))
    written = f"{__name__}.test_a_layer_made_in_a_function.<locals>.Twice"
    assert f"from tomograph_python import Twice  # {written}, found only where it has been registered\n" in source


def test_what_one_function_makes_twice_is_two_layers(tmp_path: Path) -> None:
    for factor in (2.0, 3.0):
        builder.register(times(factor), name=f"Times{factor:.0f}")
    builder.register(partial(blend, factor=0.0), name="other_only")
    builder.register(partial(blend, factor=1.0), name="x_only")
    path = spec(
        tmp_path, '{ type = "Times2" }', '{ type = "Times3" }', '{ name = "a", type = "other_only", other = "x" }',
        '{ type = "x_only", input = "1", other = "a" }', '{ type = "add", other = "a" }',
    )  # fmt: skip
    x = torch.randn(2, 4)
    assert torch.equal(builder.build(path, device="cpu").eval()(x), x * 2 * 3 + x)


def test_a_module_pickles_and_copies(tmp_path: Path) -> None:
    builder.register(Scale)
    model = builder.build(spec(tmp_path, '{ type = "Scale", features = 4 }'), device="cpu")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(other) is type(model)
        assert torch.equal(other(torch.ones(1, 4)), torch.ones(1, 4))


def test_what_runs_again_counts_anew(tmp_path: Path) -> None:
    """As a cell of a notebook does: the class of the last run is the one that is used."""
    path = spec(tmp_path, '{ name = "bias", type = "Bias", size = 4 }')
    for size in (1, 2):
        kind = type("Bias", (Scale,), {"__module__": __name__, "__qualname__": "Bias", "factor": size})
        builder.register(kind)
    with pytest.raises(dsl.SpecError, match="no argument `size`"):
        builder.build(path)
    path = spec(tmp_path, '{ name = "bias", type = "Bias", features = 4 }')
    first = builder.build(path, device="cpu")
    assert first.bias.factor == 2
    builder.register(type("Bias", (Scale,), {"__module__": __name__, "__qualname__": "Bias", "factor": 3}))
    assert builder.build(path, device="cpu").bias.factor == 3


def test_names_of_generated_source_are_kept_apart(tmp_path: Path) -> None:
    builder.register(blend, name="Net")
    builder.register(Scale, name="Group")
    path = spec(
        tmp_path, '{ name = "Net", type = "Net", other = "x" }',
        '{ name = "group", input = "x", layers = [{ type = "Group", features = 4 }, { type = "Net", other = "x" }] }',
        '{ type = "Net", other = "Net" }',
    )  # fmt: skip
    x = torch.randn(2, 4)
    assert torch.allclose(builder.build(path, device="cpu").eval()(x), x)


def test_what_source_needs_names_no_layer() -> None:
    assert IMPORTED <= NEEDED


class Instance(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def by_place(x: Tensor, n: int, /) -> Tensor:
    return x * n


class Both(nn.Module):
    def __init__(self, mask: float) -> None:
        super().__init__()

    def forward(self, mask: Tensor) -> Tensor:
        return mask


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "an instance": (
        lambda: builder.register(Instance()),
        "Instance is a module that is made already; its class, Instance, can be a layer",
    ),
    "another class": (lambda: builder.register(dict, name="Table"), "Table is a class, but none of nn.Module"),
    "a number": (lambda: builder.register(3, name="Three"), "Three is neither a class of nn.Module nor a function"),
    "no forward": (lambda: builder.register(type("Bare", (nn.Module,), {})), "Bare has no forward"),
    "by place": (
        lambda: builder.register(by_place),
        "`n` of by_place goes by place alone, and a spec gives arguments by name",
    ),
    "both": (
        lambda: builder.register(Both),
        "__init__ and forward of Both both take `mask`; one needs another name",
    ),
    "no identifier": (
        lambda: builder.register(Scale, name="my scale"),
        "'my scale' is no name for a layer type: it takes one that Python could give a class",
    ),
    "a lambda": (
        lambda: builder.register(lambda x: x),
        "'<lambda>' is no name for a layer type: it takes one that Python could give a class",
    ),
    "needed": (
        lambda: builder.register(Scale, name="super"),
        "super cannot name a layer type, as the source of models needs that name",
    ),
    "own": (
        lambda: builder.register(Scale, name="MeanSubtract", replace=True),
        "MeanSubtract is one of this project's own layers; register it under another name",
    ),
    "torch's": (
        lambda: builder.register(Scale, name="Linear"),
        "Linear is torch.nn.Linear already; register it under another name, or with replace=True",
    ),
    "taken": (
        lambda: (builder.register(Scale), builder.register(blend, name="Scale")),
        f"Scale is registered for {__name__}.Scale already; register it under another name, or with replace=True",
    ),
    "inferred, no such argument": (
        lambda: builder.register(Scale, inferred=["in_features"]),
        "Scale has no constructor argument `in_features` that could be inferred",
    ),
    "inferred, not known": (
        lambda: builder.register(Scale, inferred=["features"]),
        "`features` of Scale cannot be inferred; these can: in_features, in1_features, in2_features, in_channels, "
        "num_features, num_channels, normalized_shape, input_size, embed_dim, d_model",
    ),
    "inferred, a word": (
        lambda: builder.register(Split, inferred="in_features"),
        'inferred is a list of names, so write inferred=["in_features"]',
    ),
    "inferred of a function": (
        lambda: builder.register(blend, inferred=["in_features"]),
        "blend is a function, and only a module's constructor can have arguments inferred",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_registered(attempt: Callable[[], Any], message: str) -> None:
    before = set(registered.names())
    with pytest.raises(RegistrationError) as caught:
        attempt()
    assert str(caught.value) == message
    assert set(registered.names()) - before <= {"Scale"}


def test_a_name_of_torchs_can_be_replaced(tmp_path: Path) -> None:
    builder.register(Scale, name="Linear", replace=True)
    path = spec(
        tmp_path, '{ name = "ours", type = "Linear", features = 4 }',
        '{ name = "theirs", type = "torch.nn.Linear", out_features = 2 }',
    )  # fmt: skip
    model = builder.build(path, device="cpu")
    assert (type(model.ours), type(model.theirs)) == (Scale, nn.Linear)


# What is wrong


def test_arguments_are_checked(tmp_path: Path) -> None:
    builder.register(Scale)
    builder.register(Split)
    assert facts(spec(tmp_path, '{ type = "Scale", feature = 4 }')) == (
        "error[argument]: Scale has no argument `feature`\n  = fix: did you mean `features`?"
    )
    assert facts(spec(tmp_path, '{ type = "Scale", features = 2.5 }')) == (
        "error[argument]: `features` of Scale is a whole number, not 2.5"
    )
    assert facts(spec(tmp_path, '{ type = "Scale" }')) == (
        "error[argument]: Scale needs `features`: a whole number\n  = fix: add features = ..."
    )
    assert facts(spec(tmp_path, '{ type = "Split", in_features = 4, size = 2, doubled = "yes" }')) == (
        'error[argument]: `doubled` of Split is true or false, not "yes"'
    )
    assert facts(spec(tmp_path, '{ type = "Scal", features = 4 }')) == (
        'error[type]: there is no layer type "Scal"\n  = fix: did you mean `Scale`?'
    )


def line_of(text: str) -> int:
    return 1 + next(i for i, each in enumerate(Path(__file__).read_text("utf-8").splitlines()) if text in each)


def test_a_failure_names_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    builder.register(Scale)
    place = f"{Path(__file__).name}:{line_of('raise ValueError(f')}"
    assert facts(spec(tmp_path, '{ type = "Scale", features = 3 }')) == (
        "error[shape]: Scale does not take (N, 4)\n"
        f"  = it fails: ValueError: 4 features, and 3 numbers ({place}, in forward)\n"
        "  = input: x (line 3) is (N, 4)"
    )


def test_numbers_are_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @builder.register
    def clipped(x: Tensor) -> Tensor:
        return x * x.max().item()

    monkeypatch.chdir(Path(__file__).parent)
    place = f"{Path(__file__).name}:{line_of('x.max().item()')}"
    assert facts(spec(tmp_path, '{ type = "clipped" }')) == (
        "error[shape]: clipped does not take (N, 4)\n"
        f"  = it fails: RuntimeError: Tensor.item() cannot be called on meta tensors ({place}, in clipped); "
        "shapes are found on the meta device, where tensors have no numbers\n"
        "  = input: x (line 3) is (N, 4)"
    )


@pytest.mark.parametrize(("made", "said"), [(None, "None"), ({}, "a dict"), (3, "an int")])
def test_a_result_that_is_no_tensor(made: Any, said: str, tmp_path: Path) -> None:
    @builder.register
    def odd(x: Tensor) -> Any:
        return made

    text = facts(spec(tmp_path, '{ type = "odd" }'))
    assert f"it fails: it gives {said}, and a layer gives a tensor or a tuple of tensors" in text


# The keys of the language


class Cube(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x**3


class Acted(nn.Module):
    """A layer that takes another, and a module of its own."""

    def __init__(self, features: int, act: nn.Module | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.act = act or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x * self.weight)


def test_every_key_of_a_layer_holds(tmp_path: Path) -> None:
    """repeat, share, tie, freeze, no level, blocks, and layers as values, on layers from Python."""
    for each in (Acted, Cube, Split):
        builder.register(each)
    text = """
name = "Net"
[blocks.Block]
params = ["features"]
layers = [{ name = "acted", type = "Acted", features = "${features}", act = { type = "Cube" } }]
[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "block", type = "Block", features = 4 },
  { name = "many", type = "Acted", features = "${block.shape[-1]}", repeat = 2 },
  { name = "again", share = "many.0" },
  { name = "split", type = "Split", in_features = 4, size = 2 },
  { name = "group", input = "split.1", layers = [{ name = "", type = "Acted", features = 4 }] },
  { name = "tied", type = "Acted", features = 4, tie = { weight = "many.0.weight" }, freeze = true },
  { value = "${tied * 2}" },
]
"""
    (tmp_path / "net.toml").write_text(text, encoding="utf-8")
    model = builder.build(tmp_path / "net.toml", device="cpu")
    assert list(model.state_dict()) == [
        "block.acted.weight", "many.0.weight", "many.1.weight", "split.fc.weight", "split.fc.bias", "group.weight",
        "tied.weight",
    ]  # fmt: skip
    assert model.tied.weight is model.many[0].weight
    with torch.no_grad():
        model.many[0].weight.fill_(3.0)
    x = torch.randn(2, 4)
    assert torch.allclose(model(x), x**3 * 3 * 3 * 3 * 2)  # many.0, again and tied


def test_a_value_calls_torchs_functions_alone(tmp_path: Path) -> None:
    builder.register(blend)
    assert facts(spec(tmp_path, '{ value = "${blend(x, x)}" }')) == (
        "error[expression]: `blend` comes from Python, and a value calls torch's functions alone"
    )
