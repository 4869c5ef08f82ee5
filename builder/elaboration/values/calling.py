"""A function called in a `value`: which one it is, which argument is which, what it makes, how Python writes it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.elaboration.values.terms import (
    DEVICE,
    Term,
    argument,
    as_tensor,
    described_term,
    dotted,
    of_list,
    of_plain,
    values_of,
)
from builder.shapes.call import Call, Value
from builder.shapes.rearranging import groups, steps
from builder.shapes.sizes import Free
from dsl.arithmetic import ExpressionError
from dsl.catalogue import Entry, Parameter, Problem, bind, mismatch, names, suggest
from dsl.catalogue.lookup import find_known, is_from_python
from dsl.catalogue.types import words
from dsl.tables import described

_INSTEAD = {
    "len": "the size of a dim is x.shape[0]",
    "tensor": "a list of numbers becomes a tensor where one is wanted",
}


def function(name: str) -> Entry:
    """The function of this name, plain (`exp`) or dotted (`linalg.norm`, `torch.nn.functional.pad`)."""
    entry = find_known(name) or find_known(f"torch.{name}")
    if entry is not None and entry.role in ("function", "method"):
        return entry
    if entry is not None:
        raise ExpressionError(f"`{name}` is a layer type; a value calls functions alone")
    if is_from_python(name):
        raise ExpressionError(f"`{name}` comes from Python, and a value calls torch's functions alone")
    if name in _INSTEAD:
        raise ExpressionError(f"`{name}` is no function of tensors; {_INSTEAD[name]}")
    near = [each for each in suggest(name.rpartition(".")[2], names()) if not each[0].isupper()]
    meant = f"; did you mean `{near[0]}`?" if near else ""
    raise ExpressionError(f"no function is called `{name}`{meant}")


def is_function(name: str) -> bool:
    """Whether a called name is a function's, whatever else is called so (`linalg.norm` beside a layer `linalg`)."""
    return (find_known(name) or find_known(f"torch.{name}")) is not None


@dataclass(frozen=True, slots=True)
class Bound:
    """A function with its arguments by name. placed: those that are written by their place, in order."""

    entry: Entry
    given: Mapping[str, Term]
    placed: Sequence[str]

    def call(self) -> Call:
        """What the shape rules are asked. Tensors that stand first go by place, as rules count them; others by name."""
        reads: list[Value] = []
        keyword_reads: dict[str, Value] = {}
        arguments: dict[str, Any] = {}
        ahead = [each.name for each in self.entry.inputs]
        for name in [*ahead, *(each for each in self.given if each not in ahead)]:
            term = self.given.get(name)
            if term is not None and term.reads:
                if name in ahead[len(reads) : len(reads) + 1] and not keyword_reads:
                    reads.append(values_of(term))
                else:
                    keyword_reads[name] = values_of(term)
            elif term is not None:
                arguments[name] = argument(term)
        return Call(entry=self.entry, arguments=arguments, reads=reads, keyword_reads=keyword_reads)

    def node(self) -> ast.expr:
        """`torch.topk({0}, 3, largest=False)`; a method on what it reads first: `{0}.view(2, 3)`."""
        if self.entry.target == "tomograph.rearrange":
            return self._rearranged()
        first = self.entry.parameters[0].name if self.entry.role == "method" else None
        placed = [node for name in self.placed if name != first for node in self._placed(name)]
        named = {name: self._written(name) for name in self.given if name not in self.placed and name != first}
        named |= self._mode()
        if first is not None:
            called: ast.expr = ast.Attribute(self.given[first].node, self.entry.name, ast.Load())
        else:
            called = dotted(self.entry.target.replace("torch.nn.functional.", "F."))
        keywords = [ast.keyword(arg=key, value=node) for key, node in named.items()]
        return ast.Call(func=called, args=placed, keywords=keywords)

    def _rearranged(self) -> ast.expr:
        """`{0}.unflatten(1, [8, -1]).permute(0, 1, 3, 2)`."""
        given = self.given["input"]
        node = given.node
        for step in steps(*groups(self.given["pattern"].value, len(given.value.shape))):
            dims: list[ast.expr] = [ast.Constant(each) for each in step.dims]
            sizes = [self.given[axis].node if axis in self.given else of_plain(-1).node for axis in step.axes]
            cut: list[ast.expr] = [ast.List(elts=sizes, ctx=ast.Load())] if sizes else []
            node = ast.Call(func=ast.Attribute(node, step.method, ast.Load()), args=[*dims, *cut], keywords=[])
        return node

    def _placed(self, name: str) -> list[ast.expr]:
        """One argument by its place; einsum and meshgrid take each tensor as an argument of its own."""
        term = self.given[name]
        if self.entry.parameter(name).passing != "spread":
            return [self._written(name)]
        if isinstance(term.value, list):
            return [each.node for each in term.value]
        return [ast.Starred(value=term.node, ctx=ast.Load()) if term.is_several else term.node]

    def _written(self, name: str) -> ast.expr:
        term = self.given[name]
        if isinstance(term.value, str) and "dtype" in self.entry.parameter(name).type:
            return dotted(f"torch.{term.value}")
        if name == "dropout_p" and term.value != 0:  # this function has no mode of its own
            return ast.IfExp(test=dotted("self.training"), body=term.node, orelse=ast.Constant(0.0))
        return term.node

    def _mode(self) -> dict[str, ast.expr]:
        """Functions follow the model's mode, and what is made of nothing lies where the tensors lie."""
        added: dict[str, ast.expr] = {}
        if self.entry.accepts("training") and "training" not in self.given:
            added["training"] = dotted("self.training")
        made_of_nothing = not any(term.reads for term in self.given.values())
        if self.entry.accepts("device") and "device" not in self.given and made_of_nothing:
            added["device"] = DEVICE
        return added


def bound(entry: Entry, positional: Sequence[Term], named: Mapping[str, Term]) -> Bound:
    """The arguments by name, by the first of the signatures that takes them; ExpressionError where none does."""
    further = {name: argument(term) for name, term in named.items() if not entry.accepts(name)}
    for problem in bind(entry, further):
        if problem.argument in further:
            raise ExpressionError(_objection(entry, problem))
    objections = []
    for signature in (entry.parameters, *entry.overloads):
        try:
            return _fitted(entry, signature, positional, named)
        except _ObjectionError as objection:
            objections.append(objection)
    raise ExpressionError(str(max(objections, key=lambda each: each.reached)))


class _ObjectionError(Exception):
    """Why a signature does not take the arguments. reached: how far it got, to tell the likeliest of several."""

    def __init__(self, message: str, reached: int) -> None:
        super().__init__(message)
        self.reached = reached


def _fitted(
    entry: Entry, signature: Sequence[Parameter], positional: Sequence[Term], named: Mapping[str, Term]
) -> Bound:
    given = _by_place(entry, signature, positional)
    placed = list(given)
    for name, term in named.items():
        if name in given:
            raise _ObjectionError(f"{entry.name} is given `{name}` twice", 0)
        if name not in {each.name for each in signature} and entry.accepts(name):
            raise _ObjectionError(f"{entry.name} does not take `{name}` beside its other arguments", 0)
        given[name] = term
    fitting: dict[str, Term] = {}
    for parameter in signature:
        if parameter.name in given:
            fitting[parameter.name] = _fitting(entry, parameter, given[parameter.name], len(fitting))
        elif parameter.required:
            raise _ObjectionError(f"{entry.name} needs `{parameter.name}`: {_wanted(parameter)}", len(fitting))
    fitting |= {name: term for name, term in given.items() if not entry.accepts(name)}  # what it takes of any name
    by_place_alone = [each.name for each in signature if each.passing in ("position", "spread") and each.name in given]
    return Bound(entry, {name: fitting[name] for name in given}, list(dict.fromkeys([*by_place_alone, *placed])))


def _by_place(entry: Entry, signature: Sequence[Parameter], positional: Sequence[Term]) -> dict[str, Term]:
    given: dict[str, Term] = {}
    rest = list(positional)
    for parameter in signature:
        if not rest:
            break
        if parameter.passing == "spread":
            given[parameter.name] = rest[0] if len(rest) == 1 and not rest[0].is_tensor else of_list(rest)
            rest = []
        elif "int[]" in parameter.type.split(" | ") and "int" not in parameter.type.split(" | ") and _is_size(rest[0]):
            run = next((index for index, each in enumerate(rest) if not _is_size(each)), len(rest))
            given[parameter.name], rest = of_list(rest[:run]), rest[run:]  # zeros(2, 3) is zeros([2, 3])
        else:
            given[parameter.name] = rest.pop(0)
    if rest:
        count = f"{len(signature)} argument{'' if len(signature) == 1 else 's'}"
        raise _ObjectionError(f"{entry.name} takes {count}, but {len(positional)} are written", 0)
    return given


def _fitting(entry: Entry, parameter: Parameter, term: Term, reached: int) -> Term:
    """The term as the parameter takes it: an array of numbers becomes a tensor where a tensor is wanted."""
    kinds = parameter.type.split(" | ")
    others = " | ".join(kind for kind in kinds if kind not in ("tensor", "tensors"))
    if term.is_tensor and "tensor" in kinds:
        return term
    if _is_sequence(term) and "tensors" in kinds:
        return term
    if not term.reads and others and mismatch(others, argument(term)) is None:
        return term
    if not term.reads and "tensor" in kinds and isinstance(term.value, list):
        return as_tensor(term)
    message = f"`{parameter.name}` of {entry.name} is {_wanted(parameter)}, not {described_term(term)}"
    if entry.name == "sqrt":
        message += "; the root of a number is its power 0.5"
    raise _ObjectionError(message, reached)


def _wanted(parameter: Parameter) -> str:
    return words(parameter.type).replace(" (the name of a layer, or an array)", "")


def _is_sequence(term: Term) -> bool:
    """Whether it is a list of tensors, or several results."""
    if isinstance(term.value, list):
        return bool(term.value) and all(each.is_tensor for each in term.value)
    return term.is_several


def _is_size(term: Term) -> bool:
    return isinstance(term.value, (int, Free)) and not isinstance(term.value, bool)


def _objection(entry: Entry, problem: Problem) -> str:
    """What is wrong with an argument that no signature has."""
    if problem.kind == "type":
        return f"`{problem.argument}` of {entry.name} is {problem.expected}, not {described(problem.found)}"
    near = problem.suggestions
    meant = f"did you mean `{near[0]}`?" if near else f"it takes {problem.expected}"
    return f"{entry.name} has no argument `{problem.argument}`; {meant}"
