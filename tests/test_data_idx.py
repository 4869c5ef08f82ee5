"""IDX files, and the two built-in sets that lie in them."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
from data_files import complaint, idx_bytes, opened, request, write

from builder import data

IMAGES = numpy.arange(2 * 2 * 3, dtype=numpy.uint8).reshape(2, 2, 3) * 20


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_files_by_the_name_of_the_images(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"train-images-idx3-ubyte{suffix}", idx_bytes(IMAGES))
    write(tmp_path / f"train-labels-idx1-ubyte{suffix}", idx_bytes([7, 3]))
    source = opened(tmp_path, f"train-images-idx3-ubyte{suffix}")
    assert source.fields == (data.FieldType("image", (1, 2, 3)), data.FieldType("target", (), "int64"))
    batch = source.batch(torch.tensor([1, 0, 1]))
    assert torch.equal(batch["image"], torch.from_numpy(IMAGES.astype(numpy.float32) / 255)[[1, 0, 1], None])
    assert torch.equal(batch["target"], torch.tensor([3, 7, 3]))


def test_labels_may_be_packed_otherwise(tmp_path: Path) -> None:
    write(tmp_path / "images-idx3-ubyte.gz", idx_bytes(IMAGES))
    write(tmp_path / "labels-idx1-ubyte", idx_bytes([7, 3]))
    assert opened(tmp_path, "images-idx3-ubyte.gz").values("target").tolist() == [7, 3]


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_a_table_names_a_file_for_each_field(tmp_path: Path, dtype: str) -> None:
    write(tmp_path / "a", idx_bytes([[1, 2], [3, 100]], dtype))
    source = opened(tmp_path, {"a": "a", "b": "a"})
    wanted = torch.float32 if dtype[0] == "f" else torch.int64
    assert torch.equal(source.batch(torch.tensor([1]))["b"], torch.tensor([[3, 100]], dtype=wanted))
    assert source.batch(torch.tensor([1]))["a"].dtype == wanted


def test_a_glob_puts_files_one_after_another(tmp_path: Path) -> None:
    for name, label in (("b", 1), ("a", 0)):
        write(tmp_path / f"{name}-images-idx3-ubyte", idx_bytes(IMAGES))
        write(tmp_path / f"{name}-labels-idx1-ubyte", idx_bytes([label, label]))
    assert opened(tmp_path, "*-images-idx3-ubyte").values("target").tolist() == [0, 0, 1, 1]


def test_the_mapping_renames_and_picks(tmp_path: Path) -> None:
    source = opened(tmp_path, "digits", fields={"label": "target"})
    assert source.fields == (data.FieldType("label", (), "int64", 0, 10),)
    said = complaint(tmp_path, "digits", fields={"x": "imag"})
    assert said == "field 'x': there is no field 'imag'; did you mean 'image'? There are image, target"


def faulty(folder: Path, images: bytes, labels: bytes | None = None) -> str:
    write(folder / "images-idx3-ubyte", images)
    if labels is not None:
        write(folder / "labels-idx1-ubyte", labels)
    return complaint(folder, "images-idx3-ubyte")


def test_every_cut_is_told(tmp_path: Path) -> None:
    whole = idx_bytes(IMAGES)
    for length in range(len(whole)):
        said = faulty(tmp_path, whole[:length], idx_bytes([7, 3]))
        assert said.startswith(f"{tmp_path / 'images-idx3-ubyte'} is cut short: ")
        assert "ends within its header" in said if length < 16 else f"{length - 16} of 12 bytes" in said
    assert "has more bytes than its header says (12)" in faulty(tmp_path, whole + b"x", idx_bytes([7, 3]))


def test_every_cut_of_a_gzip_file_is_told(tmp_path: Path) -> None:
    write(tmp_path / "images-idx3-ubyte", idx_bytes(IMAGES))
    write(tmp_path / "labels-idx1-ubyte", idx_bytes([7, 3]))
    packed = gzip.compress(idx_bytes(IMAGES), mtime=0)
    for length in range(len(packed)):
        (tmp_path / "images-idx3-ubyte.gz").write_bytes(packed[:length])
        said = "is not a sound gzip file: " if length == 1 else "is cut short: "  # one byte is no gzip file yet
        assert f"images-idx3-ubyte.gz {said}" in complaint(tmp_path, "images-idx3-ubyte.gz")
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(packed[:-6] + b"\0" + packed[-5:])
    assert "is not a sound gzip file: CRC check failed" in complaint(tmp_path, "images-idx3-ubyte.gz")
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(idx_bytes(IMAGES))
    assert "is not a sound gzip file: Not a gzipped file" in complaint(tmp_path, "images-idx3-ubyte.gz")


def test_what_is_no_idx_file(tmp_path: Path) -> None:
    labels = idx_bytes([7, 3])
    assert "is not an IDX file: it starts with the bytes 50 4b 03 04" in faulty(tmp_path, b"PK\3\4 and more", labels)
    assert "is not an IDX file" in faulty(tmp_path, b"\0\0\x07\1\0\0\0\0", labels)
    huge = b"\0\0\x08\3" + struct.pack(">3I", 2**31, 2**31, 2**31)
    assert "says that it holds 2147483648 x 2147483648 x 2147483648 numbers" in faulty(tmp_path, huge, labels)
    large = b"\0\0\x08\3" + struct.pack(">3I", 2**19, 2**10, 2**10)
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(large))
    write(tmp_path / "labels-idx1-ubyte.gz", b"\0\0\x08\1" + struct.pack(">I", 2**19))
    assert "is cut short: 0 of 549755813888 bytes" in complaint(tmp_path, "images-idx3-ubyte.gz")


def test_images_and_labels_must_fit(tmp_path: Path) -> None:
    images, labels = tmp_path / "images-idx3-ubyte", tmp_path / "labels-idx1-ubyte"
    assert faulty(tmp_path, idx_bytes(IMAGES)) == f"the labels of {images} are missing: there is no file {labels}"
    said = faulty(tmp_path, idx_bytes(IMAGES), idx_bytes([1, 2, 3]))
    assert said == f"{images} holds 2 samples, but {labels} holds 3"
    assert "holds no samples" in faulty(tmp_path, idx_bytes(numpy.zeros((0, 2, 2))), idx_bytes([]))
    write(tmp_path / "x-idx3-ubyte", idx_bytes(IMAGES))
    assert "its name has no 'images'; name both: source = {" in complaint(tmp_path, "x-idx3-ubyte")


def test_digits_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    source = opened(Path(), "digits")
    batch = source.batch(torch.arange(len(source)))
    assert torch.equal(batch["image"], torch.from_numpy(theirs.images / 16).float()[:, None])
    assert torch.equal(batch["target"], torch.from_numpy(theirs.target).long())


def test_digits_hold_what_their_paper_says() -> None:
    source = opened(Path(), "digits")
    batch = source.batch(torch.arange(len(source)))
    assert batch["image"].shape == (1797, 1, 8, 8)
    assert (batch["image"].min(), batch["image"].max()) == (0.0, 1.0)
    # the test part's class distribution, as optdigits.names lists it
    assert batch["target"].bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_describing_brings_no_torch(tmp_path: Path) -> None:
    write(tmp_path / "images-idx3-ubyte.gz", idx_bytes(IMAGES))
    write(tmp_path / "labels-idx1-ubyte.gz", idx_bytes([7, 3]))
    numpy.savez(tmp_path / "a.npz", x=numpy.zeros((2, 3)))
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    code = """
import sys
from pathlib import Path
from builder import data
for source in ("digits", "fashion-mnist", "images-idx3-ubyte.gz", "a.npz", "a.csv", "random"):
    asked = data.Request(source=source, folder=Path(sys.argv[1]), declarations=(data.FieldType("x", (3,)),))
    print(source, len(data.describe(asked)), data.outside(asked, [Path(sys.argv[1])]))
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["2", "2", "2", "1", "2", "1"]


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    (tmp_path / "a.xls").touch()
    assert complaint(tmp_path, "digit").startswith("there is no source 'digit'; did you mean 'digits'? Sources are ")
    assert complaint(tmp_path, "").startswith("there is no source ''. Sources are digits")
    said = complaint(tmp_path, "faces")
    assert said.startswith(f"{tmp_path / 'faces'} is a folder without images (.bmp ")
    assert said.endswith(f"; files of it are {tmp_path / 'faces' / '*.npz'}")
    assert complaint(tmp_path, "faces/../faces").startswith(f"{tmp_path}/faces/../faces is a folder without images")
    assert complaint(tmp_path, "none/") == f"there is no folder {tmp_path / 'none'}"
    assert complaint(tmp_path, "b.csv") == f"there is no file {tmp_path / 'b.csv'}"
    assert complaint(tmp_path, "a.xls/b.csv") == f"there is no file {tmp_path / 'a.xls/b.csv'}"
    assert complaint(tmp_path, "faces/*.npz") == f"no file matches {tmp_path / 'faces/*.npz'}"
    assert complaint(tmp_path, "a.xls").startswith(f"cannot tell what {tmp_path / 'a.xls'} holds by its name")
    assert complaint(tmp_path, "a\0b.csv").startswith("no file can be called")
    assert complaint(tmp_path, "x" * 300 + ".csv").endswith("File name too long")
    assert complaint(tmp_path, {}).startswith("the source names no file")
    assert complaint(tmp_path, {"x": "faces"}).startswith(f"{tmp_path / 'faces'} is a folder")
    assert complaint(tmp_path, "/dev/null.csv") == "there is no file /dev/null.csv"


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x,y\n1,2\n")
    assert len(opened(tmp_path, "a[1].csv")) == 1


def test_what_lies_outside(tmp_path: Path) -> None:
    inside, elsewhere = tmp_path / "spec", tmp_path / "elsewhere"
    inside.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a.csv").touch()
    (inside / "b.csv").touch()
    (inside / "link.csv").symlink_to(elsewhere / "a.csv")
    (inside / "labels-idx1-ubyte").symlink_to(elsewhere / "a.csv")

    def found(source: object) -> Path | None:
        return data.outside(request(inside, source), [inside])

    assert [found(each) for each in ("digits", "random", "b.csv", "b*.csv", {"x": "b.csv"})] == [None] * 5
    assert found("../elsewhere/a.csv") == inside / "../elsewhere/a.csv"
    assert found(str(elsewhere / "*.csv")) == elsewhere
    assert found("*.csv") == found("link.csv") == inside / "link.csv"
    assert found({"x": "b.csv", "y": "/etc/passwd"}) == Path("/etc/passwd")
    assert found("images-idx3-ubyte") == inside / "labels-idx1-ubyte"
    assert data.outside(request(inside, "../elsewhere/a.csv"), [inside, tmp_path]) is None


def test_absolute_sources_mean_the_same_anywhere(tmp_path: Path) -> None:
    assert data.absolute("digits", tmp_path) == "digits"
    assert data.absolute("faces/*.npz", tmp_path) == str(tmp_path / "faces/*.npz")
    assert data.absolute({"x": "a"}, tmp_path) == {"x": str(tmp_path / "a")}
