"""`--export`: each format read back by somebody else's reader."""

from __future__ import annotations

import json
from pathlib import Path

import networkx
import pytest
import torch
from safetensors.torch import load_file

import builder
import dsl
from builder.commands.entry import run
from builder.exchange import torch_export, weights_file
from builder.files import OutputError

ROOT = Path(__file__).parents[1]
NET = """name = "Net"

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "hidden", type = "Linear", out_features = 8 },
  { name = "norm", type = "BatchNorm1d" },
  { name = "logits", type = "Linear", out_features = 3 },
]

[train]
seed = 7
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(NET, encoding="utf-8")
    return path


def test_graph_is_what_networkx_reads_and_the_same_bytes_again(spec: Path) -> None:
    one, other = spec.with_name("one.json"), spec.with_name("other.json")
    assert run([str(spec), "--export", str(one), "--export", str(other)]) == 0
    assert one.read_bytes() == other.read_bytes()
    graph = networkx.node_link_graph(json.loads(one.read_text(encoding="utf-8")), edges="edges")
    assert list(graph) == ["inputs.x", "hidden", "norm", "logits", "outputs.logits"]
    assert graph.nodes["hidden"]["parameters"] == {"weight": [8, 4], "bias": [8]}


def test_weights_drawn_are_those_of_the_seed_and_told(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = spec.with_name("net.safetensors")
    assert run([str(spec), "--export", str(out)]) == 0
    assert capsys.readouterr().err == f"note: weights freshly drawn with seed 7: none were given\n{out}\n"
    torch.manual_seed(7)
    expected = torch.nn.Linear(4, 8)
    assert torch.equal(load_file(out)["hidden.weight"], expected.weight)


def test_weights_given_come_out_bit_for_bit(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = builder.build(spec).state_dict()
    state["hidden.weight"] = torch.arange(32.0).reshape(8, 4)
    torch.save(state, spec.with_name("given.pt"))
    out = spec.with_name("net.safetensors")
    assert run([str(spec), "--weights", str(spec.with_name("given.pt")), "--export", str(out)]) == 0
    assert capsys.readouterr().err == f"{out}\n"
    found = load_file(out)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], each) for name, each in state.items())


def test_with_a_run_the_weights_are_the_runs(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its best ones, as `--evaluate` and `--predict` take them."""
    text = NET + """epochs = 2
device = "cpu"

[loss]
type = "MSELoss"
input = { input = "logits", target = "y" }

[optimizer]
type = "SGD"
lr = 0.1

[data]
source = "random"
fields = { y = { shape = ["N", 3] } }
samples = 32
batch_size = 8
"""
    spec.write_text(text, encoding="utf-8")
    out, source, folder = spec.with_name("net.safetensors"), spec.with_name("net.py"), spec.with_name("run")
    words = [str(spec), "--train", "--quiet", "--out", str(folder), "--export", str(out), "--export", str(source)]
    assert run(words) == 0, capsys.readouterr().err
    found, best = load_file(out), load_file(folder / "checkpoints" / "best.safetensors")
    assert all(torch.equal(found[name], best[name]) for name in found)
    torch.manual_seed(7)
    assert not torch.equal(found["hidden.weight"], torch.nn.Linear(4, 8).weight)
    assert source.exists()


def test_what_does_not_come_back_leaves_what_was_there(tmp_path: Path) -> None:
    class Odd(torch.nn.Linear):
        def get_extra_state(self) -> object:
            return {"no": "tensor"}

        def set_extra_state(self, state: object) -> None:
            pass

    out = tmp_path / "odd.safetensors"
    out.write_bytes(b"before")
    with pytest.raises(OutputError, match="_extra_state"):
        weights_file.write_weights(out, Odd(2, 2))
    assert [each.name for each in tmp_path.iterdir()] == ["odd.safetensors"]
    assert out.read_bytes() == b"before"


@pytest.mark.parametrize("name", ["lenet", "gallery/unet", "gallery/triplet", "gallery/two_heads"])
def test_a_program_gives_the_models_outputs_in_other_sizes(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = ROOT / "specs" / f"{name}.toml", tmp_path / "model.pt2"
    state = tmp_path / "weights.pt"
    model = builder.build(path, device="cpu").eval()
    torch.save(model.state_dict(), state)
    assert run([str(path), "--weights", str(state), "--export", str(out)]) == 0
    assert capsys.readouterr().err == f"{out}\n"
    program = torch.export.load(out).module()
    shapes = [
        [{"N": 5}.get(size, 48) if isinstance(size, str) else size for size in each.shape or ()]
        for each in dsl.load(path).model.inputs or ()
    ]
    inputs = [torch.randn(shape) for shape in shapes]
    ours, theirs = model(*inputs), program(*inputs)
    pairs = [(ours, theirs)] if isinstance(ours, torch.Tensor) else zip(ours, theirs, strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_attention_is_compared_as_its_code_says_it(tmp_path: Path) -> None:
    """Weights that are not 0 at the end, where torch's fast path for evaluation gives other bits."""
    path = tmp_path / "net.toml"
    path.write_text("""name = "Net"

[model]
inputs = { x = ["N", 5, 8] }
layers = [
  { name = "attention", type = "MultiheadAttention", input = ["x", "x", "x"], num_heads = 2,
    batch_first = true, need_weights = false },
  { name = "fc", type = "Linear", input = "attention.0", out_features = 3 },
]
""", encoding="utf-8")
    assert run([str(path), "--export", str(tmp_path / "net.pt2")]) == 0
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_program_that_differs_is_not_kept(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_export, "same", lambda *_: False)
    assert run([str(spec), "--export", str(spec.with_name("net.pt2"))]) == 3
    assert [each.name for each in spec.parent.iterdir()] == ["net.toml"]


def test_lengths_cannot_be_traced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = ROOT / "specs" / "gallery" / "lstm_classifier.toml"
    assert run([str(path), "--export", str(tmp_path / "net.pt2")]) == 3
    assert "torch.export cannot follow sequences of given lengths" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_choice_cannot_be_traced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run([str(ROOT / "specs" / "dict_dense.toml"), "--export", str(tmp_path / "net.pt2")]) == 3
    assert "an input of the model is a choice" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
