"""A model as a program of torch.export (`.pt2`), loaded again and compared before it has its name."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.utils import _pytree as pytree

from builder.exchange.errors import ExportError
from builder.exchange.examples import free_sizes, tried
from builder.files import replacing
from dsl.records import Spec


def write_program(path: Path, model: nn.Module, spec: Spec) -> tuple[str, ...]:
    """Write the model, in evaluation, as `torch.export.load` reads it; what is to be told of it, in sentences.

    Free sizes are dims of their names. Raises ExportError where torch cannot export the model or the file gives other
    outputs, OutputError where it cannot be written; nothing of it then stays, and what was there before does.
    """
    inputs = tried(model, spec)
    program, fixed = exported(model, spec, inputs)
    with replacing(path, ".pt2") as aside:
        torch.export.save(program, aside)
        again = torch.export.load(aside).module()
        for each in inputs if not fixed else inputs[:1]:
            if not same(outputs_of(model, each), outputs_of(again, each)):
                raise ExportError(f"{path} is not written: it gives other outputs than the model")
    return tuple(_told(fixed, len(inputs)))


def outputs_of(model: nn.Module, inputs: tuple[Tensor, ...], seed: int = 0) -> list[Tensor]:
    """The tensors that a model gives, one after another; what it draws at random, it draws from this seed.

    Without the fast path that attention of torch.nn takes in evaluation: its kernel adds up in another order than the
    layer's own code, which is what torch.export writes down.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            return list(pytree.tree_leaves(model(*inputs)))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def same(one: Any, other: Any) -> bool:
    """Whether two structures of outputs are the same bit for bit, not-a-number being itself."""
    ones, others = pytree.tree_leaves(one), pytree.tree_leaves(other)
    return len(ones) == len(others) and all(
        torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) and torch.equal(a.isnan(), b.isnan())
        for a, b in zip(ones, others, strict=True)
    )


def exported(model: nn.Module, spec: Spec, inputs: list[tuple[Tensor, ...]]) -> tuple[ExportedProgram, str]:
    """The program, and which sizes are fixed in it: those that torch cannot keep free.

    A dim of its own name is tried first. Torch refuses that where the model holds only for some sizes (`H % 16 == 0`),
    and then finds the bounds itself. Raises ExportError.
    """
    names = free_sizes(spec)
    told = ""
    for named, found in ((names, []), (names[:1], names[1:]), (names[:1], []), ([], [])):
        dims = {**{name: Dim(name, min=1) for name in named}, **dict.fromkeys(found, Dim.AUTO)}
        shapes = tuple({at: dims[size] for at, size in enumerate(each.shape or ()) if size in dims}
                       for each in spec.model.inputs or ())  # fmt: skip
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about attributes that torch's own modules set
                program = torch.export.export(model, inputs[0], dynamic_shapes=shapes, strict=False)
                if len(dims) == len(names):
                    program.module()(*inputs[-1])
        except (
            RuntimeError,
            ValueError,
            TypeError,
            AssertionError,
        ) as error:
            told = told or (str(error).strip().splitlines() or [type(error).__name__])[0]
            continue
        return program, ", ".join(name for name in names if name not in dims)
    if "packed" in vars(sys.modules[type(model).__module__]):
        raise ExportError("torch.export cannot follow sequences of given lengths (nn.utils.rnn.pack_padded_sequence); "
                          ".onnx keeps them")  # fmt: skip
    raise ExportError(f"torch.export cannot say the model: {told}")


def _told(fixed: str, sizes: int) -> Iterator[str]:
    if fixed:
        yield f"torch.export cannot keep {fixed} free: the file has the size of the example"
    elif sizes == 1:
        yield "the model has no free size that could be varied: one input was compared"
