"""The graph of a model: what `builder.elaborate` gives and everything after it reads.

A graph is a `networkx.DiGraph` whose nodes carry only plain data (numbers, strings, lists, dicts), so that it survives
`networkx.node_link_data`, JSON text and back. A node's key is its dotted name (`layer1.0.conv1`); a model's inputs and
outputs are nodes too, `inputs.NAME` and `outputs.NAME`. Edges carry nothing: a layer may read one tensor twice, so the
ordered inputs stand on the node.

`graph.graph` holds what belongs to no single node: `name`, `doc`, `file`, and `regions`, the tree of groups and blocks.
A graph that is for a picture alone, of two models or of a faulty spec, has `marks`, `arrow_marks` and `told` too; no
module is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import networkx

# A size is a whole number, or the text of an expression over free sizes: "N", "H // 4".
Size: TypeAlias = int | str
# A shape is a list of sizes; that of several results, a list of shapes, or a dict of them by field name.

# What a node is, for colour and legend.
KINDS = (
    "input", "output", "convolution", "linear", "embedding", "recurrent", "attention", "normalisation", "activation",
    "pooling", "dropout", "shape", "merge", "arithmetic", "loss", "parameter", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One layer, input or output.

    reads: the positional tensors in order. Each is a *reference*: `{"from": NODE}`, with `"pick": [0, ...]` where one
        of several results is meant, or with `"parameter": "weight"` where a parameter of that layer is; or a list of
        references, where a call takes a sequence of tensors. `"input": [REGION, NAME, PATH, PICKS]` says that the
        region reads it as its input NAME (PATH: through a structure that feeds it; PICKS: how many were made outside).
    keyword_reads: tensors fed by argument name.
    arguments: every other argument that is written or worked out, by PyTorch's name, JSON values only. A size that is
        known only when the model runs is `{"size": "T // 2"}`.
    sizes: where the free names of such sizes are found: name -> [reference, dim].
    expression: of a `value`: Python's text (arguments hold the spec's own) with `{0}`, `{1}` ... for the reads.
    device: the reference whose device a tensor made out of nothing gets; None where no such tensor is made.
    shape, dtype: of the result; `None` where they are not known; lists of them where there are several results.
    parameters, buffers: shapes of the tensors that the node owns, by name below it (`weight`), in the order of the
        state dict; empty for functions and for calls of a shared module.
    ties: which of its parameters are another layer's: name below it -> dotted name in the state dict.
    init: how its parameters start, where the spec says so: name -> a number, an array, or
        `{"type": "torch.nn.init.normal_", "arguments": {...}}`.
    frozen: its parameters do not train. passes: the reference that it passes through in evaluation, where it is there
        in training only; else None.
    multiply_adds: at batch 1; a number, or the text of an expression over free sizes.
    """

    name: str
    type: str  # as the spec says it: "Conv2d", "flatten"; "value"; "input" and "output" for those
    target: str  # what is called: "torch.nn.Conv2d", "torch.flatten", "torch.Tensor.view", "tomograph.MeanSubtract"
    role: str  # "input", "output", "module", "function", "method", "value", "parameter" or "buffer"
    kind: str  # one of KINDS
    module: str | None = None  # dotted path of the module that is called; None for functions
    region: str = ""  # the group or block it belongs to; "" is the model itself
    reads: list[Any] = field(default_factory=list)
    keyword_reads: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)
    expression: str = ""
    device: Any = None
    input_shapes: list[Any] = field(default_factory=list)
    shape: Any = None
    dtype: Any = None
    parameters: dict[str, list[int]] = field(default_factory=dict)
    buffers: dict[str, list[int]] = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)
    init: dict[str, Any] = field(default_factory=dict)
    frozen: bool = False
    passes: Any = None
    multiply_adds: Size = 0
    options: list[str] | None = None  # of an input that is a choice
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A group, a block or the copies of a repeat: a part of the model that has a name of its own.

    children: names of the nodes and regions directly inside, in the order of the spec.
    module: dotted path of the module that it is; the same as `name`, but for a call of a shared one.
    copies: it holds the copies of a repeat, `NAME.0`, `NAME.1` ...; how many. 0 for groups and blocks.
    params: of a block, what it was given; JSON values.
    reads: of a block or a group with inputs of its own: input -> the reference that feeds it, seen from outside.
    results: what it gives: one reference, a list of them, or a dict of them by name.
    init: how parameters inside start: "Conv2d.weight" or "weight" -> as in Node.init; runs when the whole is made.
    frozen: nothing in it trains. passes: as of a Node.
    """

    name: str
    type: str  # the block's name; "" for a group written in place and for copies; the model's own name for the model
    children: list[str] = field(default_factory=list)
    module: str = ""
    copies: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    reads: dict[str, Any] = field(default_factory=dict)
    results: Any = None
    init: dict[str, Any] = field(default_factory=dict)
    frozen: bool = False
    passes: Any = None
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Marked:
    """What is to be seen at once of a node or a region: "added", "removed", "changed" or "fault", and why."""

    mark: str
    facts: tuple[str, ...] = ()


def marks(graph: networkx.DiGraph[str]) -> dict[str, Marked]:
    """The nodes and regions that are marked; none in the graph of a model."""
    return {name: Marked(mark, tuple(facts)) for name, (mark, facts) in graph.graph.get("marks", {}).items()}


def arrow_marks(graph: networkx.DiGraph[str]) -> dict[tuple[str, str], str]:
    """Marks by (the node that is read, the node that reads it). What is "removed" may be no read of the graph's own."""
    return {(source, target): mark for source, target, mark in graph.graph.get("arrow_marks", ())}


def told(graph: networkx.DiGraph[str]) -> str:
    """What is to be said in one line of a graph that is for a picture alone; "" for a model's."""
    return str(graph.graph.get("told", ""))


def with_marks(
    graph: networkx.DiGraph[str], all_marks: dict[str, Marked], arrows: dict[tuple[str, str], str], told: str
) -> networkx.DiGraph[str]:
    """The graph, from now on for a picture alone."""
    graph.graph["marks"] = {name: [each.mark, list(each.facts)] for name, each in all_marks.items()}
    graph.graph["arrow_marks"] = [[source, target, mark] for (source, target), mark in arrows.items()]
    graph.graph["told"] = told
    return graph


def nodes(graph: networkx.DiGraph[str]) -> Iterator[Node]:
    """Every node in the order of the spec: inputs first, outputs last."""
    for _, attributes in graph.nodes(data=True):
        yield Node(**attributes)


def node(graph: networkx.DiGraph[str], name: str) -> Node:
    """The node of this dotted name; KeyError if there is none."""
    return Node(**graph.nodes[name])


def regions(graph: networkx.DiGraph[str]) -> dict[str, Region]:
    """The groups and blocks by dotted name, outer ones first; `""` is the whole model."""
    return {name: Region(**attributes) for name, attributes in graph.graph["regions"].items()}


def layers(graph: networkx.DiGraph[str]) -> Iterator[Node]:
    """The nodes that compute something: all but inputs and outputs."""
    return (each for each in nodes(graph) if each.role not in ("input", "output"))


def parameter_count(each: Node) -> int:
    """How many numbers the node's own parameters hold; those that are another layer's are not counted again."""
    return sum(math.prod(shape) for name, shape in each.parameters.items() if name not in each.ties)


def state(graph: networkx.DiGraph[str]) -> dict[str, list[int]]:
    """The state dict's keys and shapes in its order: of each module its own parameters, its buffers, its parts."""
    return state_of(nodes(graph), regions(graph).values())


def state_of(all_nodes: Iterable[Node], all_regions: Iterable[Region]) -> dict[str, list[int]]:
    """The same of what a graph is assembled from."""
    by_name = {each.name: each for each in all_nodes}
    return dict(_state("", {each.name: each for each in all_regions}, by_name))


def _state(region: str, all_regions: dict[str, Region], by_name: dict[str, Node]) -> Iterator[tuple[str, list[int]]]:
    if all_regions[region].module != region:
        return
    prefix = f"{region}." if region else ""
    children = all_regions[region].children
    here = [by_name[each] for each in children if each in by_name and _belongs(by_name[each], region)]
    here.sort(key=lambda each: each.role != "module")  # a module without a name is made first, as what the region is
    for each in here:
        yield from ((prefix + key, shape) for key, shape in each.parameters.items())
    for each in here:
        yield from ((prefix + key, shape) for key, shape in each.buffers.items())
    for child in children:
        if child in all_regions:
            yield from _state(child, all_regions, by_name)
        elif not _belongs(by_name[child], region):
            owned = {**by_name[child].parameters, **by_name[child].buffers}
            yield from ((f"{child}.{key}", shape) for key, shape in owned.items())


def _belongs(each: Node, region: str) -> bool:
    """Whether what the node owns stands in its region itself: parameters, buffers, a module without a name."""
    return each.role in ("parameter", "buffer") or each.module == region


def assemble(
    name: str, doc: str, file: str, all_nodes: list[Node], all_regions: list[Region], conditions: list[str]
) -> networkx.DiGraph[str]:
    """Make the graph from finished records, which stand in the order of the spec."""
    import networkx  # a sixth of a second: only what wants a graph pays for it

    graph: networkx.DiGraph[str] = networkx.DiGraph(
        name=name,
        doc=doc,
        file=file,
        regions={each.name: asdict(each) for each in all_regions},
        conditions=conditions,
    )
    for each in all_nodes:
        graph.add_node(each.name, **asdict(each))
    for each in all_nodes:
        for source in references([each.reads, each.keyword_reads]):
            graph.add_edge(source, each.name)
    return graph


def references(reads: Any) -> Iterator[str]:
    """The names of the nodes that a tree of references reads, in order."""
    if isinstance(reads, list):
        for each in reads:
            yield from references(each)
    elif isinstance(reads, dict) and isinstance(reads.get("from"), str):
        yield reads["from"]
    elif isinstance(reads, dict):
        for each in reads.values():
            yield from references(each)
