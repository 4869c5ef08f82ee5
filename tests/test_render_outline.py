"""The picture in words: against what a person would write down, and within a terminal's columns."""

from __future__ import annotations

import unicodedata

import graphs
import pytest

from render.diagram import Arrow, Box, Cluster, Diagram, compose
from render.outline import COLUMNS, description, outline


def box(name: str, title: str, **more: object) -> Box:
    return Box(**{"name": name, "form": "table", "cluster": "", "kind": "other", "title": title, **more})  # type: ignore[arg-type]


def drawn(*boxes: Box, arrows: tuple[tuple[str, str, str], ...] = (), clusters: tuple[Cluster, ...] = ()) -> list[str]:
    ways = tuple(Arrow(source=a, target=b, label="", role=role) for a, b, role in arrows)  # type: ignore[arg-type]
    text = outline(Diagram(title="T", subtitle="S", boxes=boxes, arrows=ways, clusters=clusters, legend=()))
    return text.splitlines()[3:]


def test_lenet() -> None:
    assert outline(compose(graphs.lenet(), level="full")) == (
        "Net\n"
        "input 1×32×32 · 61,706 parameters\n"
        "\n"
        "image: Input, 1×32×32\n"
        "conv1: Conv 5×5, 6 ch · ReLU, 156 parameters, gives 6×28×28\n"
        "MaxPool 2×2, gives 6×14×14\n"
        "conv2: Conv 5×5, 16 ch · ReLU, 2,416 parameters, gives 16×10×10\n"
        "MaxPool 2×2, gives 16×5×5\n"
        "Flatten, gives 400\n"
        "fc1: Linear, 400 → 120 · ReLU, 48,120 parameters, gives 120\n"
        "fc2: Linear, 120 → 84 · ReLU, 10,164 parameters, gives 84\n"
        "fc3: Linear, 84 → 10, 850 parameters, gives 10\n"
        "Output, 10\n"
        "\n"
        "In all: 61,706 parameters · 10 boxes\n"
    )


def test_a_tree_with_skips_and_merges() -> None:
    assert outline(compose(graphs.residual(), level="full")).splitlines()[3:-2] == [
        "image: Input, 64×H×W",
        "layer.0 (BasicBlock · 230,144)",
        "  conv1: Conv 3×3, 128 ch · stride 2 · pad 1 · BatchNorm · ReLU, 73,984 parameters,",
        "      gives 128×(H//2)×(W//2)",
        "  conv2: Conv 3×3, 128 ch · pad 1 · BatchNorm, 147,712 parameters, gives 128×(H//2)×(W//2)",
        "  downsample (8,448 parameters)",
        "    0: Conv 1×1, from the input of layer.0, 128 ch · stride 2 · BatchNorm, 8,448 parameters,",
        "        gives 128×(H//2)×(W//2)",
        "  sum of conv2 and downsample.0, gives 128×(H//2)×(W//2)",
        "  ReLU, gives 128×(H//2)×(W//2)",
        "layer.1 (BasicBlock · 295,424)",
        "  conv1: Conv 3×3, 128 ch · pad 1 · BatchNorm · ReLU, 147,712 parameters, gives 128×(H//2)×(W//2)",
        "  conv2: Conv 3×3, 128 ch · pad 1 · BatchNorm, 147,712 parameters, gives 128×(H//2)×(W//2)",
        "  sum of the input of layer.1 (skip) and conv2, gives 128×(H//2)×(W//2)",
        "  ReLU, gives 128×(H//2)×(W//2)",
        "Output, 128×(H//2)×(W//2)",
    ]


def test_copies_marks_totals() -> None:
    clusters = (Cluster(name="a", parent="", title="a", detail="Block · 80", parameters=80, copies=4, mark="changed"),)
    boxes = [
        box("a.0", "Linear", cluster="a", label="fc", copies=2, parameters=80, multiply_adds=72),
        box("b", "ReLU", mark="removed", multiply_adds=8),
    ]
    assert drawn(*boxes, arrows=(("a.0", "b", "spine"),), clusters=clusters) == [
        "[changed] a ×4 (Block · 80)",
        "  fc: Linear ×2, 80 parameters in all",
        "[removed] ReLU",
        "",
        "In all: 80 parameters · 80 multiply-adds · 2 boxes",
    ]


def test_a_box_is_called_by_the_name_that_it_shows() -> None:
    """From within a copy, from beside, and where a cluster's title begins with that of the one around it."""
    clusters = (
        Cluster(name="s", parent="", title="s", detail="", parameters=8),
        Cluster(name="s.0", parent="s", title="s.0", detail="", parameters=8, copies=2),
        Cluster(name="s.0.in", parent="s.0", title="in", detail="", parameters=8),
    )
    boxes = [
        box("s.0.in.3", "A", cluster="s.0.in", parameters=8),
        box("s.0.b", "B", cluster="s.0", label="b"),
        box("s.0.4", "+", form="circle", cluster="s.0"),
        box("t", "C"),
    ]
    arrows = (("s.0.in.3", "s.0.b", "spine"), ("s.0.in.3", "s.0.4", "skip"), ("s.0.b", "s.0.4", "spine"),
              ("s.0.b", "t", "skip"), ("s.0.4", "t", "spine"))  # fmt: skip
    assert drawn(*boxes, arrows=arrows, clusters=clusters)[:7] == [
        "s",
        "  s.0 ×2",
        "    in",
        "      3: A, 8 parameters in all",
        "    b: B",
        "    4: sum of in.3 (skip) and b",
        "C, from s.0.b (skip) and s.0.4",
    ]


def test_multiply_adds_over_free_sizes() -> None:
    assert drawn(box("a", "A", multiply_adds=7), box("b", "B", multiply_adds="7 * T"))[-1] == (
        "In all: 0 parameters · 7 × T + 7 multiply-adds · 2 boxes"
    )


def test_what_a_box_reads_is_told_where_it_is_not_the_one_before() -> None:
    boxes = [box("0", "A"), box("1", "B"), box("2", "C"), box("3", "D")]
    arrows = (("0", "1", "spine"), ("0", "2", "branch"), ("1", "3", "branch"), ("2", "3", "spine"))
    assert drawn(*boxes, arrows=arrows)[:4] == ["0: A", "1: B", "2: C, from 0", "D, from 1 and 2"]


def test_a_group_that_is_left_and_entered_again() -> None:
    clusters = (Cluster(name="g", parent="", title="g", detail="Block", parameters=0),)
    boxes = [box("g.a", "A", cluster="g"), box("b", "B"), box("g.c", "C", cluster="g")]
    arrows = (("g.a", "b", "spine"), ("b", "g.c", "spine"))
    assert drawn(*boxes, arrows=arrows, clusters=clusters)[:5] == ["g (Block)", "  A", "B", "g (goes on)", "  C"]


def test_two_inputs_of_a_block_are_told_apart() -> None:
    clusters = (Cluster(name="g", parent="", title="g", detail="", parameters=0),)
    boxes = [box("x", "X"), box("y", "Y"), box("g.a", "A", cluster="g"), box("g.b", "B", cluster="g")]
    boxes += [box(f"g/{each}", "", form="dot", cluster="g", kind="") for each in "xy"]
    arrows = (("x", "g/x", "spine"), ("y", "g/y", "branch"), ("g/x", "g.a", "spine"), ("g/y", "g.b", "branch"))
    assert drawn(*boxes, arrows=arrows, clusters=clusters)[2:5] == [
        "g", "  A, from the input of g, x", "  B, from the input of g, y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["w" * 300, "模型" * 90, "🙂 " * 90, "a b\tc\n\x07 d" * 40, "q" * 61 + " 'x' [y] {z} %_$"]
)
@pytest.mark.parametrize("depth", [0, 3, 60])
def test_no_line_is_wider_than_a_terminal(text: str, depth: int) -> None:
    names = [".".join(["g"] * count) for count in range(1, depth + 1)]
    parents = ["", *names]
    clusters = tuple(
        Cluster(name=name, parent=parent, title=text, detail=text, parameters=0)
        for name, parent in zip(names, parents, strict=False)
    )
    each = box("a", text, cluster=names[-1] if names else "", label=text, detail=(text, text), shape=text)
    diagram = Diagram(title=text, subtitle=text, boxes=(each,), arrows=(), clusters=clusters, legend=())
    lines = outline(diagram).splitlines()
    assert max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in lines) <= COLUMNS
    assert all(line.rstrip() == line and line.isprintable() for line in lines)
    assert outline(diagram).count(text[0]) >= (7 + 2 * depth) * text.count(text[0])  # nothing is cut


def test_every_model_has_an_outline_within_a_terminal() -> None:
    for graph in (graphs.alexnet(), graphs.chain(300), graphs.single("layer", "<&>")):
        assert max(map(len, outline(compose(graph, level="full")).splitlines())) <= COLUMNS


def test_the_description_of_an_svg_is_a_line_a_box() -> None:
    assert description(compose(graphs.lenet(), level="full")).splitlines()[:4] == [
        "input 1×32×32 · 61,706 parameters",
        "inputs.image: Input (1×32×32)",
        "conv1: Conv 5×5 (6 ch · ReLU, 156 parameters, 6×28×28)",
        "MaxPool 2×2 (6×14×14)",
    ]
