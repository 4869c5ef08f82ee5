"""Dims that are cut, moved and joined, one after the other, become a `rearrange`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.exchange.importing.lowering import Lowered
from builder.exchange.importing.reshaping import rearranged, transposed
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Known, Ref, Vary, refs


def rearrange(whole: Lowered, known: list[Known]) -> None:
    """Put one layer where two or three do no more than move numbers around."""
    uses: dict[Ref, int] = {}

    def count(scope: Lowered) -> None:
        for each in scope.items:
            if isinstance(each, Lowered):
                count(each)
            else:
                for ref in each.reads():
                    uses[ref] = uses.get(ref, 0) + 1

    count(whole)
    for ref in refs(whole.result):
        uses[ref] = uses.get(ref, 0) + 1
    _within(whole, known, uses)


def _within(scope: Lowered, known: list[Known], uses: Mapping[Ref, int]) -> None:
    made: dict[Ref, Step] = {}
    for each in list(scope.items):
        if isinstance(each, Lowered):
            _within(each, known, uses)
            continue
        if isinstance(each.result, Ref):
            made[each.result] = each
    for each in list(scope.items):
        if isinstance(each, Step) and each in scope.items:
            _try(each, scope, made, known, uses)


def _order(step: Step, known: list[Known]) -> list[int] | None:
    if not step.feed or not isinstance(step.feed[0], Ref):
        return None
    rank = len(known[step.feed[0].number].shape)
    if step.type == "transpose":
        return transposed(rank, step.arguments["dim0"] % rank, step.arguments["dim1"] % rank)
    if step.type == "permute":
        return [each % rank for each in step.arguments["dims"]]
    return None


def _try(step: Step, scope: Lowered, made: Mapping[Ref, Step], known: list[Known], uses: Mapping[Ref, int]) -> None:
    """A step that moves dims, with the cut before it and the join behind it."""
    order = _order(step, known)
    if order is None:
        return
    cut, first = None, step
    before = made.get(step.feed[0])
    if before is not None and before.type == "unflatten" and uses.get(step.feed[0]) == 1:
        rank = len(known[before.feed[0].number].shape)
        sizes = before.arguments["sizes"]
        if all(isinstance(each, int) for each in sizes):
            cut, first = (before.arguments["dim"] % rank, sizes), before
    after = [each for each in scope.items if isinstance(each, Step) and each.type == "flatten"
             and each.feed[:1] == [step.result]]  # fmt: skip
    joins = None
    last = step
    if after and uses.get(step.result) == 1:
        end = after[0].arguments.get("end_dim", -1)
        joins, last = (after[0].arguments.get("start_dim", 0), end % len(order)), after[0]
    if cut is None and joins is None:
        return
    if any(isinstance(each, Vary) for each in (cut[1] if cut else ())):
        return
    pattern, lengths = rearranged(cut, order, joins)
    _replace(scope, list(dict.fromkeys((first, step, last))), pattern, lengths)


def _replace(scope: Lowered, several: list[Step], pattern: str, lengths: Mapping[str, Any]) -> None:
    new = Step("rearrange", several[-1].result, [several[0].feed[0]], {}, {"pattern": pattern, **lengths},
               spot=several[-1].spot)  # fmt: skip
    at = scope.items.index(several[-1])
    scope.items[at] = new
    for each in several[:-1]:
        if each in scope.items:
            scope.items.remove(each)
