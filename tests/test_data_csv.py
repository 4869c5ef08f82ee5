"""`.csv` files."""

from pathlib import Path

import numpy
import pytest
import torch
from data_files import complaint, opened

from builder import data


def table(folder: Path, text: str | bytes) -> str:
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return "a.csv"


def test_the_target_by_name_and_the_rest_as_one_vector(tmp_path: Path) -> None:
    source = opened(tmp_path, table(tmp_path, "a,label,b\n1,0,2.5\n-3e1,2,.5\n"))
    assert source.fields == (data.FieldType("x", (2,)), data.FieldType("target", (), "int64", 0, 3))
    assert torch.equal(source.values("x"), torch.tensor([[1, 2.5], [-30, 0.5]]))
    assert torch.equal(source.values("target"), torch.tensor([0, 2]))


@pytest.mark.parametrize(
    ("header", "target"),
    [("a,b", "b"), ("y,b", "y"), ("label,target", "target"), ("Class,b", "Class"), ("y,class", "class")],
)
def test_which_column_is_the_target(tmp_path: Path, header: str, target: str) -> None:
    source = opened(tmp_path, table(tmp_path, f"{header}\n10,20\n"))
    assert source.values("target").tolist() == [(10, 20)[header.split(",").index(target)]]


def test_text_becomes_class_indices_in_sorted_order(tmp_path: Path) -> None:
    source = opened(tmp_path, table(tmp_path, 'x,y\n1,"dog, big"\n2,cat\n3,"dog, big"\n4,ant\n'))
    assert source.values("target").tolist() == [2, 1, 2, 0]
    assert source.field("target") == data.FieldType("target", (), "int64", 0, 3, ("ant", "cat", "dog, big"))


def test_classes_of_the_training_data_hold_for_other_files(tmp_path: Path) -> None:
    source = opened(tmp_path, table(tmp_path, "x,y\n1,dog\n"), classes={"target": ("ant", "cat", "dog")})
    assert source.values("target").tolist() == [2]
    said = complaint(tmp_path, table(tmp_path, "x,y\n1,dog\n2,owl\n"), classes={"target": ("cat", "dog")})
    assert said == f"{tmp_path / 'a.csv'}, line 3: 'target' is 'owl', not one of cat, dog"


def test_fields_pick_columns(tmp_path: Path) -> None:
    text = table(tmp_path, "id,width,height,kind,price\n7,1,2,b,1.5\n8,3,4,a,2\n")
    source = opened(tmp_path, text, fields={"size": ["height", "width"], "target": "price", "kind": "kind"})
    assert [(each.name, each.shape, each.dtype) for each in source.fields] == [
        ("size", (2,), "float32"),
        ("target", (), "float32"),
        ("kind", (), "int64"),
    ]
    assert source.values("size").tolist() == [[2, 1], [4, 3]]
    assert source.values("target").tolist() == [1.5, 2.0]
    assert source.values("kind").tolist() == [1, 0]
    said = complaint(tmp_path, text, fields={"x": "heigth"})
    assert said.startswith(f"{tmp_path / 'a.csv'}: field 'x': there is no column 'heigth'; did you mean 'height'?")


def test_several_files_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("x,y\n1,cat\n")
    (tmp_path / "2.csv").write_text("x,y\n2,ant\n3,cow\n")
    assert opened(tmp_path, "?.csv").values("target").tolist() == [1, 0, 2]
    (tmp_path / "2.csv").write_text("x,y\n2,ant\nbad,cow\n")
    assert complaint(tmp_path, "?.csv") == f"{tmp_path / '2.csv'}, line 3, column 'x': 'bad' is not a number"
    (tmp_path / "2.csv").write_text("z,y\n2,ant\n")
    assert "its columns are z, y, but x, y in the first file" in complaint(tmp_path, "?.csv")


def test_what_spreadsheets_write(tmp_path: Path) -> None:
    source = opened(tmp_path, table(tmp_path, b"\xef\xbb\xbfx , y\r\n 1, 2\r\n\r\n3,4\r\n"))
    assert source.values("x").tolist() == [[1], [3]]
    assert source.values("target").tolist() == [2, 4]


def test_numbers_as_numpy_reads_them(tmp_path: Path) -> None:
    values = numpy.random.default_rng(0).standard_normal((20, 4))
    numpy.savetxt(tmp_path / "a.csv", values, delimiter=",", header="a,b,c,d", comments="")
    source = opened(tmp_path, "a.csv")
    assert numpy.array_equal(source.values("x").numpy(), values[:, :3].astype(numpy.float32))
    assert numpy.array_equal(source.values("target").numpy(), values[:, 3].astype(numpy.float32))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.csv is empty"),
        ("\n\n", "a.csv is empty"),
        ("x,y\n", "names its columns, but holds no rows"),
        ("x,y\n1,2\n1,2,3\n", "line 3: 3 cells, but 2 columns"),
        ("x,y\n1,2\n\n1\n", "line 4: 1 cells, but 2 columns"),
        ("x,y\n1,2\nfour,2\n", "line 3, column 'x': 'four' is not a number"),
        ("x,y\n1,2\n,2\n", "line 3, column 'x': '' is not a number"),
        ('x,y\n"1\n",2\nnan,2\n', "line 4, column 'x': not a finite number of float32"),
        ("x,y\n1e300,2\n", "line 2, column 'x': not a finite number of float32"),
        ("x,y\n1,2\n1,\n", "line 3: 'target' has no value"),
        ("x,y\n1,2\n1,2.x\n", "line 3: 'target' is '2.x', but other rows hold numbers"),
        ("x,y\n1,2\n1,inf\n", "line 3: 'target' is 'inf', not a finite number of float32"),
        ("x,y\n1,9223372036854775808\n", "line 2: 'target' is 9223372036854775808, which int64 cannot hold"),
        ("1,2\n3,4\n", "the first line must name the columns, but holds numbers"),
        ("x,\n1,2\n", "column 2 has no name in the first line"),
        ("x,y,x\n1,2,3\n", "the first line names 'x' twice"),
        (
            "x;y\n1;2\n",
            "has only the column 'x;y', which leaves nothing to learn from; columns are separated by commas",
        ),
        ('x,y\n1,"2\n', "line 2: unexpected end of data"),
        (b"x,y\n1,caf\xe9\n", "is not UTF-8 text"),
        (b"\xff\xfex\0,\0y\0", "is not UTF-8 text"),
    ],
)
def test_tables_at_fault(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in complaint(tmp_path, table(tmp_path, text))
    assert str(tmp_path / "a.csv") in complaint(tmp_path, "a.csv")


def test_lists_are_for_columns_alone(tmp_path: Path) -> None:
    assert "a list picks columns of a .csv file" in complaint(tmp_path, "digits", fields={"x": ["image"]})
    assert "field 'x' names no column" in complaint(tmp_path, table(tmp_path, "a,b\n1,2\n"), fields={"x": []})
