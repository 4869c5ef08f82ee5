"""Generated data."""

from pathlib import Path

import pytest
import torch
from data_files import complaint, opened

from builder import data

DECLARED = (
    data.FieldType("image", (3, "T")),
    data.FieldType("target", ("T",), "int64", 1, 20),
    data.FieldType("mask", (50,), "bool"),
)


def drawn(**settings: object) -> dict[str, torch.Tensor]:
    source = opened(Path(), "random", **{"declarations": DECLARED, "sizes": {"T": 30}, "seed": 5, **settings})
    return source.batch(torch.arange(len(source)))


def test_values_are_as_declared() -> None:
    batch = drawn(samples=400)
    assert batch["image"].shape == (400, 3, 30)
    assert batch["image"].dtype == torch.float32
    # 36,000 numbers: the mean's standard error is 1 / sqrt(36000) = 0.0053, that of the variance sqrt(2 / 36000)
    assert abs(batch["image"].mean()) < 0.022
    assert abs(batch["image"].var() - 1) < 0.03
    assert batch["target"].unique().tolist() == list(range(1, 20))
    assert batch["mask"].dtype == torch.bool
    assert abs(batch["mask"].float().mean() - 0.5) < 0.02


def test_the_same_seed_gives_the_same_whatever_else_happens() -> None:
    first = drawn()
    torch.manual_seed(99)
    state = torch.get_rng_state()
    again = drawn(declarations=DECLARED[1:], samples=10)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first["target"][:10], again["target"])
    assert not torch.equal(first["target"][:10], drawn(seed=6)["target"][:10])


def test_samples_differ_and_do_not_hang_on_how_they_are_asked_for() -> None:
    source = opened(Path(), "random", declarations=DECLARED, sizes={"T": 30})
    assert len(source) == 1000
    picked = source.batch(torch.tensor([7, 3, 7]))["image"]
    assert torch.equal(picked, source.values("image")[[7, 3, 7]])
    assert not torch.equal(picked[0], picked[1])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "complex64", "uint8", "int8", "int32"])
def test_other_dtypes(dtype: str) -> None:
    field = data.FieldType("x", (100,), dtype, 0, 100)
    values = opened(Path(), "random", declarations=(field,), samples=2).values("x")
    assert values.dtype == getattr(torch, dtype)
    assert len(set(values.flatten().tolist())) > 30


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sizes": {}}, "random data for 'image' needs the size of T: sizes = { T = 50 }"),
        ({"sizes": {"T": -1}}, "random data for 'image' has the size -1"),
        ({"samples": 0}, "random data needs at least one sample, not 0"),
        ({"declarations": ()}, "random data needs a field: none is declared"),
        (
            {"declarations": (data.FieldType("t", (), "int64"),)},
            "random data for 't' (int64) needs `high`, one more than its largest value",
        ),
        (
            {"declarations": (data.FieldType("t", (), "int64", 3, 3),)},
            "random data for 't': low = 3 leaves nothing below high = 3",
        ),
        ({"declarations": (data.FieldType("t", (), "uint8", 0, 257),)}, "'t': 0 to 256 does not fit into uint8"),
        ({"declarations": (data.FieldType("t", (), "int8", -129, 5),)}, "'t': -129 to 4 does not fit into int8"),
        ({"declarations": (data.FieldType("t", (), "qint8"),)}, "random data for 't': qint8 cannot be drawn"),
    ],
)
def test_declarations_at_fault(settings: dict[str, object], said: str) -> None:
    assert said in complaint(Path(), "random", **{"declarations": DECLARED, "sizes": {"T": 3}, **settings})
