"""Samples of ours for functions that torch's own list lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch_function_samples import function_sample
from torch_own_samples import draw, whole
from torch_samples import Sample

Case = tuple[str, tuple[Any, ...], Mapping[str, Any]]
_WINDOWS = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")


def cases() -> list[Case]:
    torch.manual_seed(5)
    return [*_images(), *_created(), *_numbers()]


def _images() -> list[Case]:
    image, row = draw(2, 4, 6, 6), draw(2, 4, 9)
    return [
        ("torch.adaptive_avg_pool1d", (row, 3), {}),
        ("torch.avg_pool1d", (row, 3), {"stride": 2, "padding": 1, "ceil_mode": True}),
        ("torch.avg_pool1d", (row, [2]), {}),
        ("torch.bilinear", (draw(3, 4), draw(3, 5), draw(2, 4, 5), draw(2)), {}),
        ("torch.channel_shuffle", (image, 2), {}),
        ("torch.conv_tbc", (draw(9, 2, 4), draw(3, 4, 5), draw(5)), {"pad": 1}),
        ("torch.nn.functional.conv_tbc", (draw(9, 2, 4), draw(3, 4, 5), draw(5)), {}),
        ("torch.nn.functional.affine_grid", (draw(2, 2, 3), [2, 4, 5, 6]), {"align_corners": False}),
        ("torch.nn.functional.dropout1d", (row,), {"p": 0.4}),
        ("torch.nn.functional.dropout1d", (row,), {"training": True}),
        ("torch.nn.functional.fold", (draw(2, 12, 12), [4, 5], 2), {}),
        ("torch.nn.functional.lp_pool1d", (row, 2.0, 3), {"stride": 2}),
        ("torch.nn.functional.lp_pool2d", (image, 2.0, [2, 3]), {"ceil_mode": True}),
        ("torch.nn.functional.lp_pool3d", (draw(2, 3, 4, 4, 4), 2.0, 2), {}),
        ("torch.pixel_shuffle", (image, 2), {}),
        ("torch.pixel_unshuffle", (image, 2), {}),
        ("torch.prelu", (image, draw(4)), {}),
        ("torch.prelu", (image, draw(1)), {}),
    ]


def _created() -> list[Case]:
    return [
        *((f"torch.{name}", (7,), {}) for name in _WINDOWS),
        ("torch.hann_window", (8,), {"periodic": False, "dtype": torch.float64}),
        ("torch.hamming_window", (8, True, 0.5), {}),
        ("torch.kaiser_window", (8, False, 10.0), {}),
        ("torch.fft.fftfreq", (7,), {"d": 0.5}),
        ("torch.fft.rfftfreq", (7,), {}),
        ("torch.rand", ([2, 3],), {}),
        ("torch.rand", ([4],), {"dtype": torch.float64}),
        ("torch.randperm", (6,), {}),
    ]


def _numbers() -> list[Case]:
    matrix, two = draw(3, 4), (draw(3, 4), draw(3, 4))
    return [
        ("torch.Tensor.detach", (matrix,), {}),
        ("torch.Tensor.hardshrink", (matrix,), {"lambd": 0.3}),
        ("torch.hardshrink", (matrix,), {}),
        ("torch.Tensor.slogdet", (draw(2, 3, 3),), {}),
        ("torch.slogdet", (draw(3, 3),), {}),
        ("torch.Tensor.type_as", (matrix, whole(3, 2)), {}),
        ("torch.cosine_similarity", two, {"dim": 0}),
        ("torch.pairwise_distance", two, {"p": 1.0, "keepdim": True}),
        ("torch.pdist", (draw(5, 3),), {"p": 1.0}),
        ("torch.poisson", (matrix.exp(),), {}),
        ("torch.nn.functional.gumbel_softmax", (matrix,), {"tau": 0.5, "hard": True}),
        ("torch.nn.functional.gumbel_softmax", (matrix,), {"dim": 0}),
        ("torch.special.gammainc", (matrix.exp(), matrix.exp()), {}),
        ("torch.special.gammaincc", (matrix.exp(), matrix.exp()), {}),
        ("torch.vander", (draw(4),), {}),
        ("torch.vander", (draw(4), 3), {"increasing": True}),
        ("torch.nn.functional.one_hot", (whole(4, 2, 3), 5), {}),
        ("torch.nn.functional.scaled_dot_product_attention", (draw(2, 3, 5, 4), draw(2, 3, 6, 4), draw(2, 3, 6, 4)),
         {"dropout_p": 0.3}),
        ("torch.repeat_interleave", (matrix, torch.tensor([1, 2, 0])), {"dim": 0, "output_size": 3}),
        ("torch.Tensor.to", (matrix, torch.float64), {}),
        ("torch.Tensor.to", (matrix, whole(3, 2)), {}),
        ("torch.Tensor.masked_fill", (matrix, matrix > 0, float("-inf")), {}),
        ("torch.linspace", (0.0, 1.0, 5), {}),
        ("torch.pow", (2.0, matrix), {}),
        ("torch.where", (matrix > 0, 1.0, matrix), {}),
        ("torch.where", (matrix > 0, matrix, 0.0), {}),
        ("torch.normal", (0.0, 1.0, [2, 3]), {}),
        ("torch.searchsorted", (torch.arange(5.0), 2.5), {"right": True}),
    ]  # fmt: skip


def own_samples() -> Iterator[Sample]:
    for target, args, kwargs in cases():
        yield function_sample(target, args, kwargs)
