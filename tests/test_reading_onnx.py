"""`tomograph import FILE.onnx`: held against onnxruntime, and against the ONNX standard's own node cases."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
import torch
from importing_files import TRAINING, refused
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import fx, nn
from torch.utils import _pytree as pytree

import builder
from builder.commands.entry import run
from builder.exchange.differing import difference
from builder.exchange.importing.whole import imported as from_net
from builder.exchange.programs.onnx.functions import FUNCTIONS
from builder.exchange.programs.onnx.layers import LAYERS
from builder.exchange.programs.onnx.program import module_of_graph
from builder.exchange.programs.opened import ProgramError
from builder.exchange.programs.scopes import scope

PLAIN = ("float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool")


def cases() -> list[Any]:
    """The standard's cases of nodes whose operators are read, and whose values numpy has."""
    from onnx.backend.test.case.node import collect_testcases

    known = {*FUNCTIONS, *LAYERS, "Constant", "Gather"} - {"RandomNormalLike"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = collect_testcases(None)
    return [each for each in every if all(map(plain, each.data_sets))
            and all(node.op_type in known and node.domain == "" for node in each.model.graph.node)]  # fmt: skip


def plain(data_set: tuple[Sequence[Any], Sequence[Any]]) -> bool:
    values = [each for part in data_set for each in part]
    return all(isinstance(each, numpy.ndarray | numpy.generic) and each.dtype in PLAIN for each in values)


def test_the_standards_cases_come_out_as_it_says_or_are_refused() -> None:
    """None comes out otherwise: 428 as the standard says, the others are refused by name or by torch."""
    passed, wrong = 0, []
    for case in cases():
        try:
            module = module_of_graph(Path(case.name), onnx.shape_inference.infer_shapes(case.model, data_prop=True))
            for given, expected in case.data_sets:
                with torch.no_grad():
                    made = pytree.tree_leaves(module(*(torch.from_numpy(numpy.array(each)) for each in given)))
                far = [
                    difference(one, torch.from_numpy(numpy.array(other)))
                    for one, other in zip(made, expected, strict=False)
                ]
                wrong += [case.name] * (max(far) > 1e-5)
        except (ProgramError, RuntimeError):
            continue
        passed += 1
    assert wrong == []
    assert passed >= 428


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 8)
        self.layers = nn.Sequential(*(Layer(8) for _ in range(3)))
        self.head = nn.Linear(8, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(self.embed(tokens)).mean(1))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A small model as torch's exporter writes it."""
    spec, state = tmp_path / "net.toml", tmp_path / "net.pt"
    torch.manual_seed(0)
    net = Net().eval()
    torch.save(net.state_dict(), state)
    spec.write_text(from_net(net, torch.randint(40, (2, 6)), shapes={"tokens": ["N", "T"]}))
    path = tmp_path / "net.onnx"
    assert run([str(spec), "--weights", str(state), "--export", str(path)]) == 0
    spec.unlink()
    return path


def imported(path: Path) -> str:
    out = path.with_name("spec.toml")
    assert run(["import", str(path), "--out", str(out)]) == 0
    return out.read_text(encoding="utf-8")


def test_blocks_names_weights_and_free_sizes_come_back(exported: Path) -> None:
    text = imported(exported)
    assert "[blocks.Layer]" in text
    assert "repeat = 3" in text
    assert 'tokens = { shape = ["N", "T"], dtype = "int64"' in text
    assert 'weights = "spec.safetensors"' in text
    state = torch.load(exported.with_name("net.pt"))
    found = builder.build(exported.with_name("spec.toml"), device="cpu").eval()
    assert found.state_dict().keys() == state.keys()
    assert all(torch.equal(each, state[key]) for key, each in found.state_dict().items())
    expected = Net().eval()
    expected.load_state_dict(state)
    tokens = torch.randint(40, (3, 11))
    torch.testing.assert_close(found(tokens), expected(tokens))
    assert run(["fmt", "--check", str(exported.with_name("spec.toml"))]) == 0


def saved(
    path: Path, nodes: Sequence[Any], inputs: dict[str, Sequence[int | str]], outputs: dict[str, int],
    weights: dict[str, Any], opset: int = 20, **domains: int,
) -> Path:  # fmt: skip
    graph = helper.make_graph(
        list(nodes), "main_graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}{at}" for at in range(rank)])
         for name, rank in outputs.items()],
        [numpy_helper.from_array(numpy.asarray(each), name) for name, each in weights.items()],
    )  # fmt: skip
    opsets = [
        helper.make_opsetid("", opset),
        *(helper.make_opsetid(name, version) for name, version in domains.items()),
    ]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def drawn(*shape: int) -> Any:
    return numpy.random.default_rng(0).standard_normal(shape).astype(numpy.float32)


def test_an_imported_spec_trains(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "fc.weight", "fc.bias"], ["logits"], transB=1),
    ]
    path = saved(tmp_path / "digits.onnx", nodes, {"image": ["n", 1, 8, 8]}, {"logits": 2}, {
        "conv.weight": drawn(8, 1, 3, 3), "conv.bias": drawn(8), "fc.weight": drawn(10, 8), "fc.bias": drawn(10),
    })  # fmt: skip
    text = imported(path)
    out = path.with_name("spec.toml")
    out.write_text(text + TRAINING, encoding="utf-8")
    assert run([str(out), "--train", "--quiet", "--out", str(out.with_name("run"))]) == 0
    state = load_file(next(out.with_name("run").rglob("*.safetensors")))
    assert not torch.equal(state["fc.weight"], torch.from_numpy(drawn(10, 8)))


def test_weights_without_names_take_those_of_their_scopes(tmp_path: Path) -> None:
    """As torch's older exporter names nodes and what it has transposed."""
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_12"], ["a"], "/enc/layer.0/query/MatMul"),
        helper.make_node("Add", ["enc.layer.0.query.bias", "a"], ["b"], "/enc/layer.0/query/Add"),
        helper.make_node("Relu", ["b"], ["c"], "/enc/layer.0/act/Relu"),
        helper.make_node("MatMul", ["c", "onnx::MatMul_13"], ["y"], "/enc/head/MatMul"),
    ]
    path = saved(tmp_path / "old.onnx", nodes, {"x": ["batch", 4]}, {"y": 2}, {
        "onnx::MatMul_12": drawn(4, 8), "enc.layer.0.query.bias": drawn(8), "onnx::MatMul_13": drawn(8, 3),
    })  # fmt: skip
    text = imported(path)
    assert 'x = ["N", 4]' in text
    state = builder.build(path.with_name("spec.toml"), device="cpu").state_dict()
    assert list(state) == ["enc.layer.0.query.weight", "enc.layer.0.query.bias", "enc.head.weight"]
    assert torch.equal(state["enc.head.weight"], torch.from_numpy(drawn(8, 3)).T)


def test_sizes_that_are_worked_out_stay_free(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        helper.make_node("Unsqueeze", ["batch", "first"], ["batches"]),
        helper.make_node("Concat", ["batches", "rest"], ["sizes"], axis=0),
        helper.make_node("Reshape", ["x", "sizes"], ["heads"]),
        helper.make_node("Transpose", ["heads"], ["turned"], perm=[0, 2, 1, 3]),
        helper.make_node("ReduceMean", ["turned", "last"], ["y"], keepdims=0),
    ]
    path = saved(tmp_path / "sizes.onnx", nodes, {"x": ["n", "t", 8]}, {"y": 3}, {
        "zero": numpy.int64(0), "first": numpy.array([0]), "rest": numpy.array([-1, 2, 4]), "last": numpy.array([-1]),
    })  # fmt: skip
    text = imported(path)
    assert 'x = ["N", "t", 8]' in text
    made = builder.build(path.with_name("spec.toml"), device="cpu")
    x = torch.randn(3, 7, 8)
    torch.testing.assert_close(made(x), x.reshape(3, 7, 2, 4).transpose(1, 2).mean(-1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("twice", [False, True])
def test_recurrent_layers_have_torchs_order_of_gates(kind: str, twice: bool, tmp_path: Path) -> None:
    gates, directions = {"LSTM": 4, "GRU": 3}[kind], 1 + twice
    more = {"linear_before_reset": 1} if kind == "GRU" else {}
    nodes = [
        helper.make_node(kind, ["x", "rnn.W", "rnn.R", "rnn.B"], ["all"], hidden_size=5,
                         direction="bidirectional" if twice else "forward", **more),
        helper.make_node("Transpose", ["all"], ["turned"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["turned", "sizes"], ["y"]),
    ]  # fmt: skip
    path = saved(tmp_path / "rnn.onnx", nodes, {"x": ["t", "n", 3]}, {"y": 3}, {
        "rnn.W": drawn(directions, gates * 5, 3), "rnn.R": drawn(directions, gates * 5, 5),
        "rnn.B": drawn(directions, 2 * gates * 5), "sizes": numpy.array([0, 0, -1]),
    })  # fmt: skip
    assert f'type = "{kind}"' in imported(path)  # the command has held it against onnxruntime


def test_a_convolution_padded_on_one_side_and_a_norm(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], pads=[0, 1, 1, 2], strides=[2, 1]),
        helper.make_node("BatchNormalization", ["a", "bn.weight", "bn.bias", "bn.mean", "bn.var"], ["b"], epsilon=1e-3),
        helper.make_node("Clip", ["b", "low", "high"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["y"]),
    ]
    path = saved(tmp_path / "conv.onnx", nodes, {"x": ["n", 2, 9, 9]}, {"y": 2}, {
        "conv.weight": drawn(4, 2, 3, 3), "conv.bias": drawn(4), "bn.weight": drawn(4), "bn.bias": drawn(4),
        "bn.mean": drawn(4), "bn.var": numpy.abs(drawn(4)) + 1, "low": numpy.float32(0), "high": numpy.float32(6),
    })  # fmt: skip
    text = imported(path)
    assert 'type = "BatchNorm2d", eps = 0.001' in text
    assert "relu6" in text


# What is no sound file


def test_a_file_cut_short_anywhere_is_told(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, cut = exported.read_bytes(), exported.with_name("cut.onnx")
    for part in range(20):
        cut.write_bytes(whole[: len(whole) * part // 20])
        assert "cut.onnx" in refused(cut, capsys)


@pytest.mark.long
def test_flipped_bytes_are_told_or_harmless(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, other = exported.read_bytes(), exported.with_name("other.onnx")
    random = torch.Generator().manual_seed(0)
    for place in torch.randint(len(whole), (300,), generator=random).tolist():
        content = bytearray(whole)
        content[place] ^= 1 + place % 127
        other.write_bytes(content)
        assert run(["import", str(other), "--out", str(exported.with_name("spec.toml"))]) in (0, 1, 3)
        assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_operator_is_told_with_its_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = helper.make_node("FancyAttention", ["x"], ["y"], "/block/fancy", domain="com.example")
    path = saved(tmp_path / "fancy.onnx", [node], {"x": ["n", 4]}, {"y": 2}, {}, **{"com.example": 1})
    said = refused(path, capsys)
    assert 'node "/block/fancy" (com.example.FancyAttention): no such operator is known here' in said
    assert "of domain com.example, opset 20" in said


def test_an_operator_that_a_spec_cannot_say_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["y"], "found")]
    path = saved(tmp_path / "found.onnx", nodes, {"x": ["n", 4]}, {"y": 2}, {})
    assert 'node "found" (NonZero): no such operator is known here' in refused(path, capsys)


def test_sizes_by_the_numbers_of_a_tensor_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT64),
             helper.make_node("Reshape", ["x", "whole"], ["y"], "bend")]  # fmt: skip
    path = saved(tmp_path / "bend.onnx", nodes, {"x": [2]}, {"y": 2}, {})
    assert 'node "bend" (Reshape): sizes that hang on the numbers of a tensor, which a spec' in refused(path, capsys)


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/hostname"])
def test_numbers_outside_the_files_folder_are_not_read(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    path = saved(folder / "far.onnx", [helper.make_node("Add", ["x", "far"], ["y"])], {"x": ["n", 4]}, {"y": 2},
                 {"far": drawn(4)})  # fmt: skip
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=place)
    path.write_bytes(model.SerializeToString())
    assert "far.onnx is no sound ONNX file" in refused(path, capsys)


@pytest.mark.parametrize("name", ['x"); open(MARK, "w"); ("', 'x")(open(MARK, "w"))#', "class", "a..b", "self", "\n"])
def test_no_name_in_a_file_becomes_code(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scopes, weights, nodes, inputs and outputs are names that the modules' source is written with."""
    mark = tmp_path / "ran"
    name = name.replace("MARK", repr(str(mark)))
    weight, given, made = f"{name}.weight", f"{name} in", f"{name} out"
    nodes = [helper.make_node("Relu", [given], ["a"], name), helper.make_node("MatMul", ["a", weight], [made], name)]
    told = {"name_scopes": ["", name, f"{name}.fc", "op"], "class_hierarchy": ["Net", name, name, "op"]}
    for node in nodes:
        for key, each in told.items():
            node.metadata_props.add(key=f"pkg.torch.onnx.{key}", value=repr(each))
    path = saved(tmp_path / "names.onnx", nodes, {given: ["n", 4]}, {made: 2}, {weight: drawn(4, 3)})
    assert run(["import", str(path), "--out", str(tmp_path / "spec.toml")]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err
    assert not mark.exists()


def test_source_of_names_that_none_can_have_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a reader lets through."""
    graph = fx.Graph()
    graph.output(graph.call_module('fc", print("ran"))(', (graph.placeholder("x"),)))
    with pytest.raises(ProgramError, match="is no name of a tensor or module"):
        scope("Net", "", graph, {})


def test_inputs_of_kinds_that_torch_has_not_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "words.onnx", [helper.make_node("Identity", ["x"], ["y"])], {"x": ["n"]}, {"y": 1}, {})
    model = onnx.load(path)
    for each in (model.graph.input[0], model.graph.output[0]):
        each.type.tensor_type.elem_type = TensorProto.STRING
    path.write_bytes(model.SerializeToString())
    assert "the input x is of ONNX's kind 8, which is not read" in refused(path, capsys)


def test_a_few_bytes_that_ask_for_all_memory_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("ConstantOfShape", ["sizes"], ["large"], "bomb"),
             helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
             helper.make_node("Add", ["x", "sum"], ["y"])]  # fmt: skip
    path = saved(tmp_path / "bomb.onnx", nodes, {"x": ["n", 4]}, {"y": 2}, {"sizes": numpy.array([2**20, 2**20])})
    assert 'node "bomb" (ConstantOfShape) makes 1,099,511,627,776 numbers' in refused(path, capsys)


def test_what_is_no_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    os.mkfifo(tmp_path / "pipe.pt2")
    for name in ("pipe.onnx", "pipe.pt2"):
        assert refused(tmp_path / name, capsys) == f"error: cannot read {tmp_path / name}: it is no file\n"


def test_a_circle_and_other_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    assert "circle.onnx" in refused(saved(tmp_path / "circle.onnx", nodes, {"x": ["n", 4]}, {"b": 2}, {}), capsys)
    old = saved(tmp_path / "old.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": ["n", 4]}, {"y": 2}, {}, opset=7)
    assert "old.onnx is of opset 7; 9 to 26 are read" in refused(old, capsys)
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    assert "text.onnx is no ONNX file, or cut short" in refused(text, capsys)
    assert "cannot read" in refused(tmp_path / "none.onnx", capsys)


def test_without_the_packages_the_command_is_told(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert refused(exported, capsys).endswith("an .onnx file needs onnx: pip install 'tomograph[onnx]'\n")


def test_what_the_runtime_gives_otherwise_is_told(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change: Callable[[torch.Tensor, torch.Tensor], float] = lambda one, other: 2e-5  # noqa: E731
    monkeypatch.setattr("builder.exchange.programs.reading.difference", change)
    assert run(["import", str(exported), "--out", str(exported.with_name("spec.toml"))]) == 3
    assert "output 0 of the file as torch's layers differs from the program's by 2.0e-05" in capsys.readouterr().err
    assert not exported.with_name("spec.toml").exists()
