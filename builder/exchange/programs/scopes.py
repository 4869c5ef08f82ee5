"""The modules that a program of torch.export was made of, made again: layers of torch.nn where a scope is one, and for
every other a class with the scope's own calls as its `forward`."""

from __future__ import annotations

import builtins
import keyword
import linecache
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from builder.exchange.programs.layers import layer_of
from builder.exchange.programs.opened import ProgramError
from builder.exchange.programs.operators import FIRST, named_arguments, public_call


def scope(kind: str, path: str, graph: fx.Graph, parts: Mapping[str, Any]) -> nn.Module:
    """A module of a new class. graph: its calls, of `self` what it holds. parts: its modules, parameters and buffers by
    name, in order. Raises ProgramError where a name is none that source can have: what a file says is written into it
    and run."""
    for node in graph.nodes:
        if isinstance(node.target, str) and not _is_path(node.target):
            raise ProgramError(f"{path or kind}: {node.target[:60]!r} is no name of a tensor or module")
    code = graph.python_code("self")
    file = f"<program {path or kind}>"
    linecache.cache[file] = (len(code.src), None, code.src.splitlines(keepends=True), file)
    names = dict(code.globals)
    exec(compile(code.src, file, "exec"), names)
    made: Any = type(kind, (nn.Module,), {"forward": names["forward"]})
    module: nn.Module = made()
    for name, each in parts.items():
        put(module, name, each)
    return module.eval()


def _is_path(text: str) -> bool:
    """Names, or numbers as modules of a list have them, with points between."""
    parts = text.split(".")
    return all(each.isdecimal() or (each.isidentifier() and not keyword.iskeyword(each)) for each in parts)


def put(module: nn.Module, name: str, part: Any) -> None:
    """Register a module, a parameter or a buffer under a name."""
    if isinstance(part, nn.Module):
        module.add_module(name, part)
    elif isinstance(part, nn.Parameter):
        module.register_parameter(name, part)
    else:
        module.register_buffer(name, part)


@dataclass(slots=True)
class Scopes:
    """orders: of each module by path, which of its inputs comes first, second ... in its `forward`. tensors: of layers
    that torch lets give sizes too, which of their results is the layer's."""

    orders: dict[str, list[int]] = field(default_factory=dict)
    tensors: dict[str, int] = field(default_factory=dict)

    def module(self, there: nn.Module, path: str = "", structure: Callable[[Any], Any] | None = None) -> nn.Module:
        """A module of torch's unflattened program, and all below it. structure: of what the whole gives."""
        graph = getattr(there, "graph", None)
        parts: dict[str, Any] = {}
        for name, child in there.named_children():
            if "@" not in name:
                parts[name] = self.module(child, f"{path}.{name}" if path else name)
        parts |= dict(there.named_parameters(recurse=False)) | dict(there.named_buffers(recurse=False))
        kind = _kind(there)
        if graph is None:  # holds modules, and calls none
            return _holder(kind, parts)
        tensors = {name: each for name, each in parts.items() if isinstance(each, Tensor)}
        layer = self._layer(kind, graph, tensors, parts, path)
        made = layer or scope(class_word(kind), path, self._graph(there, graph, path, structure), parts)
        made._non_persistent_buffers_set |= there._non_persistent_buffers_set
        for name in _constants(there, graph, parts):
            setattr(made, name, getattr(there, name))
        return made

    def _layer(
        self, kind: str, graph: fx.Graph, tensors: Mapping[str, Tensor], parts: Mapping[str, Any], path: str
    ) -> nn.Module | None:
        placed = [node for node in graph.nodes if node.op == "placeholder"]
        inputs = [at for at, node in enumerate(placed) if isinstance(node.meta.get("val"), Tensor)]  # not sizes
        if not kind.startswith("torch.nn.modules.") or len(tensors) != len(parts) or len(inputs) != 1:
            return None
        given: dict[str, Any] = {}
        for node in graph.nodes:
            if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
                given |= {key: each for key, each in named_arguments(node).items() if not _reads(each)}
        layer = layer_of(kind.rpartition(".")[2], given, tensors)
        if layer is not None:
            self.orders[path] = inputs
            results = next(node.args[0] for node in graph.nodes if node.op == "output")
            if isinstance(results, list | tuple):
                values = [each.meta.get("val") for each in results if isinstance(each, fx.Node)]
                self.tensors[path] = next(at for at, each in enumerate(values) if isinstance(each, Tensor))
        return layer

    def _graph(self, there: nn.Module, graph: fx.Graph, path: str, structure: Callable[[Any], Any] | None) -> fx.Graph:
        """The scope's calls as public ones."""
        made = fx.Graph()
        stands: dict[fx.Node, Any] = {}
        firsts: dict[fx.Node, int] = {}  # of several results that torch's operators give, the one that there is
        inputs = [node for node in graph.nodes if node.op == "placeholder"]
        order = self.orders[path] = _order(inputs, graph) if path else list(range(len(inputs)))
        words: list[str] = []
        for at, each in enumerate(order):
            word = "x" if path and at == 0 and _is_main(inputs[each], graph) else _word(str(inputs[each].target))
            taken = word in words or keyword.iskeyword(word) or hasattr(builtins, word)
            words.append(f"{word}_{len(words)}" if taken else word)
            stands[inputs[each]] = made.placeholder(words[-1])
        for node in graph.nodes:
            moved = fx.node.map_arg((node.args, node.kwargs), lambda each: stands[each])
            if node.op == "placeholder":
                continue
            if node.op == "output":
                result = moved[0][0]
                made.output(structure(result) if structure else result)
            elif node.op == "get_attr":
                stands[node] = made.get_attr(str(node.target))
            elif node.op == "call_module":
                name = _called(there, str(node.target), path)
                order = self.orders.get(f"{path}.{name}" if path else name, list(range(len(moved[0]))))
                stands[node] = called = made.call_module(name, tuple(moved[0][each] for each in order), moved[1])
                called._rename(_word(node.name))
                if (inner := f"{path}.{name}" if path else name) in self.tensors:
                    firsts[node] = self.tensors[inner]
            elif node.args and node.args[0] in firsts and node.target is operator.getitem:
                stands[node] = stands[node.args[0]] if node.args[1] == firsts[node.args[0]] else None
            else:
                stands[node] = _converted(made, node, stands, path)
                if isinstance(node.target, torch._ops.OpOverload) and _name(node) in FIRST:
                    firsts[node] = 0
        for node in reversed(list(made.nodes)):
            if (not node.users and node.op in ("call_function", "get_attr")) or (
                node.target == "size" and not node.users
            ):
                made.erase_node(node)
        return made


def _order(inputs: list[fx.Node], graph: fx.Graph) -> list[int]:
    """The main path first; torch has inputs in the order of their use."""
    main = [at for at, each in enumerate(inputs) if _is_main(each, graph)]
    return [*main, *(at for at in range(len(inputs)) if at not in main)]


def _is_main(node: fx.Node, graph: fx.Graph) -> bool:
    """Whether an input has the shape of the result, as what goes along a main path has."""
    values = [
        each.meta.get("val") for output in graph.nodes if output.op == "output" for each in output.all_input_nodes
    ]
    first = next((each for each in values if isinstance(each, Tensor)), None)
    own = node.meta.get("val")
    return isinstance(own, Tensor) and first is not None and own.dtype == first.dtype and own.shape == first.shape


def _converted(made: fx.Graph, node: fx.Node, stands: Mapping[fx.Node, Any], path: str) -> Any:
    call = public_call(node, path or "the model")
    if call is None:
        return None
    if call.target is None:
        return fx.node.map_arg(call.same, lambda each: stands[each])
    args, kwargs = fx.node.map_arg((call.args, dict(call.kwargs)), lambda each: stands[each])
    new = made.call_method(call.target, args, kwargs) if isinstance(call.target, str) else made.call_function(
        call.target, args, kwargs
    )  # fmt: skip
    new._rename(_word(node.name))
    return new


def _constants(there: nn.Module, graph: fx.Graph, parts: Mapping[str, Any]) -> list[str]:
    """Tensors that the code of a module had written in it: no part of its state."""
    names = {str(node.target) for node in graph.nodes if node.op == "get_attr"}
    return [name for name in names if name not in parts and isinstance(getattr(there, name, None), Tensor)]


def _called(there: nn.Module, target: str, path: str) -> str:
    """The module that a call means: torch writes `fc@1` for the second call of `fc`."""
    name, again, _ = target.partition("@")
    if again:
        first, other = there.get_submodule(name), there.get_submodule(target)
        one, two = (str(getattr(each, "graph", "")) for each in (first, other))
        if re.sub(r"_\d+", "", one) != re.sub(r"_\d+", "", two):
            raise ProgramError(f"{f'{path}.' if path else ''}{name}: its second call is not what the first is, which a "
                               "spec cannot say")  # fmt: skip
    return name


def _holder(kind: str, parts: Mapping[str, Any]) -> nn.Module:
    if kind.endswith("ParameterList"):
        return nn.ParameterList(parts.values())
    made = nn.ModuleList() if kind.endswith("ModuleList") else nn.Module()
    for name, each in parts.items():
        put(made, name, each)
    return made


def _kind(there: nn.Module) -> str:
    named: Any = getattr(there, "type_name", None)
    return str(named() if named else "") or type(there).__name__


def class_word(kind: str) -> str:
    """The name of a class for a scope: its own, as far as no layer of torch.nn has it."""
    name = re.sub(r"\W", "", kind.rpartition(".")[2]) or "Scope"
    hidden = hasattr(nn, name) and name not in ("Sequential", "ModuleList", "ModuleDict")
    return f"{name}Scope" if hidden or not name.isidentifier() else name


def _word(name: str) -> str:
    """A variable: torch numbers names over the whole program."""
    word = re.sub(r"_\d+$", "", name) or name
    return "itself" if word == "self" else word  # which `forward` has for the module


def _name(node: fx.Node) -> str:
    return str(node.target._schema.name).partition("::")[2]  # type: ignore[union-attr]


def _reads(value: Any) -> bool:
    found: Iterable[Any] = pytree.tree_leaves(value)
    return any(isinstance(each, fx.Node) for each in found)
