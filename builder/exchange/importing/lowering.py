"""Recorded calls become layers: each in the words of the catalogue, no-ops left out, changes in place as what they
make."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import nn

from builder.exchange.importing import packing
from builder.exchange.importing.constants import made_constant
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.functions import argument, bound, entries_of, plain_name
from builder.exchange.importing.indexing import indexed, set_at
from builder.exchange.importing.leaves import arguments_of, entry_for
from builder.exchange.importing.recording import Call, Recording, Scope
from builder.exchange.importing.reshaping import said, transposed
from builder.exchange.importing.steps import Step, Writer, written
from builder.exchange.importing.values import Ref, Vary, mapped, refs
from dsl.catalogue import REQUIRED
from dsl.catalogue.lookup import find_torch

_OPERATORS: Final[dict[str, type[ast.operator]]] = {
    "add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "div": ast.Div, "floor_divide": ast.FloorDiv,
    "remainder": ast.Mod, "pow": ast.Pow, "matmul": ast.MatMult,
}  # fmt: skip
_COMPARISONS: Final[dict[str, type[ast.cmpop]]] = {
    "eq": ast.Eq, "ne": ast.NotEq, "lt": ast.Lt, "le": ast.LtE, "gt": ast.Gt, "ge": ast.GtE,
}  # fmt: skip
_REVERSED: Final = {"__rsub__": ast.Sub, "__rtruediv__": ast.Div, "__rdiv__": ast.Div, "__rpow__": ast.Pow,
                    "__rfloordiv__": ast.FloorDiv, "__rmod__": ast.Mod, "rsub": ast.Sub, "__rmatmul__": ast.MatMult}  # fmt: skip
# The same numbers in the same shape.
_SAME: Final = ("contiguous", "clone", "detach", "detach_", "alias", "lift_fresh", "positive", "requires_grad_", "cpu",
                "cuda", "data", "view_as_real_")  # fmt: skip
_RESHAPES: Final = ("view", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze",
                    "_unsafe_view")  # fmt: skip


@dataclass(slots=True)
class Lowered:
    """A scope with steps in the place of calls."""

    scope: Scope
    items: list[Step | Lowered] = field(default_factory=list)
    result: Any = None


class Lowering:
    """exactly: what is the same in numbers but not in memory is kept as it was (`contiguous`)."""

    def __init__(self, module: nn.Module, recording: Recording, *, exactly: bool = False) -> None:
        self.modules = dict(module.named_modules(remove_duplicate=False))
        self.known = recording.known
        self.aliases: dict[Ref, Ref] = {}
        self.literals: dict[Ref, Any] = {}  # tensors of one number that can stand as the number
        self.called: set[str] = set()
        self.sorted_from: dict[Ref, Ref] = {}  # of packed sequences: see `packing`
        self.packed: dict[Ref, tuple[Ref, Ref]] = {}
        self.ran: dict[Ref, Ref] = {}
        self.padded: set[Ref] = set()
        self.exactly = exactly

    def scope(self, scope: Scope) -> Lowered:
        done = Lowered(scope)
        for each in scope.items:
            if isinstance(each, Scope):
                done.items.append(self.scope(each))
            else:
                done.items += self.call(each, scope.path)
        done.result = self.read(scope.result)
        return done

    def read(self, value: Any) -> Any:
        """The same with the tensors that others are but another name for."""

        def found(each: Any) -> Any:
            while isinstance(each, Ref) and each in self.aliases:
                each = self.aliases[each]
            return each

        return mapped(value, found)

    def shape(self, ref: Ref) -> tuple[Any, ...]:
        return self.known[ref.number].shape

    def call(self, call: Call, where: str) -> list[Step]:
        args, kwargs = self.read(call.args), self.read(call.kwargs)
        if call.module is not None:
            return [self.module(call, args, kwargs)]
        try:
            return self.function(call, list(args), dict(kwargs))
        except ImportingError as error:
            raise ImportingError(f"{where or 'the model'} ({call.spot}): {error}") from error

    # Modules

    def module(self, call: Call, args: Any, kwargs: Any) -> Step:
        path = str(call.module)
        module = self.modules[path]
        entry = entry_for(module) or find_torch(call.target)  # by its class, or by that whose `forward` is called
        assert entry is not None
        arguments = arguments_of(module, entry, path)
        fed = packing.fed(self, args[0], call.result) if args else None
        if fed is not None:
            states = {"hx": args[1]} if len(args) > 1 and args[1] is not None else {}
            args, kwargs = [], {**fed, **states, **kwargs}
            call.result = (call.result[0][0], call.result[1])
        feed, named = [argument(each) for each in args], {k: argument(v) for k, v in kwargs.items() if v is not None}
        while feed and feed[-1] is None:
            feed.pop()
        names = [each.name for each in entry.inputs]
        defaults = {each.name: each.default for each in entry.inputs}
        named = {key: value for key, value in named.items() if defaults.get(key, REQUIRED) != value}
        if named or any(not _tensors(each) for each in feed):
            named = {**dict(zip(names, feed, strict=False)), **named}
            named = {key: value for key, value in named.items() if defaults.get(key, REQUIRED) != value}
            feed = []
        if "hx" in named and len(named) == 2 and "input" in named:
            feed, named = [named["input"], named["hx"]], {}
        owns = any(True for _ in module.parameters()) or any(True for _ in module.buffers())
        again = path in self.called and owns
        step = Step(entry.name, call.result, feed, named, arguments, None if path in self.called and not owns else path,
                    spot=call.spot, again=again, keeps=owns)  # fmt: skip
        self.called.add(path)
        return step

    # Functions

    def function(self, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step]:
        last = call.target.removesuffix(".__get__").rpartition(".")[2]
        name = plain_name(call.target.removesuffix(".__get__"))
        special = _SPECIAL.get(last) or _SPECIAL.get(name)
        if special is not None:
            found = special(self, call, args, kwargs)
            if found is not None:
                return found
        if last in _REVERSED:
            return [self.operator(call, _REVERSED[last], args[1], args[0])]
        return [self.typed(call, call.target, args, kwargs)]

    def typed(self, call: Call, target: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Step:
        """A function of the catalogue; with its operator, where the model's code wrote one."""
        args, kwargs = self.numbers([args, kwargs])
        for name, entry in entries_of(target):
            found = bound(entry, args, kwargs)
            if found is not None:
                return self.placed(call, name, *found)
        shown = target.removeprefix("torch.").replace(".__get__", "")
        there = bool(entries_of(target))
        why = "with such arguments" if there else "which is no function of the language"
        raise ImportingError(f"it calls `{shown}`, {why}")

    def numbers(self, value: Any) -> Any:
        """Tensors of one number that the model's code made of a number, as that number."""
        found = mapped(value, lambda each: self.literals.get(each, each) if isinstance(each, Ref) else each)
        return found if refs(found) or not refs(value) else value

    def placed(self, call: Call, name: str, arguments: dict[str, Any], tensors: Sequence[str]) -> Step:
        """What goes by place, and what by its key: of two tensors the second has a key (`other`), of three none has."""
        order = [key for key, value in arguments.items() if _tensors(value)]
        text, operands = self.expressed(call, name, arguments)
        step = Step(name, call.result, spot=call.spot, text=text, operands=operands,
                    operator=call.target.rpartition(".")[2] not in (name, f"{name}_"))  # fmt: skip
        step.operator = (
            step.operator or call.target.startswith("torch.Tensor.") and name in (*_OPERATORS, *_COMPARISONS)
        )
        if order and order[0] in (*tensors[:1], "operands", "tensors", "input", "self"):
            leading = [key for key in order if key in tensors]
            run = leading if len(leading) >= 3 else leading[:1]
            step.feed = [arguments.pop(key) for key in run]
        elif order:
            step.named = {key: arguments.pop(key) for key in order[:1]}
        step.arguments = arguments
        return step

    def expressed(self, call: Call, name: str, arguments: dict[str, Any]) -> tuple[str, list[Any]]:
        """The call as an expression: an operator where there is one."""
        writer = Writer()
        values = list(arguments.values())
        if name in _OPERATORS and len(values) == 2:
            node: ast.expr = ast.BinOp(writer.of(values[0]), _OPERATORS[name](), writer.of(values[1]))
        elif name in _COMPARISONS and len(values) == 2:
            node = ast.Compare(writer.of(values[0]), [_COMPARISONS[name]()], [writer.of(values[1])])
        elif name == "neg":
            node = ast.UnaryOp(ast.USub(), writer.of(values[0]))
        else:
            first = [value for value in values[:1] if _tensors(value)]
            rest = {key: value for at, (key, value) in enumerate(arguments.items()) if at or not first}
            while rest and next(iter(rest)) in (
                "other",
                "dim",
                "dim0",
                "dim1",
                "sizes",
                "start_dim",
                "exponent",
                "index",
            ):
                first.append(rest.pop(next(iter(rest))))
            node = writer.call(name.removeprefix("torch.Tensor.").removeprefix("torch."), first, rest)
        return written(node), writer.operands

    def operator(self, call: Call, kind: type[ast.operator], left: Any, right: Any) -> Step:
        writer = Writer()
        node = ast.BinOp(writer.of(self.numbers(left)), kind(), writer.of(self.numbers(right)))
        return Step("value", call.result, text=written(node), operands=writer.operands, operator=True, spot=call.spot)

    def value(self, call: Call, node: ast.expr, writer: Writer) -> Step:
        return Step("value", call.result, text=written(node), operands=writer.operands, operator=True, spot=call.spot)

    def alias(self, call: Call, ref: Ref) -> list[Step]:
        self.aliases[call.result] = ref
        return []


def _tensors(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_tensors, value))
    return isinstance(value, Ref)


Special = Callable[[Lowering, Call, list[Any], dict[str, Any]], "list[Step] | None"]


def _same(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    if lowering.exactly and call.target.endswith(".contiguous"):
        return None
    return lowering.alias(call, args[0])


def _reshaped(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.shape(args[0]), lowering.shape(call.result)
    if len(args) > 1 and isinstance(args[1], torch.dtype):
        return None
    found = said(before, after)
    if found is None:
        return lowering.alias(call, args[0])
    name, arguments = found
    return [lowering.placed(call, name, {"input": args[0], **arguments}, ["input"])]


def _expanded(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.shape(args[0]), lowering.shape(call.result)
    if before == after:
        return lowering.alias(call, args[0])
    extra = len(after) - len(before)
    sizes = [-1 if at >= extra and before[at - extra] == each else each for at, each in enumerate(after)]
    return [lowering.placed(call, "expand", {"self": args[0], "size": sizes}, ["self"])]


def _turned(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    rank = len(lowering.shape(args[0]))
    if rank < 2:
        return lowering.alias(call, args[0])
    dims = {"dim0": -2, "dim1": -1} if call.target.endswith(("mT.__get__", "mH.__get__")) else {"dim0": 0, "dim1": 1}
    return [lowering.placed(call, "transpose", {"input": args[0], **dims}, ["input"])]


def _transposed(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    rank = len(lowering.shape(args[0]))
    one, other = (*args[1:], *kwargs.values())
    if transposed(rank, one, other) == list(range(rank)):
        return lowering.alias(call, args[0])
    return None


def _cast(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.known[args[0].number].dtype, lowering.known[call.result.number].dtype
    if before == after:
        return lowering.alias(call, args[0])
    writer = Writer()
    writer.operands.append(args[0])
    step = Step("torch.Tensor.to", call.result, [args[0]], {}, {"dtype": after}, spot=call.spot, operator=False)
    step.text, step.operands = f"torch.Tensor.to(_0_, dtype='{after}')", [args[0]]
    return [step]


def _made_of_number(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """`torch.tensor(...)`: a number, or a buffer."""
    known = lowering.known[call.result.number]
    value = args[0] if args else kwargs.get("data")
    if isinstance(value, (bool, int, float, Vary)) and not known.hangs:
        arguments = {"size": [], "fill_value": value, "dtype": known.dtype}
        step = lowering.placed(call, "full", arguments, [])
        if isinstance(value, (bool, int, float)):
            lowering.literals[call.result] = _as(value, known.dtype)
        return [step]
    assert known.tensor is not None
    return [made_constant(call.result, known, call.spot)]


def _as(value: Any, dtype: str) -> Any:
    return float(value) if "float" in dtype else bool(value) if dtype == "bool" else int(value)


def _index(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    return indexed(lowering, call, args[0], args[1])


def _set(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    return set_at(lowering, call, args[0], args[1], args[2])


def _scaled(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """A scale that is the usual one is left out."""
    width = lowering.shape(args[0])[-1] if args else None
    scale = kwargs.get("scale")
    if isinstance(scale, float) and isinstance(width, int) and abs(scale * math.sqrt(width) - 1) < 1e-12:
        return [lowering.typed(call, call.target, args, {k: v for k, v in kwargs.items() if k != "scale"})]
    return None


def _unlike(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """`x.new_zeros(...)` and `x.fill_(...)` as functions that read nothing."""
    known = lowering.known[call.result.number]
    last = call.target.rpartition(".")[2]
    fill = {"new_zeros": 0, "new_ones": 1, "zero_": 0, "zeros_like": 0, "ones_like": 1}.get(last)
    if last in ("new_full", "fill_", "full_like"):
        fill = args[-1] if len(args) > 1 else kwargs.get("fill_value", kwargs.get("value"))
    if fill is None or isinstance(fill, Ref):
        return None
    if last.startswith("new") or last.endswith("_"):
        return [lowering.placed(call, "full", {"size": list(known.shape), "fill_value": _as(fill, known.dtype), **(
            {} if known.dtype in ("float32",) else {"dtype": known.dtype})}, [])]  # fmt: skip
    return None


def _empty(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """Memory that is filled afterwards: what it holds is nothing that anyone reads."""
    known = lowering.known[call.result.number]
    return [lowering.placed(call, "zeros", {"size": list(known.shape), **(
        {} if known.dtype == "float32" else {"dtype": known.dtype})}, [])]  # fmt: skip


def _copied(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    if lowering.shape(args[0]) == lowering.shape(args[1]):
        return lowering.alias(call, args[1])
    return None


_SPECIAL: Final[dict[str, Special]] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_RESHAPES, _reshaped),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _expanded),
    **dict.fromkeys(("T", "mT", "H", "mH"), _turned),
    **dict.fromkeys(("transpose", "swapaxes"), _transposed),
    **dict.fromkeys(("to", "type_as", "type", "float", "double", "half", "bfloat16", "int", "long", "bool", "short"),
                    _cast),
    **dict.fromkeys(("tensor", "as_tensor", "scalar_tensor"), _made_of_number),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "zero_", "fill_"), _unlike),
    **dict.fromkeys(("empty", "new_empty", "empty_like"), _empty),
    "__getitem__": _index,
    "__setitem__": _set,
    "scaled_dot_product_attention": _scaled,
    "copy_": _copied,
    "_pack_padded_sequence": packing.packed,
    "_pad_packed_sequence": packing.padded,
    "index_select": packing.picked,
    "sort": packing.sorted_lengths,
}  # fmt: skip
