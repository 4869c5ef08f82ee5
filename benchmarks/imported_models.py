"""Models that nobody here wrote, small and with random weights: what `imported.py` makes specs of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from imported_others import ROWS
from torch import nn

# A module with example inputs.
Case: TypeAlias = "tuple[nn.Module, Any]"
_TEXT = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 99}
_VIEW = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64, "image_size": 32,
         "patch_size": 8}  # fmt: skip


def tokens(rows: int = 2, length: int = 12) -> torch.Tensor:
    return torch.randint(0, 99, (rows, length))


def image(size: int = 32) -> torch.Tensor:
    return torch.randn(2, 3, size, size)


def cases() -> Iterator[tuple[str, Callable[[], Case]]]:
    """Name and maker of each."""
    yield from _of_torch().items()
    yield from _of_transformers().items()
    for name, row in ROWS.items():
        yield name, _made(*row)


def _of_torch() -> dict[str, Callable[[], Case]]:
    return {
        "nn.Transformer": lambda: (
            nn.Transformer(32, 4, 2, 2, 64, batch_first=True), (torch.randn(2, 9, 32), torch.randn(2, 7, 32))),
        "nn.TransformerEncoder": lambda: (
            nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 3), torch.randn(2, 9, 32)),
        "nn.TransformerDecoder": lambda: (
            nn.TransformerDecoder(nn.TransformerDecoderLayer(32, 4, 64, batch_first=True), 3),
            (torch.randn(2, 9, 32), torch.randn(2, 7, 32))),
        "nn.LSTM": lambda: (nn.LSTM(16, 32, num_layers=2, batch_first=True, bidirectional=True), torch.randn(2, 9, 16)),
        "nn.GRU": lambda: (nn.GRU(16, 32, batch_first=True), torch.randn(2, 9, 16)),
        "nn.MultiheadAttention": lambda: (
            nn.MultiheadAttention(32, 4, batch_first=True),
            (torch.randn(2, 9, 32), torch.randn(2, 9, 32), torch.randn(2, 9, 32))),
    }  # fmt: skip


def _made(model: str, config: str, values: dict[str, Any], inputs: Callable[[], Any]) -> Callable[[], Case]:
    def make() -> Case:
        import transformers

        return getattr(transformers, model)(getattr(transformers, config)(**values)), inputs()

    return make


def _of_transformers() -> dict[str, Callable[[], Case]]:
    def ids() -> Any:
        return {"input_ids": tokens()}

    def pixels() -> Any:
        return {"pixel_values": image()}

    def wide() -> Any:
        return {"pixel_values": image(64)}

    def both() -> Any:
        return {"input_ids": tokens(), "attention_mask": torch.ones(2, 12, dtype=torch.int64)}

    gpt = {"n_embd": 32, "n_layer": 3, "n_head": 4, "vocab_size": 99, "use_cache": False}
    llama = {**_TEXT, "num_key_value_heads": 2, "use_cache": False}
    t5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 3, "num_heads": 4, "vocab_size": 99, "use_cache": False}
    small = {"hidden_sizes": [8, 16, 24, 32], "depths": [2, 2, 3, 2]}
    return {
        "BERT": _made("BertModel", "BertConfig", _TEXT, ids),
        "BERT, eager": _made("BertModel", "BertConfig", {**_TEXT, "attn_implementation": "eager"}, ids),
        "BERT for masked words": _made("BertForMaskedLM", "BertConfig", _TEXT, ids),
        "RoBERTa": _made("RobertaModel", "RobertaConfig", _TEXT, ids),
        "DistilBERT": _made("DistilBertModel", "DistilBertConfig",
                            {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64, "vocab_size": 99}, ids),
        "ALBERT": _made("AlbertModel", "AlbertConfig", {**_TEXT, "embedding_size": 16}, ids),
        "ELECTRA": _made("ElectraModel", "ElectraConfig", {**_TEXT, "embedding_size": 16}, ids),
        "GPT-2": _made("GPT2LMHeadModel", "GPT2Config", gpt, ids),
        "OPT": _made("OPTForCausalLM", "OPTConfig", {"hidden_size": 32, "num_hidden_layers": 3, "ffn_dim": 64,
                     "num_attention_heads": 4, "vocab_size": 99, "word_embed_proj_dim": 32, "use_cache": False}, ids),
        "GPT-NeoX": _made("GPTNeoXForCausalLM", "GPTNeoXConfig", {**_TEXT, "use_cache": False}, ids),
        "Llama": _made("LlamaForCausalLM", "LlamaConfig", llama, ids),
        "Mistral": _made("MistralForCausalLM", "MistralConfig", llama, ids),
        "Qwen2": _made("Qwen2ForCausalLM", "Qwen2Config", llama, ids),
        "Gemma": _made("GemmaForCausalLM", "GemmaConfig", {**llama, "head_dim": 8}, ids),
        "Phi": _made("PhiForCausalLM", "PhiConfig", llama, ids),
        "T5 encoder": _made("T5EncoderModel", "T5Config", t5, ids),
        "T5": _made("T5ForConditionalGeneration", "T5Config", t5,
                    lambda: {"input_ids": tokens(), "decoder_input_ids": tokens(2, 7)}),
        "Mamba": _made("MambaForCausalLM", "MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4,
                       "vocab_size": 99, "use_cache": False}, ids),
        "CLIP, text": _made("CLIPTextModel", "CLIPTextConfig", {**_TEXT, "eos_token_id": 98}, ids),
        "CLIP, images": _made("CLIPVisionModel", "CLIPVisionConfig", _VIEW, pixels),
        "ViT": _made("ViTModel", "ViTConfig", _VIEW, pixels),
        "ViT for classes": _made("ViTForImageClassification", "ViTConfig", _VIEW, pixels),
        "DeiT": _made("DeiTModel", "DeiTConfig", _VIEW, pixels),
        "DINOv2": _made("Dinov2Model", "Dinov2Config", _VIEW, pixels),
        "Swin": _made("SwinModel", "SwinConfig", {"image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [2, 2],
                      "num_heads": [2, 4], "window_size": 4}, pixels),
        "ResNet": _made("ResNetForImageClassification", "ResNetConfig",
                        {"embedding_size": 8, **small, "layer_type": "basic"}, pixels),
        "ResNet, bottleneck": _made("ResNetModel", "ResNetConfig", {"embedding_size": 8, **small}, pixels),
        "ConvNeXt": _made("ConvNextModel", "ConvNextConfig", small, pixels),
        "ConvNeXt V2": _made("ConvNextV2Model", "ConvNextV2Config", small, pixels),
        "RegNet": _made("RegNetModel", "RegNetConfig", {"embedding_size": 8, **small, "groups_width": 8}, pixels),
        "MobileNetV1": _made("MobileNetV1Model", "MobileNetV1Config",
                             {"image_size": 32, "depth_multiplier": 0.25}, pixels),
        "MobileNetV2": _made("MobileNetV2Model", "MobileNetV2Config",
                             {"image_size": 32, "depth_multiplier": 0.35}, pixels),
        "EfficientNet": _made("EfficientNetModel", "EfficientNetConfig", {"image_size": 32, "width_coefficient": 0.25,
                              "depth_coefficient": 0.25, "hidden_dim": 320}, pixels),
        "SegFormer": _made("SegformerModel", "SegformerConfig", {**small, "depths": [1, 1, 1, 1],
                           "num_attention_heads": [1, 2, 2, 4], "decoder_hidden_size": 16}, wide),
        "PoolFormer": _made("PoolFormerModel", "PoolFormerConfig", {**small, "depths": [1, 1, 1, 1]}, wide),
        "MobileViT": _made("MobileViTModel", "MobileViTConfig", {"image_size": 64, "hidden_sizes": [16, 24, 32],
                           "neck_hidden_sizes": [8, 8, 16, 16, 24, 32, 64]}, wide),
        "Whisper, encoder": lambda: _whisper(),
        "wav2vec 2.0": _made("Wav2Vec2Model", "Wav2Vec2Config", {**_TEXT, "conv_dim": [16, 16], "conv_kernel": [10, 3],
                             "conv_stride": [5, 2], "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16,
                             "num_conv_pos_embedding_groups": 2}, lambda: {"input_values": torch.randn(2, 400)}),
        "MPNet": _made("MPNetModel", "MPNetConfig", _TEXT, ids),
        "DeBERTa": _made("DebertaModel", "DebertaConfig", _TEXT, ids),
        "BERT with a mask": _made("BertModel", "BertConfig", _TEXT, both),
    }  # fmt: skip


def _whisper() -> Case:
    from transformers import WhisperConfig, WhisperModel

    config = WhisperConfig(d_model=32, encoder_layers=3, decoder_layers=1, encoder_attention_heads=4, vocab_size=99,
                           decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=16,
                           max_source_positions=50, pad_token_id=1, bos_token_id=2, eos_token_id=3,
                           decoder_start_token_id=2)  # fmt: skip
    return WhisperModel(config).encoder, {"input_features": torch.randn(2, 16, 100)}
