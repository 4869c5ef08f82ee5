"""The schema for editors, by the judgement of Taplo: what it lets pass, and what it complains of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from taplo_lint import HEAD, complaints, named, of, of_layer

from builder.commands.documentation import of_torch
from dsl.schema import schema_text
from dsl.schema.generate import PATH

SPECS = sorted((Path(__file__).parents[1] / "specs").rglob("*.toml"))
LARGEST = 2_000_000  # bytes


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
        ("init = { weight = { std = 0.02 } }", '"type" is a required property'),
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
        ("[optimizer]\nlr = 0.1\n", '"type" is a required property', 1),
        ('[[loss]]\nvalue = "${mean(x)}"\n[[loss]]\ntyp = "MSELoss"\n', '"type" is a required property', 3),
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
