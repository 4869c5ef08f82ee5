"""Small models that the tests of importing make specs of."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, image: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(image)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


class Residual(nn.Module):
    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)
        self.shortcut = nn.Conv2d(before, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm(self.conv(x)))
        y += self.shortcut(x)
        return self.act(y)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.stages = nn.Sequential(Residual(8, 16, 2), Residual(16, 32, 2), Residual(32, 64, 2))
        self.fc = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(self.stages(self.stem(image)).mean((2, 3)))


class Perceptron(nn.Module):
    """A list of layers with a function after each."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x


class Language(nn.Module):
    """Tied weights, positions as long as the input, a mask made of them."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.places = nn.Parameter(torch.randn(20, 16))
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens: Tensor) -> Tensor:
        length = len(tokens[0])  # a plain number by now
        x = self.words(tokens) + self.places[:length]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x, _ = self.attention(x, x, x, attn_mask=mask, need_weights=False)
        return self.head(x)


class Siamese(nn.Module):
    """One encoder, called twice; a parameter that nothing uses; two outputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.randn(3))
        self.encoder = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        a, b = self.encoder(left), self.encoder(right)
        return {"distance": (a - b).pow(2).sum(-1), "both": torch.cat([a, b], dim=-1)}


class Scaled(nn.Linear):
    """A class of torch.nn with more around its `forward`."""

    def __init__(self) -> None:
        super().__init__(6, 4)
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.scale


class ScaledWords(nn.Embedding):
    """An embedding with more around it, whose weight is the head's too."""

    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens) * 4.0


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, 30, bias=False)
        self.words = ScaledWords(30, 16)
        self.words.weight = self.head.weight

    def forward(self, rows: Tensor, tokens: Tensor) -> Tensor:
        scores = self.head(rows)
        return torch.addmm(scores.mean(0), self.words(tokens), self.head.weight.t()) + F.dropout(scores, 0.0)


class UNet(nn.Module):
    """Two lists of modules, one of whose results are kept and read later, the last first."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([self.twice(1, 8), self.twice(8, 16), self.twice(16, 32)])
        self.up = nn.ModuleList([self.twice(48, 16), self.twice(24, 8)])
        self.pool = nn.MaxPool2d(2)
        self.out = nn.Conv2d(8, 1, 1)

    @staticmethod
    def twice(before: int, channels: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for number, module in enumerate(self.down):
            x = module(x)
            if number < 2:
                kept.append(x)
                x = self.pool(x)
        for module in self.up:
            x = module(torch.cat([F.interpolate(x, scale_factor=2), kept.pop()], 1))
        return self.out(x)


class Experts(nn.Module):
    """A list whose items all read the same."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(8, 4)
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)) for _ in range(4)])

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.gate(x), -1)
        return torch.stack([weights[:, i : i + 1] * each(x) for i, each in enumerate(self.experts)]).sum(0)


def case(name: str) -> tuple[nn.Module, Any]:
    """A model with random weights and its example inputs."""
    torch.manual_seed(0)
    return {
        "LeNet": lambda: (LeNet(), torch.randn(2, 1, 28, 28)),
        "ResNet": lambda: (ResNet(), torch.randn(2, 3, 32, 32)),
        "Perceptron": lambda: (Perceptron(), torch.randn(2, 8)),
        "Language": lambda: (Language(), torch.randint(0, 50, (2, 9))),
        "Siamese": lambda: (Siamese(), (torch.randn(2, 6), torch.randn(2, 6))),
        "Scaled": lambda: (Scaled(), torch.randn(2, 6)),
        "UNet": lambda: (UNet(), torch.randn(2, 1, 16, 16)),
        "Experts": lambda: (Experts(), torch.randn(3, 8)),
        "Tied": lambda: (Tied(), (torch.randn(2, 16), torch.randint(0, 30, (2,)))),
    }[name]()  # type: ignore[no-untyped-call]


NAMES = ("LeNet", "ResNet", "Perceptron", "Language", "Siamese", "Scaled", "Tied", "UNet", "Experts")
