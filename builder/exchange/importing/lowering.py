"""Recorded calls become layers: each in the words of the catalogue, no-ops left out, changes in place as what they
make."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from torch import nn

from builder.exchange.importing import packing
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.functions import argument, bound, entries_of, plain_name
from builder.exchange.importing.leaves import arguments_of, entry_for
from builder.exchange.importing.records import Call, Recording, Scope
from builder.exchange.importing.special import SPECIAL
from builder.exchange.importing.steps import Step, Writer, written
from builder.exchange.importing.values import Ref, mapped, refs
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
                    "__rfloordiv__": ast.FloorDiv, "__rmod__": ast.Mod, "rsub": ast.Sub,
                    "__rmatmul__": ast.MatMult}  # fmt: skip


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
        special = SPECIAL.get(last) or SPECIAL.get(name)
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
        step.operator = step.operator or (
            call.target.startswith("torch.Tensor.") and name in (*_OPERATORS, *_COMPARISONS)
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
            flipped = call.spot.flipped and not _tensors(values[1])
            left, right = (values[1], values[0]) if flipped else (values[0], values[1])
            node: ast.expr = ast.BinOp(writer.of(left), _OPERATORS[name](), writer.of(right))
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
            node = writer.call(name, first, rest)
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
