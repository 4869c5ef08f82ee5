"""The command line as its contract has it: exit statuses, what goes to which stream, and nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

import builder
from builder.commands.entry import run

ROOT = Path(__file__).parents[1]
NET = """name = "Net"

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "hidden", type = "Linear", out_features = 8 },
  { name = "act", type = "ReLU" },
  { name = "logits", type = "Linear", out_features = 3 },
]
"""
LOSS = '[loss]\ntype = "CrossEntropyLoss"\n'
OPTIMIZER = '[optimizer]\ntype = "SGD"\nlr = 0.1\n'
DATA = """[data]
source = "random"
samples = 40
validation = 0.2
batch_size = 8
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }
"""
TRAIN = '[train]\nepochs = 1\ndevice = "cpu"\n'
WHOLE = NET + LOSS + OPTIMIZER + DATA + TRAIN


class Line:
    """A folder to stand in, and the command line run there."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def write(self, text: str, name: str = "net.toml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = run(list(words))
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    def files(self) -> set[str]:
        return {str(each.relative_to(self.folder)) for each in self.folder.rglob("*")}


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.chdir(tmp_path)
    found = Line(tmp_path, capsys)
    found.write(WHOLE)
    return found


def refused(line: Line, status: int, words: tuple[str, ...], *said: str) -> None:
    """The status, words on standard error only, and no file made."""
    before = line.files()
    found, out, err = line(*words)
    assert (found, out) == (status, ""), err
    assert [each for each in said if each not in err] == [], err
    assert line.files() == before


def test_a_file_that_is_no_spec(line: Line) -> None:
    (line.folder / "folder").mkdir()
    (line.folder / "latin.toml").write_bytes(b'name = "x"\ndoc = "\xe9"\n')
    refused(line, 1, ("none.toml",), "none.toml", "there is no such file")
    refused(line, 1, ("folder",), "folder", "this is a folder, not a spec")
    refused(line, 1, ("latin.toml", "--train"), "latin.toml", "not UTF-8", "line 2")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (OPTIMIZER + DATA + TRAIN, "loss"),
        (LOSS + DATA + TRAIN, "optimizer"),
        (LOSS + OPTIMIZER + TRAIN, "data"),
        (LOSS + OPTIMIZER + DATA, "`epochs` or `steps`"),
    ],
)
def test_training_without_what_it_needs(line: Line, parts: str, said: str) -> None:
    line.write(NET + parts)
    refused(line, 1, ("net.toml", "--train"), "net.toml", said)


def test_a_device_that_is_not_there(line: Line) -> None:
    refused(line, 1, ("net.toml", "--train", "--device", "cuda:7"), "cuda:7")
    line.write(WHOLE.replace('"cpu"', '"cuda:7"'))
    refused(line, 1, ("net.toml", "--train"), "cuda:7", "net.toml")


def test_several_devices_fall_back(line: Line) -> None:
    line.write(WHOLE.replace('"cpu"', '["cuda:7", "cpu"]'))
    assert line("net.toml", "--train", "--quiet")[0] == 0


CSV = "a,b,c,d,target\n" + "1,2,3,4,0\n5,6,7,8,1\n" * 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CSV + "1,2,3\n", "22"),
        (CSV + "1,2,three,4,0\n", "three"),
        (CSV + "1,2,3,4,7\n", "7"),
        ("", "empty"),
    ],
    ids=["ragged", "text in numbers", "target outside the classes", "empty"],
)
def test_a_csv_at_fault(line: Line, text: str, said: str) -> None:
    line.write(text, "data.csv")
    data = '[data]\nsource = "data.csv"\nfields = { x = ["a", "b", "c", "d"], target = "target" }\n'
    line.write(NET + LOSS + OPTIMIZER + data + TRAIN)
    refused(line, 1, ("net.toml", "--train"), "net.toml", said)


def test_data_cut_short(line: Line) -> None:
    header = bytes([0, 0, 8, 2, 0, 0, 0, 10, 0, 0, 0, 4])  # ten samples of four bytes are promised
    (line.folder / "x-ubyte").write_bytes(header + bytes(17))
    data = '[data]\nsource = { x = "x-ubyte", target = "x-ubyte" }\n'
    line.write(NET + LOSS + OPTIMIZER + data + TRAIN)
    refused(line, 1, ("net.toml", "--train"), "x-ubyte", "cut short")


def test_less_than_a_batch_with_drop_last(line: Line) -> None:
    line.write(WHOLE.replace("batch_size = 8", "batch_size = 64\ndrop_last = true"))
    refused(line, 1, ("net.toml", "--train"), "drop_last")


@pytest.mark.parametrize("setting", ["train.epoch=3", "nowhere=1", "train.epochs=many", "model.layers[9].p=1"])
def test_a_setting_that_does_not_fit(line: Line, setting: str) -> None:
    refused(line, 1, ("net.toml", "--set", setting), "--set", setting)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("net.toml", "--export", "net.docx"), ".docx"),
        (("net.toml", "--render", "net"), "suffix"),
        (("net.toml", "--tarin"), "--train"),
        (("net.toml", "other.toml"), "other.toml"),
        (("net.toml", "--set", "noequals"), "KEY=VALUE"),
        (("net.toml", "--epochs", "many"), "many"),
        ((), "SPEC"),
    ],
)  # fmt: skip
def test_words_that_are_not_known(line: Line, words: tuple[str, ...], said: str) -> None:
    refused(line, 2, words, said)


@pytest.mark.parametrize("words", [("--train", "--out"), ("--export",), ("--render",)])
def test_an_output_that_cannot_be_written(line: Line, words: tuple[str, ...]) -> None:
    (line.folder / "file").write_text("in the way")
    name = {"--export": "file/net.py", "--render": "file/net.svg"}.get(words[-1], "file/run")
    refused(line, 3, ("net.toml", *words, name), "file")


def test_a_checkpoint_of_another_model(line: Line) -> None:
    line.write(NET.replace("out_features = 8", "out_features = 9") + LOSS + OPTIMIZER + DATA + TRAIN, "other.toml")
    assert line("other.toml", "--train", "--quiet", "--out", "run")[0] == 0
    refused(line, 1, ("net.toml", "--evaluate", "--weights", "run/checkpoints/best.pt"), "hidden.weight")
    (line.folder / "bad.pt").write_bytes(b"not a checkpoint")
    refused(line, 1, ("net.toml", "--evaluate", "--weights", "bad.pt"), "bad.pt")
    refused(line, 1, ("net.toml", "--evaluate", "--weights", "gone.pt"), "gone.pt")


def test_check_says_one_line(line: Line) -> None:
    # 4 * 8 + 8 and 8 * 3 + 3 parameters
    assert line("net.toml", "--check") == (0, "Net: 67 parameters, x (N, 4) -> logits (N, 3)\n", "")


def test_faults_as_data(line: Line) -> None:
    assert json.loads(line("net.toml", "--check", "--format", "json")[1]) == {
        "spec": "net.toml", "ok": True, "diagnostics": [],
    }  # fmt: skip
    line.write(NET.replace('"Linear", out_features = 3', '"Linear", in_features = 7, out_features = 3'))
    status, out, err = line("net.toml", "--check", "--format", "json")
    found: dict[str, Any] = json.loads(out)
    (fault,) = found.pop("diagnostics")
    assert (status, err, found) == (1, "", {"spec": "net.toml", "ok": False})
    assert set(fault) == {
        "severity", "code", "message", "file", "line", "column", "end_line", "end_column", "key", "notes", "fix",
    }  # fmt: skip
    # `  { name = "logits", type = "Linear", in_features = 7,` in line 8
    assert [fault[key] for key in ("line", "column", "end_line", "end_column")] == [8, 39, 8, 54]
    assert (fault["key"], fault["fix"]["replacement"]) == ("model.layers[2].in_features", "in_features = 8")


def test_a_summary_as_data(line: Line) -> None:
    status, out, _ = line("net.toml", "--summary", "--format", "json")
    found = json.loads(out)
    layers = found.pop("layers")
    assert (status, found) == (0, {
        "name": "Net", "inputs": {"x": ["N", 4]}, "outputs": {"logits": ["N", 3]}, "parameters": 67,
        "trainable_parameters": 67, "multiply_adds": 4 * 8 + 8 * 3,
    })  # fmt: skip
    assert layers[0] == {
        "name": "hidden", "type": "Linear", "input_shapes": [["N", 4]], "output_shape": ["N", 8], "parameters": 40,
        "multiply_adds": 32, "line": 6,
    }  # fmt: skip
    assert [each["name"] for each in layers] == ["hidden", "act", "logits"]


def test_several_things_as_data_have_a_key_each(line: Line) -> None:
    _, out, _ = line("net.toml", "--check", "--summary", "--format", "json")
    assert list(json.loads(out)) == ["check", "summary"]


def test_exported_source_runs_where_only_torch_is(line: Line) -> None:
    assert line("net.toml", "--export", "net.py")[:2] == (0, "")
    program = "import sys; sys.path.insert(0, sys.argv[1]); import net; print(net.Net())"
    program += "; assert not {'builder', 'dsl', 'networkx'} & set(sys.modules)"
    words = [sys.executable, "-P", "-c", program, str(line.folder)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=line.folder)
    assert done.stdout == f"{builder.build(line.folder / 'net.toml')}\n", done.stderr


def test_render_writes_a_picture(line: Line) -> None:
    assert line("net.toml", "--render", "net.svg")[:2] == (0, "")
    assert "<svg" in (line.folder / "net.svg").read_text(encoding="utf-8")


def test_several_pictures_at_once_and_one_on_standard_output(line: Line) -> None:
    status, out, err = line("net.toml", "--render", "net.svg", "--render", "net.dot", "--render", "-")
    assert status == 0
    assert {"net.svg", "net.dot"} <= line.files()
    assert out == (line.folder / "net.svg").read_text(encoding="utf-8")
    assert [each.split()[0] for each in err.splitlines()] == ["net.svg", "net.dot"]


def test_another_format_on_standard_output(line: Line) -> None:
    assert line("net.toml", "--render=-.dot")[1].startswith("digraph")


def test_a_picture_and_json_do_not_share_standard_output(line: Line) -> None:
    status, out, err = line("net.toml", "--check", "--format", "json", "--render", "-")
    assert (status, out) == (2, "")
    assert "--render - and --format json" in err


def test_options_of_pictures_go_with_a_picture_and_one_goes_to_standard_output(line: Line) -> None:
    status, out, err = line("net.toml", "--check", "--level", "full")
    assert (status, out, err.splitlines()[0]) == (2, "", "error: --level goes with --render FILE")
    status, out, err = line("net.toml", "--render", "-", "--render=-.txt")
    assert (status, out) == (2, "")
    assert err.startswith("error: one picture alone goes to standard output")


def test_formats_without_places_need_no_engine(line: Line) -> None:
    assert line("net.toml", "--render", "net.dot", "--render", "net.mmd", "--render", "net.txt")[2].splitlines() == [
        "net.dot", "net.mmd", "net.txt",
    ]  # fmt: skip


def test_a_suffix_in_capitals_and_a_page_without_depth(line: Line) -> None:
    assert line("net.toml", "--render", "NET.SVG")[0] == 0
    assert "<svg" in (line.folder / "NET.SVG").read_text(encoding="utf-8")
    status, _, err = line("net.toml", "--render", "net.html", "--style", "blocks")
    assert status == 2
    assert err.startswith("error: a page (.html) has no 3-D view")


def test_train_evaluate_and_resume(line: Line) -> None:
    assert line("net.toml", "--train", "--out", "run")[0] == 0
    assert {"run/spec.toml", "run/metrics.csv", "run/status.json", "run/checkpoints/last.pt"} <= line.files()
    assert json.loads((line.folder / "run/status.json").read_text())["state"] == "done"
    status, out, _ = line("run", "--evaluate", "--format", "json")
    assert status == 0
    found = json.loads(out)
    rows = (line.folder / "run/metrics.csv").read_text().splitlines()
    row = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert found["loss"] == pytest.approx(float(row["val_loss"]), rel=1e-4)
    assert line("net.toml", "--train", "--resume", "run", "--epochs", "3", "--quiet")[0] == 0
    rows = (line.folder / "run/metrics.csv").read_text().splitlines()
    assert [each.partition(",")[0] for each in rows] == ["epoch", "1", "2", "3"]


def test_runs_are_numbered(line: Line) -> None:
    for _ in range(2):
        assert line("net.toml", "--train", "--quiet")[0] == 0
    assert {"runs/Net-1", "runs/Net-2"} <= line.files()


def test_a_process_of_its_own_has_the_same_streams_and_status(line: Line) -> None:
    def process(*words: str) -> tuple[int, str, str]:
        done = subprocess.run([sys.executable, "-m", "builder", *words], capture_output=True, text=True, cwd=ROOT)
        return done.returncode, done.stdout, done.stderr

    spec = str(line.folder / "net.toml")
    assert process(spec, "--check") == (0, "Net: 67 parameters, x (N, 4) -> logits (N, 3)\n", "")
    status, out, err = process("nowhere.toml")
    assert (status, out) == (1, "")
    assert err == "error[file]: there is no such file\n  --> nowhere.toml\n"


def test_weights_that_are_given_are_used(line: Line) -> None:
    model = builder.build(line.folder / "net.toml")
    for each in model.parameters():
        torch.nn.init.zeros_(each)
    torch.save(model.state_dict(), line.folder / "zeros.pt")
    _, out, _ = line("net.toml", "--evaluate", "--weights", "zeros.pt", "--format", "json")
    # every logit equal: the loss is ln 3
    assert json.loads(out)["loss"] == pytest.approx(1.0986123, abs=1e-6)


VARIANT = 'extends = "net.toml"\n[optimizer]\nlr = 0.5\n[patch.act]\nreplace = { type = "GELU" }\n'


def test_where_tells_the_layers_of_a_value(line: Line) -> None:
    line.write(VARIANT, "variant.toml")
    words = ("variant.toml", "--where", "optimizer.lr", "--set", "optimizer.lr=2")
    # [optimizer], type and lr follow the nine lines of NET and two of LOSS
    assert line(*words) == (
        0,
        "optimizer.lr = 2.0  --set\n  hides 0.5  variant.toml:3:1\n  hides 0.1  net.toml:14:1\n",
        "",
    )
    assert json.loads(line(*words, "--format", "json")[1]) == [{
        "key": "optimizer.lr", "value": 2.0, "file": "--set", "line": 1, "column": 1, "hides": [
            {"value": 0.5, "file": "variant.toml", "line": 3, "column": 1},
            {"value": 0.1, "file": "net.toml", "line": 14, "column": 1},
        ],
    }]  # fmt: skip


def test_where_tells_the_parts_of_a_table_and_what_nothing_writes(line: Line) -> None:
    line.write(VARIANT, "variant.toml")
    keys = ("loss", "model.layers[1]", "train.seed", "optimizer.momentum", "model.layers.hidden.bias", "vars")
    out = line("variant.toml", *(word for key in keys for word in ("--where", key)))[1]
    assert out.splitlines() == [
        'loss.type = "CrossEntropyLoss"  net.toml:11:1',
        'model.layers[1].type = "GELU"  variant.toml:5:13',
        "train.seed = 0  the default: nothing writes it",
        "optimizer.momentum = 0  the default: nothing writes it",
        "model.layers[0].bias = true  the default: nothing writes it",
        "vars: nothing writes it",
    ]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("train.epoch", "did you mean train.epochs?"),
        ("trian.epochs", "did you mean train?"),
        ("optimizer.momentun", "did you mean optimizer.momentum?"),
        ("model.layers[7].p", "it has 3, from [0] to [2]"),
        ("model.layers.hiden", "did you mean `hidden`?"),
        ("loss.type.x", "there is no `loss.type.x`"),
        ("a..b", "not a key"),
    ],
)
def test_where_of_a_key_that_is_not_known(line: Line, key: str, said: str) -> None:
    refused(line, 1, ("net.toml", "--where", key), f"--where {key}", said)


def test_an_exported_spec_stands_alone_and_checks_the_same(line: Line) -> None:
    line.write(VARIANT, "variant.toml")
    assert line("variant.toml", "--export", "far/whole.toml", "--set", "train.epochs=3") == (0, "", "far/whole.toml\n")
    text = (line.folder / "far/whole.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["train"] == {"epochs": 3, "device": "cpu"}
    assert [key in text for key in ("extends", "patch", "lr = 0.5", '{ type = "GELU" },')] == [False, False, True, True]
    assert line("far/whole.toml", "--check")[1] == line("variant.toml", "--check")[1]
