"""Which of several branches stands where across, beside the others."""

from __future__ import annotations

from render.diagram import Diagram
from render.places.measured import Measured
from render.places.parts import Branch, Parallel, Wire, hanging_end

BESIDE = 16.0  # between branches


def places_abreast(part: Parallel, measured: list[Measured], diagram: Diagram) -> list[float]:
    """Where each branch's line stands across. What is on the main path keeps it straight where it is an arrow alone,
    between what stands beside it, or one of two branches that are not alike; all else is centred."""
    spine = [_on_spine(each, diagram) for each in part.branches]
    order = list(range(len(measured)))
    main = next((index for index in order if isinstance(part.branches[index].what, Wire)), None)
    if main is not None:
        order.remove(main)
        order.insert(len(order) // 2, main)
    elif len(order) == 2 and any(spine) and measured[0].length != measured[1].length:
        main = spine.index(True)
        order.sort(key=lambda index: index != main)
    hanging = hanging_end(part)
    order.sort(key=lambda index: bool(hanging) and not part.branches[index].leaves)
    places = [0.0] * len(order)
    edge = 0.0
    for index in order:
        places[index] = edge + measured[index].before
        edge += measured[index].before + measured[index].after + BESIDE
    middle = _middle(places, measured, edge - BESIDE) if main is None else places[main]
    return [each - middle for each in places]


def _middle(places: list[float], measured: list[Measured], breadth: float) -> float:
    """The middle, or the line of a branch that is near to it."""
    near = min(range(len(places)), key=lambda index: abs(places[index] - breadth / 2))
    close = len(places) % 2 and abs(places[near] - breadth / 2) < measured[near].before
    return places[near] if close else breadth / 2


def _on_spine(branch: Branch, diagram: Diagram) -> bool:
    return any(diagram.arrows[each].role == "spine" for each in (*branch.enters, *branch.leaves))
