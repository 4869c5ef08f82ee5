"""This project's own modules. Their source is written into generated models as it stands here, so each needs torch
alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class MeanSubtract(nn.Module):
    """Takes the mean of all elements away: (*) -> (*)."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean()


class ParameterList(nn.ParameterList):
    """Multiplies by each of its matrices in turn: (N, rows of the first) -> (N, columns of the last).

    The matrices are drawn from the standard normal; their keys are `0`, `1` ... as in nn.ParameterList.
    """

    def __init__(self, shapes: Sequence[Sequence[int]]) -> None:
        super().__init__([nn.Parameter(torch.randn(*shape)) for shape in shapes])

    __call__ = nn.Module.__call__  # nn.ParameterList refuses to be called

    def forward(self, x: Tensor) -> Tensor:
        for matrix in self:
            x = x @ matrix
        return x


class StochasticDepth(nn.Module):
    """In training, drops whole samples of a residual's branch with probability p: (N, *) -> (N, *).

    mode: "row" draws for each sample, "batch" once for all of them. What stays is divided by 1 - p, so that the mean is
    kept. (Huang et al. 2016, "Deep Networks with Stochastic Depth".)
    """

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        survival = 1.0 - self.p
        draws = x.shape[0] if self.mode == "row" else 1
        noise = x.new_empty([draws] + [1] * (x.dim() - 1)).bernoulli_(survival)
        if survival > 0:
            noise.div_(survival)
        return x * noise

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"


class ParameterDict(nn.ParameterDict):
    """Multiplies by the matrix that `choice` names: (N, its rows) -> (N, its columns).

    The matrices are drawn from the standard normal; their keys are the names, as in nn.ParameterDict.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__({name: nn.Parameter(torch.randn(*shape)) for name, shape in shapes.items()})

    __call__ = nn.Module.__call__  # nn.ParameterDict refuses to be called

    def forward(self, x: Tensor, choice: str) -> Tensor:
        matrix: Tensor = self[choice]
        return x @ matrix


class RandomHorizontalFlip(nn.Module):
    """In training, turns left to right each sample with probability p: (N, *, W) -> the same."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        chosen = torch.rand([x.shape[0]] + [1] * (x.dim() - 1), device=x.device) < self.p
        return torch.where(chosen, x.flip(-1), x)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomVerticalFlip(nn.Module):
    """In training, turns upside down each sample with probability p: (N, *, H, W) -> the same."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        chosen = torch.rand([x.shape[0]] + [1] * (x.dim() - 1), device=x.device) < self.p
        return torch.where(chosen, x.flip(-2), x)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomCrop(nn.Module):
    """A part of `size` of each image, edged with `padding` zeros before: (N, C, H, W) -> (N, C, *size).

    In training its place is drawn for each sample, in evaluation it is the middle. size, padding: (height, width), or
    one number for both.
    """

    def __init__(self, size: int | list[int], padding: int | list[int] = 0) -> None:
        super().__init__()
        self.height, self.width = [size, size] if isinstance(size, int) else size
        self.rows, self.columns = [padding, padding] if isinstance(padding, int) else padding

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.pad(x, [self.columns, self.columns, self.rows, self.rows])
        down, right = x.shape[2] - self.height, x.shape[3] - self.width
        if not self.training:
            return x[:, :, down // 2 : down // 2 + self.height, right // 2 : right // 2 + self.width]
        samples = x.shape[0]
        tops = torch.randint(down + 1, (samples, 1), device=x.device)
        lefts = torch.randint(right + 1, (samples, 1), device=x.device)
        rows = (tops + torch.arange(self.height, device=x.device))[:, None, :, None]
        columns = (lefts + torch.arange(self.width, device=x.device))[:, None, None, :]
        sample = torch.arange(samples, device=x.device)[:, None, None, None]
        channel = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
        return x[sample, channel, rows, columns]

    def extra_repr(self) -> str:
        return f"size=({self.height}, {self.width}), padding=({self.rows}, {self.columns})"


class RandomAffine(nn.Module):
    """In training, turns, moves and scales each image about its middle, bilinear, with zeros around: (N, C, H, W) ->
    the same.

    degrees: the largest angle either way, or (least, largest); counter-clockwise. translate: how far it moves at most,
    as parts of (width, height). scale: (least, largest).
    """

    def __init__(
        self, degrees: float | list[float], translate: list[float] | None = None, scale: list[float] | None = None
    ) -> None:
        super().__init__()
        self.degrees = [-degrees, degrees] if isinstance(degrees, int | float) else degrees
        self.translate = translate or [0.0, 0.0]
        self.scale = scale or [1.0, 1.0]

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        samples, height, width = x.shape[0], x.shape[2], x.shape[3]
        draws = torch.rand(4, samples, device=x.device)
        angle = torch.deg2rad(self.degrees[0] + (self.degrees[1] - self.degrees[0]) * draws[0])
        scale = self.scale[0] + (self.scale[1] - self.scale[0]) * draws[1]
        right = (2 * draws[2] - 1) * self.translate[0] * width
        down = (2 * draws[3] - 1) * self.translate[1] * height
        cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
        # Where each output pixel comes from, in halves of the width and of the height, as affine_grid counts.
        from_x = torch.stack([cos, -sin * height / width, (sin * down - cos * right) * 2 / width], dim=1)
        from_y = torch.stack([sin * width / height, cos, (-sin * right - cos * down) * 2 / height], dim=1)
        grid = nn.functional.affine_grid(torch.stack([from_x, from_y], dim=1), list(x.shape), align_corners=False)
        return nn.functional.grid_sample(x, grid.to(x.dtype), align_corners=False)

    def extra_repr(self) -> str:
        return f"degrees={self.degrees}, translate={self.translate}, scale={self.scale}"


class Normalize(nn.Module):
    """Takes each channel's mean away and divides by its std: (N, C, *) -> the same. One number stands for all."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float | list[float], std: float | list[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([mean] if isinstance(mean, int | float) else mean), persistent=False)
        self.register_buffer("std", torch.tensor([std] if isinstance(std, int | float) else std), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        shape = [1, -1] + [1] * (x.dim() - 2)
        return (x - self.mean.to(x.dtype).view(shape)) / self.std.to(x.dtype).view(shape)

    def extra_repr(self) -> str:
        return f"mean={self.mean.tolist()}, std={self.std.tolist()}"


def packed(
    layer: nn.RNNBase, input: Tensor, lengths: Tensor, hx: Tensor | tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
    """Runs a recurrent layer over padded sequences of these lengths; the output is padded to the input's own length."""
    time = 1 if layer.batch_first else 0
    sequences = nn.utils.rnn.pack_padded_sequence(input, lengths.cpu(), layer.batch_first, enforce_sorted=False)
    output, state = layer(sequences, hx)
    padded, _ = nn.utils.rnn.pad_packed_sequence(output, layer.batch_first, total_length=input.shape[time])
    return padded, state
