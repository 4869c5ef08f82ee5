"""Files as others published them go into the gallery's models, by the `rename` of each spec.

The files are made up; their keys are those of the published ones. torchvision's GoogLeNet file has the auxiliary
heads, and its DenseNet file was written before the class named `norm1` what had been `norm.1`. The hub's GPT-2 is
GPT2Model, without `transformer.` before its keys, with the masks that older versions of the class kept; its BERT is
BertForPreTraining with TensorFlow's names for normalisation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from gallery import FOLDER, load, without_memory
from torch import nn
from transformers import BertConfig, BertForPreTraining, GPT2Config, GPT2LMHeadModel, GPT2Model

import builder
from builder.exchange.placing import place
from builder.exchange.weights import own_of, put_in, shapes_of

DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))([12])\.(.*)$")


def on_meta(make: Any) -> dict[str, Any]:
    with torch.device("meta"):
        return dict(make().state_dict())


def googlenet(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    heads = {f"aux{i}.{key}": torch.zeros(shape) for i in (1, 2) for key, shape in
             {"conv.conv.weight": (128, 512, 1, 1), "conv.bn.weight": (128,), "conv.bn.bias": (128,),
              "conv.bn.running_mean": (128,), "conv.bn.running_var": (128,), "fc1.weight": (1024, 2048),
              "fc1.bias": (1024,), "fc2.weight": (1000, 1024), "fc2.bias": (1000,)}.items()}  # fmt: skip
    return {**state, **heads}


def densenet(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`norm1` was `norm.1`; the counter of batch normalisation came later."""
    old = {DENSE.sub(r"\1.\2.\3", key): each for key, each in state.items() if "num_batches" not in key}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    assert "features.transition1.norm.weight" in old
    return old


@pytest.mark.parametrize(("name", "publish"), [("googlenet", googlenet), ("densenet121", densenet)])
def test_torchvisions_files(name: str, publish: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    wanted = builder.build(load(name), device="cpu").state_dict()
    torch.save(publish(dict(wanted)), tmp_path / "published.pth", _use_new_zipfile_serialization=False)
    spec = tmp_path / "net.toml"
    spec.write_text(f'extends = "{name}.toml"\n[model]\nweights = "published.pth"\n')
    (tmp_path / f"{name}.toml").write_text((FOLDER / f"{name}.toml").read_text())
    torch.manual_seed(1)
    found = builder.build(spec, device="cpu").state_dict()
    assert all(torch.equal(found[key], each) for key, each in wanted.items())
    assert found.keys() == wanted.keys()


def gpt2_masks(prefix: str) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        masks = {f"{prefix}h.{i}.attn.bias": torch.ones(1, 1, 1024, 1024) for i in range(12)}
        return masks | {f"{prefix}h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(12)}


def bert_of_before() -> dict[str, Any]:
    """The file of 2018: gamma and beta, and later the buffer of positions."""
    state = on_meta(lambda: BertForPreTraining(BertConfig()))
    old = {re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", key)): each
           for key, each in state.items()}  # fmt: skip
    assert "bert.embeddings.LayerNorm.gamma" in old
    assert "cls.predictions.transform.LayerNorm.beta" in old
    return {**old, "bert.embeddings.position_ids": torch.zeros(1, 512, device="meta")}


PUBLISHED = {
    "gpt2": [
        lambda: on_meta(lambda: GPT2Model(GPT2Config())) | gpt2_masks(""),
        lambda: on_meta(lambda: GPT2LMHeadModel(GPT2Config())) | gpt2_masks("transformer."),
        lambda: on_meta(lambda: GPT2LMHeadModel(GPT2Config())),
    ],
    "bert_base": [
        bert_of_before,
        lambda: on_meta(lambda: BertForPreTraining(BertConfig())),
        lambda: {key.removeprefix("bert."): each for key, each in bert_of_before().items() if key.startswith("bert.")},
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "index"), [(name, i) for name, files in PUBLISHED.items() for i in range(len(files))])
def test_the_hubs_files(name: str, index: int) -> None:
    spec, model = load(name), without_memory(name)
    assert spec.weights is not None
    held = shapes_of(PUBLISHED[name][index]())
    found = place(own_of(model), held, spec.weights.rename)
    assert found.fits
    assert len(found.taken) >= len(model.state_dict()) - 1  # GPT-2's head is tied


def test_a_hubs_file_gives_the_classs_outputs() -> None:
    """A small BERT of the hub's keys into the spec's classes at that size."""
    small = {"hidden_size": 768, "num_hidden_layers": 2, "vocab_size": 99, "intermediate_size": 3072}
    torch.manual_seed(0)
    theirs = BertForPreTraining(BertConfig(**small)).eval()
    spec = load("bert_base", **{"model.layers.encoder.layers.layer.repeat": 2, "model.inputs.input_ids.high": 99})
    ours: nn.Module = builder.build(spec, device="cpu").eval()
    assert spec.weights is not None
    put_in(ours, theirs.state_dict(), "bert", rename=spec.weights.rename)
    tokens, ones = torch.randint(99, (2, 7)), torch.ones(2, 7, dtype=torch.int64)
    with torch.no_grad():
        wanted = theirs.bert(tokens, token_type_ids=ones * 0, attention_mask=ones).pooler_output
        assert torch.equal(ours(tokens, ones * 0, ones)["pooler_output"], wanted)
