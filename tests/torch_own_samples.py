"""Samples of ours for classes of torch.nn that torch's own list lacks, and for arguments that it never tries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import nn
from torch_module_samples import infos, module_sample
from torch_samples import Sample

# Why a class of torch.nn has no samples: a pattern for its name, and the reason.
LEFT_OUT: Final = (
    (r"Lazy\w+", "a lazy class: in a spec its plain class is left without the argument"),
    (r"Module|RNNBase|RNNCellBase|Container", "a base of other classes"),
    (r"Sequential|(Module|Parameter)(List|Dict)", "a container: a group, or a layer of this project's own"),
    (r"DataParallel", "for several processes or devices"),
    (r"NLLLoss2d", "deprecated: NLLLoss"),
)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape)


def whole(high: int, *shape: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    return torch.randint(0, high, shape, dtype=dtype)


def pooled(dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What a max pooling with indices gives, for its inverse."""
    kind = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[dims - 1]
    values, indices = kind(2, return_indices=True)(draw(2, 3, *(4,) * dims))
    return values, indices


def noted(kind: type[nn.Module], **arguments: Any) -> nn.Module:
    """A module that remembers what it was made with, to be written where another takes it."""
    made = kind(**arguments)
    made.noted_arguments = arguments  # type: ignore[assignment]
    return made


def _image(*sizes: int) -> torch.Tensor:
    return draw(2, 4, *(sizes or (6, 6)))


# Class, constructor arguments, what is fed by place, what is fed by name.
Case = tuple[str, dict[str, Any], tuple[Any, ...], dict[str, Any]]


def cases() -> list[Case]:
    torch.manual_seed(3)
    return [*_activations(), *_shapes(), *_pools(), *_losses(), *_attention(), *_recurrent(), *_embeddings()]


def _activations() -> list[Case]:
    drops = ("Dropout", "AlphaDropout", "FeatureAlphaDropout")
    return [
        *((name, arguments, (_image(),), {}) for name in drops for arguments in ({}, {"p": 0.3}, {"inplace": True})),
        ("Dropout1d", {"p": 0.4}, (draw(2, 4, 5),), {}),
        ("Dropout1d", {}, (draw(4, 5),), {}),
        ("Dropout2d", {"p": 0.4}, (_image(),), {}),
        ("Dropout3d", {"p": 0.4}, (_image(3, 3, 3),), {}),
        ("Hardsigmoid", {}, (draw(3, 4),), {}),
        ("Hardsigmoid", {"inplace": True}, (draw(3),), {}),
        ("Identity", {}, (draw(3, 4),), {}),
        ("RReLU", {}, (draw(3, 4),), {}),
        ("RReLU", {"lower": 0.1, "upper": 0.2, "inplace": True}, (draw(3, 4),), {}),
        ("CosineSimilarity", {"dim": 1, "eps": 1e-6}, (draw(3, 4), draw(3, 4)), {}),
        ("CosineSimilarity", {}, (draw(3, 4, 2), draw(1, 4, 2)), {}),
        ("PairwiseDistance", {"p": 1.0, "keepdim": True}, (draw(3, 4), draw(3, 4)), {}),
        ("PairwiseDistance", {}, (draw(4), draw(4)), {}),
        ("CrossMapLRN2d", {"size": 3, "alpha": 0.01}, (_image(),), {}),
        ("BatchNorm2d", {"num_features": 4, "momentum": None, "affine": False}, (_image(),), {}),
        ("SyncBatchNorm", {"num_features": 4}, (_image(),), {}),
        ("SyncBatchNorm", {"num_features": 4, "affine": False}, (draw(3, 4),), {}),
        ("Threshold", {"threshold": 0.1, "value": 20.0, "inplace": True}, (draw(3, 4),), {}),
    ]


def _shapes() -> list[Case]:
    modes = ("nearest", "bilinear", "bicubic", "area", "nearest-exact")
    return [
        ("ChannelShuffle", {"groups": 2}, (_image(),), {}),
        ("Flatten", {}, (_image(),), {}),
        ("Flatten", {"start_dim": 0, "end_dim": -2}, (_image(),), {}),
        ("Unflatten", {"dim": 1, "unflattened_size": (2, 2)}, (_image(),), {}),
        ("Unflatten", {"dim": -1, "unflattened_size": [3, -1]}, (_image(),), {}),
        ("Fold", {"output_size": (4, 5), "kernel_size": (2, 2)}, (draw(2, 12, 12),), {}),
        ("Fold", {"output_size": 4, "kernel_size": 2, "stride": 2}, (draw(12, 4),), {}),
        ("Unfold", {"kernel_size": (2, 3), "padding": 1}, (_image(),), {}),
        ("Unfold", {"kernel_size": 2, "dilation": 2, "stride": [1, 2]}, (draw(4, 6, 6),), {}),
        ("PixelShuffle", {"upscale_factor": 2}, (_image(),), {}),
        ("PixelUnshuffle", {"downscale_factor": 2}, (_image(),), {}),
        *(("Upsample", {"scale_factor": 2, "mode": mode}, (_image(),), {}) for mode in modes),
        ("Upsample", {"size": [7, 9], "mode": "bilinear", "align_corners": True}, (_image(),), {}),
        ("Upsample", {"scale_factor": (1.5, 2.0), "recompute_scale_factor": True}, (_image(),), {}),
        ("Upsample", {"size": 7, "mode": "linear"}, (draw(2, 4, 5),), {}),
        ("Upsample", {"scale_factor": 2.0, "mode": "trilinear"}, (_image(2, 3, 2),), {}),
        ("UpsamplingBilinear2d", {"scale_factor": 2}, (_image(),), {}),
        ("UpsamplingBilinear2d", {"size": (7, 9)}, (_image(),), {}),
        ("UpsamplingNearest2d", {"scale_factor": 2}, (_image(),), {}),
        ("UpsamplingNearest2d", {"size": 9}, (_image(),), {}),
        ("Conv2d", {"in_channels": 4, "out_channels": 8, "kernel_size": (3, 2), "stride": [2, 1], "padding": (1, 0),
                    "dilation": 2, "groups": 2, "bias": False, "padding_mode": "reflect"}, (_image(8, 8),), {}),
        ("ConvTranspose2d", {"in_channels": 4, "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1},
         (_image(),), {"output_size": [12, 12]}),
        ("ConvTranspose1d", {"in_channels": 4, "out_channels": 3, "kernel_size": 3, "stride": 2, "output_padding": 1},
         (draw(2, 4, 5),), {}),
    ]  # fmt: skip


def _pools() -> list[Case]:
    return [
        *((f"MaxUnpool{dims}d", {"kernel_size": 2}, pooled(dims), {}) for dims in (1, 2, 3)),
        ("MaxUnpool2d", {"kernel_size": [2, 2], "stride": 2}, pooled(2), {"output_size": [5, 5]}),
        ("FractionalMaxPool2d", {"kernel_size": 2, "output_ratio": 0.5}, (_image(),), {}),
        ("FractionalMaxPool2d", {"kernel_size": (2, 3), "output_size": (3, 2), "return_indices": True}, (_image(),),
         {}),
        ("FractionalMaxPool3d", {"kernel_size": 2, "output_ratio": (0.5, 0.5, 0.5)}, (_image(6, 6, 6),), {}),
        ("AdaptiveMaxPool2d", {"output_size": (3, None), "return_indices": True}, (_image(),), {}),
        ("AdaptiveMaxPool1d", {"output_size": 3, "return_indices": True}, (draw(2, 4, 7),), {}),
        ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "dilation": 1}, (_image(),), {}),
    ]  # fmt: skip


def _losses() -> list[Case]:
    three = (draw(3, 4), draw(3, 4), draw(3, 4))
    with_distance = "TripletMarginWithDistanceLoss"
    adaptive = {"in_features": 5, "n_classes": 10, "cutoffs": [3, 7]}
    return [
        ("TripletMarginLoss", {}, three, {}),
        ("TripletMarginLoss", {"margin": 0.5, "p": 1, "swap": True, "reduction": "none"}, three, {}),
        (with_distance, {}, three, {}),
        (with_distance, {"distance_function": noted(nn.PairwiseDistance, p=1.0)}, three, {}),
        (with_distance, {"distance_function": nn.functional.cosine_similarity, "margin": 0.5, "swap": True}, three, {}),
        ("AdaptiveLogSoftmaxWithLoss", adaptive, (draw(6, 5), whole(10, 6)), {}),
        ("AdaptiveLogSoftmaxWithLoss", {**adaptive, "div_value": 2.0, "head_bias": True}, (draw(5), whole(10)), {}),
        ("CrossEntropyLoss", {"weight": torch.tensor([1.0, 2.0, 5.0]), "label_smoothing": 0.1},
         (draw(4, 3), whole(3, 4)), {}),
        ("BCEWithLogitsLoss", {"pos_weight": torch.tensor([1.0, 2.0, 3.0])}, (draw(4, 3), draw(4, 3).sigmoid()), {}),
        ("GaussianNLLLoss", {"full": True, "eps": 1e-3, "reduction": "sum"},
         (draw(4, 3), draw(4, 3), draw(4, 1).exp()), {}),
        ("CTCLoss", {"zero_infinity": True}, (draw(9, 2, 5).log_softmax(2), whole(4, 2, 3) + 1),
         {"input_lengths": torch.tensor([9, 8]), "target_lengths": torch.tensor([3, 2])}),
        ("CTCLoss", {"reduction": "none"}, (draw(9, 2, 5).log_softmax(2), whole(4, 5) + 1, (9, 9), (3, 2)), {}),
        ("LinearCrossEntropyLoss", {"in_features": 5, "num_classes": 3, "label_smoothing": 0.2},
         (draw(4, 5), whole(3, 4)), {}),
    ]  # fmt: skip


def _attention() -> list[Case]:
    plain, later = {"embed_dim": 8, "num_heads": 2}, torch.ones(5, 5).triu(1).bool()
    rows, memory, pairs = draw(5, 3, 8), draw(4, 3, 8), (draw(5, 3, 8), draw(4, 3, 8))
    name = "MultiheadAttention"
    return [
        (name, plain, (rows,) * 3, {"need_weights": False}),
        (name, plain, (rows,) * 3, {"average_attn_weights": False}),
        (name, {**plain, "batch_first": True}, (draw(3, 5, 8),) * 3, {"attn_mask": later, "is_causal": True}),
        (name, plain, (rows,) * 3, {"attn_mask": draw(6, 5, 5), "key_padding_mask": None}),
        (name, {**plain, "kdim": 6, "vdim": 7}, (rows, draw(4, 3, 6), draw(4, 3, 7)), {}),
        (name, plain, (draw(5, 8),) * 3, {"attn_mask": later}),
        (name, {**plain, "add_zero_attn": True}, (rows, memory, memory), {"key_padding_mask": torch.eye(3, 4) > 0}),
        *_transformers(rows, pairs, later),
    ]


def _transformers(rows: torch.Tensor, pairs: tuple[torch.Tensor, ...], later: torch.Tensor) -> list[Case]:
    layer = {"d_model": 8, "nhead": 2, "dim_feedforward": 16, "dropout": 0.0}
    encoder, decoder = noted(nn.TransformerEncoderLayer, **layer), noted(nn.TransformerDecoderLayer, **layer)
    norm, gelu, padded = noted(nn.LayerNorm, normalized_shape=8), nn.functional.gelu, torch.zeros(3, 4).bool()
    flat = {"enable_nested_tensor": False, "norm": norm}
    small = {**layer, "num_encoder_layers": 1, "num_decoder_layers": 1}
    return [
        ("TransformerDecoder", {"decoder_layer": decoder, "num_layers": 2}, pairs, {}),
        ("TransformerDecoder", {"decoder_layer": decoder, "num_layers": 1, "norm": norm}, pairs,
         {"tgt_mask": later, "memory_key_padding_mask": padded}),
        ("TransformerEncoder", {"encoder_layer": encoder, "num_layers": 2, **flat}, (rows,),
         {"mask": draw(5, 5), "is_causal": False}),
        ("TransformerEncoderLayer", {**layer, "activation": gelu, "norm_first": True}, (rows,), {}),
        ("TransformerEncoderLayer", {**layer, "activation": noted(nn.GELU, approximate="tanh")}, (rows,), {}),
        ("TransformerDecoderLayer", {**layer, "activation": "gelu"}, pairs, {"tgt_mask": later, "tgt_is_causal": True}),
        ("Transformer", small, pairs, {"memory_is_causal": False}),
    ]  # fmt: skip


def _recurrent() -> list[Case]:
    size = {"input_size": 4, "hidden_size": 3}
    return [
        ("LSTM", {**size, "num_layers": 2, "dropout": 0.5}, (draw(5, 2, 4),), {}),
        ("LSTM", {**size, "batch_first": True}, (draw(2, 5, 4), (draw(1, 2, 3), draw(1, 2, 3))), {}),
        ("GRU", {**size, "bidirectional": True}, (draw(5, 4),), {"hx": draw(2, 3)}),
        ("GRUCell", size, (draw(4), draw(3)), {}),
        ("GRUCell", size, (draw(2, 4), draw(2, 3)), {}),
        ("RNNCell", size, (draw(2, 4),), {}),
        ("LSTMCell", {**size, "bias": False}, (draw(2, 4),), {}),
        ("RNN", {**size, "nonlinearity": "relu", "bias": False}, (draw(5, 2, 4), draw(1, 2, 3)), {}),
    ]


def _embeddings() -> list[Case]:
    bag = {"num_embeddings": 10, "embedding_dim": 3}
    return [
        ("Embedding", {**bag, "padding_idx": 2, "max_norm": 1.0, "norm_type": 1.0}, (whole(10, 2, 4),), {}),
        ("Embedding", bag, (whole(10, 4, dtype=torch.int32),), {}),
        ("EmbeddingBag", bag, (whole(10, 2, 4),), {}),
        ("EmbeddingBag", {**bag, "mode": "max", "padding_idx": 1}, (whole(10, 2, 4),), {}),
        ("EmbeddingBag", {**bag, "mode": "sum"}, (whole(10, 6), torch.tensor([0, 2, 5])), {}),
        ("EmbeddingBag", {**bag, "mode": "sum"}, (whole(10, 6), torch.tensor([0, 2]), draw(6)), {}),
        ("EmbeddingBag", {**bag, "mode": "sum", "include_last_offset": True},
         (whole(10, 6),), {"offsets": torch.tensor([0, 2, 6]), "per_sample_weights": draw(6)}),
    ]  # fmt: skip


def own_samples() -> Iterator[Sample]:
    for index, (name, constructor, args, kwargs) in enumerate(cases()):
        yield module_sample(getattr(nn, name), constructor, args, kwargs, label=f"{name}: own {index}")


def lacking() -> list[str]:
    """The classes of torch.nn that torch's own list does not have."""
    kinds = [each for each in vars(nn).values() if isinstance(each, type) and issubclass(each, nn.Module)]
    return sorted({each.__name__ for each in kinds} - set(infos()))
