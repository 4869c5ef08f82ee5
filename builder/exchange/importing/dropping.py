"""What a module does in training alone: attention's own dropout, which is an argument that is 0 in evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.recording import record
from builder.exchange.importing.records import Call, Recording, Scope

_ATTENTION = "scaled_dot_product_attention"


def note_dropout(
    module: nn.Module, recording: Recording, inputs: Mapping[str, torch.Tensor], placed: Sequence[str]
) -> None:  # fmt: skip
    """Put into a recording the `dropout_p` that attention has in training. What the run changes is put back: buffers,
    modes, the generator of random numbers. A module that cannot be recorded in training keeps what it has."""
    calls = list(_attention(recording.whole))
    if not calls:
        return
    buffers = [(each, each.clone()) for each in module.buffers()]
    state = torch.get_rng_state()
    module.train()
    try:
        found = list(_attention(record(module, inputs, placed).whole))
    except (ImportingError, RuntimeError):
        found = []
    finally:
        module.eval()
        torch.set_rng_state(state)
        with torch.no_grad():
            for each, before in buffers:
                each.copy_(before)
    if len(found) == len(calls):
        for call, training in zip(calls, found, strict=True):
            if isinstance(training.kwargs.get("dropout_p"), float):
                call.kwargs = {**call.kwargs, "dropout_p": training.kwargs["dropout_p"]}


def _attention(scope: Scope) -> Iterator[Call]:
    for each in scope.items:
        if isinstance(each, Scope):
            yield from _attention(each)
        elif each.target.endswith(_ATTENTION):
            yield each
