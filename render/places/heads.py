"""Clusters that begin with the inputs of the model: each input stands above the branch that reads it."""

from __future__ import annotations

from collections.abc import Callable

from render.diagram import Diagram
from render.places.links import OUTSIDE, Links
from render.places.parts import Branch, Framed, Headed, Parallel, Part, Series


def headed(diagram: Diagram, links: Links, framed: Callable[[str], Framed]) -> dict[str, Framed]:
    """The clusters that several inputs enter, and nothing else, each in a branch of its own, with these branches behind
    those that begin in the cluster, where its title stands."""
    readers: dict[str, int] = {}
    for arrow in diagram.arrows:
        readers[arrow.source] = readers.get(arrow.source, 0) + 1
    found: dict[str, Framed] = {}
    for name in sorted(links.loose):
        enters = [each.arrow for each in links.inside[name] if each.source == OUTSIDE]
        leaves = {diagram.arrows[each.arrow].source for each in links.inside[name] if each.target == OUTSIDE}
        sources = [diagram.arrows[each].source for each in enters]
        inputs = all(
            each in links.starts and readers[each] == 1 and links.regions[each] == links.parents[name]
            for each in sources
        )
        if len(enters) > 1 and inputs and len(leaves) <= 1:
            part = _ordered(framed(name), enters)
            if part is not None:
                found[name] = part
    return found


def _ordered(framed: Framed, enters: list[int]) -> Framed | None:
    first, *rest = framed.inside.parts
    if not isinstance(first, Parallel):
        return None
    entered = [each for branch in first.branches for each in branch.enters]
    if sorted(entered) != sorted(enters) or any(len(each.enters) > 1 for each in first.branches):
        return None
    branches = tuple(sorted(first.branches, key=lambda each: bool(each.enters)))
    inside = Series((Parallel(branches), *rest), framed.inside.joints, framed.inside.lanes)
    return Framed(framed.cluster, inside)


def under_heads(before: Part, framed: Framed, leaves: tuple[int, ...]) -> Part | None:
    """Both as one part: what stood before it, side by side, now above its branches; what else stood there is beside
    it. None where these are not its heads."""
    first = framed.inside.parts[0]
    if not isinstance(before, Parallel) or not isinstance(first, Parallel):
        return None
    enters = {each for branch in first.branches for each in branch.enters}
    heads: dict[int, Series] = {}
    beside: list[Branch] = []
    for each in before.branches:
        if len(each.leaves) == 1 and each.leaves[0] in enters and isinstance(each.what, Series):
            heads[each.leaves[0]] = each.what
        else:
            beside.append(each)
    if set(heads) != enters:
        return None
    whole = Headed(heads, framed)
    return Parallel((Branch(Series((whole,), ()), (), leaves), *beside)) if beside else whole
