"""What is known of every layer and every group, as plain data for the page's panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from builder.graph import Node, Region, Size, marks, nodes, parameter_count, regions
from render.amounts import summed
from render.page.views import View, parts, places
from render.words import title

if TYPE_CHECKING:
    import networkx

# Fields that are told as the graph has them, where they are not empty. What they mean is told in `builder.graph`.
_AS_THEY_ARE = ("type", "target", "kind", "role", "arguments", "input_shapes", "shape", "dtype", "parameters",
                "buffers", "ties", "init", "frozen", "multiply_adds", "options", "expression")  # fmt: skip
_OF_REGIONS = ("type", "copies", "params", "children", "init", "frozen")


def facts(graph: networkx.DiGraph[str], views: Sequence[View], lines: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the panel may show.

    entries: by dotted name, regions and then nodes. `at` gives for each level the place among the level's `parts`
    (-1: nowhere), `itself` the levels in which it is drawn open; `line` points into `lines`, each text once.
    `mark` is what is different about it, or at fault, and the facts of that.
    lines: of nodes and regions, the spec's own text.
    """
    all_nodes, all_regions = list(nodes(graph)), regions(graph)
    quotes: dict[str, int] = {}
    totals = _totals(all_nodes, all_regions)
    entries: dict[str, dict[str, Any]] = {}
    for name, region in all_regions.items():
        entries[name] = {**_of_region(region, totals[name]), **_quoted(region, lines, quotes)}
    for node in all_nodes:
        entries[node.name] = {**_of_node(node), **_quoted(node, lines, quotes)}
    for name, marked in marks(graph).items():
        if name in entries:
            entries[name]["mark"] = [marked.mark, *marked.facts]
    return {
        "name": graph.graph["name"],
        "doc": graph.graph["doc"],
        "conditions": graph.graph["conditions"],
        "levels": [_of_view(index, each, entries) for index, each in enumerate(views)],
        "lines": list(quotes),
        "entries": entries,
    }


def _of_node(node: Node) -> dict[str, Any]:
    told = {field: getattr(node, field) for field in _AS_THEY_ARE}
    reads = [*_reads(node.reads, ""), *(pair for key, each in node.keyword_reads.items() for pair in _reads(each, key))]
    about = {"title": title(node), "region": node.region, "reads": reads, "count": parameter_count(node)}
    return {key: value for key, value in {**about, **told}.items() if value or key == "shape"}


def _of_region(region: Region, total: _Total) -> dict[str, Any]:
    told = {field: getattr(region, field) for field in _OF_REGIONS}
    shared = region.module if region.module != region.name else ""
    sums = {"count": total.parameters, "layers": total.layers, "multiply_adds": total.multiply_adds}
    about = {**sums, "shares": shared}
    return {"group": True} | {key: value for key, value in {**about, **told}.items() if value}


def _reads(reads: Any, argument: str) -> Iterator[list[str]]:
    """[layer, what of it, as which argument] for each tensor that is read, in order; trailing nothings left out."""
    if isinstance(reads, list):
        for each in reads:
            yield from _reads(each, argument)
    elif isinstance(reads, dict) and isinstance(reads.get("from"), str):
        picked = "".join(f"[{step!r}]" for step in reads.get("pick", []))
        told = [reads["from"], reads.get("parameter", picked), argument]
        yield told if argument else told[:2] if told[1] else told[:1]
    elif isinstance(reads, dict):
        for each in reads.values():
            yield from _reads(each, argument)


def _quoted(each: Node | Region, lines: Mapping[str, str], quotes: dict[str, int]) -> dict[str, Any]:
    """Where it is written, and which of the quotes it is; a new quote is kept."""
    # Where the spec lies on one machine is no business of those to whom a page is sent.
    file = PurePath(each.file).name if PurePath(each.file).is_absolute() else each.file
    told: dict[str, Any] = {"place": f"{file}:{each.line}"} if each.line else {}
    if text := lines.get(each.name):
        told["quote"] = quotes.setdefault(text, len(quotes))
    return told


@dataclass(frozen=True, slots=True)
class _Total:
    """Of all layers in a region, at any depth."""

    layers: int
    parameters: int
    multiply_adds: Size


def _totals(all_nodes: Sequence[Node], all_regions: Mapping[str, Region]) -> dict[str, _Total]:
    by_name = {each.name: each for each in all_nodes}
    found: dict[str, _Total] = {}
    for name in reversed(list(all_regions)):  # inner ones first
        inside = [found[each] for each in all_regions[name].children if each in found]
        own = [by_name[each] for each in all_regions[name].children if each in by_name]
        found[name] = _Total(
            sum(each.layers for each in inside) + len(own),
            sum(each.parameters for each in inside) + sum(parameter_count(each) for each in own),
            summed([*(each.multiply_adds for each in inside), *(each.multiply_adds for each in own)]),
        )
    return found


def _of_view(index: int, view: View, entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A picture's parts with the entry that each is about; every entry is told its place."""
    about = parts(view.plan)
    number = {part: each for each, part in enumerate(about)}
    found = places(view.plan)
    for name, entry in entries.items():
        place = found.get(name)
        entry.setdefault("at", []).append(number.get(place.part, -1) if place else -1)
        if place and place.itself:
            entry.setdefault("itself", []).append(index)
    return {"name": view.level, "parts": [[part, name] if part != name else [part] for part, name in about.items()]}
