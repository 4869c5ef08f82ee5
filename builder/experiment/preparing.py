"""The steps of `prepare` made real."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from builder.building import graph_of, module_of
from builder.elaboration import Elaboration

Batch = dict[str, Tensor]


def preparation(done: Elaboration, device: torch.device) -> Callable[[Batch, bool], Batch]:
    """A batch on the device, and whether it is trained on -> the same with the fields that the steps make.

    The steps are in training mode in training, so that what varies samples does so in training alone. They draw
    from the generators that training seeds before each step: what they draw hangs on the seed and the step, and not on
    where a run was stopped or how many processes read.
    """
    reads = [node.name.partition(".")[2] for node in done.nodes if node.role == "input"]
    module = module_of(graph_of(done), checks=False).to(device)

    def prepared(batch: Batch, training: bool) -> Batch:
        if module.training != training:
            module.train(training)
        made: Batch = module(*(batch[name] for name in reads))
        return {**batch, **made}

    return prepared
