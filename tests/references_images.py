"""Known image classifiers written by hand, small, with the state dict keys that torchvision's classes have.

torchvision itself cannot be installed beside a CPU torch, so these stand in for it: each was held once against the
class of torchvision 0.29 (keys, their order, shapes, and outputs bit for bit). `PUBLISHED` in `test_gallery_keys.py`
has digests of torchvision's own keys and shapes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Made = Callable[[], nn.Module]


def norm_conv(
    into: int, out: int, size: int, stride: int = 1, groups: int = 1, act: Made | None = None
) -> list[nn.Module]:
    """A convolution that keeps the map's size (but for its stride), batch normalisation, and an activation if any."""
    layers = [nn.Conv2d(into, out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]
    return [*layers, act()] if act else layers


def pooled(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C)."""
    return F.adaptive_avg_pool2d(x, 1).flatten(1)


class ResidualBlock(nn.Module):
    """Of ResNet: `sizes` are its kernels; with three of them the last widens four times."""

    def __init__(self, into: int, channels: int, stride: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.depth = len(sizes)
        out = channels * (4 if self.depth == 3 else 1)
        widths = [into, *[channels] * (self.depth - 1), out]
        strided = sizes.index(3)
        for at, size in enumerate(sizes):
            layers = norm_conv(widths[at], widths[at + 1], size, stride if at == strided else 1)
            setattr(self, f"conv{at + 1}", layers[0])
            setattr(self, f"bn{at + 1}", layers[1])
        self.downsample = nn.Sequential(*norm_conv(into, out, 1, stride)) if stride > 1 or into != out else None

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for at in range(1, self.depth + 1):
            y = getattr(self, f"bn{at}")(getattr(self, f"conv{at}")(y))
            y = y.relu() if at < self.depth else y
        return (y + (self.downsample(x) if self.downsample else x)).relu()


class ResNet(nn.Module):
    def __init__(self, copies: Sequence[int], sizes: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        into, wider = 64, 4 if len(sizes) == 3 else 1
        for at, count in enumerate(copies):
            blocks, channels = [], 64 * 2**at
            for copy in range(count):
                blocks.append(ResidualBlock(into, channels, 2 if at and not copy else 1, sizes))
                into = channels * wider
            setattr(self, f"layer{at + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(into, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for at in range(1, 5):
            x = getattr(self, f"layer{at}")(x)
        return self.fc(pooled(x))


class VGG16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into = 3
        for channels, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(convolutions):
                layers += [nn.Conv2d(into, channels, 3, padding=1), nn.ReLU()]
                into = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        wide = [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*wide, nn.Linear(4096, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


class NormedConv(nn.Module):
    """Of GoogLeNet."""

    def __init__(self, into: int, out: int, size: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, size, stride, size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class Inception(nn.Module):
    def __init__(self, into: int, one: int, less: int, three: int, fewer: int, five: int, pool: int) -> None:
        super().__init__()
        self.branch1 = NormedConv(into, one)
        self.branch2 = nn.Sequential(NormedConv(into, less), NormedConv(less, three, 3))
        self.branch3 = nn.Sequential(NormedConv(into, fewer), NormedConv(fewer, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), NormedConv(into, pool))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


class GoogLeNet(nn.Module):
    """Without its auxiliary heads."""

    ROWS = (
        ("3a", 192, 64, 96, 128, 16, 32, 32), ("3b", 256, 128, 128, 192, 32, 96, 64),
        ("4a", 480, 192, 96, 208, 16, 48, 64), ("4b", 512, 160, 112, 224, 24, 64, 64),
        ("4c", 512, 128, 128, 256, 24, 64, 64), ("4d", 512, 112, 144, 288, 32, 64, 64),
        ("4e", 528, 256, 160, 320, 32, 128, 128), ("5a", 832, 256, 160, 320, 32, 128, 128),
        ("5b", 832, 384, 192, 384, 48, 128, 128),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = NormedConv(3, 64, 7, 2), NormedConv(64, 64), NormedConv(64, 192, 3)
        for name, *widths in self.ROWS:
            setattr(self, f"inception{name}", Inception(*widths))
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.conv3(self.conv2(x)), 3, 2, ceil_mode=True)
        for name, *_ in self.ROWS:
            x = getattr(self, f"inception{name}")(x)
            if name in ("3b", "4e"):
                x = F.max_pool2d(x, 3 if name == "3b" else 2, 2, ceil_mode=True)
        return self.fc(F.dropout(pooled(x), 0.2, self.training))


class DenseLayer(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(into), nn.Conv2d(into, 128, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(128), nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())], 1)


class DenseNet121(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, 64, 7, 2, 3, bias=False), norm0=nn.BatchNorm2d(64), relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )  # fmt: skip
        into = 64
        for at, depth in enumerate((6, 12, 24, 16), 1):
            block = {f"denselayer{i + 1}": DenseLayer(into + 32 * i) for i in range(depth)}
            layers[f"denseblock{at}"] = nn.Sequential(OrderedDict(block))
            into += 32 * depth
            if at < 4:
                steps = OrderedDict(norm=nn.BatchNorm2d(into), relu=nn.ReLU())
                steps.update(conv=nn.Conv2d(into, into // 2, 1, bias=False), pool=nn.AvgPool2d(2))
                layers[f"transition{at}"] = nn.Sequential(steps)
                into //= 2
        self.features = nn.Sequential(OrderedDict(layers, norm5=nn.BatchNorm2d(into)))
        self.classifier = nn.Linear(into, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(pooled(self.features(x).relu()))


class Fire(nn.Module):
    def __init__(self, into: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1).relu()


class SqueezeNet(nn.Module):
    """1.0. A row of 0 is a pooling."""

    ROWS = (
        (0, 0), (16, 64), (16, 64), (32, 128), (0, 0), (32, 128), (48, 192), (48, 192), (64, 256), (0, 0), (64, 256),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 96, 7, 2), nn.ReLU()]
        into = 96
        for squeezed, expanded in self.ROWS:
            if squeezed:
                layers.append(Fire(into, squeezed, expanded))
                into = 2 * expanded
            else:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)
