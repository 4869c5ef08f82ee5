"""The schema for editors, by the judgement of Taplo: what it lets pass, what it complains of, and what it shows."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import torch

import dsl
from builder.commands.documentation import first_sentence, of_torch
from dsl.catalogue import registered
from dsl.catalogue.starts import STARTS
from dsl.catalogue.types import DTYPES
from dsl.schema import schema_text
from dsl.schema.generate import PATH

ROOT = Path(__file__).parents[1]
SPECS = sorted((ROOT / "specs").rglob("*.toml"))
TAPLO = Path(sysconfig.get_path("scripts")) / "taplo"
SCHEMA: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
LARGEST = 2_000_000  # bytes

HEAD = 'name = "A"\n[model]\ninputs = { x = ["N", 3, 8, 8] }\nlayers = [\n'
LAYER = HEAD + '  { type = "Conv2d", out_channels = 4, kernel_size = 3LAST },\n]\n'


def complaints(*specs: Path) -> list[tuple[str, int]]:
    """What Taplo says of specs, and at which line."""
    words = [TAPLO, "lint", "--no-auto-config", "--colors", "never", *specs]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    found = re.findall(r"^error: (.*)\n +┌─ .*:(\d+):\d+$", done.stderr, re.MULTILINE)
    assert done.returncode == bool(found), done.stderr
    return [(message, int(line)) for message, line in found]


def of(text: str, folder: Path, schema: str | None = None) -> list[tuple[str, int]]:
    """What Taplo says of a spec; lines count from its own first."""
    (folder / "tomograph.schema.json").write_text(schema or PATH.read_text(encoding="utf-8"), encoding="utf-8")
    spec = folder / "spec.toml"
    spec.write_text("#:schema ./tomograph.schema.json\n" + text, encoding="utf-8")
    return [(message, line - 1) for message, line in complaints(spec)]


def of_layer(keys: str, folder: Path, schema: str | None = None) -> list[tuple[str, int]]:
    """The same of a layer with further keys, or of layers after it."""
    return of(LAYER.replace("LAST", keys if keys.startswith(" }") else f", {keys}"), folder, schema)


# The file


def test_the_file_is_what_the_catalogue_gives() -> None:
    """`python -m dsl.schema.generate` writes it."""
    assert PATH.read_text(encoding="utf-8") == schema_text()
    assert PATH.stat().st_size < LARGEST


def test_nothing_of_pytorchs_words_is_kept() -> None:
    kept = PATH.read_text(encoding="utf-8")
    sentences = [each for each in of_torch().values() if len(each) > 25]
    assert len(sentences) > 700
    assert [each for each in sentences if json.dumps(each)[1:-1] in kept] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name)
def test_each_spec_leads_to_it(spec: Path) -> None:
    line = spec.read_text(encoding="utf-8").partition("\n")[0]
    assert (spec.parent / line.removeprefix("#:schema ")).resolve() == PATH


# What passes


def test_no_spec_gets_a_complaint() -> None:
    assert len(SPECS) >= 40
    assert complaints(*SPECS) == []


@pytest.mark.parametrize(
    "keys",
    [
        'padding = "${1 + 1}", stride = [1, "${s}"], bias = "${b}"',
        'repeat = "${n}", parallel = true, when = "${n > 1}", freeze = true, train_only = false',
        'init = { weight = { type = "normal_", std = 0.02 }, bias = 0 }, tie = { weight = "a.weight" }',
        'args = "${rest}", name = "", input = { input = "x" }',
        'padding_mode = "reflect", dtype = "float64", device = "cpu"',
        ' }, { type = "MyOwnBlock", whatever = 3, factor = 2, layers = 4',
        ' }, { type = "masked_fill", mask = "m", value = -inf',
        ' }, { type = "Parameter", shape = [3], init = 1e-6',
        ' }, { type = "rearrange", pattern = "n (a b) -> n a b", b = 3',
        ' }, { type = "${kind}", anything = 1',
        ' }, { type = "torch.nn.functional.pad", pad = [1, 1], mode = "constant", value = 0.5',
        ' }, { type = "TransformerEncoder", num_layers = 2, encoder_layer = { type = "TransformerEncoderLayer", '
        "d_model = 8, nhead = 2 }",
        ' }, { type = "LinearCrossEntropyLoss", options = { type = "LinearCrossEntropyOptions", acc_policy = "auto" }',
        ' }, { type = "cross_entropy", weight = { tensor = [1, 2], dtype = "float32" }, target = "t"',
        ' }, { share = "a", input = "x" }, { value = "${x + 1}", name = "y" }, { layers = [], inputs = ["x"]',
    ],
)
def test_what_the_language_allows_passes(keys: str, tmp_path: Path) -> None:
    assert of_layer(keys, tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        'extends = "a.toml"\n[optimizer]\nlr = 0.5\n[loss]\nlabel_smoothing = 0.1\n',
        'include = ["a.toml"]\n[patch.a]\nbefore = { type = "ReLU" }\nafter = [{ type = "ReLU" }]\n',
        '[patch."conv.0"]\nset = { bias = false }\n[patch.b]\nremove = true\n',
        '[[loss]]\ntype = "MSELoss"\nname = "a"\nfactor = 0.5\n[[loss]]\nvalue = "${mean(x)}"\nfactor = 2\n',
        '[loss]\nlayers = [{ type = "relu" }]\n',
        '[optimizer]\ntype = "torch.optim.SGD"\nlr = 1\ngroups = [{ match = "a.*", lr = 2 }]\n',
        '[data]\nsource = { image = "a.npz" }\nfields = { a = "b", c = { shape = ["N"], high = 3 } }\n',
        '[train]\ndevice = ["cuda", "cpu"]\nprecision = "bf16"\nepochs = "${n}"\n[vars]\nn = 3\n',
    ],
)  # fmt: skip
def test_whole_tables_pass(text: str, tmp_path: Path) -> None:
    assert of(text, tmp_path) == []


def test_a_block_may_have_the_name_of_a_type_of_pytorchs(tmp_path: Path) -> None:
    inside = '{ type = "torch.nn.Conv2d", out_channels = "${width}", kernel_size = 1 }'
    block = f'[blocks.Conv2d]\nparams = ["width"]\nlayers = [{inside}]\n'
    text = HEAD + '  { type = "Conv2d", width = 3 },\n]\n'
    assert [message for message, _ in of(text, tmp_path)] != []
    assert of(text + block, tmp_path) == []
    assert named("epoch", of(text + block + "[train]\nepoch = 3\n", tmp_path)) >= {11}


# What does not


def named(word: str, found: list[tuple[str, int]]) -> set[int]:
    """The lines at which a complaint names the word; nothing else is complained of."""
    assert found
    assert [message for message, _ in found if word not in message] == []
    return {line for _, line in found}


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("kernal_size = 3", "('kernal_size' was unexpected)"),
        ("stride = [1, 2, 3]", "[1,2,3] has more than 2 items"),
        ("stride = 1.5", "1.5 is not of types"),
        ('bias = "false"', '"false" does not match'),
        ('padding_mode = "zeroes"', '"zeroes" does not match "^(zeros|reflect|replicate|circular)$'),
        ('dtype = "float"', '"float" does not match'),
        ("factor = 2", "False schema does not allow 2"),
        ("repeat = true", "true is not of types"),
        ("name = 3", "3 is not of type"),
        ('init = { weight = { type = "normal_", sd = 0.02 } }', "('sd' was unexpected)"),
        ('init = { weight = { type = "normals_" } }', '"normals_" does not match "^(constant_|'),
        (' }, { type = "flatten", start = 1', "('start' was unexpected)"),
        (' }, { type = "torch.nn.functional.pad", pads = [1, 1]', "('pads' was unexpected)"),
        (' }, { typ = "ReLU"', '"type" is a required property'),
        (' }, { share = "a", inputs = "x"', "('inputs' was unexpected)"),
        (' }, { layers = [{ type = "Linear", out_feature = 3 }]', "('out_feature' was unexpected)"),
        (' }, { type = "TransformerEncoder", encoder_layer = { type = "TransformerEncoderLayer", nheads = 2 }',
         "('nheads' was unexpected)"),
        (' }, { type = "cross_entropy", weight = { tensor = [1, 2], dtyp = "float32" }', "('dtyp' was unexpected)"),
        (' }, { type = "Buffer", shape = [3], persist = true', "('persist' was unexpected)"),
    ],
)  # fmt: skip
def test_a_faulty_layer(keys: str, word: str, tmp_path: Path) -> None:
    assert named(word, of_layer(keys, tmp_path)) == {5}


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ('[optimizer]\ntype = "SGD"\nmomentun = 0.9\n', "('momentun' was unexpected)", 3),
        ('[optimizer]\ntype = "SDG"\n', '"SDG"', 2),
        ('[optimizer]\ntype = "SGD"\ngroups = [{ match = "a", lrr = 1 }]\n', "('lrr' was unexpected)", 3),
        ('[loss]\ntype = "CrossEntropyLoss"\nlabel_smooting = 0.1\n', "('label_smooting' was unexpected)", 3),
        ('[[loss]]\ntype = "MSELoss"\n[[loss]]\ntype = "MSELoss"\nfactr = 2\n', "('factr' was unexpected)", 5),
        ('[data]\nsource = "digits"\nbatchsize = 3\n', "('batchsize' was unexpected)", 3),
        ('[data]\nprepare = [{ type = "interpolate", sizes = 3 }]\n', "('sizes' was unexpected)", 2),
        ("[train]\nepoch = 3\n", "('epoch' was unexpected)", 2),
        ('[train]\nprecision = "bf1"\n', '"bf1" does not match', 2),
        ('[model]\ninputs = { x = { shape = ["N"], dtyp = "int64" } }\n', "('dtyp' was unexpected)", 2),
        ("[model]\nlayer = []\n", "('layer' was unexpected)", 2),
        ('[blocks.A]\nparam = ["a"]\n', "('param' was unexpected)", 2),
        ('[patch.a]\nbefor = { type = "ReLU" }\n', "('befor' was unexpected)", 2),
        ('[patch.a]\nbefore = { type = "ReLU", inplac = true }\n', "('inplac' was unexpected)", 2),
        ("[trian]\nepochs = 3\n", "('trian' was unexpected)", 1),
    ],
)
def test_a_faulty_table(text: str, word: str, line: int, tmp_path: Path) -> None:
    assert line in named(word, of(text, tmp_path))


# Against the reader and against PyTorch


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("", "zzzzz = 1\n" + HEAD + "]\n"),
        ("model", HEAD + "]\nzzzzz = 1\n"),
        ("blocks", HEAD + "]\n[blocks.A]\ninputs = ['x']\nlayers = []\nzzzzz = 1\n"),
        ("data", HEAD + ']\n[data]\nsource = "digits"\nzzzzz = 1\n'),
        ("train", HEAD + "]\n[train]\nzzzzz = 1\n"),
        ("input", HEAD.replace('["N", 3, 8, 8]', '{ shape = ["N"], zzzzz = 1 }') + "]\n"),
        ("group", HEAD + "  { layers = [], zzzzz = 1 },\n]\n"),
    ],
)
def test_keys_are_those_that_the_reader_knows(table: str, text: str) -> None:
    with pytest.raises(dsl.SpecError) as caught:
        dsl.loads(text)
    [fault] = [each for each in caught.value.diagnostics if "zzzzz" in each.message]
    known = set(fault.notes[0].removeprefix("known here: ").split(", "))
    top = {"extends", "include", "patch"} if not table else set()  # worked in before the rest is read
    refused = {"args"} if table == "group" else {"inputs", "layers", "outputs"} if not table else set()
    extra = {"factor"} if table == "group" else set()  # a group may be a loss
    assert set(rules(table)) - extra == (known | top) - refused


def rules(table: str) -> dict[str, Any]:
    top, layers = SCHEMA["then"]["allOf"]
    found: dict[str, Any] = {
        "": top,
        "model": layers["properties"]["model"],
        "blocks": layers["properties"]["blocks"]["additionalProperties"],
        "data": top["properties"]["data"],
        "train": top["properties"]["train"],
        "input": SCHEMA["definitions"]["declared"],
        "group": SCHEMA["definitions"]["group"],
    }[table]
    assert found["additionalProperties"] is False
    properties: dict[str, Any] = found["properties"]
    return properties


def of_type(name: str, kinds: str = "typed") -> dict[str, Any]:
    """The closed table of a type."""
    [reference] = [each["then"]["$ref"] for each in SCHEMA["definitions"][kinds]["allOf"]
                   if name in each["if"]["properties"]["type"]["enum"]]  # fmt: skip
    found: dict[str, Any] = SCHEMA["definitions"][reference.removeprefix("#/definitions/")]
    return found


@pytest.mark.parametrize("name", ["Conv2d", "Linear", "BatchNorm2d", "TransformerEncoderLayer", "CrossEntropyLoss"])
def test_keys_of_a_class_are_its_arguments(name: str) -> None:
    kind = getattr(torch.nn, name)
    taken = {*inspect.signature(kind).parameters, *inspect.signature(kind.forward).parameters} - {"self"}
    properties = of_type(name)["properties"]
    assert set(properties) == taken - {"input"}  # a key of the language
    assert of_type(f"torch.nn.{name}")["properties"] == properties


def test_every_type_is_offered_with_its_signature() -> None:
    offered = SCHEMA["definitions"]["layer_view"]["properties"]["type"]
    told = dict(zip(offered["enum"], offered["x-taplo"]["docs"]["enumValues"], strict=True))
    assert len(told) > 690
    assert told["Linear"] == '`torch.nn.Linear(out_features, bias=true, device="${none}", dtype="${none}")`'
    assert told["add"] == "`torch.add(other, alpha=1)`"
    kinds = SCHEMA["definitions"]["layer_view"]["properties"]
    assert kinds["padding_mode"]["enum"][:4] == ["zeros", "reflect", "replicate", "circular"]
    assert kinds["dtype"]["enum"] == list(DTYPES)
    starts = {name for name in vars(torch.nn.init) if name.endswith("_") and not name.startswith("_")}
    assert set(STARTS) == set(SCHEMA["definitions"]["start_view"]["properties"]["type"]["enum"]) <= starts


# The command


def run(folder: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {before}\nfrom builder.commands.entry import run\n"
    code += f"sys.exit(run(['schema', *{words}]))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_command_tells_pytorchs_sentences_and_knows_layers_from_python(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        'from torch import nn\n\n\nclass Halve(nn.Module):\n    """Halves. And more."""\n\n'
        "    def __init__(self, times: int = 1) -> None:\n        super().__init__()\n\n"
        "    def forward(self, x):\n        return x\n",
        encoding="utf-8",
    )
    done = run(tmp_path, "--out", "own.json", "--allow-python", "mine.py")
    assert (done.stdout, done.stderr, done.returncode) == ("", "own.json\n", 0)
    text = (tmp_path / "own.json").read_text(encoding="utf-8")
    assert len(text) < LARGEST
    offered = json.loads(text)["definitions"]["layer_view"]["properties"]["type"]
    told = dict(zip(offered["enum"], offered["x-taplo"]["docs"]["enumValues"], strict=True))
    conv = str(torch.nn.Conv2d.__doc__).strip().partition(".")[0]
    assert told["Conv2d"].startswith(" ".join(conv.split()) + ".\n\n`torch.nn.Conv2d(out_channels, ")
    assert told["Halve"] == "Halves.\n\n`python.mine.Halve(times=1)`"
    assert of_layer(' }, { type = "Halve", times = 2', tmp_path, text) == []
    found = of_layer(' }, { type = "Halve", tims = 2', tmp_path, text)
    assert named("('tims' was unexpected)", found) == {5}
    assert registered.names() == []


def test_without_torch_it_is_the_file(tmp_path: Path) -> None:
    done = run(tmp_path, before="sys.modules['torch'] = None")
    assert done.stdout == PATH.read_text(encoding="utf-8")
    assert (done.stderr, done.returncode) == ("torch is not installed: written without PyTorch's sentences\n", 0)


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    assert run(tmp_path, "specs").returncode == 2
    missing = run(tmp_path, "--allow-python", "none.py")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "none.py" in missing.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("abs(input: Tensor) -> Tensor\n\nMakes a value of :attr:`input`. And more.", "Makes a value of input."),
        ("Pads, e.g. images,\nwith ``0``. See :class:`~torch.nn.Pad` for more.", "Pads, e.g. images, with `0`."),
        (".. note::\n    Beware. Of it.\n\nReads `a page <https://x.org>`_.", "Reads a page."),
        (None, ""),
    ],
)  # fmt: skip
def test_the_first_sentence_of_a_docstring(text: str | None, sentence: str) -> None:
    assert first_sentence(text) == sentence
