"""`--predict`, and `--evaluate` on a file: from the run folder alone, the same as the model run by hand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet
import pytest
import torch
from data_files import idx_bytes
from PIL import Image
from test_commands import Line, refused

import builder
from builder.training import checkpoints

TABLE = """name = "Flowers"
[model]
inputs = { x = ["N", 2] }
layers = [{ name = "fc", type = "Linear", out_features = 3 }]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "flowers.csv"
batch_size = 4
validation = 0.2
[train]
epochs = 1
device = "cpu"
"""
ROWS = [(0.5, "rose", 1), (1.5, "iris", -1), (2.5, "tulip", 0), (3.5, "iris", 4)] * 5


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    """A folder with a run on a table of flowers, whose own file is gone."""
    monkeypatch.chdir(tmp_path)
    found = Line(tmp_path, capsys)
    found.write(TABLE)
    text = "length,kind,width\n" + "\n".join(",".join(str(each) for each in row) for row in ROWS) + "\n"
    (tmp_path / "flowers.csv").write_text(text.replace("kind", "class"))
    status, _, err = found("net.toml", "--train", "--out", "run", "--quiet")
    assert status == 0, err
    (tmp_path / "flowers.csv").unlink()
    return found


def by_hand(folder: Path, x: torch.Tensor) -> torch.Tensor:
    """The best weights' outputs: one linear layer."""
    state = checkpoints.load_weights(folder / "checkpoints" / "best.pt").model
    return x @ state["fc.weight"].T + state["fc.bias"]


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_classes_by_name_and_their_probabilities(line: Line) -> None:
    line.write("width,extra,length\n1,a,0.25\n-2,b,7\n0,c,0\n4,d,1\n1,e,1\n", "new.csv")  # no class, another order
    status, out, err = line("run", "--predict", "new.csv")
    assert (status, err) == (0, "")
    x = torch.tensor([[0.25, 1], [7, -2], [0, 0], [1, 4], [1, 1]])
    wanted = torch.softmax(by_hand(line.folder / "run", x), 1)
    rows = read(out)
    assert list(rows[0]) == ["class", "probability_iris", "probability_rose", "probability_tulip"]
    found = torch.tensor([[float(value) for name, value in row.items() if name != "class"] for row in rows])
    torch.testing.assert_close(found, wanted)
    assert [row["class"] for row in rows] == [["iris", "rose", "tulip"][each] for each in wanted.argmax(1)]


def test_the_file_of_out_is_a_table_or_arrays(line: Line) -> None:
    line.write("length,width\n1,2\n3,4\n", "new.csv")
    assert line("run", "--predict", "new.csv", "--out", "made/table.csv") == (0, "made/table.csv\n", "")
    assert len(read((line.folder / "made/table.csv").read_text())) == 2
    assert line("run", "--predict", "new.csv", "--out", "arrays.npz")[0] == 0
    arrays = numpy.load(line.folder / "arrays.npz")
    wanted = by_hand(line.folder / "run", torch.tensor([[1.0, 2], [3, 4]]))
    torch.testing.assert_close(torch.from_numpy(arrays["fc"]), wanted)
    torch.testing.assert_close(torch.from_numpy(arrays["probability"]), torch.softmax(wanted, 1))
    assert arrays["class"].tolist() == wanted.argmax(1).tolist()
    assert [str(each) for each in arrays["class_name"]] == [["iris", "rose", "tulip"][k] for k in wanted.argmax(1)]
    status, out, _ = line("run", "--predict", "new.csv", "--format", "json")
    assert status == 0
    assert json.loads(out)["samples"] == 2
    assert set(json.loads(out)["predictions"][0]) == {"class", *(f"probability_{k}" for k in ("iris", "rose", "tulip"))}


def test_other_kinds_of_files(line: Line) -> None:
    x = torch.tensor([[1.0, 2], [3, 4]])
    wanted = torch.softmax(by_hand(line.folder / "run", x), 1)
    pyarrow.parquet.write_table(pyarrow.table({"width": [2, 4], "length": [1.0, 3]}), line.folder / "new.parquet")
    numpy.savez(line.folder / "new.npz", x=x.numpy())
    numpy.savez(line.folder / "other.npz", whatever=x.numpy())
    (line.folder / "x.idx").write_bytes(idx_bytes(x.numpy(), "f4"))
    for name in ("new.parquet", "new.npz", "other.npz", "x.idx"):
        status, out, err = line("run", "--predict", name)
        assert status == 0, err
        found = torch.tensor([[float(each) for each in list(row.values())[1:]] for row in read(out)])
        torch.testing.assert_close(found, wanted)


def test_files_that_do_not_fit_are_told(line: Line) -> None:
    line.write("length,height\n1,2\n", "other.csv")
    line.write("length,width\n1,tall\n", "text.csv")
    line.write("length,width\n1,2\n", "new.csv")
    numpy.savez(line.folder / "wide.npz", x=numpy.zeros((2, 5), numpy.float32))
    numpy.savez(line.folder / "two.npz", a=numpy.zeros(2), b=numpy.zeros(2))
    refused(line, 1, ("run", "--predict", "other.csv"), "field 'x': there is no column 'width'")
    refused(line, 1, ("run", "--predict", "text.csv"), "text.csv, line 2, column 'width': 'tall' is not a number")
    refused(line, 1, ("run", "--predict", "wide.npz"), "`x` is (N, 2), but the data's `x` is (N, 5)")
    refused(line, 1, ("run", "--predict", "gone.csv"), "there is no file gone.csv")
    refused(line, 1, ("net.toml", "--predict", "new.csv"), "nothing to predict with: give --weights FILE")
    refused(line, 2, ("run", "--predict", "new.csv", "--out", "a.txt"), "predictions are written to .csv or .npz")
    (line.folder / "file").touch()
    refused(line, 3, ("run", "--predict", "new.csv", "--out", "file/a.csv"), "cannot write file/a.csv")


def test_evaluate_takes_all_samples_of_a_file(line: Line) -> None:
    """With the classes' numbers of training, though the file lacks the first class, and says the columns otherwise."""
    line.write("class,width,length\n" + "tulip,1,2\nrose,3,4\nrose,-1,0\ntulip,0,1\nrose,2,2\n", "held.csv")
    status, out, err = line("run", "--evaluate", "--data", "held.csv", "--format", "json")
    assert status == 0, err
    outputs = by_hand(line.folder / "run", torch.tensor([[2.0, 1], [4, 3], [0, -1], [1, 0], [2, 2]]))
    target = torch.tensor([2, 1, 1, 2, 1])
    found = json.loads(out)
    assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(outputs, target).item(), rel=1e-5)
    assert found["accuracy"] == pytest.approx((outputs.argmax(1) == target).float().mean().item())
    line.write("class,width,length\ndaisy,1,2\n", "held.csv")
    refused(line, 1, ("run", "--evaluate", "--data", "held.csv"), "'daisy', not one of iris, rose, tulip")


PHOTOS = """name = "Photos"
[model]
inputs = { image = ["N", 1, 2, 2] }
layers = [{ type = "Flatten" }, { name = "fc", type = "Linear", out_features = 2 }]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "photos"
prepare = [
  { type = "RandomHorizontalFlip", input = "image" },
  { type = "Normalize", mean = 0.5, std = 0.25, input = "image" },
  { name = "image", type = "mul", input = "image", other = 2.0 },
  { name = "target", type = "add", input = "target", other = 0 },
]
[train]
epochs = 1
device = "cpu"
"""


def photo(path: Path, values: list[list[int]]) -> torch.Tensor:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(numpy.array(values, dtype=numpy.uint8)).save(path)
    return torch.tensor(values).flatten() / 255


def test_images_are_prepared_and_told_by_their_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = Line(tmp_path, capsys)
    line.write(PHOTOS)
    photo(tmp_path / "photos/cat/1.png", [[0, 255], [1, 2]])
    photo(tmp_path / "photos/dog/1.png", [[255, 0], [1, 2]])
    status, _, err = line("net.toml", "--train", "--out", "run", "--quiet")
    assert status == 0, err
    images = [photo(tmp_path / f"new/{name}.png", [[7, 100], [200, each]]) for each, name in enumerate("ba")]
    x = (torch.stack(images[::-1]) - 0.5) / 0.25 * 2
    status, out, err = line("run", "--predict", "new/")
    assert status == 0, err
    wanted = by_hand(tmp_path / "run", x)
    rows = read(out)
    assert [row["file"] for row in rows] == ["new/a.png", "new/b.png"]
    assert [row["class"] for row in rows] == [("cat", "dog")[each] for each in wanted.argmax(1)]
    found = torch.tensor([[float(row["probability_cat"]), float(row["probability_dog"])] for row in rows])
    torch.testing.assert_close(found, torch.softmax(wanted, 1))
    (tmp_path / "new/c.png").write_bytes(b"no image")
    refused(line, 1, ("run", "--predict", "new/"), "c.png (sample 2) is not a sound image")


OUTPUTS = """name = "Two"
[model]
inputs = { a = ["N", 2], b = ["N", 3] }
layers = [
  { name = "left", type = "Linear", input = "a", out_features = 1 },
  { name = "right", type = "Linear", input = "b", out_features = 4 },
  { name = "square", type = "reshape", shape = ["N", 2, 2] },
]
outputs = { left = "left", square = "square" }
[loss]
value = "${mse_loss(left, target)}"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "both.npz"
prepare = [{ name = "target", type = "unsqueeze", input = "target", dim = 1 }]
[train]
epochs = 1
device = "cpu"
"""


def test_outputs_of_other_losses_stand_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = Line(tmp_path, capsys)
    line.write(OUTPUTS.replace('"reshape", shape = ["N", 2, 2]', '"Unflatten", dim = 1, unflattened_size = [2, 2]'))
    generator = numpy.random.default_rng(0)
    a, b = generator.random((5, 2), numpy.float32), generator.random((5, 3), numpy.float32)
    numpy.savez(tmp_path / "both.npz", a=a, b=b, target=a[:, 0])
    assert line("net.toml", "--train", "--out", "run", "--quiet")[0] == 0
    numpy.savez(tmp_path / "new.npz", b=b, a=a)
    status, out, err = line("run", "--predict", "new.npz")
    assert status == 0, err
    model = builder.build(tmp_path / "run/spec.toml", device="cpu")
    model.load_state_dict(checkpoints.load_weights(tmp_path / "run/checkpoints/best.pt").model)
    with torch.no_grad():
        wanted = model(torch.from_numpy(a), torch.from_numpy(b))
    rows = read(out)
    assert list(rows[0]) == ["left", "square_0_0", "square_0_1", "square_1_0", "square_1_1"]
    found = torch.tensor([[float(each) for each in row.values()] for row in rows])
    torch.testing.assert_close(found, torch.cat([wanted["left"], wanted["square"].flatten(1)], 1))
    assert line("run", "--predict", "new.npz", "--out", "new_outputs.npz")[0] == 0
    arrays = numpy.load(tmp_path / "new_outputs.npz")
    assert list(arrays) == ["left", "square"]
    torch.testing.assert_close(torch.from_numpy(arrays["square"]), wanted["square"])
    numpy.savez(tmp_path / "one.npz", a=a)
    refused(line, 1, ("run", "--predict", "one.npz"), "has no field 'b', which the model reads; it has a")


def test_after_training_in_one_command_and_with_many_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = Line(tmp_path, capsys)
    text = TABLE.replace("out_features = 3", "out_features = 20000").replace(
        'type = "CrossEntropyLoss"', 'value = "${mean(fc)}"'
    )
    line.write(text.replace('source = "flowers.csv"', 'source = "random"').replace("validation = 0.2", "samples = 8"))
    numpy.savez(tmp_path / "new.npz", x=numpy.zeros((2, 2), numpy.float32))
    words = ("net.toml", "--train", "--out", "run", "--quiet", "--predict", "new.npz")
    status, _, err = line(*words)
    assert status == 1
    assert "`fc` has 20,000 numbers for each sample, which are too many for a table: --out FILE.npz holds" in err
    line.write((tmp_path / "net.toml").read_text().replace("20000", "1"))
    status, out, err = line(*(word.replace("run", "again") for word in words))
    assert status == 0, err
    assert read(out[out.index("fc") :])[0].keys() == {"fc"}
