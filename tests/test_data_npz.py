"""`.npz` files."""

import io
import itertools
import zipfile
from pathlib import Path

import numpy
import pytest
import torch
from data_files import complaint, opened, request

from builder import data


def test_each_array_is_a_field_in_the_files_order(tmp_path: Path) -> None:
    arrays = {
        "z": numpy.array([[0.5, 1.5], [2.5, 3.5]]),
        "half": numpy.array([1, 2], dtype=numpy.float16),
        "a": numpy.array([5, -6], dtype=">i2"),
        "bytes": numpy.array([[5], [250]], dtype=numpy.uint8),
        "flags": numpy.array([True, False]),
        "picture": numpy.array([[[0, 51]], [[102, 255]]], dtype=numpy.uint8),
    }
    numpy.savez_compressed(tmp_path / "a.npz", **arrays)
    source = opened(tmp_path, "a.npz")
    assert [(each.name, each.shape, each.dtype) for each in source.fields] == [
        ("z", (2,), "float32"),
        ("half", (), "float32"),
        ("a", (), "int64"),
        ("bytes", (1,), "int64"),
        ("flags", (), "bool"),
        ("picture", (1, 2), "float32"),
    ]
    batch = source.batch(torch.tensor([1]))
    assert batch["z"].tolist() == [[2.5, 3.5]]
    assert (batch["half"].tolist(), batch["a"].tolist(), batch["bytes"].tolist()) == ([2.0], [-6], [[250]])
    assert batch["flags"].tolist() == [False]
    assert torch.equal(batch["picture"], torch.tensor([[[102, 255]]]).float() / 255)
    for field in source.fields:
        assert str(batch[field.name].dtype) == f"torch.{field.dtype}"


def test_fortran_order_and_the_callers_own_files(tmp_path: Path) -> None:
    values = numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3))
    numpy.savez(tmp_path / "a.npz", values)
    assert opened(tmp_path, "a.npz").values("arr_0").tolist() == [[0, 1, 2], [3, 4, 5]]
    before = (tmp_path / "a.npz").read_bytes()
    opened(tmp_path, "a.npz").values("arr_0").zero_()
    assert (tmp_path / "a.npz").read_bytes() == before


def test_a_glob_concatenates_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    for name in "cab":
        numpy.savez(tmp_path / "faces" / f"{name}.npz", x=numpy.array([[ord(name)]]), y=numpy.array([ord(name) - 97]))
    source = opened(tmp_path, "faces/*.npz", fields={"target": "y", "x": "x"})
    assert [each.name for each in source.fields] == ["target", "x"]
    assert source.values("target").tolist() == [0, 1, 2]


def test_files_of_a_glob_must_agree(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "a.npz", x=numpy.zeros((1, 2)))
    numpy.savez(tmp_path / "b.npz", x=numpy.zeros((1, 3)))
    a, b = tmp_path / "a.npz", tmp_path / "b.npz"
    assert complaint(tmp_path, "*.npz") == f"{b}: 'x' is float32 (3,) per sample, but float32 (2,) in {a}"
    numpy.savez(b, y=numpy.zeros((1, 2)))
    assert complaint(tmp_path, "*.npz") == f"{b} holds 'y', but {a} holds 'x'"


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": numpy.array([{}, None])}, "'x' holds pickled Python objects, which are not loaded"),
        ({"x": numpy.array(["a", "b"])}, "'x' holds <U1, which is not numbers"),
        ({"x": numpy.zeros(2), "y": numpy.zeros(3)}, "'y' has 3 samples, but 'x' has 2"),
        ({"x": numpy.float64(3)}, "'x' is a single number"),
        ({"x": numpy.zeros((0, 2))}, "holds no samples"),
        (
            {"x": numpy.array([2**63], dtype=numpy.uint64)},
            "'x' holds 9223372036854775808, which is more than int64 can",
        ),
        ({}, "holds no arrays"),
    ],
)
def test_arrays_that_are_no_samples(tmp_path: Path, arrays: dict[str, numpy.ndarray], said: str) -> None:
    numpy.savez(tmp_path / "a.npz", **arrays, allow_pickle=True)
    assert said in complaint(tmp_path, "a.npz")


def test_a_damaged_file_gives_a_sentence_wherever_it_is_damaged(tmp_path: Path) -> None:
    numpy.savez_compressed(tmp_path / "a.npz", x=numpy.arange(50.0), y=numpy.arange(50))
    whole = (tmp_path / "a.npz").read_bytes()
    for length in range(0, len(whole), 5):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        assert complaint(tmp_path, "a.npz").startswith(f"{tmp_path / 'a.npz'} is not a sound .npz file: ")
    refused = 0
    for place, flip in itertools.product(range(len(whole)), (1, 255)):
        (tmp_path / "a.npz").write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            source = data.open_source(request(tmp_path, "a.npz"))
        except data.DataError:
            refused += 1
            continue
        for field in source.fields:  # what was hit is a date or the directory's end: no value can be wrong
            assert source.values(field.name).tolist() == list(range(50))
    assert refused > len(whole)


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    header = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(8))
    assert "'x' is cut short, or longer than its header says" in complaint(tmp_path, "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    assert "is not a sound .npz file" in complaint(tmp_path, "a.npz")
