"""Every spec of the gallery: spec -> module -> `from_module` -> spec gives an equal model, in a text that is no longer
than one and a half times the gallery's."""

from __future__ import annotations

import re

import gallery
import pytest
import torch
from torch import Tensor

import builder
import dsl
from builder.building import module_of
from builder.comparison import compare
from builder.differences import Change
from builder.exchange.importing.whole import imported

SIZES = {"N": 2, "T": 16, "H": 32, "W": 48}
LONGEST = 1.5
# Conv1D's one expression of three functions comes back as three layers.
IN_LAYERS = {"gpt2": re.compile(r".*\.(c_attn|c_proj|c_fc)\..*")}


def example(name: str, each: dsl.records.Input) -> Tensor:
    shape = [SIZES[size] if isinstance(size, str) else size for size in each.shape or ()]
    if each.dtype != "int64":
        return torch.randn(shape)
    if "lengths" in name:  # the longest is as long as the input, as recurrent layers pad to that
        return torch.tensor([SIZES["T"], SIZES["T"] - 3])
    return torch.randint(each.low or 0, each.high or 2, shape)


def said(text: str) -> str:
    """The model and its blocks, without comments."""
    kept, inside = [], True
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.startswith(("[model", "[blocks", "[vars"))
        if inside and line.strip() and not line.lstrip().startswith("#") and not line.startswith("allow"):
            kept.append(re.sub(r"  +# .*$", "", line))
    return "\n".join(kept)


def matters(change: Change, name: str) -> bool:
    """Whether a difference is one of the model: not how it is divided into blocks, how weights started, what a layer
    without keys in the state dict is called."""
    if name in IN_LAYERS and IN_LAYERS[name].fullmatch(change.name):
        return False
    if change.kind != "changed":
        return True
    told = {each.what for each in change.differences} - {"init"}
    is_group = change.layers > 1 or "repeat" in told or change.type == "group"
    return bool(told - ({"type", "repeat"} if is_group else set()) - (set() if change.parameters else {"name"}))


@pytest.mark.parametrize("name", gallery.NAMES)
def test_a_model_comes_back(name: str) -> None:
    spec = gallery.load(name)
    graph = builder.elaborate(spec)
    torch.manual_seed(0)
    module = gallery.stir(module_of(graph)).eval()
    inputs = spec.model.inputs or ()
    given = {each.name: example(each.name, each) for each in inputs}
    shapes = {each.name: list(each.shape or ()) for each in inputs}
    text = imported(module, given, name=spec.name, shapes=shapes)
    found = compare(graph, builder.elaborate(dsl.loads(text)))
    assert [each for each in (*found.inputs, *found.layers, *found.outputs) if matters(each, name)] == []
    assert found.totals == ()
    assert len(said(text)) <= LONGEST * len(said((gallery.FOLDER / f"{name}.toml").read_text()))
