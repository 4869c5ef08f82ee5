"""Which way the tensors go between boxes: where a region is entered, which path is the main one, what leaps over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from builder.graph import Node
from render.compaction import Cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One arrow to be: from box to box, with the shape of the tensor that goes there.

    news: the shape is worth telling: it comes from an input, it changed in the source, or it crosses a region's edge.
    """

    source: str
    target: str
    shape: Any
    news: bool
    role: Literal["spine", "branch", "skip"] = "branch"


def routes(nodes: list[Node], casts: list[Cast], parents: Mapping[str, str]) -> tuple[dict[str, str], list[Route]]:
    """Entry dots (name -> region) and arrows in the order in which the spec reads.

    A dot stands inside a region that reads one outer tensor at several places: there main path and skip begin.
    parents: region -> the region around it; those directly in the model have "".
    """
    dots: dict[str, str] = {}
    ways: list[Route] = []
    for source, arrivals in _arrivals(nodes, casts, parents).items():
        ways += _spread(source, arrivals, dots)
    place = {cast.members[0].name: float(index) for index, cast in enumerate(casts)}
    for dot in reversed(dots):  # inner dots were found last; each stands just before the first box that it leads to
        place[dot] = min(place[way.target] for way in ways if way.source == dot) - 0.5
    ways.sort(key=lambda way: (place[way.source], place[way.target]))
    return dots, _with_roles(ways)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A reading box, and the regions that the tensor enters on its way there, outermost first."""

    route: Route
    entered: tuple[str, ...]


def _arrivals(nodes: list[Node], casts: list[Cast], parents: Mapping[str, str]) -> dict[str, list[_Arrival]]:
    """By source box: who reads it. A box that reads a tensor twice gets one arrow."""
    by_name = {each.name: each for each in nodes}
    cast_of = {member.name: cast for cast in casts for member in cast.members}
    found: dict[str, list[_Arrival]] = {}
    for cast in casts:
        head = cast.members[0]
        met: set[str] = set()
        for reference in _references([head.reads, head.keyword_reads]):
            source = cast_of[reference["from"]]
            if source.members[0].name not in met:
                met.add(source.members[0].name)
                shape = picked(by_name[reference["from"]], reference.get("pick", []))
                route = _route(source, cast, shape)
                entered = _entered(source.members[0].region, head.region, parents)
                found.setdefault(route.source, []).append(_Arrival(route, entered))
    return found


def picked(node: Node, path: list[Any]) -> Any:
    """The shape of what a reference names: of the result, of one of several, or of a parameter."""
    if path and isinstance(path[0], str) and not isinstance(node.shape, dict):
        return node.parameters.get(path[0])
    shape = node.shape
    for step in path:
        shape = None if shape is None else shape[step]
    return shape


def _route(source: Cast, target: Cast, shape: Any) -> Route:
    head = source.members[0]
    changed = not head.input_shapes or shape != head.input_shapes[0]
    crosses = head.region != target.members[0].region
    return Route(source=head.name, target=target.members[0].name, shape=shape, news=changed or crosses)


def _references(tree: Any) -> Iterator[dict[str, Any]]:
    """The references of a tree of them, as they stand: `{"from": NODE, "pick": [...]}`."""
    if isinstance(tree, dict) and isinstance(tree.get("from"), str):
        yield tree
    elif isinstance(tree, dict | list):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _references(each)


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
        yield replace(group[0].route, source=carrier, target=dot, news=True)
        inner = [_Arrival(replace(each.route, news=False), each.entered[depth:]) for each in group]
        yield from _spread(dot, inner, dots)


def _common(paths: list[tuple[str, ...]]) -> int:
    """How many first parts all paths share."""
    depth = 0
    while all(len(path) > depth and path[depth] == paths[0][depth] for path in paths):
        depth += 1
    return depth


def _with_roles(ways: list[Route]) -> list[Route]:
    """The spine joins each box with the deepest one before and the longest way after it; the rest are branches, or
    skips where another path leads to the same place."""
    after: dict[str, list[str]] = {}
    for way in ways:
        after.setdefault(way.source, []).append(way.target)
        after.setdefault(way.target, [])
    order = _topological(after)
    height = dict.fromkeys(order, 0)
    for name in reversed(order):
        height[name] = max((height[each] + 1 for each in after[name]), default=0)
    depth = dict.fromkeys(order, 0)
    for name in order:
        for each in after[name]:
            depth[each] = max(depth[each], depth[name] + 1)
    reach = _reach(after, order)
    spine = _spine(ways, depth, height)
    return [
        replace(
            way,
            role="spine" if (way.source, way.target) in spine else "skip" if _leaps(way, after, reach) else "branch",
        )
        for way in ways
    ]


def _spine(ways: list[Route], depth: Mapping[str, int], height: Mapping[str, int]) -> set[tuple[str, str]]:
    onward: dict[str, Route] = {}
    inward: dict[str, Route] = {}
    for way in ways:
        if way.source not in onward or height[way.target] > height[onward[way.source].target]:
            onward[way.source] = way
        if way.target not in inward or depth[way.source] > depth[inward[way.target].source]:
            inward[way.target] = way
    return {(way.source, way.target) for way in ways if onward[way.source] is way and inward[way.target] is way}


def _topological(after: Mapping[str, list[str]]) -> list[str]:
    waiting = dict.fromkeys(after, 0)
    for targets in after.values():
        for each in targets:
            waiting[each] += 1
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:  # grows while it is read
        for each in after[name]:
            waiting[each] -= 1
            if waiting[each] == 0:
                order.append(each)
    return order


def _reach(after: Mapping[str, list[str]], order: list[str]) -> dict[str, int]:
    """What can be reached from each box, itself among it, as the bits of a whole number."""
    place = {name: 1 << index for index, name in enumerate(order)}
    reach: dict[str, int] = {}
    for name in reversed(order):
        bits = place[name]
        for each in after[name]:
            bits |= reach[each]
        reach[name] = bits
    return reach


def _leaps(way: Route, after: Mapping[str, list[str]], reach: Mapping[str, int]) -> bool:
    """Whether another arrow from the same box leads to the target too, over other boxes."""
    others = (each for each in after[way.source] if each != way.target)
    target = reach[way.target]
    return any(reach[each] & target == target for each in others)
