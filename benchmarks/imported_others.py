"""More models of transformers, small and with random weights, for `imported.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import torch

# A model's class, its configuration's, the values of that, and what makes example inputs.
Row: TypeAlias = "tuple[str, str, dict[str, Any], Callable[[], dict[str, torch.Tensor]]]"
_TEXT: Final = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
                "vocab_size": 99}  # fmt: skip
_LLAMA: Final = {**_TEXT, "num_key_value_heads": 2, "use_cache": False}
_VIEW: Final = {**_TEXT, "image_size": 32, "patch_size": 8}
_BOTH: Final = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
                "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 99,
                "use_cache": False}  # fmt: skip
_OLDER: Final = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99, "use_cache": False}
_STAGES: Final = {"depths": [1, 1, 1, 1]}


def _ids() -> dict[str, torch.Tensor]:
    return {"input_ids": torch.randint(3, 99, (2, 12))}


def _pairs() -> dict[str, torch.Tensor]:
    return {**_ids(), "decoder_input_ids": torch.randint(3, 99, (2, 7))}


def _pixels(size: int = 32) -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(2, 3, size, size)}


def _wide() -> dict[str, torch.Tensor]:
    return _pixels(64)


def _two() -> dict[str, torch.Tensor]:
    return {**_ids(), **_pixels()}


ROWS: Final[dict[str, Row]] = {
    "BART": ("BartModel", "BartConfig", _BOTH, _pairs),
    "Marian": ("MarianModel", "MarianConfig", {**_BOTH, "pad_token_id": 0}, _pairs),
    "XLM-RoBERTa": ("XLMRobertaModel", "XLMRobertaConfig", _TEXT, _ids),
    "MobileBERT": ("MobileBertModel", "MobileBertConfig",
                   {**_TEXT, "embedding_size": 16, "true_hidden_size": 16, "intra_bottleneck_size": 16}, _ids),
    "SqueezeBERT": ("SqueezeBertModel", "SqueezeBertConfig", {**_TEXT, "embedding_size": 32}, _ids),
    "Funnel": ("FunnelModel", "FunnelConfig",
               {"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 64, "vocab_size": 99, "block_sizes": [1, 1]}, _ids),
    "XLNet": ("XLNetModel", "XLNetConfig",
              {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64, "vocab_size": 99}, _ids),
    "GPT-J": ("GPTJModel", "GPTJConfig", {**_OLDER, "rotary_dim": 4}, _ids),
    "GPT-Neo": ("GPTNeoModel", "GPTNeoConfig", {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "vocab_size": 99,
                "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 64, "window_size": 8,
                "use_cache": False}, _ids),
    "Falcon": ("FalconModel", "FalconConfig", {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
               "vocab_size": 99, "use_cache": False}, _ids),
    "Qwen3": ("Qwen3Model", "Qwen3Config", {**_LLAMA, "head_dim": 8}, _ids),
    "Gemma 2": ("Gemma2Model", "Gemma2Config", {**_LLAMA, "head_dim": 8}, _ids),
    "OLMo": ("OlmoModel", "OlmoConfig", _LLAMA, _ids),
    "StableLM": ("StableLmModel", "StableLmConfig", _LLAMA, _ids),
    "Phi-3": ("Phi3Model", "Phi3Config", {**_LLAMA, "pad_token_id": 0}, _ids),
    "Cohere": ("CohereModel", "CohereConfig", _LLAMA, _ids),
    "Granite": ("GraniteModel", "GraniteConfig", _LLAMA, _ids),
    "Mixtral": ("MixtralModel", "MixtralConfig", {**_LLAMA, "num_local_experts": 4}, _ids),
    "Mamba 2": ("Mamba2Model", "Mamba2Config", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4,
                "head_dim": 8, "num_heads": 8, "vocab_size": 99, "n_groups": 1, "chunk_size": 8,
                "use_cache": False}, _ids),
    "RWKV": ("RwkvModel", "RwkvConfig", {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 99,
             "attention_hidden_size": 32, "use_cache": False}, _ids),
    "LongT5, encoder": ("LongT5EncoderModel", "LongT5Config", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2,
                        "num_heads": 4, "vocab_size": 99, "local_radius": 4}, _ids),
    "BEiT": ("BeitModel", "BeitConfig", _VIEW, _pixels),
    "ViT MAE": ("ViTMAEModel", "ViTMAEConfig", _VIEW, _pixels),
    "ViT MSN": ("ViTMSNModel", "ViTMSNConfig", _VIEW, _pixels),
    "Swin V2": ("Swinv2Model", "Swinv2Config", {"image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [2, 2],
                "num_heads": [2, 4], "window_size": 4}, _pixels),
    "LeViT": ("LevitModel", "LevitConfig", {"image_size": 64}, _wide),
    "FocalNet": ("FocalNetModel", "FocalNetConfig", {"image_size": 32, "embed_dim": 16, **_STAGES}, _pixels),
    "BiT": ("BitModel", "BitConfig", {"embedding_size": 32, "hidden_sizes": [32, 32, 32, 32], **_STAGES,
            "num_groups": 4}, _pixels),
    "PVT": ("PvtModel", "PvtConfig", {"image_size": 32, "hidden_sizes": [16, 16, 32, 32], **_STAGES,
            "num_attention_heads": [1, 2, 2, 4]}, _pixels),
    "Hiera": ("HieraModel", "HieraConfig", {"image_size": [64, 64], "embed_dim": 16, **_STAGES,
              "num_heads": [1, 1, 2, 4]}, _wide),
    "DPT": ("DPTModel", "DPTConfig", _VIEW, _pixels),
    "SigLIP, images": ("SiglipVisionModel", "SiglipVisionConfig", _VIEW, _pixels),
    "CLIP": ("CLIPModel", "CLIPConfig", {"text_config": {**_TEXT, "eos_token_id": 98}, "vision_config": _VIEW}, _two),
    "AST": ("ASTModel", "ASTConfig", {**_TEXT, "max_length": 64, "num_mel_bins": 32, "patch_size": 16},
            lambda: {"input_values": torch.randn(2, 64, 32)}),
    "Perceiver": ("PerceiverModel", "PerceiverConfig", {"d_model": 32, "num_latents": 8, "d_latents": 32,
                  "num_self_attends_per_block": 2, "num_self_attention_heads": 4, "num_cross_attention_heads": 4},
                  lambda: {"inputs": torch.randn(2, 16, 32)}),
    "TimeSformer": ("TimesformerModel", "TimesformerConfig", {**_VIEW, "num_frames": 2},
                    lambda: {"pixel_values": torch.randn(2, 2, 3, 32, 32)}),
}  # fmt: skip
