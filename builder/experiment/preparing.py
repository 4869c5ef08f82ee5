"""The steps of `prepare` made real."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from builder.building import graph_of, module_of
from builder.elaboration import Elaboration

Batch = dict[str, Tensor]


def preparation(done: Elaboration, model: nn.Module, device: torch.device) -> Callable[[Batch], Batch]:
    """A batch on the device -> the same with the fields that the steps make.

    The steps are in training mode while the model is, so that what varies samples does so in training alone. They draw
    from the generators that training seeds before each step: what they draw hangs on the seed and the step, and not on
    where a run was stopped or how many processes read.
    """
    reads = [node.name.partition(".")[2] for node in done.nodes if node.role == "input"]
    module = module_of(graph_of(done), checks=False).to(device).train(model.training)

    def prepared(batch: Batch) -> Batch:
        if module.training != model.training:
            module.train(model.training)
        made: Batch = module(*(batch[name] for name in reads))
        return {**batch, **made}

    return prepared
