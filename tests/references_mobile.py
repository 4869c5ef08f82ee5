"""Known image classifiers of inverted residuals and of attention, by hand as in `references_images.py`."""

from __future__ import annotations

from collections import OrderedDict

import torch
from references_images import norm_conv, pooled
from torch import Tensor, nn


class InvertedResidual(nn.Module):
    """Of MobileNetV2: widen, convolve each channel, narrow."""

    def __init__(self, into: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = into * expansion
        layers = [nn.Sequential(*norm_conv(into, hidden, 1, act=nn.ReLU6))] if expansion > 1 else []
        layers.append(nn.Sequential(*norm_conv(hidden, hidden, 3, stride, hidden, nn.ReLU6)))
        self.conv = nn.Sequential(*layers, *norm_conv(hidden, out, 1))
        self.kept = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.kept else self.conv(x)


class MobileNetV2(nn.Module):
    ROWS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*norm_conv(3, 32, 3, 2, act=nn.ReLU6))]
        into = 32
        for expansion, out, copies, stride in self.ROWS:
            for copy in range(copies):
                layers.append(InvertedResidual(into, out, 1 if copy else stride, expansion))
                into = out
        self.features = nn.Sequential(*layers, nn.Sequential(*norm_conv(into, 1280, 1, act=nn.ReLU6)))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(pooled(self.features(x)))


def skipped(x: Tensor, p: float, training: bool) -> Tensor:
    """Stochastic depth by rows: each sample is dropped with probability p, and the rest made up for it."""
    if not training or p == 0:
        return x
    kept = torch.empty([len(x)] + [1] * (x.ndim - 1)).bernoulli_(1 - p)
    return x * kept.div_(1 - p)


class SqueezeExcitation(nn.Module):
    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = nn.functional.silu(self.fc1(nn.functional.adaptive_avg_pool2d(x, 1)))
        return self.fc2(scale).sigmoid() * x


class MBConv(nn.Module):
    """Of EfficientNet."""

    def __init__(self, into: int, out: int, size: int, stride: int, expansion: int, p: float) -> None:
        super().__init__()
        hidden = into * expansion
        layers = [nn.Sequential(*norm_conv(into, hidden, 1, act=nn.SiLU))] if expansion > 1 else []
        layers.append(nn.Sequential(*norm_conv(hidden, hidden, size, stride, hidden, nn.SiLU)))
        layers.append(SqueezeExcitation(hidden, into // 4))
        self.block = nn.Sequential(*layers, nn.Sequential(*norm_conv(hidden, out, 1)))
        self.kept, self.p = stride == 1 and into == out, p

    def forward(self, x: Tensor) -> Tensor:
        return skipped(self.block(x), self.p, self.training) + x if self.kept else self.block(x)


class EfficientNetB0(nn.Module):
    ROWS = (
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*norm_conv(3, 32, 3, 2, act=nn.SiLU))]
        into, before = 32, 0
        for expansion, size, stride, out, copies in self.ROWS:
            stage = []
            for copy in range(copies):
                stage.append(MBConv(into, out, size, 1 if copy else stride, expansion, 0.2 * before / 16))
                into, before = out, before + 1
            layers.append(nn.Sequential(*stage))
        self.features = nn.Sequential(*layers, nn.Sequential(*norm_conv(into, 1280, 1, act=nn.SiLU)))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(pooled(self.features(x)))


class Permuted(nn.Module):
    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)


class ChannelNorm(nn.LayerNorm):
    """Over the channels of (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels: int, p: float) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels), Permuted(0, 2, 3, 1),
            nn.LayerNorm(channels, eps=1e-6), nn.Linear(channels, 4 * channels), nn.GELU(),
            nn.Linear(4 * channels, channels), Permuted(0, 3, 1, 2),
        )  # fmt: skip
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), 1e-6))
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return skipped(self.layer_scale * self.block(x), self.p, self.training) + x


class ConvNeXtTiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, 96, 4, 4), ChannelNorm(96))]
        before = 0
        for channels, copies in ((96, 3), (192, 3), (384, 9), (768, 3)):
            if before:
                layers.append(nn.Sequential(ChannelNorm(channels // 2), nn.Conv2d(channels // 2, channels, 2, 2)))
            blocks = [ConvNeXtBlock(channels, 0.1 * (before + copy) / 17) for copy in range(copies)]
            layers.append(nn.Sequential(*blocks))
            before += copies
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(ChannelNorm(768), nn.Flatten(), nn.Linear(768, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 1))


class EncoderLayer(nn.Module):
    """Of ViT: normed before it attends, and before its two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(768, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(768, 12, batch_first=True)
        self.ln_2 = nn.LayerNorm(768, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(768, 3072), nn.GELU(), nn.Dropout(0.0), nn.Linear(3072, 768))

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = self.self_attention(y, y, y, need_weights=False)[0] + x
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.randn(1, 197, 768) * 0.02)
        self.layers = nn.Sequential(OrderedDict((f"encoder_layer_{i}", EncoderLayer()) for i in range(12)))
        self.ln = nn.LayerNorm(768, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.ln(self.layers(x + self.pos_embedding))


class ViTB16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, 768))
        self.conv_proj = nn.Conv2d(3, 768, 16, 16)
        self.encoder = Encoder()
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(768, 1000)))

    def forward(self, x: Tensor) -> Tensor:
        words = self.conv_proj(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), words], 1)
        return self.heads(self.encoder(tokens)[:, 0])
