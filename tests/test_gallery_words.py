"""The gallery's language models give what transformers' classes give, bit for bit, at rest and in training.

Attention is torch's `scaled_dot_product_attention` on both sides (`attn_implementation="sdpa"`, the classes' default).
"""

from __future__ import annotations

import pytest
import torch
from gallery import keys, load, stir
from torch import Tensor, nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

import builder

TOKENS = 12


def pair(name: str, theirs: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The spec's module and the class's, which both hold the class's weights; a strict load."""
    ours = builder.build(load(name), device="cpu")
    starts_alike(ours, theirs)
    ours.load_state_dict(stir(theirs).state_dict(), strict=True)
    return ours, theirs


def starts_alike(ours: nn.Module, theirs: nn.Module) -> None:
    """Each tensor as widely spread as the class's own: a tenth is five standard errors for the smallest of them."""
    for (key, one), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.1), key


@pytest.fixture(scope="module")
def gpt2() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return pair("gpt2", GPT2LMHeadModel(GPT2Config(attn_implementation="sdpa", use_cache=False)))


@pytest.fixture(scope="module")
def bert() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return pair("bert_base", BertModel(BertConfig(attn_implementation="sdpa")))


@pytest.mark.parametrize("training", [False, True])
def test_gpt2(gpt2: tuple[nn.Module, nn.Module], training: bool) -> None:
    ours, theirs = (each.train(training) for each in gpt2)
    tokens = torch.randint(50257, (2, TOKENS))
    with torch.no_grad():
        expected = seeded(lambda: theirs(tokens).logits)
        assert torch.equal(seeded(lambda: ours(tokens)), expected)
    assert keys(ours) == keys(theirs)
    assert expected.std() > 0


def test_gpt2s_head_is_its_embedding(gpt2: tuple[nn.Module, nn.Module]) -> None:
    ours, _ = gpt2
    state = ours.state_dict(keep_vars=True)
    assert state["lm_head.weight"] is state["transformer.wte.weight"]
    assert state["lm_head.weight"].requires_grad


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_bert(bert: tuple[nn.Module, nn.Module], training: bool, padded: bool) -> None:
    ours, theirs = (each.train(training) for each in bert)
    tokens, kinds = torch.randint(1, 30522, (2, TOKENS)), torch.randint(2, (2, TOKENS))
    mask = torch.ones(2, TOKENS, dtype=torch.int64)
    if padded:
        mask[1, TOKENS // 2 :] = 0
    with torch.no_grad():
        expected = seeded(lambda: theirs(tokens, attention_mask=mask, token_type_ids=kinds))
        result = seeded(lambda: ours(tokens, kinds, mask))
    assert keys(ours) == keys(theirs)
    for name in ("last_hidden_state", "pooler_output"):
        assert torch.equal(result[name], expected[name])
        assert expected[name].std() > 0


def seeded(call: object) -> Tensor:
    torch.manual_seed(1)
    return call()  # type: ignore[operator]
