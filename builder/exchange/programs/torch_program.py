"""A `.pt2` file of torch.export, opened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from builder.exchange.programs.archive import first_line, open_program, quietly
from builder.exchange.programs.opened import Opened, ProgramError
from builder.exchange.programs.scopes import Scopes

_FREE = (3, 16)  # sizes of examples for a free first dim, and for others, where the file has no examples
_MOST = 2**26  # numbers of such an example


def open_torch_program(path: Path) -> Opened:
    """Raises ProgramError."""
    program, examples = open_program(path)
    for each in program.graph_signature.output_specs:
        if each.kind.name != "USER_OUTPUT":
            raise ProgramError(f"{path}: the program changes {each.target}, which a spec cannot say")
    names = [each.arg.name for each in program.graph_signature.input_specs if each.kind is InputKind.USER_INPUT]
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    shapes = _shapes(path, program, [nodes[name] for name in names])
    given = _given(examples, program, names) or {}
    random = torch.Generator().manual_seed(0)
    symbols: dict[Any, int] = {}
    inputs = {name: given[name] if name in given else _drawn(path, program, nodes[name], symbols, random)
              for name in shapes}  # fmt: skip
    try:
        with quietly():
            whole = torch.export.unflatten(program)
            runnable = program.module(check_guards=False)
    except Exception as error:  # whatever torch raises over a program whose parts are sound and do not fit together
        raise ProgramError(f"{path}: torch.export does not make modules of it: {first_line(error)}") from error
    module = Scopes().module(whole, structure=lambda result: _structured(program, result))
    return Opened(module, inputs, shapes, lambda tensors: _run(runnable, program, names, tensors))


def _run(runnable: Any, program: ExportedProgram, names: Sequence[str], tensors: Mapping[str, Tensor]) -> list[Tensor]:
    args, kwargs = pytree.tree_unflatten([tensors.get(name) for name in names], program.call_spec.in_spec)
    return list(pytree.tree_leaves(runnable(*args, **kwargs)))


def _shapes(path: Path, program: ExportedProgram, nodes: Sequence[fx.Node]) -> dict[str, list[int | str]]:
    """The sizes of each tensor that the program reads, symbols by names as a spec has them."""
    named: dict[str, str] = {}
    found: dict[str, list[int | str]] = {}
    for node in nodes:
        value = node.meta.get("val")
        if not isinstance(value, Tensor):
            if node.users:
                raise ProgramError(f"{path}: the input `{node.name}` is no tensor, which a spec cannot say")
            continue
        found[node.name] = [_size(named, each, at, value) for at, each in enumerate(value.shape)]
    return found


def _size(named: dict[str, str], size: Any, at: int, value: Tensor) -> int | str:
    if isinstance(size, int):
        return size
    symbol = str(size)
    if symbol not in named:
        words = ["N"] if at == 0 else ["H", "W"] if value.dim() == 4 and at > 1 else ["T"] if at == 1 else []
        words = words[at - 2 :] if words == ["H", "W"] else words
        word = next((each for each in words if each not in named.values()), f"D{len(named)}")
        named[symbol] = word
    return named[symbol]


def _given(examples: Any, program: ExportedProgram, names: Sequence[str]) -> dict[str, Tensor] | None:
    """The file's examples by name."""
    if not isinstance(examples, tuple) or len(examples) != 2:
        return None
    leaves, spec = pytree.tree_flatten(examples)
    if len(leaves) != len(names) or spec != program.call_spec.in_spec:
        return None
    return {name: each for name, each in zip(names, leaves, strict=True) if isinstance(each, Tensor)}


def _drawn(
    path: Path, program: ExportedProgram, node: fx.Node, symbols: dict[Any, int], random: torch.Generator
) -> Tensor:
    """An example of an input. symbols: the sizes that inputs before it gave to symbols, to which its own are added."""
    value = node.meta["val"]
    shape = [each if isinstance(each, int) else _drawn_size(program, each, at, symbols)
             for at, each in enumerate(value.shape)]  # fmt: skip
    if not 0 <= math.prod(shape) <= _MOST:
        raise ProgramError(f"{path} has no example inputs, and `{node.name}` of shape {tuple(shape)} is more than is "
                           "drawn for one")  # fmt: skip
    if value.dtype.is_floating_point:
        return torch.randn(shape, generator=random).to(value.dtype)
    return torch.randint(2, shape, generator=random).to(value.dtype)


def _drawn_size(program: ExportedProgram, size: Any, at: int, symbols: dict[Any, int]) -> int:
    """A free size, of symbols within the ranges that the program tells."""
    expression = size.node.expr
    for symbol in sorted(expression.free_symbols - symbols.keys(), key=str):
        allowed = program.range_constraints.get(symbol)
        least, most = (allowed.lower, allowed.upper) if allowed is not None else (0, _MOST)
        symbols[symbol] = int(min(max(_FREE[at > 0], least), most))
    return int(expression.subs(symbols))


def _structured(program: ExportedProgram, result: Any) -> Any:
    """What the whole gives, in the structure that it had."""
    return pytree.tree_unflatten(list(result), program.call_spec.out_spec)


__all__ = ["open_torch_program"]
