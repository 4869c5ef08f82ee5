"""What nothing reads is left out, but for modules that the state dict has keys of."""

from __future__ import annotations

from builder.exchange.importing.lowering import Lowered
from builder.exchange.importing.steps import Step, joined
from builder.exchange.importing.values import Ref, refs

_LONGEST = 90


def pruned(whole: Lowered) -> None:
    """Leave out what nothing reads."""
    _prune(whole, set(refs(whole.result)))


def _prune(scope: Lowered, needed: set[Ref]) -> None:
    kept: list[Step | Lowered] = []
    for each in reversed(scope.items):
        if isinstance(each, Lowered):
            _prune(each, needed)
            if each.items:
                kept.append(each)
        elif each.keeps or needed & set(refs(each.result)):
            needed |= set(each.reads())
            kept.append(each)
    scope.items = kept[::-1]


def joined_values(whole: Lowered) -> None:
    """What one statement of the model's code works out by operators becomes one expression, where it stays short."""
    uses: dict[Ref, int] = {}
    _count(whole, uses)
    for each in refs(whole.result):
        uses[each] = uses.get(each, 0) + 1
    _join(whole, uses)


def _count(scope: Lowered, uses: dict[Ref, int]) -> None:
    for each in scope.items:
        if isinstance(each, Lowered):
            _count(each, uses)
        else:
            for ref in each.reads():
                uses[ref] = uses.get(ref, 0) + 1


def _join(scope: Lowered, uses: dict[Ref, int]) -> None:
    waiting: dict[Ref, Step] = {}
    items: list[Step | Lowered] = []
    for each in scope.items:
        if isinstance(each, Lowered):
            _join(each, uses)
            items.append(each)
            continue
        for ref in list(dict.fromkeys(each.reads())):
            inner = waiting.get(ref)
            if inner is not None and _joins(inner, each) and uses.get(ref) == 1:
                text, operands = joined(each.text, each.operands, inner)
                if len(text) + 4 * len(operands) <= _LONGEST:
                    each.text, each.operands, each.type, each.operator = text, operands, "value", True
                    each.feed, each.named, each.arguments = [], {}, {}
                    items.remove(inner)
        items.append(each)
        if isinstance(each.result, Ref) and each.text:
            waiting[each.result] = each
    scope.items = items


def _joins(inner: Step, outer: Step) -> bool:
    """Whether both stand in one statement, whose operators make them one expression."""
    if not inner.text or not outer.text or inner.spot is None or outer.spot is None or inner.spot.variable:
        return False
    return (inner.operator or outer.operator) and inner.spot.statement == outer.spot.statement
