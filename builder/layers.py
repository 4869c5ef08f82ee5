"""This project's own modules. Their source is written into generated models as it stands here, so each needs torch
alone."""

from __future__ import annotations

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

    def __init__(self, shapes: list[list[int]]) -> None:
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

    def __init__(self, shapes: dict[str, list[int]]) -> None:
        super().__init__({name: nn.Parameter(torch.randn(*shape)) for name, shape in shapes.items()})

    __call__ = nn.Module.__call__  # nn.ParameterDict refuses to be called

    def forward(self, x: Tensor, choice: str) -> Tensor:
        matrix: Tensor = self[choice]
        return x @ matrix


def packed(
    layer: nn.RNNBase, input: Tensor, lengths: Tensor, hx: Tensor | tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
    """Runs a recurrent layer over padded sequences of these lengths; the output is padded to the input's own length."""
    time = 1 if layer.batch_first else 0
    sequences = nn.utils.rnn.pack_padded_sequence(input, lengths.cpu(), layer.batch_first, enforce_sorted=False)
    output, state = layer(sequences, hx)
    padded, _ = nn.utils.rnn.pad_packed_sequence(output, layer.batch_first, total_length=input.shape[time])
    return padded, state
