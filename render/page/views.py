"""A picture at a level, and where in it every layer and every group is to be found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from render.diagram import Diagram
from render.folding.plan import Frame, Plan, Standing
from render.folding.walk import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The picture at a level: an SVG whose parts are elements with the id `LEVEL/PART`."""

    level: Level
    plan: Plan
    diagram: Diagram
    svg: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer or a group is in a picture: the part to look at, and whether that is the layer or group itself,
    drawn open, or something that stands for it: a closed box around it, or another copy."""

    part: str
    itself: bool


def parts(plan: Plan) -> dict[str, str]:
    """Every part that is about a layer or a group -> its dotted name."""
    about = {each.name: each.region or each.members[0].name for each in plan.boxes}
    return about | {cluster_part(each.name): each.region for each in plan.frames if each.region}


def cluster_part(name: str) -> str:
    """What the part of a scene is called that is drawn around others."""
    return f"cluster:{name}"


def places(plan: Plan) -> dict[str, Place]:
    """The place of every node, and of every region with a node in it but "", which is the whole picture."""
    found = {name: Place(box.name, _shows(box, name)) for name, box in plan.box_of.items()}
    frames = {each.name: each for each in plan.frames}
    drawn = {each.region: cluster_part(each.name) for each in plan.frames}
    ways = {box.name: list(_way(box, frames)) for box in plan.boxes}
    for region in plan.tree.regions:
        if region in drawn:
            found[region] = Place(drawn[region], True)
        elif region:
            inside = [each.name for each in plan.tree.inside[region]]
            part = _last_common([ways[each] for each in {plan.box_of[name].name for name in inside}])
            # Open too without a line around it alone: one box with all of it, or its first copy for all.
            found[region] = Place(part, any(found[name].itself for name in inside))
    return {name: each for name, each in found.items() if name and each.part}


def _shows(box: Standing, node: str) -> bool:
    """Whether the box is drawn for this layer, alone or with the few that it is told with."""
    return not box.region and not box.stretch and any(each.name == node for each in box.members)


def _way(box: Standing, frames: Mapping[str, Frame]) -> Iterator[str]:
    """From the outermost cluster around a box to the box."""
    around = [box.frame]
    while around[-1]:
        around.append(frames[around[-1]].parent)
    yield from (cluster_part(each) for each in reversed(around) if each)
    yield box.name


def _last_common(ways: list[list[str]]) -> str:
    """The innermost part that all ways lead through; "" where they part at once."""
    together = ""
    for steps in zip(*ways, strict=False):
        if len(set(steps)) > 1:
            break
        together = steps[0]
    return together
