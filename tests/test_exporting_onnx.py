"""`--export model.onnx`: read by onnx, run by onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import builder
import dsl
from builder.commands.entry import run
from builder.exchange import onnx_export
from builder.exchange.onnx_export import write_onnx

ROOT = Path(__file__).parents[1]
NET = """name = "Net"

[model]
inputs = { x = ["N", "T", 4] }
outputs = { scores = "logits", inside = "hidden" }
layers = [
  { name = "hidden", type = "Linear", out_features = 8 },
  { type = "gelu" },
  { name = "logits", type = "Linear", out_features = 3 },
]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(NET, encoding="utf-8")
    return path


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_names_and_free_sizes_are_the_specs(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = spec.with_name("net.onnx")
    assert run([str(spec), "--export", str(out)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[0] == "note: weights freshly drawn with seed 0: none were given"
    assert printed.err.splitlines()[1].startswith("note: in onnxruntime no output differs by more than ")
    assert printed.err.splitlines()[2:] == [str(out)]
    found = session(out)
    assert [(each.name, each.shape) for each in found.get_inputs()] == [("x", ["N", "T", 4])]
    assert [(each.name, each.shape) for each in found.get_outputs()] == [
        ("scores", ["N", "T", 3]), ("inside", ["N", "T", 8])
    ]  # fmt: skip
    onnx.checker.check_model(onnx.load(out), full_check=True)


@pytest.mark.parametrize("name", ["lenet", "gallery/unet", "gallery/two_heads", "gallery/triplet"])
def test_it_gives_the_models_outputs_in_other_sizes(name: str, tmp_path: Path) -> None:
    path, out, state = ROOT / "specs" / f"{name}.toml", tmp_path / "model.onnx", tmp_path / "weights.pt"
    model = builder.build(path, device="cpu").eval()
    torch.save(model.state_dict(), state)
    assert run([str(path), "--weights", str(state), "--export", str(out)]) == 0
    found = session(out)
    for batch in (1, 5):
        sizes: dict[int | str, int] = {"N": batch, "H": 48, "W": 64}
        inputs = {each.name: torch.randn([sizes.get(size, size) for size in each.shape or ()])
                  for each in dsl.load(path).model.inputs or ()}  # fmt: skip
        with torch.no_grad():
            expected = model(*inputs.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        made = found.run(None, {key: each.numpy() for key, each in inputs.items()})
        for one, other in zip(made, expected, strict=True):
            torch.testing.assert_close(torch.from_numpy(one), other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_keep_the_time_free_and_know_lengths(kind: str, ways: int, tmp_path: Path) -> None:
    """As torch gives it for packed sequences: the outputs, and the last states of both layers."""
    path = tmp_path / "net.toml"
    path.write_text(
        f"""name = "Net"

[model]
inputs.x = {{ shape = ["N", "T", 3] }}
inputs.lengths = {{ shape = ["N"], dtype = "int64", low = 1, high = 6 }}
outputs = {{ all = "rnn.0", last = "last" }}
layers = [
  {{ name = "rnn", type = "{kind}", input = {{ input = "x", lengths = "lengths" }}, hidden_size = 5,
    num_layers = 2, batch_first = true, bidirectional = {str(ways == 2).lower()} }},
  {{ name = "last", type = "flatten", input = "rnn.1{".1" if kind == "LSTM" else ""}", start_dim = 2 }},
]
""",
        encoding="utf-8",
    )
    state, out = tmp_path / "net.pt", tmp_path / "net.onnx"
    model = builder.build(path, device="cpu").eval()
    torch.save(model.state_dict(), state)
    assert run([str(path), "--weights", str(state), "--export", str(out)]) == 0
    layer = getattr(nn, kind)(3, 5, 2, batch_first=True, bidirectional=ways == 2).eval()
    layer.load_state_dict({key.removeprefix("rnn."): each for key, each in model.state_dict().items()})
    x, lengths = torch.randn(4, 9, 3), torch.tensor([9, 1, 5, 3])
    with torch.no_grad():
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        made, ends = layer(packed)
        expected = nn.utils.rnn.pad_packed_sequence(made, batch_first=True, total_length=9)[0]
    found, last = session(out).run(None, {"x": x.numpy(), "lengths": lengths.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.from_numpy(last), ends[1] if kind == "LSTM" else ends, rtol=1e-5, atol=1e-6)


def test_a_recurrent_layer_that_is_not_said_leaves_torchs_as_they_are(tmp_path: Path) -> None:
    spec = NET.replace('outputs = { scores = "logits", inside = "hidden" }\n', "").partition("layers")[0]
    before = nn.RNN.forward
    with pytest.raises(onnx_export.ExportError, match="of ReLU"):
        write_onnx(tmp_path / "net.onnx", Relu().eval(), dsl.loads(f"{spec}layers = [{{ type = 'relu' }}]\n"))
    assert nn.RNN.forward is before


class Relu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(4, 4, nonlinearity="relu", batch_first=True)

    def forward(self, x: torch.Tensor) -> Any:
        return self.rnn(x)[0]


def test_what_the_model_draws_is_told_and_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(ROOT / "specs" / "gallery" / "vae.toml"), "--export", str(tmp_path / "vae.onnx")]) == 0
    assert "note: the model draws decoder at random, which was not compared" in capsys.readouterr().err


class Other:
    """A runtime that is off by a part of what it should give."""

    def __init__(self, *given: Any, **options: Any) -> None:
        self.real = onnxruntime.InferenceSession(*given, **options)

    def get_inputs(self) -> Any:
        return self.real.get_inputs()

    def run(self, names: Any, values: Any) -> list[Any]:
        return [each + numpy.float32(2e-5 * max(1, abs(each).max())) for each in self.real.run(names, values)]


def test_a_file_that_differs_is_not_written(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = type(sys)("onnxruntime")
    fake.__dict__.update({**onnxruntime.__dict__, "InferenceSession": Other})
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    out = spec.with_name("net.onnx")
    out.write_bytes(b"before")
    assert run([str(spec), "--export", str(out)]) == 3
    assert "net.onnx is not written: in onnxruntime an output differs by 2." in capsys.readouterr().err
    assert out.read_bytes() == b"before"
    assert sorted(each.name for each in spec.parent.iterdir()) == ["net.onnx", "net.toml"]


def test_without_the_packages_the_command_is_told(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert run([str(spec), "--export", str(spec.with_name("net.onnx"))]) == 1
    assert capsys.readouterr().err.endswith("an ONNX file needs onnxscript: pip install 'tomograph[onnx]'\n")


def test_what_torch_cannot_say_in_onnx_is_told(spec: Path) -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(x)

    with pytest.raises(onnx_export.ExportError, match=r"torch\.onnx cannot say the model: .*bessel_j0"):
        write_onnx(spec.with_name("odd.onnx"), Odd().eval(), dsl.loads(NET.replace('outputs = { scores = "logits", '
                   'inside = "hidden" }\n', "")))  # fmt: skip
    assert [each.name for each in spec.parent.iterdir()] == ["net.toml"]


def test_more_weights_than_a_file_holds_are_refused(spec: Path) -> None:
    with torch.device("meta"):
        large = nn.Linear(2**15, 2**15)
    with pytest.raises(onnx_export.ExportError, match=r"an ONNX file holds 2 GiB and the model has 4\.0 GiB"):
        write_onnx(spec.with_name("large.onnx"), large, dsl.load(spec))


def test_what_cannot_be_written_is_told(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(spec), "--export", str(spec / "net.onnx")]) == 3
    assert f"cannot write {spec / 'net.onnx'}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("dtype", "layer", "told"),
    [
        ("float64", "gelu", "onnxruntime does not run the file: [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED"),
        ("bfloat16", "relu", "an input or output of the model is bfloat16, which cannot be compared in onnxruntime"),
        ("complex64", "abs", "an input or output of the model is complex64, which cannot be compared in onnxruntime"),
    ],
)
def test_numbers_that_onnxruntime_does_not_take_are_told(
    dtype: str, layer: str, told: str, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of float64 it has no Erf; numpy has no bfloat16; ONNX has no complex numbers."""
    inputs = f'inputs = {{ x = {{ shape = ["N", 4], dtype = "{dtype}" }} }}'
    spec.write_text(f'name = "Net"\n[model]\n{inputs}\nlayers = [{{ type = "{layer}" }}]\n', encoding="utf-8")
    out = spec.with_name("net.onnx")
    out.write_bytes(b"before")
    assert run([str(spec), "--export", str(out)]) == 3
    assert f"error: {told}" in capsys.readouterr().err
    assert out.read_bytes() == b"before"
    assert sorted(each.name for each in spec.parent.iterdir()) == ["net.onnx", "net.toml"]


def test_what_torch_cannot_say_is_told_with_its_place(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = '{ name = "body", layers = [{ type = "Linear", out_features = 4 }, { name = "odd", type = "lgamma" }] }'
    spec.write_text(f'name = "Net"\n[model]\ninputs = {{ x = ["N", 4] }}\nlayers = [{layers}]\n', encoding="utf-8")
    assert run([str(spec), "--export", str(spec.with_name("net.onnx"))]) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: torch.onnx cannot say the model: body: No ONNX function found for <OpOverload(op=")
    assert "lgamma" in error
