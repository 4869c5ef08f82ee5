"""Which way the tensors go between boxes: where a region is entered, which path is the main one, what leaps over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from builder.graph import Node
from render.folding.plan import Plan, Standing
from render.folding.tree import Reference
from render.roles import Route, with_roles


def routes(plan: Plan) -> tuple[dict[str, str], list[Route]]:
    """Entry dots (name -> frame) and arrows in the order in which the spec reads.

    A dot stands inside a frame that reads one outer tensor at several places: there main path and skip begin.
    """
    dots: dict[str, str] = {}
    ways: list[Route] = []
    for source, arrivals in _arrivals(plan).items():
        ways += _spread(source, arrivals, dots)
    place = {box.name: float(index) for index, box in enumerate(plan.boxes)}
    first = _first_targets(ways)
    for dot in reversed(dots):  # inner dots were found last; each stands just before the first box that it leads to
        place[dot] = min(place[target] for target in first[dot]) - 0.5
    ways.sort(key=lambda way: (place[way.source], place[way.target]))
    return dots, with_roles(ways)


def _first_targets(ways: list[Route]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for way in ways:
        found.setdefault(way.source, []).append(way.target)
    return found


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A reading box, and the frames that the tensor enters on its way there, outermost first."""

    route: Route
    entered: tuple[str, ...]


def _arrivals(plan: Plan) -> dict[str, list[_Arrival]]:
    """By source box: who reads it. A box that reads a tensor twice gets one arrow."""
    parents = {each.name: each.parent for each in plan.frames}
    found: dict[str, list[_Arrival]] = {}
    for box in plan.boxes:
        met: set[str] = set()
        for reference in plan.brings[box.name]:
            source = plan.box_of[reference.source]
            if source.name not in met:
                met.add(source.name)
                route = _route(plan, source, box, reference)
                entered = _entered(source.frame, box.frame, parents)
                found.setdefault(route.source, []).append(_Arrival(route, entered))
    return found


def brought(plan: Plan, box: Standing) -> Any:
    """The shape of what comes into a box first; None where nothing does."""
    reads = plan.brings[box.name]
    return _shape(plan, reads[0]) if reads else None


def _shape(plan: Plan, reference: Reference) -> Any:
    return picked(plan.tree.nodes[reference.source], list(reference.pick))


def picked(node: Node, path: list[Any]) -> Any:
    """The shape of what a reference names: of the result, of one of several, or of a parameter."""
    if path and isinstance(path[0], str) and not isinstance(node.shape, dict):
        return node.parameters.get(path[0])
    shape = node.shape
    for step in path:
        shape = None if shape is None else shape[step]
    return shape


def _route(plan: Plan, source: Standing, target: Standing, reference: Reference) -> Route:
    """A shape that is another one in each copy is not told inside the first."""
    shape = _shape(plan, reference)
    changed = shape != brought(plan, source)
    told = None if reference.source in plan.varying else shape
    return Route(source=source.name, target=target.name, shape=told, news=changed or source.frame != target.frame)


def _around(region: str, parents: Mapping[str, str]) -> list[str]:
    """The region and all around it, outermost first, without the model itself."""
    chain: list[str] = []
    while region:
        chain.append(region)
        region = parents.get(region, "")
    return chain[::-1]


def _entered(source: str, target: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    outside = set(_around(source, parents))
    return tuple(each for each in _around(target, parents) if each not in outside)


def _spread(carrier: str, arrivals: list[_Arrival], dots: dict[str, str]) -> Iterator[Route]:
    """The arrows from one carrier; several readers in one region get a dot of their own there, and so on inwards."""
    groups: dict[str, list[_Arrival]] = {}
    for each in arrivals:
        groups.setdefault(each.entered[0] if each.entered else "", []).append(each)
    for region, group in groups.items():
        if not region or len(group) == 1:
            yield from (replace(each.route, source=carrier) for each in group)
            continue
        depth = _common([each.entered for each in group])
        dot = f"{group[0].entered[depth - 1]}/{carrier.rpartition('/')[2]}"
        dots[dot] = group[0].entered[depth - 1]
        yield replace(group[0].route, source=carrier, target=dot)
        inner = [_Arrival(replace(each.route, news=False), each.entered[depth:]) for each in group]
        yield from _spread(dot, inner, dots)


def _common(paths: list[tuple[str, ...]]) -> int:
    """How many first parts all paths share."""
    depth = 0
    while all(len(path) > depth and path[depth] == paths[0][depth] for path in paths):
        depth += 1
    return depth
