"""`tomograph import FILE.pt2`: programs of torch.export become specs with their weights beside them."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import gallery
import pytest
import torch
from importing_files import TRAINING, refused
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.export import Dim

import builder
from builder.commands.entry import run
from builder.exchange.importing.whole import imported
from builder.exchange.programs.archive import open_program
from builder.exchange.programs.opened import ProgramError

ROOT = Path(__file__).parents[1]


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(Block(8) for _ in range(4)))
        self.head = nn.Linear(8, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image).flatten(2).transpose(1, 2)
        return self.head(self.blocks(x).mean(1))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "net.pt2"
    example = torch.randn(2, 1, 8, 8)
    torch.export.save(torch.export.export(Net().eval(), (example,), dynamic_shapes=({0: Dim("N")},)), path)
    return path


def test_the_spec_has_the_classes_the_keys_and_the_bits(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = program.with_name("spec.toml")
    assert run(["import", str(program), "--out", str(out)]) == 0
    weights = out.with_suffix(".safetensors")
    assert capsys.readouterr().err == (
        f"wrote {out} and {weights}: {len(out.read_text().splitlines())} lines; the spec gives what the file gives\n"
    )
    assert sorted(each.name for each in out.parent.iterdir()) == ["net.pt2", "spec.safetensors", "spec.toml"]
    torch.manual_seed(0)
    direct = imported(Net().eval(), torch.randn(2, 1, 8, 8), shapes={"image": ["N", 1, 8, 8]})
    text = out.read_text(encoding="utf-8")
    assert "[blocks.Block]" in text
    assert text == direct.replace("[model]\n", '[model]\nweights = "spec.safetensors"\n')
    expected, found = Net().eval(), builder.build(out, device="cpu").eval()
    expected.load_state_dict(torch.export.load(program).state_dict)
    images = torch.randn(5, 1, 8, 8)
    assert found.state_dict().keys() == expected.state_dict().keys()
    assert torch.equal(found(images), expected(images))
    assert run(["fmt", "--check", str(out)]) == 0


@pytest.mark.filterwarnings("ignore:.*treespec:FutureWarning")  # torch's, of its own code
def test_what_was_lowered_to_core_operators_comes_back_too(program: Path) -> None:
    lowered = program.with_name("core.pt2")
    torch.export.save(torch.export.load(program).run_decompositions(), lowered)
    out = program.with_name("spec.toml")
    assert run(["import", str(lowered), "--out", str(out)]) == 0
    assert {"stem.weight", "blocks.3.up.bias", "head.bias"} <= builder.build(out, device="cpu").state_dict().keys()


@pytest.mark.parametrize("name", ["resnet18", "unet", "triplet", "two_heads", "autoencoder", "squeezenet1_0"])
def test_specs_come_back_from_their_own_export(name: str, tmp_path: Path) -> None:
    """As long as the gallery's at most by half, with the same keys; the command has compared the outputs' bits."""
    path, out = tmp_path / "model.pt2", tmp_path / "spec.toml"
    assert run([str(gallery.FOLDER / f"{name}.toml"), "--export", str(path)]) == 0
    assert run(["import", str(path), "--out", str(out)]) == 0
    there, here = gallery.without_memory(name).state_dict(), builder.build(out, device="cpu").state_dict()
    assert {key: each.shape for key, each in here.items()} == {key: each.shape for key, each in there.items()}
    own = (gallery.FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert len(out.read_text(encoding="utf-8").splitlines()) <= 1.5 * len(own.splitlines())


def test_an_imported_spec_trains(program: Path) -> None:
    out = program.with_name("spec.toml")
    assert run(["import", str(program), "--out", str(out)]) == 0
    before = builder.build(out, device="cpu").state_dict()
    text = out.read_text(encoding="utf-8") + TRAINING
    out.write_text(text, encoding="utf-8")
    assert run([str(out), "--train", "--quiet", "--out", str(out.with_name("run"))]) == 0
    trained = load_file(next(out.with_name("run").rglob("*.safetensors")))
    assert trained.keys() == before.keys()
    assert not any(torch.equal(each, before[key]) for key, each in trained.items())
    after = builder.build(out, device="cpu").state_dict()
    assert all(torch.equal(before[key], each) for key, each in after.items())  # the file beside the spec is as it was


# What is no sound program


def test_a_file_cut_short_anywhere_is_told(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = program.read_bytes()
    cut = program.with_name("cut.pt2")
    for part in range(20):
        cut.write_bytes(whole[: len(whole) * part // 20])
        assert "cut.pt2" in refused(cut, capsys)


def rewritten(program: Path, change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED) -> Path:
    """The program with some parts changed; `change` works on parts by their names below the archive's folder."""
    with zipfile.ZipFile(program) as archive:
        parts = {each.filename.partition("/")[2]: archive.read(each) for each in archive.infolist()}
    change(parts)
    path = program.with_name("hostile.pt2")
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, each in parts.items():
            archive.writestr(f"hostile/{name}", each)
    return path


def told(program: Path, change: Callable[[dict[str, bytes]], None], capsys: pytest.CaptureFixture[str]) -> str:
    return refused(rewritten(program, change), capsys)


def model_of(parts: dict[str, bytes], change: Callable[[dict[str, object]], None]) -> None:
    whole = json.loads(parts["models/model.json"])
    change(whole)
    parts["models/model.json"] = json.dumps(whole).encode()


class Marks:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_run(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = program.with_name("ran")
    pickled = io.BytesIO()
    torch.save(Marks(mark), pickled)

    def weight(parts: dict[str, bytes]) -> None:
        config = json.loads(parts["data/weights/model_weights_config.json"])
        config["config"]["stem.bias"]["use_pickle"] = True
        parts["data/weights/model_weights_config.json"] = json.dumps(config).encode()
        parts["data/weights/weight_1"] = pickled.getvalue()

    assert "stem.bias is a pickle, which could run code" in told(program, weight, capsys)

    def size(parts: dict[str, bytes]) -> None:
        text = parts["models/model.json"].replace(
            b"Symbol('", f"__import__('pathlib').Path('{mark}').touch() or Symbol('".encode()
        )
        parts["models/model.json"] = text

    assert "is no size" in told(program, size, capsys)

    def guard(whole: dict[str, object]) -> None:
        whole["guards_code"] = [f"__import__('pathlib').Path({str(mark)!r}).touch()"]

    def examples(parts: dict[str, bytes]) -> None:
        parts["data/sample_inputs/model.pt"] = pickled.getvalue()
        model_of(parts, guard)

    path = rewritten(program, examples)  # guards and examples are left out, and the rest is sound
    assert run(["import", str(path), "--out", str(program.with_name("spec.toml"))]) == 0
    assert not mark.exists()


def test_an_operator_of_somebody_else_is_told_with_its_node(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(whole: dict[str, object]) -> None:
        nodes = whole["graph_module"]["graph"]["nodes"]  # type: ignore[index]
        nodes[0]["target"] = "torch.ops.load_library.default"

    said = told(program, lambda parts: model_of(parts, change), capsys)
    assert "node `conv2d` calls torch.ops.load_library.default, which is none of torch's own operators" in said


def test_an_operator_that_a_spec_cannot_say_is_told_with_its_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.as_strided(x, (2, 2), (1, 1))

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x + 1)

    path = tmp_path / "strided.pt2"
    torch.export.save(torch.export.export(Outer(), (torch.randn(4),)), path)
    assert "inner: node `as_strided` calls aten.as_strided.default, which a spec cannot say" in refused(path, capsys)


@pytest.mark.filterwarnings("ignore:.*treespec:FutureWarning")
def test_a_program_that_changes_a_buffer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.count.add_(1)
            return x + self.count

    path = tmp_path / "counts.pt2"
    torch.export.save(torch.export.export(Counts(), (torch.randn(4),)).run_decompositions(), path)
    assert "the program changes count, which a spec cannot say" in refused(path, capsys)


def test_compressed_parts_are_refused(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rewritten(program, lambda parts: parts.update({"data/x": bytes(10**7)}), zipfile.ZIP_DEFLATED)
    assert "compressed parts; torch.export.save writes none" in refused(path, capsys)


def test_weights_that_are_not_there_are_told(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there are no numbers of stem.weight" in told(
        program, lambda parts: parts.pop("data/weights/weight_0") and None, capsys
    )


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"graph_module": 3}', b'{"graph_module": {}}', b"\xff\xfe"]
)
def test_a_model_that_is_no_program_is_told(program: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    told(program, lambda parts: parts.update({"models/model.json": content}), capsys)


def test_other_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.pt2"
    text.write_text("no program")
    assert "text.pt2 is no .pt2 file, or cut short" in refused(text, capsys)
    assert "cannot read" in refused(tmp_path / "none.pt2", capsys)
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "state.pt2")
    assert "state.pt2 is no .pt2 file of torch 2.9 or later: it has no models/model.json" in refused(
        tmp_path / "state.pt2", capsys
    )


@pytest.mark.long
def test_flipped_bytes_are_told_or_harmless(program: Path) -> None:
    """A byte of the program's text changed, one at a time: no other kind of error, whatever torch makes of it."""
    with zipfile.ZipFile(program) as archive:
        length = len(archive.read(next(each for each in archive.namelist() if each.endswith("models/model.json"))))
    random = torch.Generator().manual_seed(0)
    for place in torch.randint(length, (400,), generator=random).tolist():

        def flip(parts: dict[str, bytes], place: int = place) -> None:
            content = bytearray(parts["models/model.json"])
            content[place] ^= 1 + place % 127
            parts["models/model.json"] = bytes(content)

        path = rewritten(program, flip)
        with contextlib.suppress(ProgramError):
            open_program(path)


def test_a_failure_keeps_what_was_there(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from builder.exchange.programs import reading

    out = program.with_name("spec.toml")
    out.write_text("before")
    out.with_suffix(".safetensors").write_text("before too")
    monkeypatch.setattr(reading, "difference", lambda *_: 1.0)
    assert run(["import", str(program), "--out", str(out)]) == 3
    assert "output 0 of the file as torch's layers differs from the program's by 1.0e+00" in capsys.readouterr().err
    assert out.read_text() == "before"
    assert out.with_suffix(".safetensors").read_text() == "before too"
    assert len(list(out.parent.iterdir())) == 3


def test_examples_are_not_asked_for(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(program), "--out", "spec.toml", "--input", "image=1,1,8,8"]) == 2
    assert "--input is for a module from Python" in capsys.readouterr().err
