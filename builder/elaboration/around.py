"""What a group reads by name from around it, held against where the group is called again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from builder.elaboration.frame import Feed, Frame
from builder.elaboration.ledger import Ledger
from builder.elaboration.sight import FaultToldError
from dsl.records import Layer

Read: TypeAlias = tuple[str, str, str]  # a node, and the region and its input by which the node is known


def check_in_sight(layer: Layer, feed: Feed, frame: Frame, called: str, walk: Ledger) -> None:
    """Tell of a tensor that stands in a group which this call does not stand in.

    called: the name of the new call, whose nodes have been made. What lies in it, or in what is around it, can be
    handed to it; so can results of what is around it, parameters and buffers.
    """
    seen = set(_reads([value.reference for value in (*frame.scope.values(), *feed.all)]))
    beside = [each for each in walk.regions if _holds(_region(each.name), frame) and each.name != called]
    seen |= {each for region in beside for each in _reads(region.results) if each[0][1] != region.name}
    for (source, region, name), picks in _all_reads(called, walk):
        at = region or _region(source)
        known = any(((source, region, name), picks[:length]) in seen for length in range(len(picks) + 1))
        if not (known or source in walk.state or _holds(at, frame) or f"{at}.".startswith(f"{called}.")):
            message = f"`{layer.share}` reads `{name or source.rpartition('.')[2]}`, which is not in sight here"
            walk.faults.add(layer.place.at("share"), message, "share", part="value")
            raise FaultToldError


def _all_reads(called: str, walk: Ledger) -> Iterator[tuple[Read, tuple[Any, ...]]]:
    """What the nodes and regions of a call read, and what the regions give."""
    for node in walk.nodes:
        if f"{node.name}.".startswith(f"{called}."):
            yield from _reads([node.reads, node.keyword_reads, node.device, node.sizes])
    for region in walk.regions:
        if f"{region.name}.".startswith(f"{called}."):
            yield from _reads([region.results, region.reads])


def _region(name: str) -> str:
    return name.rpartition(".")[0]


def _holds(region: str, frame: Frame) -> bool:
    return not region or frame.prefix.startswith(f"{region}.")


def _reads(references: Any) -> Iterator[tuple[Read, tuple[Any, ...]]]:
    """(what is read, its picks) of each tensor, but for parameters that are asked of their layer."""
    if isinstance(references, list):
        for each in references:
            yield from _reads(each)
    elif isinstance(references, dict) and isinstance(references.get("from"), str):
        region, name = references.get("input", ("", ""))[:2]
        if "parameter" not in references:
            yield (references["from"], region, name), tuple(references.get("pick", ()))
    elif isinstance(references, dict):
        for each in references.values():
            yield from _reads(each)
