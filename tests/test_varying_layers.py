"""The layers that vary images, against what is worked out by hand; and that they do so in training steps alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from shapes_against_torch import call_of, typed

import builder
import dsl
from builder.experiment import Experiment
from builder.layers import Normalize, RandomAffine, RandomCrop, RandomHorizontalFlip, RandomVerticalFlip
from builder.shapes.call import Misfit, TensorType
from builder.shapes.rules import shape
from builder.training import checkpoints

IMAGES = torch.arange(2 * 3 * 4 * 6.0).reshape(2, 3, 4, 6)
RANDOM = [
    RandomHorizontalFlip(1.0), RandomVerticalFlip(1.0), RandomCrop([4, 6], 2), RandomAffine(30, [0.2, 0.2], [0.5, 2]),
]  # fmt: skip


@pytest.mark.parametrize("layer", RANDOM, ids=lambda each: type(each).__name__)
def test_in_evaluation_images_of_the_same_size_pass(layer: torch.nn.Module) -> None:
    assert torch.equal(layer.eval()(IMAGES), IMAGES)
    assert not torch.equal(layer.train()(IMAGES), IMAGES)


@pytest.mark.parametrize(("flip", "dim"), [(RandomHorizontalFlip, 3), (RandomVerticalFlip, 2)])
def test_each_sample_is_turned_by_itself(flip: type, dim: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(1000, 2, 3, 4)
    found = flip(0.3)(images)
    turned = (found == images.flip(dim)).flatten(1).all(1)
    assert ((found == images).flatten(1).all(1) ^ turned).all()
    assert abs(int(turned.sum()) - 300) < 4 * math.sqrt(1000 * 0.3 * 0.7)
    assert torch.equal(flip(0.0)(images), images)


def test_each_place_of_a_crop_is_as_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    image = torch.arange(1, 7.0).reshape(1, 1, 2, 3)
    padded = torch.nn.functional.pad(image, [1, 1, 0, 0])[0, 0]
    parts = [padded[top : top + 1, left : left + 4] for top in range(2) for left in range(2)]
    found = RandomCrop([1, 4], padding=[0, 1])(image.expand(4000, -1, -1, -1))
    counts = [int((found == part).flatten(1).all(1).sum()) for part in parts]
    assert sum(counts) == 4000
    assert all(abs(each - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75) for each in counts)


def test_all_channels_of_a_sample_are_cut_at_one_place() -> None:
    found = RandomCrop(2)(IMAGES)
    for image, part in zip(IMAGES, found, strict=True):
        places = [image[:, top : top + 2, left : left + 2] for top in range(3) for left in range(5)]
        assert any(torch.equal(part, place) for place in places)
    assert torch.equal(RandomCrop(2).eval()(IMAGES), IMAGES[:, :, 1:3, 2:4])


@pytest.mark.parametrize(("angle", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_a_quarter_turn_is_that_of_rot90(angle: float, turns: int) -> None:
    square = torch.rand(2, 3, 5, 5)
    found = RandomAffine([angle, angle])(square)
    torch.testing.assert_close(found, torch.rot90(square, turns, (2, 3)), atol=1e-5, rtol=1e-5)


def test_a_quarter_turn_of_an_oblong_is_about_its_middle() -> None:
    oblong = torch.rand(1, 1, 2, 6)
    found = RandomAffine([90, 90])(oblong)
    middle = torch.zeros(1, 1, 2, 6)
    middle[..., 2:4] = torch.rot90(oblong[..., 2:4], 1, (2, 3))  # what lies beyond is cut, and zeros come in
    torch.testing.assert_close(found, middle, atol=1e-5, rtol=1e-5)


def test_moves_lie_within_their_parts_and_are_those_of_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.5, 0.75]])  # angle, scale, to the right, down
    monkeypatch.setattr(torch, "rand", lambda *size, device: draws)
    found = RandomAffine(0, translate=[1 / 3, 0.5])(IMAGES)
    wanted = torch.zeros_like(IMAGES)
    wanted[0, :, :, 2:] = IMAGES[0, :, :, :4]  # 1/3 of 6 to the right
    wanted[1, :, 1:, :4] = IMAGES[1, :, :3, 2:]  # as far to the left, and half of 0.5 of 4 down
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-5)


def test_a_scale_of_two_doubles_the_middle() -> None:
    image = torch.zeros(1, 1, 4, 4)
    image[..., 1:3, 1:3] = 1.0
    found = RandomAffine(0, scale=[2.0, 2.0])(image)[0, 0]
    # the pixels' centres, 0.25 and 0.75 from the middle, lie a quarter within and outside of the ones
    edge, inner = 0.75, 1.0
    row = torch.tensor([edge, inner, inner, edge])
    torch.testing.assert_close(found, row[:, None] * row[None, :])


def test_normalize_by_hand() -> None:
    found = Normalize([0.0, 1.0, 2.0], 2.0)(IMAGES)
    for channel in range(3):
        torch.testing.assert_close(found[:, channel], (IMAGES[:, channel] - channel) / 2)
    assert Normalize(1.0, 2.0)(torch.ones(2, 3).double()).dtype == torch.float64
    assert Normalize(1.0, 2.0).state_dict() == {}


LAYERS = [
    ("RandomHorizontalFlip", {}, typed("N", 3, 8, 9)),
    ("RandomHorizontalFlip", {"p": 0.1}, typed("N", 7, dtype="int64")),
    ("RandomVerticalFlip", {}, typed("N", 3, 8)),
    ("RandomCrop", {"size": 7, "padding": [0, 3]}, typed("N", 3, 8, 9)),
    ("RandomCrop", {"size": [8, 15], "padding": [0, 3]}, typed("N", 3, 8, 9)),
    ("RandomAffine", {"degrees": 10, "scale": [0.9, 1.1]}, typed("N", 3, 8, 9)),
    ("Normalize", {"mean": [0.1, 0.2, 0.3], "std": 1}, typed("N", 3, 8, 9)),
    ("Normalize", {"mean": 0, "std": [1, 2, 3]}, typed("N", 3)),
]


@pytest.mark.parametrize(("name", "arguments", "given"), LAYERS, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_rules_say_what_the_layers_give(
    name: str, arguments: dict[str, Any], given: TensorType, training: bool
) -> None:
    made = shape(call_of(name, arguments, [given])).result
    sizes = [5 if isinstance(each, str) or not isinstance(each, int) else each for each in given.shape]
    module = getattr(builder.layers, name)(**arguments).train(training)
    found = module(torch.ones(sizes, dtype=getattr(torch, given.dtype)))
    assert (tuple(found.shape[1:]), str(found.dtype)) == (made.shape[1:], f"torch.{made.dtype}")
    assert made.shape[0] == given.shape[0]


@pytest.mark.parametrize(
    ("name", "arguments", "given", "message"),
    [
        ("RandomHorizontalFlip", {"p": 2}, typed("N", 3), "RandomHorizontalFlip has p = 2, but a probability lies"),
        ("RandomHorizontalFlip", {}, typed("N"), "RandomHorizontalFlip reads (N, *, W), but its input is (N,)"),
        ("RandomVerticalFlip", {}, typed("N", 3), "RandomVerticalFlip reads (N, *, H, W), but its input is (N, 3)"),
        ("RandomCrop", {"size": 4}, typed("N", 3), "RandomCrop reads (N, C, H, W), but its input is (N, 3)"),
        ("RandomCrop", {"size": [4, 9], "padding": 1}, typed("N", 3, 2, 6),
         "RandomCrop takes a part 9 wide, but the image with its padding is 8 wide"),
        ("RandomAffine", {"degrees": 9, "translate": [0.1, 2]}, typed("N", 3, 4, 4),
         "translate of RandomAffine has parts of the image, 0 to 1, not 2.0"),
        ("RandomAffine", {"degrees": 9, "scale": [0, 1]}, typed("N", 3, 4, 4),
         "scale of RandomAffine has factors above 0, not 0.0"),
        ("RandomAffine", {"degrees": 9}, typed("N", 3, 4, 4, dtype="int64"),
         "RandomAffine reads floating-point numbers, but its input is int64"),
        ("Normalize", {"mean": [1, 2], "std": 1}, typed("N", 3, 4, 4),
         "Normalize has 2 numbers in mean, but its input has 3 channels"),
        ("Normalize", {"mean": 1, "std": [1, 0, 1]}, typed("N", 3, 4, 4), "std of Normalize divides, so it is not 0"),
        ("Normalize", {"mean": 1, "std": 1}, typed("N"), "Normalize reads (N, C, *), but its input is (N,)"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_told(name: str, arguments: Mapping[str, Any], given: TensorType, message: str) -> None:
    with pytest.raises(Misfit) as caught:
        shape(call_of(name, arguments, [given]))
    assert caught.value.message.startswith(message)


def test_a_free_size_is_a_condition() -> None:
    made = shape(call_of("RandomCrop", {"size": 32, "padding": 2}, [typed("N", 3, "H", 40)]))
    assert [each.text for each in made.conditions] == ["H >= 28"]
    made = shape(call_of("Normalize", {"mean": [1, 2], "std": [1, 2]}, [typed("N", "C")]))
    assert [each.text for each in made.conditions] == ["C == 2"]


AUGMENTED = """
name = "Varied"
[model]
inputs = { image = ["N", 1, 8, 8] }
layers = [{ type = "Flatten" }, { type = "Linear", out_features = 10 }]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "digits"
validation = 0.5
batch_size = 100
prepare = [
  { type = "RandomCrop", size = 8, padding = 1, input = "image" },
  { type = "RandomHorizontalFlip", input = "image" },
  { type = "RandomAffine", degrees = 10, translate = [0.1, 0.1], scale = [0.9, 1.1], input = "image" },
  { type = "Normalize", mean = 0.3, std = 0.4, input = "image" },
  { name = "image", type = "mul", other = 2.0, input = "image", train_only = true },
]
[train]
epochs = 2
device = "cpu"
"""


def written(folder: Path, workers: int = 0) -> dsl.Spec:
    (folder / "spec.toml").write_text(AUGMENTED)
    return dsl.load(folder / "spec.toml", {"data.num_workers": workers})


def test_the_model_stands_in_generated_source_with_its_own_layers() -> None:
    spec = dsl.loads("""
name = "Augmented"
[model]
inputs = { image = ["N", 3, 8, 8] }
layers = [
  { type = "RandomCrop", size = 6, padding = 1 },
  { type = "RandomAffine", degrees = 5 },
  { type = "Normalize", mean = [0, 0, 1], std = 2 },
]
""")
    images = torch.rand(2, 3, 8, 8)
    found = builder.build(spec, device="cpu").eval()(images)
    torch.testing.assert_close(found, (images[:, :, 1:7, 1:7] - torch.tensor([0.0, 0, 1]).view(1, 3, 1, 1)) / 2)


def test_batches_are_varied_in_training_steps_alone(tmp_path: Path) -> None:
    experiment = Experiment(written(tmp_path))
    image = torch.rand(4, 1, 8, 8)
    batch = {"image": image, "target": torch.zeros(4, dtype=torch.int64)}
    prepare = experiment.task.prepare
    assert prepare is not None
    torch.testing.assert_close(prepare(batch, False)["image"], (image - 0.3) / 0.4)
    one, other = prepare(batch, True)["image"], prepare(batch, True)["image"]
    assert not torch.equal(one, other)
    assert one.shape == image.shape
    torch.testing.assert_close(prepare(batch, False)["image"], (image - 0.3) / 0.4)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load_weights(folder / "checkpoints" / "last.pt").model


def test_a_run_that_goes_on_and_one_with_workers_are_varied_alike(tmp_path: Path) -> None:
    builder.train(written(tmp_path), out=tmp_path / "whole")
    builder.train(written(tmp_path, workers=2), out=tmp_path / "workers")
    wanted = weights_of(tmp_path / "whole")
    for name, each in weights_of(tmp_path / "workers").items():
        assert torch.equal(each, wanted[name])
    half = dsl.load(tmp_path / "spec.toml", {"train.epochs": 1})
    builder.train(half, out=tmp_path / "half")
    builder.train(written(tmp_path), out=tmp_path / "half", resume=tmp_path / "half")
    for name, each in weights_of(tmp_path / "half").items():
        assert torch.equal(each, wanted[name])
