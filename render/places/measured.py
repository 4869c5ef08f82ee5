"""How much room a part takes, and where in it the inner ones stand.

Two axes: `main` runs the way the arrows go (down a page, to the right on a slide), `cross` across it. Every part has a
line through it along `main` on which it is entered and left; `before` and `after` are its extents to both sides of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from render.places.boxes import Band, Look
from render.places.parts import Framed, Lane, Part, Series, Single, Wire

FORK = 9.0  # from a box to the place below it where its arrow forks
LABEL_OFF = 6.0  # a label's distance from its arrow


@dataclass(eq=False, slots=True)
class Measured:
    """A part with its size. inner: what stands in it, with its place along both axes.

    forks, merges (of a Parallel): where along `main` arrows turn to the branches and back; None for not at all.
    labels: for arrows with a label, where along both axes it stands.
    """

    part: Part | Series | Wire
    length: float
    before: float
    after: float
    inner: list[tuple[float, float, Measured]] = field(default_factory=list)
    look: Look | None = None
    band: Band | None = None
    fork: float | None = None
    merge: float | None = None
    labels: list[tuple[int, float, float]] = field(default_factory=list)
    lanes: list[tuple[Lane, float | None, float]] = field(default_factory=list)  # junction along main; cross
    tangle: object = None


def copies_of(part: Part) -> int:
    return part.box.copies if isinstance(part, Single) else part.cluster.copies if isinstance(part, Framed) else 1


def is_form(part: object, form: str) -> bool:
    return isinstance(part, Single) and part.box.form == form
