"""The catalogue against torch itself: its own classes, stubs and samples say what the data must hold."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import torch

from builder.graph import KINDS
from dsl.catalogue import (
    REQUIRED,
    Entry,
    bind,
    find,
    find_optimizer,
    find_scheduler,
    find_settings,
    mismatch,
    names,
    optimizer_names,
    scheduler_names,
    signature_of,
    suggest,
)
from dsl.catalogue.generate import text
from dsl.catalogue.lines import DATA
from dsl.catalogue.starts import STARTS
from dsl.catalogue.suggestions import distance
from dsl.catalogue.types import forms, words

same_torch = pytest.mark.skipif(
    not torch.__version__.startswith("2.13."), reason="the data are made from torch 2.13; another one may differ"
)


def targets() -> list[str]:
    return [key for key in json.loads(DATA.read_text(encoding="utf-8")) if "." in key]


def entries() -> list[Entry]:
    found = [find_scheduler(each) or find_optimizer(each) or find(each) or find_settings(each) for each in targets()]
    return [each for each in found if each is not None]


def problems(name: str, **arguments: object) -> list[tuple[str, str]]:
    entry = find(name)
    assert entry is not None
    return [(each.kind, each.argument) for each in bind(entry, arguments)]


# The data


@same_torch
def test_the_committed_file_is_what_torch_gives_now() -> None:
    assert DATA.read_text(encoding="utf-8") == text()


def test_the_file_is_json_with_one_sorted_entry_a_line() -> None:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    assert len(json.loads("\n".join(lines))) == len(lines) - 2
    assert targets() == sorted(targets())


def test_every_entry_is_found_under_its_target_and_is_well_formed() -> None:
    assert len(entries()) == len(targets())
    for entry in entries():
        assert entry.kind in KINDS, entry.target
        for parameter in itertools.chain(entry.parameters, entry.inputs, *entry.overloads):
            forms(parameter.type)
            if parameter.default is not REQUIRED:
                assert mismatch(parameter.type, parameter.default) is None, (entry.target, parameter)


def test_every_public_layer_of_torch_is_there() -> None:
    left_out = re.compile(
        "Lazy.*|Module|Container|Sequential|(Module|Parameter)(List|Dict)|RNNBase|RNNCellBase|DataParallel|NLLLoss2d"
    )
    classes = [each for each in vars(torch.nn).values() if isinstance(each, type) and issubclass(each, torch.nn.Module)]
    wanted = {each.__name__ for each in classes if not left_out.fullmatch(each.__name__)}
    assert wanted == {each.name for each in entries() if each.role == "module"}


def test_constructor_parameters_and_defaults_are_the_classes_own() -> None:
    for entry in entries():
        if entry.role in ("function", "method"):
            continue
        space = {"optimizer": torch.optim, "scheduler": torch.optim.lr_scheduler}.get(entry.role, torch.nn)
        kind = getattr(space, entry.name)
        constructor = next(iter(typing.get_overloads(kind.__init__)), kind.__init__)
        real = inspect.signature(constructor).parameters
        for parameter in entry.parameters:
            default = real[parameter.name].default
            if default is inspect.Parameter.empty:
                assert parameter.required, (entry.name, parameter.name)
            elif not inspect.isfunction(default):
                assert parameter.default == (list(default) if isinstance(default, tuple) else default)


FORBIDDEN = """
    load save compile from_file set_num_threads jit manual_seed seed set_rng_state set_default_device fork wait
    set_default_dtype from_numpy from_dlpack to_dlpack frombuffer import_ir_module vmap cond_ while_loop numpy
    item tolist data_ptr untyped_storage storage apply_ map_ register_hook backward requires_grad_ set_
    share_memory_ pin_memory record_stream cuda cpu to_sparse Sequential ModuleList DataParallel Module
    load_state_dict relu_ dropout_ add_ empty empty_like as_strided handle_torch_function boolean_dispatch
    import_module eval exec open get_device set_printoptions use_deterministic_algorithms __class__ __init__ grad
    autograd
"""


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_nothing_reaches_files_the_network_or_the_interpreter(name: str) -> None:
    assert name not in names()
    assert find(name) is None
    for space in ("torch", "torch.nn", "torch.nn.functional", "torch.Tensor", "torch.jit", "torch.linalg"):
        assert find(f"{space}.{name}") is None


def test_no_function_works_in_place_or_writes_to_out() -> None:
    for entry in entries():
        assert not entry.name.endswith("_")
        assert not entry.name.startswith("_")
        assert not {"out", "generator", "layout", "pin_memory"} & set(entry.argument_names), entry.target


def stubs(file: str, owner: str | None = None) -> dict[str, list[set[str]]]:
    """Argument names by function of one of torch's own stub files, a set for each overload."""
    body = ast.parse((Path(torch.__file__).parent / "_C" / file).read_text(encoding="utf-8")).body
    if owner is not None:
        body = next(each for each in body if isinstance(each, ast.ClassDef) and each.name == owner).body
    found: dict[str, list[set[str]]] = {}
    for each in body:
        if isinstance(each, ast.FunctionDef):
            arguments = each.args.posonlyargs + each.args.args + each.args.kwonlyargs
            found.setdefault(each.name, []).append({argument.arg for argument in arguments})
    return found


@same_torch
def test_argument_names_of_builtins_are_those_of_torchs_stubs() -> None:
    methods, functions = stubs("__init__.pyi", "TensorBase"), stubs("_VariableFunctions.pyi")
    compared = 0
    for entry in entries():
        known = methods if entry.role == "method" else functions
        builtin = entry.role == "method" or entry.target == f"torch.{entry.name}"
        if not builtin or entry.name not in known or inspect.isfunction(getattr(torch, entry.name, None)):
            continue
        for signature in (entry.parameters, *entry.overloads):
            wanted = {each.name for each in signature}
            assert any(wanted <= stub for stub in known[entry.name]), (entry.target, wanted)
            compared += 1
    assert compared > 700


def test_written_names_reach_torchs_functions() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    calls: list[tuple[str, dict[str, object]]] = [
        ("flatten", {"start_dim": 0}),
        ("mean", {"dim": 1, "keepdim": True}),
        ("permute", {"dims": [1, 0]}),
        ("reshape", {"shape": [3, 2]}),
        ("chunk", {"chunks": 2, "dim": 0}),
        ("softmax", {"dim": -1}),
        ("interpolate", {"scale_factor": 2.0}),
        ("linalg.norm", {"ord": 2}),
        ("max_pool1d", {"kernel_size": 2}),
        ("view", {"size": [6]}),
        ("repeat", {"repeats": [2, 1]}),
    ]
    for name, arguments in calls:
        entry = find(name if "." not in name else f"torch.{name}")
        assert entry is not None
        assert bind(entry, arguments) == []
        called: typing.Any = torch
        for part in entry.target.split(".")[1:]:
            called = getattr(called, part)
        called(x.unsqueeze(0) if name == "interpolate" else x, **arguments)


# Look-up


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("Conv2d", "torch.nn.Conv2d"),
        ("relu", "torch.nn.functional.relu"),
        ("flatten", "torch.flatten"),
        ("norm", "torch.norm"),
        ("torch.linalg.norm", "torch.linalg.norm"),
        ("solve", "torch.linalg.solve"),
        ("rfft", "torch.fft.rfft"),
        ("entr", "torch.special.entr"),
        ("view", "torch.Tensor.view"),
        ("torch.Tensor.add", "torch.Tensor.add"),
        ("unfold", "torch.nn.functional.unfold"),
        ("MeanSubtract", "tomograph.MeanSubtract"),
        ("tomograph.ParameterDict", "tomograph.ParameterDict"),
    ],
)
def test_a_plain_name_is_looked_for_in_order(name: str, target: str) -> None:
    entry = find(name)
    assert entry is not None
    assert entry.target == target


@pytest.mark.parametrize("name", ["nothing", "SGD", "torch.optim.SGD", "nn.Conv2d", "torch", "", "tomograph.Linear"])
def test_what_is_no_layer_is_not_found(name: str) -> None:
    assert find(name) is None


def test_optimizers_have_a_look_up_of_their_own() -> None:
    adam = find_optimizer("AdamW")
    assert adam is not None
    assert adam == find_optimizer("torch.optim.AdamW")
    assert adam.parameter("betas").default == [0.9, 0.999]
    assert not adam.accepts("params")
    assert find_optimizer("Optimizer") is None
    subclasses = [each for each in vars(torch.optim).values() if isinstance(each, type)]
    real = {each.__name__ for each in subclasses if issubclass(each, torch.optim.Optimizer)} - {"Optimizer"}
    assert set(optimizer_names()) == real


def test_schedulers_have_a_look_up_of_their_own() -> None:
    cosine = find_scheduler("CosineAnnealingLR")
    assert cosine is not None
    assert cosine == find_scheduler("torch.optim.lr_scheduler.CosineAnnealingLR")
    assert cosine.argument_names == ("T_max", "eta_min")
    assert find_optimizer("lr_scheduler.StepLR") is None
    assert find("StepLR") is None
    bases = {"LRScheduler", "SequentialLR", "ChainedScheduler"}
    assert set(scheduler_names()) == set(torch.optim.lr_scheduler.__all__) - bases


def test_what_the_input_tells_is_marked() -> None:
    inferred = {name: find(name).inferred for name in ("Conv2d", "Bilinear", "LSTM", "ReLU")}  # type: ignore[union-attr]
    assert inferred == {
        "Conv2d": ("in_channels",),
        "Bilinear": ("in1_features", "in2_features"),
        "LSTM": ("input_size",),
        "ReLU": (),
    }


def test_every_loss_is_a_loss() -> None:
    for entry in entries():
        if entry.target.startswith("torch.nn.") and entry.name.endswith("Loss"):
            assert entry.kind == "loss"


# Binding


ACCEPTED: list[tuple[str, dict[str, object]]] = [
    ("Conv2d", {"in_channels": 1, "out_channels": 2, "kernel_size": 3, "padding": "same"}),
    ("Conv2d", {"in_channels": 1, "out_channels": 2, "kernel_size": [3, 5], "stride": [1, 2], "bias": False}),
    ("Conv1d", {"in_channels": 1, "out_channels": 2, "kernel_size": 3, "padding_mode": "circular"}),
    ("Linear", {"in_features": 2, "out_features": 3, "dtype": None}),
    ("MaxPool2d", {"kernel_size": 2, "stride": None, "ceil_mode": True}),
    ("AdaptiveAvgPool2d", {"output_size": [None, 7]}),
    ("BatchNorm2d", {"num_features": 3, "momentum": None, "eps": 1}),
    ("GroupNorm", {"num_groups": 1, "num_channels": 3, "affine": False}),
    ("LayerNorm", {"normalized_shape": [3, 4]}),
    ("LSTM", {"input_size": 3, "hidden_size": 4, "num_layers": 2, "dropout": 0, "proj_size": 2}),
    ("RNN", {"input_size": 3, "hidden_size": 4, "nonlinearity": "relu"}),
    ("GRU", {"input_size": 3, "hidden_size": 4, "bidirectional": True}),
    ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2, "batch_first": True, "kdim": 3}),
    ("TransformerEncoderLayer", {"d_model": 4, "nhead": 2, "activation": "gelu"}),
    ("Embedding", {"num_embeddings": 5, "embedding_dim": 2, "padding_idx": -1}),
    ("Upsample", {"scale_factor": [2.0, 2.0], "mode": "bilinear", "align_corners": True}),
    ("ZeroPad2d", {"padding": [1, 0, 1, 0]}),
    ("Unflatten", {"dim": 1, "unflattened_size": [2, 3]}),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "reduction": "sum", "ignore_index": -1}),
    ("KLDivLoss", {"reduction": "batchmean"}),
    ("GELU", {"approximate": "tanh"}),
    ("PReLU", {"num_parameters": 3}),
]


@pytest.mark.parametrize(("name", "arguments"), ACCEPTED)
def test_what_torch_takes_binds(name: str, arguments: dict[str, object]) -> None:
    assert problems(name, **arguments) == []
    getattr(torch.nn, name)(**{key: tuple(v) if isinstance(v, list) else v for key, v in arguments.items()})


REFUSED: list[tuple[str, dict[str, object], list[tuple[str, str]]]] = [
    ("Conv2d", {"out_channels": 2}, [("missing", "kernel_size")]),
    ("Conv2d", {"out_channels": 2, "kernel_size": [3, 3, 3]}, [("type", "kernel_size")]),
    ("Conv2d", {"out_channels": True, "kernel_size": 3}, [("type", "out_channels")]),
    ("Conv2d", {"out_channels": 2, "kernel_size": 3, "padding": "sam"}, [("type", "padding")]),
    ("Conv2d", {"out_channels": 2.0, "kernel_size": 3}, [("type", "out_channels")]),
    ("Conv2d", {"filters": 2, "kernel": 3}, [("unknown", "filters"), ("unknown", "kernel")]),
    ("Linear", {"out_features": 2, "bias": 1}, [("type", "bias")]),
    ("Linear", {}, [("missing", "out_features")]),
    ("Linear", {"out_features": "10", "colour": "red"}, [("unknown", "colour"), ("type", "out_features")]),
    ("CrossEntropyLoss", {"reduction": "average"}, [("type", "reduction")]),
    ("MSELoss", {"reduction": "batchmean"}, [("type", "reduction")]),
    ("TransformerEncoderLayer", {"nhead": 2, "activation": "silu"}, [("type", "activation")]),
    ("interpolate", {"size": [2, 2], "mode": "billinear"}, [("type", "mode")]),
    ("mean", {"axis": 1}, [("unknown", "axis")]),
    ("mean", {"dim": "x"}, [("type", "dim")]),
    ("std", {"unbiased": True, "correction": 1}, [("unknown", "correction")]),
    ("permute", {}, [("missing", "dims")]),
    ("ParameterList", {"shapes": [4, 4]}, [("type", "shapes")]),
    ("ParameterDict", {"shapes": {"a": [4, "x"]}}, [("type", "shapes")]),
]


@pytest.mark.parametrize(("name", "arguments", "wanted"), REFUSED)
def test_what_does_not_fit_is_told(name: str, arguments: dict[str, object], wanted: list[tuple[str, str]]) -> None:
    assert problems(name, **arguments) == wanted


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mean", {}),
        ("mean", {"dim": [1, 2], "keepdim": True}),
        ("max", {"dim": 1}),
        ("add", {"other": "skip"}),
        ("add", {"other": 2, "alpha": 0.5}),
        ("arange", {"end": 5}),
        ("arange", {"start": 1, "end": 5, "step": 2, "dtype": "int64"}),
        ("cat", {"dim": 1}),
        ("masked_fill", {"mask": "causal", "value": -1e9}),
        ("scaled_dot_product_attention", {"is_causal": True}),
        ("einsum", {"equation": "ij,jk->ik"}),
        ("pad", {"pad": [1, 1], "mode": "reflect"}),
        ("PairwiseDistance", {"p": 2}),
        ("TripletMarginWithDistanceLoss", {"distance_function": {"type": "PairwiseDistance"}}),
        ("CrossEntropyLoss", {"weight": [1.0, 2.0]}),
        ("CrossEntropyLoss", {"weight": {"tensor": [1, 2], "dtype": "float32"}}),
        ("ParameterDict", {"shapes": {"linear1": [4, 4], "linear2": [4, 1]}}),
    ],
)
def test_functions_and_values_of_the_language_bind(name: str, arguments: dict[str, object]) -> None:
    assert problems(name, **arguments) == []


def test_a_problem_says_what_was_found_what_fits_and_what_was_meant() -> None:
    conv, dropout, adam = find("Conv2d"), find("Dropout"), find_optimizer("AdamW")
    assert conv is not None
    assert dropout is not None
    assert adam is not None
    [wrong] = bind(conv, {"out_channels": 2, "kernel_size": "3"})
    assert (wrong.found, wrong.expected) == ("3", "a whole number or two of them")
    [renamed] = bind(dropout, {"dropout": 0.5})
    assert (renamed.suggestions, renamed.expected) == (("p",), "one of p, inplace")
    assert [each.suggestions for each in bind(adam, {"learning_rate": 0.1, "beta1": 0.9})] == [("lr",), ("betas",)]


# Types


@pytest.mark.parametrize(
    ("type", "fits", "refused"),
    [
        ("int", [1, -1, object()], [True, 1.0, "1", None, [1]]),
        ("float", [1, 1.5, float("inf")], [True, "1", None]),
        ("bool", [True], [1, "true"]),
        ("int | int[2]", [3, [3, 4], (3, 4)], [[3], [3, 4, 5], [3, 4.0], [3, True]]),
        ("int?[2]", [[None, 7]], [None, [None]]),
        ("int[][2]", [[[0], [1, 2]]], [[[0]], [0, 1]]),
        ("{int[]}", [{}, {"a": [1]}], [[1], {"a": 1}]),
        ("'zeros' | 'reflect' | none", ["zeros", None], ["Zeros", 0]),
        ("tensor", ["x", [1.0, 2.0], {"tensor": [1]}], [1, {"type": "x"}, None]),
        ("dtype", ["int64"], ["torch.int64", 64]),
        ("module", [{"type": "ReLU"}], ["ReLU", {}]),
        ("any", [None, 1, {}], []),
    ],
)
def test_values_fit_types(type: str, fits: list[object], refused: list[object]) -> None:
    assert [each for each in fits if mismatch(type, each) is not None] == []
    assert [each for each in refused if mismatch(type, each) is None] == []


@pytest.mark.parametrize(
    ("type", "said"),
    [
        ("int", "a whole number"),
        ("int | int[2]", "a whole number or two of them"),
        ("float | float[] | none", "a number or a list of them"),
        ("int | float", "a number"),
        ("'zeros' | 'reflect'", 'one of "zeros", "reflect"'),
        ("bool | none", "true or false"),
        ("int[][]", "a list of lists of whole numbers"),
        ("{int[]}", "a table of lists of whole numbers"),
        ("none", "none"),
    ],
)
def test_types_are_said_in_words(type: str, said: str) -> None:
    assert words(type) == said


def test_text_that_is_no_type_is_refused() -> None:
    for text_ in ("integer", "int[", "{int", ""):
        with pytest.raises(ValueError, match="not a type"):
            forms(text_)


# Suggestions


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("Conv2D", "Conv2d"),
        ("conv2D", "conv2d"),
        ("Cnov2d", "Conv2d"),
        ("Con2d", "Conv2d"),
        ("Conv", "Conv2d"),
        ("Relu", "ReLU"),
        ("RELU", "ReLU"),
        ("leakyrelu", "leaky_relu"),
        ("LeakyRelu", "LeakyReLU"),
        ("Liner", "Linear"),
        ("Linaer", "Linear"),
        ("Dropuot", "Dropout"),
        ("reshpae", "reshape"),
        ("MaxPoll2D", "MaxPool2d"),
        ("max_pool_2d", "max_pool2d"),
        ("Batchnorm2d", "BatchNorm2d"),
        ("MultiHeadAttention", "MultiheadAttention"),
        ("Dense", "Linear"),
        ("InnerProduct", "Linear"),
        ("Convolution2D", "Conv2d"),
        ("MaxPooling2D", "MaxPool2d"),
        ("CrossEntropy", "CrossEntropyLoss"),
        ("Meansubtract", "MeanSubtract"),
    ],
)
def test_a_slip_of_the_pen_is_understood(word: str, first: str) -> None:
    found = suggest(word, names())
    assert found[0] == first
    assert len(found) <= 3


@pytest.mark.parametrize("word", ["Banana", "Encoder", "ResNet", "xyz", "q", ""])
def test_nothing_is_suggested_where_nothing_is_near(word: str) -> None:
    assert suggest(word, names()) == []


def test_the_callers_aliases_take_the_place_of_ours() -> None:
    assert suggest("Dense", ["Linear", "Block"], {"dense": ["Block"]}) == ["Block"]
    assert suggest("filters", ["out_features"]) == []


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "ab", 2), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("flaw", "lawn", 2), ("a", "a", 0)],
)
def test_distances_of_the_literature(left: str, right: str, edits: int) -> None:
    assert distance(left, right, 5) == edits
    assert distance(left, right, 1) == min(edits, 2)


def test_looking_up_brings_no_torch() -> None:
    code = (
        "import sys, dsl.catalogue as c; c.bind(c.find('Conv2d'), {}); c.suggest('Conv2D', c.names());"
        "assert 'torch' not in sys.modules and 'networkx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ways_to_start_are_torchs() -> None:
    functions = {name: getattr(torch.nn.init, name) for name in dir(torch.nn.init)}
    ours = {name: each for name, each in functions.items() if re.fullmatch(r"[a-z]\w*_", name)}
    assert set(STARTS) == set(ours)
    for name, entry in STARTS.items():
        signature = inspect.signature(ours[name]).parameters
        named = [name for name in signature if name not in ("tensor", "generator")]
        assert named == [each.name for each in entry.parameters]
        for parameter in entry.parameters:
            default = signature[parameter.name].default
            assert parameter.default is REQUIRED if default is inspect.Parameter.empty else parameter.default == default
            words = typing.get_args(signature[parameter.name].annotation)
            if words:
                assert parameter.type == " | ".join(f"'{word}'" for word in words)


# Signatures by what is written


def test_the_signature_is_the_one_that_takes_what_is_written() -> None:
    clamp, fill, most = find("clamp"), find("torch.Tensor.masked_fill"), find("max")
    assert clamp is not None
    assert fill is not None
    assert most is not None
    assert signature_of(clamp, {"min": 0.5})["min"].type == "float | none"
    assert signature_of(clamp, {"min": "a reference"})["min"].type == "tensor | none"
    assert signature_of(fill, {"value": 1.0})["value"].type == "float | bool"
    assert signature_of(fill, {"value": [1.0]})["value"].type == "tensor"
    assert list(signature_of(most, {}, 2)) == ["input", "other"]
    assert list(signature_of(most, {"dim": 1}, 1)) == ["input", "dim", "keepdim"]


def test_settings_are_no_layers() -> None:
    assert find_settings("LinearCrossEntropyOptions") is not None
    assert find("LinearCrossEntropyOptions") is None
    assert find("torch.nn.LinearCrossEntropyOptions") is None
    assert "LinearCrossEntropyOptions" not in names()
    assert find_settings("Linear") is None


def test_tensors_that_torch_takes_by_name_alone_say_so() -> None:
    rank, loss = find("torch.linalg.matrix_rank"), find("linear_cross_entropy")
    assert rank is not None
    assert loss is not None
    assert rank.parameter("rtol").passing == "keyword"
    assert loss.parameter("linear_bias").passing == "keyword"
    assert loss.parameter("target").passing == "name"
