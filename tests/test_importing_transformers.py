"""Models of transformers with random weights become specs that give the same bits; `benchmarks/imported.py` takes more
of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.whole import imported

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from imported_models import cases

CASES = dict(cases())
TAKEN = ("nn.Transformer", "BERT", "BERT with a mask", "GPT-2", "Llama", "T5", "Mamba", "ViT", "Swin", "ResNet",
         "ConvNeXt", "Whisper, encoder")  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own


@pytest.mark.parametrize("name", TAKEN)
def test_a_model_becomes_a_spec(name: str) -> None:
    """`imported` holds it against the module itself, on the examples and in another batch size."""
    torch.manual_seed(0)
    module, given = CASES[name]()
    assert imported(module.eval(), given).startswith("name = ")


def test_bert_base_is_short() -> None:
    from transformers import BertConfig, BertModel

    module = BertModel(BertConfig()).eval()
    text = imported(module, {"input_ids": torch.randint(0, 30522, (2, 8))})
    assert len(text.splitlines()) < 120


def test_what_cannot_be_said_is_named() -> None:
    module, given = CASES["PoolFormer"]()
    with pytest.raises(ImportingError, match="encoder: the modules of patch_embeddings and block take turns"):
        imported(module.eval(), given)
