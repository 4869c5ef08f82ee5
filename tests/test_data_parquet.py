"""`.parquet` files. They are written by pyarrow; what is in them stands in the tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from data_files import complaint, opened

from builder import data


def write(path: Path, columns: dict[str, object]) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_columns_become_fields_as_those_of_a_csv_file_do(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", {"a": [1, 2], "class": ["dog", "cat"], "b": [0.5, -1.5], "c": [True, False]})
    source = opened(tmp_path, "a.parquet")
    assert source.fields == (
        data.FieldType("x", (3,), "float32"),
        data.FieldType("target", (), "int64", 0, 2, ("cat", "dog")),
    )
    assert source.values("x").tolist() == [[1, 0.5, 1], [2, -1.5, 0]]
    assert source.values("target").tolist() == [1, 0]


def test_lists_are_fields_of_their_own(tmp_path: Path) -> None:
    fixed = pyarrow.array([[1, 2], [3, 4]], pyarrow.list_(pyarrow.int8(), 2))
    columns = {
        "vector": [[0.5, 1, 2], [3, 4, 5.5]],
        "pair": fixed,
        "deep": [[[1.0], [2.0]], [[3.0], [4.0]]],
        "y": [7, 9],
    }
    write(tmp_path / "a.parquet", columns)
    source = opened(tmp_path, "a.parquet")
    assert source.fields == (
        data.FieldType("vector", (3,), "float32"),
        data.FieldType("pair", (2,), "int64"),
        data.FieldType("deep", (2, 1), "float32"),
        data.FieldType("target", (), "int64", 7, 10),
    )
    assert source.values("vector").tolist() == [[0.5, 1, 2], [3, 4, 5.5]]
    assert source.values("pair").tolist() == [[1, 2], [3, 4]]
    assert source.values("deep").tolist() == [[[1], [2]], [[3], [4]]]


def test_single_columns_and_vectors_by_name(tmp_path: Path) -> None:
    kind = pyarrow.array(["b", "a", "b"]).dictionary_encode()
    write(tmp_path / "a.pq", {"a": [1, 2, 3], "b": [1.5, 2, 3], "flag": [True, False, True], "kind": kind})
    fields = {"pair": ["b", "a"], "one": "a", "half": "b", "flag": "flag", "kind": "kind"}
    source = opened(tmp_path, "a.pq", fields=fields, classes={"kind": ("z", "b", "a")})
    assert [(each.name, each.shape, each.dtype) for each in source.fields] == [
        ("pair", (2,), "float32"),
        ("one", (), "int64"),
        ("half", (), "float32"),
        ("flag", (), "bool"),
        ("kind", (), "int64"),
    ]
    assert source.values("pair").tolist() == [[1.5, 1], [2, 2], [3, 3]]
    assert source.values("kind").tolist() == [1, 2, 1]
    assert source.values("flag").tolist() == [True, False, True]


def test_a_glob_and_row_groups(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": range(5), "y": range(5)}), tmp_path / "1.parquet", row_group_size=2)
    write(tmp_path / "2.parquet", {"y": [8], "a": [5]})
    source = opened(tmp_path, "*.parquet")
    assert source.values("x").flatten().tolist() == [0, 1, 2, 3, 4, 5]
    assert source.values("target").tolist() == [0, 1, 2, 3, 4, 8]
    write(tmp_path / "3.parquet", {"a": [5, None], "y": [8, 9]})
    said = complaint(tmp_path, "*.parquet")
    assert said == f"{tmp_path / '3.parquet'}, row 1, column 'a': there is no value"
    write(tmp_path / "3.parquet", {"a": ["text"], "y": [8]})
    assert complaint(tmp_path, "*.parquet").endswith(f"the column 'a' is not as in {tmp_path / '1.parquet'}")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1.0, float("nan")], "y": [0, 1]}, "row 1, column 'a': not a finite number of float32"),
        ({"a": [1, 2], "y": ["a", None]}, "row 1, column 'y': there is no value"),
        ({"a": [b"1", b"2"], "y": [0, 1]}, "the column 'a' holds binary, which is not numbers"),
        ({"a": [[1, 2], [3]], "y": [0, 1]}, "row 1, column 'a': a list of 1, but the first has 2"),
        ({"a": [[[1], [2]], [[3], [4, 5]]], "y": [0, 1]}, "row 1, column 'a': a list of 2, but the first has 1"),
        ({"a": [[1, None], [3, 4]], "y": [0, 1]}, "column 'a': a list has a value that is missing"),
        ({"a": [[], []], "y": [0, 1]}, "column 'a': the lists are empty"),
        ({"a": pyarrow.array([2**64 - 1, 1], pyarrow.uint64()), "y": [0, 1]}, ""),
        ({"b": [1, 2], "y": pyarrow.array([1, 2**63], pyarrow.uint64())}, "which int64 cannot hold"),
        ({"a": pyarrow.array([], pyarrow.int64()), "y": pyarrow.array([], pyarrow.int64())}, "holds no rows"),
        ({"a": [1]}, "has only the column 'a', which leaves nothing to learn from"),
        ({"x": [[1]], "b": [1], "y": [1]}, "a column of lists has the name of a field that others make; say `fields`"),
    ],
)
def test_files_at_fault(tmp_path: Path, columns: dict[str, object], said: str) -> None:
    path = write(tmp_path / "a.parquet", columns)
    if not said:
        assert opened(tmp_path, "a.parquet").values("x").tolist() == [[2.0**64], [1]]
        return
    told = complaint(tmp_path, "a.parquet")
    assert told.startswith(str(path))
    assert said in told


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", {"width": [1], "y": [0]})
    said = complaint(tmp_path, "a.parquet", fields={"x": ["widht"]})
    assert "field 'x': there is no column 'widht'; did you mean 'width'?" in said


def test_torn_files(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.parquet", {"a": list(range(5000)), "y": list(range(5000))}).read_bytes()
    for content in (b"", b"hello", whole[:-10], whole[100:], whole[:200] + bytes(2000) + whole[2200:]):
        (tmp_path / "a.parquet").write_bytes(content)
        said = complaint(tmp_path, "a.parquet")
        assert said.startswith(f"{tmp_path / 'a.parquet'} is not a sound .parquet file: "), said
        assert "\n" not in said


def test_without_pyarrow_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.parquet", {"a": [1], "y": [0]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    said = complaint(tmp_path, "a.parquet")
    assert said == "reading .parquet files needs pyarrow: pip install 'tomograph[parquet]'"
