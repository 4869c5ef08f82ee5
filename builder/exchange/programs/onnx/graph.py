"""The nodes of an ONNX graph as calls of torch in one flat graph, each with its scope."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from builder.exchange.programs.nesting import Scope
from builder.exchange.programs.onnx.file import place
from builder.exchange.programs.onnx.scopes import path_of
from builder.exchange.programs.opened import ProgramError


@dataclass(frozen=True, slots=True)
class Sizes:
    """A vector of sizes, or one: numbers, and nodes that give a number when the model runs."""

    items: tuple[Any, ...]
    scalar: bool = False


@dataclass(slots=True)
class Converting:
    """model: as `open_onnx` gives it. values: what each name stands for: a node, a tensor that is known, or Sizes.
    leaves: layers and tensors by their paths. taken: of products that a layer gives, the sum that it gives with it."""

    model: Any
    graph: fx.Graph = field(default_factory=fx.Graph)
    values: dict[str, Any] = field(default_factory=dict)
    leaves: dict[str, nn.Module | Tensor] = field(default_factory=dict)
    shapes: dict[str, list[Any]] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    here: Scope = ()
    node: Any = None
    opset: int = 0
    taken: dict[str, str] = field(default_factory=dict)
    readers: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.model.graph.node:
            for name in dict.fromkeys(node.input):
                self.readers.setdefault(name, []).append(node)

    # What a node says

    def attribute(self, name: str, default: Any = None) -> Any:
        from onnx import helper, numpy_helper

        for each in self.node.attribute:
            if each.name == name:
                value = helper.get_attribute_value(each)
                if isinstance(value, bytes):
                    return value.decode()
                return torch.from_numpy(numpy_helper.to_array(value).copy()) if hasattr(value, "dims") else value
        return default

    def has(self, at: int) -> bool:
        return at < len(self.node.input) and bool(self.node.input[at])

    def value(self, at: int) -> Any:
        """What an input stands for; None where it is left out."""
        return self.values[self.node.input[at]] if self.has(at) else None

    def known(self, at: int) -> Tensor | None:
        value = self.value(at)
        if isinstance(value, Sizes) and all(isinstance(each, int) for each in value.items):
            return torch.tensor(value.items[0] if value.scalar else value.items)
        return value if isinstance(value, Tensor) else None

    def numbers(self, at: int, default: Any = None) -> Any:
        """A vector of whole numbers, each known or a node."""
        value = self.value(at)
        if value is None:
            return default
        if isinstance(value, Sizes):
            return list(value.items)
        if isinstance(value, Tensor):
            return [int(each) for each in value.reshape(-1).tolist()]
        raise self.unsaid("sizes that hang on the numbers of a tensor")

    def axes(self, at: int, default: Any = None) -> list[Any] | None:
        """Axes, an attribute or an input, as the opset has it."""
        given: Any = self.attribute("axes")
        found: list[Any] | None = list(given) if given is not None else self.numbers(at, default)
        return found

    def number(self, at: int, default: Any = None) -> Any:
        """One known number."""
        found = self.known(at)
        if found is None:
            if self.has(at):
                raise self.unsaid("a number that is worked out")
            return default
        return found.reshape(()).item()

    def tensor(self, at: int) -> Any:
        """What a call of torch takes for an input: a node, or a number."""
        return self.read(self.value(at), self.node.input[at])

    def result(self, name: str) -> Any:
        """What a name stands for as a node in any case."""
        value = self.values[name]
        if isinstance(value, Sizes):
            return self.call(torch.tensor, value.items[0] if value.scalar else list(value.items), dtype=torch.int64)
        return self.held(name, value) if isinstance(value, Tensor) else value

    def read(self, value: Any, name: str) -> Any:
        if isinstance(value, Sizes):
            if not value.scalar and len(value.items) != 1:
                raise self.unsaid("a vector of sizes as a tensor")
            return value.items[0]
        if not isinstance(value, Tensor):
            return value
        if value.dim() == 0 or (value.numel() == 1 and value.dim() <= 1):
            return value.item()
        return self.held(name, value)

    def held(self, name: str, value: Tensor) -> fx.Node:
        """A tensor as a parameter, or a buffer, under its name."""
        path = path_of(name)
        while path in self.leaves and self.leaves[path] is not value:
            path += "_"
        if path not in self.leaves:
            kept = nn.Parameter(value) if value.dtype.is_floating_point else value
            self.leaves[path] = kept
            self.values[name] = kept
        return self._noted(self.graph.get_attr(path), path)

    def unsaid(self, what: str) -> ProgramError:
        return ProgramError(f"{place(self.node)}: {what}, which a spec cannot say")

    # What is made of it

    def call(self, function: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> fx.Node:
        if isinstance(function, str):
            return self._noted(self.graph.call_method(function, args, kwargs))
        return self._noted(self.graph.call_function(function, args, kwargs))

    def layer(self, weight: str, made: Callable[[], nn.Module], *args: Any) -> fx.Node:
        """A call of the layer that a weight belongs to; the same layer where it is there already."""
        path = self._path(weight)
        known = self.leaves.get(path)
        fresh = made()
        if not isinstance(known, nn.Module) or repr(known) != repr(fresh) or not _same(known, fresh):
            while path in self.leaves:
                path += "_"
            self.leaves[path] = fresh.eval()
        return self._noted(self.graph.call_module(path, args), path)

    def numbered_scope(self) -> str:
        """The scope that a layer of torch.nn with calls of its own around is, where its name is a number: other layers
        are counted there, so that it keeps its calls. Else ""."""
        path, kind = self.here[-1] if self.here else ("", "")
        return path if path.rpartition(".")[2].isdigit() and not kind.startswith("torch.nn.modules.") else ""

    def _path(self, weight: str) -> str:
        """Where a layer stands: as its weight says, or its scope, or by the name of its node."""
        if self.here and self.here[-1][1].startswith("torch.nn.modules.") and "container" not in self.here[-1][1]:
            return self.here[-1][0]
        own, dot, last = path_of(weight).rpartition(".")
        scope = self.here[-1][0] if self.here else ""
        # equal weights may be one tensor in the file, called as another layer's
        if dot and last in ("weight", "W") and (own == scope or own.startswith(f"{scope}." if scope else "")):
            return own
        if scope and scope not in self.leaves and not any(each.startswith(f"{scope}.") for each in self.leaves):
            return scope
        word = path_of(self.node.op_type.lower())
        return f"{scope}.{word}" if scope else word

    def bias(self) -> Tensor | None:
        """What the only reader of a product adds to it, where that is a number for each column: a layer takes it in."""
        [name] = self.node.output
        readers = self.readers.get(name, [])
        given = any(each.name == name for each in self.model.graph.output)
        if given or len(readers) != 1 or readers[0].op_type != "Add":
            return None
        other = next((each for each in readers[0].input if each != name), name)
        found, weight = self.values.get(other), self.value(1)
        if not isinstance(found, Tensor) or found.shape != weight.shape[1:]:
            return None
        self.taken[name] = readers[0].output[0]
        return found

    def dims(self, at: int) -> list[Any] | None:
        """The sizes of an input, None for those that are free; None where nothing is known."""
        value = self.value(at)
        return list(value.shape) if isinstance(value, Tensor) else self.shapes.get(self.node.input[at])

    def rank(self, at: int) -> int:
        found = self.dims(at)
        if found is None:
            raise self.unsaid("a tensor whose number of dims is not known")
        return len(found)

    def _noted(self, node: fx.Node, path: str = "") -> fx.Node:
        """A node with its scope: of a layer and a tensor no scope that does not hold it."""
        node.meta["scope"] = tuple(each for each in self.here if not path or path.startswith(f"{each[0]}."))
        return node


def _same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(each, second[key]) for key, each in first.items())


def product(items: Sequence[Any], converting: Converting) -> Any:
    """Sizes multiplied; a number where all are known."""
    known = math.prod(each for each in items if isinstance(each, int))
    found: Any = known
    for each in items:
        if not isinstance(each, int):
            found = each if found == 1 and isinstance(found, int) else converting.call(operator.mul, found, each)
    return found


def filled(layer: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """A layer with these parameters and buffers in place of its own."""
    for name, each in tensors.items():
        if each is None:
            continue
        if name in layer._parameters:
            layer._parameters[name] = nn.Parameter(each.clone())
        else:
            layer._buffers[name] = each.clone()
    return layer


def weights(c: Converting, *places: int) -> tuple[Any, ...]:
    """The tensors at these inputs, None for what is left out. Raises ProgramError where one is worked out when the
    model runs, and where there is not even the first."""
    found = tuple(c.value(at) for at in places)
    if not isinstance(found[0], Tensor) or not all(each is None or isinstance(each, Tensor) for each in found):
        raise c.unsaid("weights that are worked out")
    return found


Rule = Callable[[Converting], Any]
