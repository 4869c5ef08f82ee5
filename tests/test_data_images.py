"""Folders of images: what they give, and what is said of those at fault. The files are written by hand or by Pillow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy
import pytest
import torch
from data_files import complaint, opened, request
from PIL import Image

import builder
import dsl
from builder import data
from builder.data import images

RED, GREEN = (255, 0, 0), (0, 51, 0)


def save(path: Path, mode: str, size: tuple[int, int], colour: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)  # type: ignore[arg-type]
    return path


def grey(path: Path, rows: list[list[int]]) -> Path:
    """A portable graymap, as its page says: P5, width, height, the largest value, the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + bytes(each for row in rows for each in row))
    return path


def two_classes(folder: Path) -> Path:
    grey(folder / "photos/dog/1.pgm", [[0, 51, 255], [102, 0, 0]])
    grey(folder / "photos/cat/deep/2.pgm", [[255, 0, 0], [0, 0, 51]])
    grey(folder / "photos/cat/1.PGM", [[1, 2, 3], [4, 5, 6]])
    (folder / "photos/cat/notes.txt").write_text("no image")
    (folder / "photos/.cache").mkdir()
    return folder / "photos"


@pytest.fixture(params=["in memory", "one by one"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "one by one":
        monkeypatch.setattr(images, "SMALL", 0)
    return str(request.param)


def test_a_class_for_each_folder(tmp_path: Path, held: str) -> None:
    two_classes(tmp_path)
    source = opened(tmp_path, "photos/")
    assert source.fields == (
        data.FieldType("image", (1, 2, 3)),
        data.FieldType("target", (), "int64", 0, 2, ("cat", "dog")),
    )
    batch = source.batch(torch.tensor([2, 0, 1]))
    wanted = [[[0, 51, 255], [102, 0, 0]], [[1, 2, 3], [4, 5, 6]], [[255, 0, 0], [0, 0, 51]]]
    assert torch.equal(batch["image"], torch.tensor(wanted).unsqueeze(1).float() / 255)
    assert batch["target"].tolist() == [1, 0, 0]
    assert source.values("target").tolist() == [0, 0, 1]
    assert (source.values("image") is None) == (held == "one by one")
    assert [Path(each).name for each in source.files] == ["1.PGM", "2.pgm", "1.pgm"]


def test_a_folder_without_classes_and_one_field_of_two(tmp_path: Path, held: str) -> None:
    save(tmp_path / "b.png", "RGB", (2, 1), RED)
    save(tmp_path / "a.png", "RGB", (2, 1), GREEN)
    source = opened(tmp_path, ".", fields={"picture": "image"})
    assert source.fields == (data.FieldType("picture", (3, 1, 2)),)
    assert torch.equal(source.batch(torch.tensor([0, 1]))["picture"][:, :, 0, 0], torch.tensor([GREEN, RED]) / 255)
    two_classes(tmp_path / "x")
    assert [each.name for each in opened(tmp_path, "x/photos", fields={"y": "target"}).fields] == ["y"]


@pytest.mark.parametrize(
    ("mode", "colour", "channels"),
    [("1", 1, 1), ("L", 7, 1), ("LA", (7, 9), 1), ("RGB", RED, 3), ("RGBA", (*RED, 9), 3), ("P", 3, 3), ("CMYK", 0, 3)],
)
def test_modes(tmp_path: Path, mode: str, colour: object, channels: int) -> None:
    save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), mode, (3, 2), colour)
    assert opened(tmp_path, ".").field("image").shape == (channels, 2, 3)


def test_values_of_modes(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", "1", (1, 1), 1)
    save(tmp_path / "b/1.png", "RGBA", (1, 1), (255, 0, 51, 0))
    assert opened(tmp_path, "a").values("image").flatten().tolist() == [1]
    assert torch.equal(opened(tmp_path, "b").values("image").flatten(), torch.tensor([255, 0, 51]) / 255)


def test_a_declared_size_brings_all_images_to_it(tmp_path: Path, held: str) -> None:
    grey(tmp_path / "m/a/1.pgm", [[0, 100], [100, 200]])
    save(tmp_path / "m/b/1.png", "RGB", (1, 1), RED)
    wanted = data.FieldType("photo", (3, 1, 1))
    source = opened(tmp_path, "m", declarations=(wanted,))
    assert source.fields[0] == wanted
    found = source.batch(torch.tensor([0, 1]))["photo"].flatten(1)
    assert torch.equal(found, torch.tensor([[100, 100, 100], RED]) / 255)  # the mean of 0, 100, 100 and 200


def test_what_can_be_declared(tmp_path: Path) -> None:
    two_classes(tmp_path)
    for shape, dtype in (((2, 4, 4), "float32"), ((3, 4), "float32"), ((3, "H", 4), "float32"), ((3, 4, 4), "int64")):
        said = complaint(tmp_path, "photos", declarations=(data.FieldType("image", shape, dtype),))
        assert said.startswith("images can be brought to (1 or 3 channels, height, width) in float32, but 'image'")
    several = (data.FieldType("image", (1, 2, 2)), data.FieldType("mask", (1, 2, 2)))
    said = complaint(tmp_path, "photos", declarations=several)
    assert said == "a folder of images has one field to declare, not mask beside image"


def test_sizes_that_differ(tmp_path: Path) -> None:
    first, other = grey(tmp_path / "m/a/1.pgm", [[1, 2]]), grey(tmp_path / "m/b/7.pgm", [[1], [2]])
    said = complaint(tmp_path, "m")
    assert said == (
        f"{other} (sample 1) is 2 high and 1 wide, grey, but the first image is 1 high and 2 wide, grey; to bring all "
        'to one size and as many channels: fields = { image = { shape = ["N", 1, 1, 2] } }'
    )
    save(other.with_name("7.png"), "RGB", (2, 1), RED)
    other.unlink()
    assert "7.png (sample 1) is 1 high and 2 wide, in colour, but the first image is 1 high" in complaint(tmp_path, "m")
    first.unlink()
    assert complaint(tmp_path, "m") == f"{tmp_path / 'm/a'} is the folder of a class, but holds no images"


def test_images_beside_folders_of_images(tmp_path: Path) -> None:
    photos = two_classes(tmp_path)
    grey(photos / "1.pgm", [[1]])
    said = complaint(tmp_path, "photos")
    assert said == f"{photos} holds images beside folders of images; it has either images or a folder for each class"


def test_the_classes_of_the_training_data_number_another_folder(tmp_path: Path) -> None:
    grey(tmp_path / "m/dog/1.pgm", [[1]])
    classes = {"target": ("cat", "dog")}
    source = opened(tmp_path, "m", classes=classes)
    assert source.field("target").classes == ("cat", "dog")
    assert source.values("target").tolist() == [1]
    grey(tmp_path / "m/hen/1.pgm", [[1]])
    said = complaint(tmp_path, "m", classes=classes)
    assert said == f"{tmp_path / 'm/hen'} is no class of the training data, which has cat, dog"


def test_broken_images_are_told_by_file_and_index(tmp_path: Path) -> None:
    noise = numpy.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=numpy.uint8)
    for name in "abc":
        for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp"):
            folder = tmp_path / suffix
            folder.mkdir(exist_ok=True)
            Image.fromarray(noise).save(folder / f"{name}.{suffix}")
    for folder in sorted(tmp_path.iterdir()):
        broken = folder / f"b.{folder.name}"
        whole = broken.read_bytes()
        for content in (b"", b"hello", whole[: len(whole) // 2], whole[:20] + whole[60:]):
            broken.write_bytes(content)
            said = complaint(tmp_path, folder.name)
            assert str(broken) in said, said
            assert "(sample 1)" in said, said


def test_pixels_of_more_than_8_bits(tmp_path: Path) -> None:
    save(tmp_path / "a.png", "I;16", (2, 2), 40000)
    said = complaint(tmp_path, ".")
    assert said.startswith(f"{tmp_path / 'a.png'} (sample 0) has more than 8 bits a pixel (mode I;16), which is not")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_breaks_later_is_told_from_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    for index in range(8):
        grey(tmp_path / f"{index}.pgm", [[index, 2], [3, 4]])
    monkeypatch.setattr(images, "SMALL", 0)
    batches = data.Batches(opened(tmp_path, "."), batch_size=2, num_workers=workers)
    assert torch.equal(torch.cat([each["image"] for each in batches.epoch(1)])[:, 0, 0, 0] * 255, torch.arange(8.0))
    (tmp_path / "5.pgm").write_bytes(b"P5 2 2 255\n1")
    with pytest.raises(data.DataError, match=r"5\.pgm \(sample 5\) is not a sound image: "):
        list(batches.epoch(1))
    (tmp_path / "5.pgm").unlink()
    with pytest.raises(data.DataError, match=r"5\.pgm \(sample 5\) is not a sound image: .*No such file"):
        list(batches.epoch(1))


def test_without_pillow_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert complaint(tmp_path, "photos") == "reading images needs Pillow: pip install 'tomograph[images]'"
    with pytest.raises(data.DataError, match=r"pip install 'tomograph\[images\]'"):
        data.describe(request(tmp_path, "photos"))


def test_a_link_to_elsewhere_is_seen(tmp_path: Path) -> None:
    photos = two_classes(tmp_path / "here")
    secret = grey(tmp_path / "elsewhere.pgm", [[1, 2, 3], [4, 5, 6]])
    assert data.outside(request(tmp_path / "here", "photos"), [tmp_path / "here"]) is None
    (photos / "cat/9.pgm").symlink_to(secret)
    assert data.outside(request(tmp_path / "here", "photos"), [tmp_path / "here"]) == photos / "cat/9.pgm"


def test_a_spec_declares_the_size_in_its_fields(tmp_path: Path) -> None:
    two_classes(tmp_path)
    path = tmp_path / "spec.toml"
    path.write_text("""
name = "Photos"
[model]
inputs = { image = ["N", 1, 4, 4] }
layers = [{ type = "Flatten" }, { type = "Linear", out_features = 2 }]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "photos/"
fields = { image = { shape = ["N", 1, 4, 4] } }
[train]
epochs = 1
device = "cpu"
""")
    assert len(builder.train(path, out=tmp_path / "run").rows) == 1
    path.write_text(path.read_text().replace("fields = {", "# "))
    with pytest.raises(dsl.SpecError, match=r"\(N, 1, 4, 4\), but the data's `image` is \(N, 1, 2, 3\)"):
        builder.train(path, out=tmp_path / "other")
