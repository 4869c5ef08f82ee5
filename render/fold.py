"""Graph, level, names -> what is drawn open, what is closed, and what is drawn once for several.

- `overview`: a box a stage. - `block`: each structure is drawn open once. - `full`: every layer of every copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from render.folding.names import wishes
from render.folding.plan import Plan
from render.folding.stretches import stretched
from render.folding.tree import Tree
from render.folding.walk import Level, Walk

if TYPE_CHECKING:
    import networkx


def fold(
    graph: networkx.DiGraph[str],
    *,
    level: Level = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    compact: bool = True,
) -> Plan:
    """What a picture of the graph shows.

    expand: groups, blocks and layers that are drawn whole; collapse: groups and blocks that are one box each; by name
    or by pattern (`layer3.*`), whatever the level says. Where both name a group, it is closed. ValueError for a level
    that there is not, and for a name or pattern that nothing in the model has.
    """
    if level not in get_args(Level):
        raise ValueError(f"no level is called {level!r}; there are {', '.join(get_args(Level))}")
    tree = Tree(graph, compact=compact)
    plan = Walk(tree, level, wishes(tree, expand, collapse)).plan
    return stretched(plan) if level == "overview" else plan
