"""Long stretches of plain layers as one box, where even a model without groups has to fit on a page."""

from __future__ import annotations

from collections.abc import Iterator

from render.folding.plan import Plan, Standing

BOXES_UP_TO = 24  # boxes that an overview may have before stretches of layers are closed
_SHORTEST = 4  # boxes


def stretched(plan: Plan) -> Plan:
    """The plan with every straight stretch of layers as one box; as it is where it has few boxes anyway."""
    if len(plan.boxes) <= BOXES_UP_TO:
        return plan
    boxes = [box for stretch in _stretches(plan) for box in _joined(stretch)]
    return Plan(plan.tree, boxes, plan.frames, plan.twins, plan.varying)


def _stretches(plan: Plan) -> Iterator[list[Standing]]:
    """All boxes in their order, those that follow each other alone together."""
    readers: dict[str, set[str]] = {}
    sources = {box.name: {plan.box_of[read.source].name for read in plan.brings[box.name]} for box in plan.boxes}
    for name, read in sources.items():
        for each in read:
            readers.setdefault(each, set()).add(name)
    stretch: list[Standing] = []
    for box in plan.boxes:
        last = stretch[-1] if stretch else None
        if last and not (_plain(last, box) and sources[box.name] == {last.name} and readers[last.name] == {box.name}):
            yield stretch
            stretch = []
        stretch.append(box)
    yield stretch


def _plain(one: Standing, other: Standing) -> bool:
    return one.frame == other.frame and not any(
        each.region or each.sign or each.members[0].role in ("input", "output", "parameter", "buffer")
        for each in (one, other)
    )


def _joined(stretch: list[Standing]) -> list[Standing]:
    if len(stretch) < _SHORTEST:
        return stretch
    first, last = stretch[0], stretch[-1]
    members = tuple(member for box in stretch for member in box.members)
    return [
        Standing(name=first.name, members=members, frame=first.frame, called=first.called, last=last.last, stretch=True)
    ]
