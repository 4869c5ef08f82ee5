"""Weights from files into models: `[model] weights`, `--weights`, what is refused, and who reads them."""

from __future__ import annotations

import json
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from test_commands import WHOLE, Line
from torch import nn

import builder
import dsl
from builder.exchange.weights import put_in, read
from builder.training.errors import CheckpointError
from builder.training.weights import write_safetensors


def network(seed: int = 1, out: int = 3) -> nn.Module:
    """The class that NET is, by hand."""
    torch.manual_seed(seed)
    net = nn.Module()
    net.hidden, net.act, net.logits = nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, out)
    return net


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def saved(folder: Path, name: str, state: dict[str, Any]) -> Path:
    path = folder / name
    if path.suffix == ".safetensors":
        write_safetensors(path, state)
    else:
        torch.save(state, path)
    return path


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.chdir(tmp_path)
    found = Line(tmp_path, capsys)
    found.write(WHOLE)
    return found


# Files


def legacy(path: Path, value: Any) -> None:
    torch.save(value, path, _use_new_zipfile_serialization=False)


def held_as(folder: Path, form: str, state: dict[str, Any]) -> Path:
    if form == "safetensors":
        return saved(folder, "net.safetensors", state)
    path = folder / "net.pth"
    match form:
        case "zip":
            torch.save(state, path)
        case "legacy":
            legacy(path, state)
        case "state_dict":
            torch.save({"epoch": 3, "arch": "net", "state_dict": state, "optimizer": {"lr": 0.1}}, path)
        case "model":
            torch.save({"model": state, "epoch": 3}, path)
        case "parameters":
            torch.save({key: nn.Parameter(each) for key, each in state.items()}, path)
        case "safetensors by another name":
            write_safetensors(path, state)
    return path


FORMS = ["safetensors", "zip", "legacy", "state_dict", "model", "parameters", "safetensors by another name"]


@pytest.mark.parametrize("form", FORMS)
def test_files_of_every_kind_are_read(tmp_path: Path, form: str) -> None:
    state = network().state_dict()
    found = read(held_as(tmp_path, form, state))
    assert same(dict(found.model), dict(state))
    model = network(2)
    assert put_in(model, found.model, "net") == ""
    assert same(model.state_dict(), state)


class Evil:
    def __reduce__(self) -> Any:
        return (open, ("evil", "w"))


def hostile(folder: Path, form: str) -> Path:
    path = folder / "bad.pth"
    whole = folder / "whole.pth"
    state = network().state_dict()
    match form:
        case "gone":
            return folder / "gone.pth"
        case "folder":
            return folder
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("no weights")
        case "cut zip":
            torch.save(state, whole)
            path.write_bytes(whole.read_bytes()[:-300])
        case "cut legacy":
            legacy(whole, state)
            path.write_bytes(whole.read_bytes()[:-40])
        case "code":
            path.write_bytes(pickle.dumps({"weight": Evil()}))
        case "code in a zip":
            torch.save({"weight": Evil()}, path)
        case "another zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a", "b")
        case "a whole model":
            torch.save(nn.Linear(2, 2), path)
        case "no names":
            torch.save({1: torch.zeros(1)}, path)
        case "a list":
            legacy(path, [torch.zeros(1)])
        case "nothing in it":
            torch.save({}, path)
        case "settings alone":
            torch.save({"lr": 0.1, "epoch": 5}, path)
        case "safetensors":
            path = folder / "bad.safetensors"
            path.write_bytes(b"\x10\0\0\0\0\0\0\0{")
    return path


@pytest.mark.parametrize(
    "form",
    ["gone", "folder", "empty", "text", "cut zip", "cut legacy", "code", "code in a zip", "another zip",
     "a whole model", "no names", "a list", "nothing in it", "settings alone", "safetensors"],
)  # fmt: skip
def test_a_file_that_is_cut_or_hostile_is_named(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = hostile(tmp_path, form)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert not Path("evil").exists()


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_file_cut_anywhere_is_told(tmp_path: Path, form: str) -> None:
    path = held_as(tmp_path, form, network().state_dict())
    data = path.read_bytes()
    for length in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"net\.(pth|safetensors)"):
            put_in(network(), read(path).model, str(path))


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_file_with_flipped_bits_is_told_or_read(tmp_path: Path, form: str) -> None:
    path = held_as(tmp_path, form, network().state_dict())
    data, chance = path.read_bytes(), random.Random(0)
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(chance.choice((1, 3))):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        try:
            put_in(network(), read(path).model, str(path))
        except CheckpointError as error:
            assert "net." in str(error)  # noqa: PT017


# Into a model


def test_what_does_not_fit_leaves_the_model_as_it_was() -> None:
    model = network()
    before = {key: each.clone() for key, each in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"of another shape: logits.weight \(5, 8\), in the model \(3, 8\)"):
        put_in(model, network(2, out=5).state_dict(), "net.pt")
    assert same(model.state_dict(), before)


def test_other_kinds_of_numbers_are_refused() -> None:
    state = network().state_dict()
    for each in (state["logits.bias"].to(torch.int64), state["logits.bias"].to(torch.complex64)):
        with pytest.raises(CheckpointError, match=r"of another kind: logits.bias holds (integers|complex numbers), "):
            put_in(network(2), {**state, "logits.bias": each}, "net.pt")
    model = network(2)
    put_in(model, {key: each.to(torch.bfloat16) for key, each in state.items()}, "net.pt")  # as copy_ has it
    assert torch.equal(model.logits.bias, state["logits.bias"].to(torch.bfloat16).float())


def tied() -> nn.Module:
    net = nn.Module()
    net.words, net.head = nn.Embedding(6, 4), nn.Linear(4, 6, bias=False)
    net.head.weight = net.words.weight
    return net


def test_a_tied_tensor_stands_once_or_twice_in_a_file() -> None:
    values = torch.randn(6, 4)
    for state in ({"words.weight": values}, {"head.weight": values},
                  {"words.weight": values, "head.weight": values.clone()}):  # fmt: skip
        model = tied()
        put_in(model, state, "net.pt")
        assert torch.equal(model.words.weight, values)
        assert model.head.weight is model.words.weight
    with pytest.raises(CheckpointError, match=r"one tensor in the model, two in the file: words\.weight and head"):
        put_in(tied(), {"words.weight": values, "head.weight": values + 1}, "net.pt")


def test_batch_norms_of_before_its_counter_are_taken() -> None:
    norm = nn.BatchNorm1d(3)
    state = {key: each + 1 for key, each in norm.state_dict().items() if key != "num_batches_tracked"}
    put_in(norm, state, "net.pt")
    assert torch.equal(norm.running_mean, torch.ones(3))


# In a spec


def with_weights(text: str) -> str:
    return WHOLE.replace("[loss]", f"{text}\n[loss]")


def test_a_spec_is_built_with_its_weights(tmp_path: Path) -> None:
    state = network().state_dict()
    saved(tmp_path, "net.safetensors", {f"module.{key}": each for key, each in state.items()})
    spec = tmp_path / "net.toml"
    spec.write_text(with_weights('weights = "net.safetensors"\nrename = { "module.*" = "*" }'))
    assert same(builder.build(spec, device="cpu").state_dict(), state)
    assert same(builder.build(dsl.load(spec), device="cpu").state_dict(), state)


def test_a_backbone_from_weights_and_the_rest_fresh(tmp_path: Path) -> None:
    saved(tmp_path, "net.pth", network(out=1000).state_dict())
    spec = tmp_path / "net.toml"
    spec.write_text(with_weights('weights = { file = "net.pth", fresh = "logits.*" }'))
    torch.manual_seed(5)
    made = builder.build(spec, device="cpu")
    spec.write_text(WHOLE)
    torch.manual_seed(5)
    fresh = builder.build(spec, device="cpu")
    assert torch.equal(made.hidden.weight, network().hidden.weight)
    assert torch.equal(made.logits.weight, fresh.logits.weight)


def test_a_file_that_is_not_there_is_a_fault_of_the_spec(line: Line) -> None:
    line.write(with_weights('weights = "gone.safetensors"'))
    status, out, err = line("net.toml", "--check")
    assert (status, out) == (1, "")
    assert "error[weights]: there is no file gone.safetensors\n  --> net.toml:10:11" in err
    status, _, err = line("net.toml", "--train")
    assert status == 1
    assert "gone.safetensors" in err


def test_check_tells_what_does_not_fit_without_torch(line: Line) -> None:
    saved(line.folder, "net.safetensors", {**network(out=5).state_dict(), "more": torch.zeros(2)})
    line.write(with_weights('weights = "net.safetensors"'))
    status, out, _ = line("net.toml", "--check", "--format", "json")
    (fault,) = json.loads(out)["diagnostics"]
    assert (status, fault["code"], fault["line"], fault["key"]) == (1, "weights", 10, "model.weights")
    assert fault["message"] == (
        "net.safetensors does not fit the model: of its 4 tensors it has besides 1 and has in another shape 2"
    )
    assert fault["notes"] == [
        "left over: more (2,)",
        "of another shape: logits.weight (5, 8), in the model (3, 8)",
        "of another shape: logits.bias (5,), in the model (3,)",
    ]


def test_check_tells_what_starts_anew_and_what_it_has_not_looked_at(line: Line) -> None:
    saved(line.folder, "net.safetensors", network(out=5).state_dict())
    line.write(with_weights('weights = { file = "net.safetensors", fresh = ["logits.*"] }'))
    assert "note: 2 of 4 tensors are net.safetensors's; starts anew: logits.weight" in line("net.toml", "--check")[2]
    saved(line.folder, "net.pt", network().state_dict())
    line.write(with_weights('weights = "net.pt"'))
    assert "note: the weights of net.pt are looked at when the model is built" in line("net.toml", "--check")[2]


def test_check_opens_no_weights_that_lie_elsewhere(line: Line, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    saved(other, "net.safetensors", network(out=5).state_dict())
    (line.folder / "link.safetensors").symlink_to(other / "net.safetensors")
    for each in (str(other / "net.safetensors"), "link.safetensors"):
        line.write(with_weights(f'weights = "{each}"'))
        status, _, err = line("net.toml", "--check")
        assert status == 0
        assert "note: the weights are not looked at, as " in err
    assert line("net.toml", "--check", "--weights", str(other / "net.safetensors"))[0] == 1  # the person named it


def test_weights_are_relative_to_the_file_that_says_them(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    saved(tmp_path / "base", "net.safetensors", network().state_dict())
    (tmp_path / "base" / "net.toml").write_text(with_weights('weights = "net.safetensors"'))
    (tmp_path / "variant.toml").write_text('extends = "base/net.toml"\nname = "Variant"\n')
    assert same(builder.build(tmp_path / "variant.toml", device="cpu").state_dict(), network().state_dict())


# On the command line


def first_lines(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]


def test_training_starts_from_weights_and_keeps_where_from(line: Line) -> None:
    still = ("--set", "optimizer.lr=1e-30", "--quiet")  # nothing moves
    state = network().state_dict()
    saved(line.folder, "net.safetensors", state)
    assert line("net.toml", "--train", "--out", "one", "--weights", "net.safetensors", *still)[0] == 0
    assert same(first_lines(line.folder / "one"), state)
    text = (line.folder / "one" / "spec.toml").read_text()
    assert f'weights = "{line.folder / "net.safetensors"}"' in text
    line.write(with_weights('weights = "net.safetensors"'))
    assert line("net.toml", "--train", "--out", "two", *still)[0] == 0
    assert same(first_lines(line.folder / "two"), state)


def test_a_run_needs_its_first_weights_no_more(line: Line) -> None:
    line.write(with_weights('weights = "net.safetensors"'))
    path = saved(line.folder, "net.safetensors", network().state_dict())
    assert line("net.toml", "--train", "--out", "run", "--quiet")[0] == 0
    path.unlink()
    assert line("run", "--evaluate")[0] == 0
    assert line("run", "--check")[0] == 0
    resumed = line("net.toml", "--train", "--resume", "run", "--epochs", "2", "--quiet")
    assert resumed[0] == 0, resumed
    assert line("net.toml", "--train", "--resume", "run", "--weights", "x.pt")[0] == 2


def test_what_starts_anew_is_told_in_training(line: Line) -> None:
    saved(line.folder, "net.pth", network(out=5).state_dict())
    line.write(with_weights('weights = { file = "net.pth", fresh = "logits.*" }'))
    status, _, err = line("net.toml", "--train", "--out", "run")
    assert status == 0
    assert "2 of 4 tensors are net.pth's; starts anew: logits.weight, logits.bias; left in the file: logits.w" in err


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
def test_published_weights_are_evaluated_as_they_are(line: Line, name: str) -> None:
    saved(line.folder, name, {f"net.{key}": each for key, each in network().state_dict().items()})
    line.write(with_weights(f'weights = "{name}"\nrename = {{ "net.*" = "*" }}'))
    by_spec = line("net.toml", "--evaluate")
    assert by_spec[0] == 0
    assert line("net.toml", "--evaluate", "--weights", name) == by_spec


@pytest.mark.parametrize("words", [("--train",), ("--evaluate",), ("--check",), ("--predict", "x.npz")])
@pytest.mark.parametrize("name", ["bad.safetensors", "bad.pth"])
def test_a_bad_file_ends_every_word_with_1(line: Line, name: str, words: tuple[str, ...]) -> None:
    (line.folder / name).write_bytes(b"\x10\0\0\0\0\0\0\0{")
    status, _, err = line("net.toml", *words, "--weights", name)
    if words == ("--check",) and name == "bad.pth":
        assert status == 0  # it is looked at when the model is built
    else:
        assert status == 1
        assert name in err


FAULTS = {
    'weights = 3': "`weights` is a file of weights, or a table such as",
    'weights = ""': "`weights` names no file",
    "weights = {}": "`weights` says no `file`",
    'weights = { fiel = "a.pt" }': "unknown key `fiel`",
    'weights = { file = "a.pt", fresh = 3 }': "`fresh` is a pattern of keys",
    'rename = "a"': "`rename` is a table",
    'rename = { "a.*" = 3 }': "`rename` gives a key its new name",
    'rename = { "a.*" = "b" }': '"a.*" has 1 `*` and "b" has 0',
}  # fmt: skip


@pytest.mark.parametrize("text", FAULTS)
def test_faults_of_the_keys(text: str) -> None:
    with pytest.raises(dsl.SpecError) as caught:
        dsl.loads(with_weights(text))
    assert FAULTS[text] in str(caught.value)
    assert len(caught.value.diagnostics) == 1
