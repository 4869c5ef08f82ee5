"""The schema for editors against the reader and PyTorch, what it offers, and the command that writes it."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from taplo_lint import HEAD, named, of_layer

import dsl
from builder.commands.documentation import first_sentence
from dsl.catalogue.starts import STARTS
from dsl.catalogue.types import DTYPES
from dsl.schema.generate import PATH

ROOT = Path(__file__).parents[1]
SCHEMA: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))


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


# What an editor looks up: by keys and places alone, whatever else a table says


def seen(*path: str | int) -> list[dict[str, Any]]:
    """The schemas that Taplo finds at a path, as its `schemas_at_path` does."""
    found = expanded(SCHEMA)
    for key in path:
        found = [inner for each in found for below in under(each, key) for inner in expanded(below)]
    return found


def expanded(schema: Any) -> list[dict[str, Any]]:
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        return expanded(SCHEMA["definitions"][schema["$ref"].removeprefix("#/definitions/")])
    parts = [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, ())]
    return [inner for part in parts for inner in expanded(part)] + [schema]


def under(schema: dict[str, Any], key: str | int) -> list[Any]:
    if isinstance(key, int):
        return [schema.get("items")]
    patterns = [each for pattern, each in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
    return [schema.get("properties", {}).get(key), schema.get("additionalProperties"), *patterns]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (("model", "layers", 0, "type"), "Conv2d"),
        (("model", "layers", 3, 0, "type"), "Conv2d"),  # Taplo counts twice in an array written in place
        (("model", "layers", 0, "layers", 2, "padding_mode"), "reflect"),
        (("model", "layers", 3, 0, "layers", 2, 1, "padding_mode"), "reflect"),
        (("model", "layers", 0, "encoder_layer", "type"), "TransformerEncoderLayer"),
        (("model", "layers", 0, "init", "weight", "type"), "kaiming_normal_"),
        (("model", "init", "Conv2d.weight", "mode"), "fan_out"),
        (("model", "inputs", "tokens", "dtype"), "int64"),
        (("blocks", "Block", "layers", 0, "type"), "Linear"),
        (("data", "prepare", 0, "mode"), "bilinear"),
        (("loss", "reduction"), "mean"),
        (("loss", 0, "type"), "MSELoss"),
        (("optimizer", "type"), "AdamW"),
        (("optimizer", "groups", 0, "line_search_fn"), "strong_wolfe"),
        (("train", "precision"), "bf16"),
    ],
)
def test_an_editor_offers_words(path: tuple[str | int, ...], word: str) -> None:
    assert any(word in each.get("enum", ()) for each in seen(*path))


def test_an_editor_explains_keys() -> None:
    [kernel] = seen("model", "layers", 0, "kernel_size")
    assert kernel["description"].startswith("An argument of AvgPool1d, AvgPool2d, AvgPool3d, Conv1d, ")
    assert kernel["type"] == ["integer", "array"]
    tops = [each for each in seen() if "properties" in each]
    assert all("description" in key or "$ref" in key for each in tops for key in each["properties"].values())


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
    assert len(text) < 2_000_000
    offered = json.loads(text)["definitions"]["layer_view"]["properties"]["type"]
    told = dict(zip(offered["enum"], offered["x-taplo"]["docs"]["enumValues"], strict=True))
    conv = str(torch.nn.Conv2d.__doc__).strip().partition(".")[0]
    assert told["Conv2d"].startswith(" ".join(conv.split()) + ".\n\n`torch.nn.Conv2d(out_channels, ")
    assert told["Halve"] == "Halves.\n\n`python.mine.Halve(times=1)`"
    assert of_layer(' }, { type = "Halve", times = 2', tmp_path, text) == []
    found = of_layer(' }, { type = "Halve", tims = 2', tmp_path, text)
    assert named("('tims' was unexpected)", found) == {5}


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
