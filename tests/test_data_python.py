"""Data that comes from somebody's own Python: tensors, Datasets, batches."""

from collections import namedtuple
from pathlib import Path

import numpy
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

import builder
import dsl
from builder import data

ALL = torch.tensor([0, 1, 2])


def test_tensors_by_name() -> None:
    source = data.TensorSource({"x": torch.arange(6).reshape(3, 2), "flag": torch.tensor([True, False, True])})
    assert source.fields == (data.FieldType("x", (2,), "int64"), data.FieldType("flag", (), "bool"))
    assert source.batch(torch.tensor([2, 0]))["x"].tolist() == [[4, 5], [0, 1]]
    with pytest.raises(data.DataError, match="'x' has 3 samples, but 'y' has 2"):
        data.TensorSource({"x": torch.zeros(3), "y": torch.zeros(2)})
    with pytest.raises(data.DataError, match="'x' is a single number"):
        data.TensorSource({"x": torch.tensor(3)})


@pytest.mark.parametrize(
    ("names", "wanted"),
    [((), ["x", "target"]), (("image",), ["image", "target"]), (("a", "b"), ["a", "b"])],
)
def test_the_parts_of_a_tuple_are_the_inputs_then_the_target(names: tuple[str, ...], wanted: list[str]) -> None:
    images, targets = torch.rand(3, 4), torch.tensor([5, 6, 7])
    source = data.DatasetSource(TensorDataset(images, targets), names)
    assert [each.name for each in source.fields] == wanted
    batch = source.batch(torch.tensor([2, 1]))
    assert torch.equal(batch[wanted[0]], images[[2, 1]])
    assert torch.equal(batch[wanted[1]], targets[[2, 1]])


Pair = namedtuple("Pair", ["left", "right"])


def test_other_items() -> None:
    assert [each.name for each in data.DatasetSource([Pair(1, 2.0)]).fields] == ["left", "right"]
    assert data.DatasetSource([{"x": 1}, {"x": 2}]).batch(torch.tensor([0, 1]))["x"].tolist() == [1, 2]
    assert [each.name for each in data.DatasetSource([torch.zeros(2)], ("image",)).fields] == ["image"]
    assert [each.name for each in data.DatasetSource([[1, 2]]).fields] == ["x", "target"]


def test_numbers_and_arrays_become_tensors() -> None:
    item = {"a": 1, "b": 2.5, "c": numpy.float64(0.5), "d": numpy.ones(2), "e": torch.ones(1).double(), "f": True}
    fields = data.DatasetSource([item]).fields
    assert [each.dtype for each in fields] == ["int64", "float32", "float32", "float32", "float64", "bool"]


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self) -> object:
        return iter([torch.zeros(1)])


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ([], "the dataset holds no samples"),
        (Endless(), "give a DataLoader of it instead"),
        ([(1, 2, 3)], "sample 0 of the dataset has 3 parts, which cannot be named: x and target are known"),
        ([()], "sample 0 of the dataset has 0 parts"),
        ([("cat", 1)], "'x' of sample 0 of the dataset is a str, which cannot become a tensor"),
    ],
)
def test_datasets_at_fault(dataset: object, said: str) -> None:
    with pytest.raises(data.DataError, match=said):
        data.DatasetSource(dataset)


def test_samples_that_do_not_fit_together() -> None:
    source = data.DatasetSource([torch.zeros(2), torch.zeros(3), torch.zeros(2)])
    assert source.batch(torch.tensor([0, 2]))["x"].shape == (2, 2)
    with pytest.raises(data.DataError, match=r"'x' is \(3,\) in sample 1 of the dataset, but \(2,\) in sample 0; "):
        source.batch(ALL)
    with pytest.raises(data.DataError, match="sample 1 of the dataset has no 'x', which sample 0 has"):
        data.DatasetSource([{"x": 1}, {"y": 1}]).batch(torch.tensor([0, 1]))


def test_a_dataset_is_not_read_whole() -> None:
    class Counting(Dataset):
        read = 0

        def __len__(self) -> int:
            return 10**6

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            Counting.read += 1
            return torch.zeros(1), 99

    source = data.DatasetSource(Counting())
    _, held = data.split(source, 0.1, "target")
    data.check_range(source, "target", 0, 10)
    assert len(held) == 10**5
    assert Counting.read == 1


def test_batches_of_a_data_loader() -> None:
    images, targets = torch.rand(7, 4), torch.arange(7)
    loader = DataLoader(TensorDataset(images, targets), batch_size=3)
    batches = data.IterableBatches(loader, ("image",))
    assert batches.fields == (data.FieldType("image", (4,)), data.FieldType("target", (), "int64"))
    assert (len(batches), batches.samples) == (3, 9)
    for start in (0, 1, 3):
        rest = [batch["target"].tolist() for batch in batches.epoch(1, start)]
        assert rest == [[0, 1, 2], [3, 4, 5], [6]][start:]


def test_looking_at_the_first_batch_leaves_the_random_state() -> None:
    loader = DataLoader(TensorDataset(torch.arange(20)), batch_size=20, shuffle=True)
    torch.manual_seed(0)
    wanted = next(iter(loader))[0]
    torch.manual_seed(0)
    batches = data.IterableBatches(loader)
    assert torch.equal(next(batches.epoch(1))["x"], wanted)


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([], "there are no batches"),
        (iter([]), "there are no batches"),
        ([(torch.zeros(2), torch.zeros(3))], r"batch 0 has fields of different lengths: x \(2,\), target \(3,\)"),
        ([torch.tensor(1)], r"batch 0 has fields of different lengths: x \(\)"),
    ],
)
def test_batches_at_fault(batches: object, said: str) -> None:
    with pytest.raises(data.DataError, match=said):
        data.IterableBatches(batches)


class Numbers(IterableDataset):
    """0 to 9, shared among the processes that read."""

    def __iter__(self) -> object:
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return ({"x": torch.tensor([float(each)]), "y": each % 2} for each in range(start, 10, step))


def test_a_length_that_is_not_said_is_counted() -> None:
    loader = DataLoader(Numbers(), batch_size=4)
    for batches in (data.IterableBatches(loader), data.IterableBatches(iter(list(loader)))):
        assert len(batches) == 3
        for epoch in (1, 2):
            assert [len(batch["x"]) for batch in batches.epoch(epoch)] == [4, 4, 2]


SPEC = """
name = "Net"
[model]
inputs = { x = ["N", 1], z = ["N", 2] }
layers = [
  { name = "both", value = "${cat([x, z], 1)}" },
  { type = "Linear", out_features = 2 },
]
[loss]
type = "CrossEntropyLoss"
input = ["output", "y"]
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "random"
batch_size = 4
prepare = [{ name = "z", type = "cat", input = ["x", "x"], dim = 1 }]
fields = { y = { shape = ["N"], dtype = "int64", high = 2 } }
[train]
epochs = 2
device = "cpu"
"""


class Described(Dataset):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> dict[str, object]:
        return {"x": torch.tensor([float(index)]), "y": index % 2, "weight": 0.5}


@pytest.mark.parametrize("workers", [0, 2])
def test_training_on_data_of_every_form(tmp_path: Path, workers: int) -> None:
    """In one order all forms are the same samples, so they train to the same weights."""
    (tmp_path / "spec.toml").write_text(SPEC)
    spec = dsl.load(tmp_path / "spec.toml", {"data.shuffle": False, "data.num_workers": workers})
    batches = list(DataLoader(Described(), batch_size=4))
    forms = {
        "dataset": Described(), "batches": batches, "once": iter(batches), "loader": DataLoader(Described(), 4),
        "generator": (each for each in batches),
    }  # fmt: skip
    if not workers:  # two processes each put their own part together: other batches
        forms["samples"] = Numbers()
    weights = {}
    for name, form in forms.items():
        run = builder.train(spec, data=form, validation=list(batches), out=tmp_path / name)
        weights[name] = torch.cat([each.flatten() for each in run.model.parameters()])
        assert len(run.rows) == 2
    assert all(torch.equal(each, weights["dataset"]) for each in weights.values()), weights


def test_an_iterable_dataset_is_read_by_processes(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    spec = dsl.load(tmp_path / "spec.toml", {"data.num_workers": 2})
    run = builder.train(spec, data=Numbers(), out=tmp_path / "run")
    assert [row["step"] for row in run.rows] == [4, 8]  # 4 and 1 samples of each of two processes
