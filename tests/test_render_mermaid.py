"""Mermaid text: against a parser of the language that is not ours (merman), read back label for label."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import graphs
import merman
import pytest

import builder
import dsl
from render.diagram import Arrow, Box, Cluster, Diagram, compose
from render.mermaid import ARROWS_DRAWN, CHARACTERS_DRAWN, flowchart
from render.mermaid_labels import said
from render.theme import DARK, LIGHT, THEMES, contrast

ROOT = Path(__file__).parents[1]
NASTY = [
    'say "hi"', "a]b[c](d){e}", "100% of_it", "_x_ *y* **z** ~~w~~", "`code`", "<b>bold</b> & <i>",
    "&amp; #35; #quot;", "end", "subgraph end graph", "style: x #1; y", "classDef a:#fff;", "1. first",
    "- item", "+ item", "# head", "> said", "2) second", "---", "===", "a|b||c", "x --> y", "%% comment",
    "%%{init: {}}%%", "https://x.y/z www.x.y a@b.c", "$$x^2$$", "fa:fa-car", "\\n \\\\ \\*", "模型 é ß",
    "🙂 emoji", "ﬂ°°42¶ß", "a;b;", "::: class", "@{ shape: circle }", "![a](b) [c](d)", "style", "click me",
    "<br/>", "'", "layer_norm_1", "snake_ _case",
]  # fmt: skip


def parsed(text: str) -> Any:
    """What the text says, without the spaces of no width that keep Markdown's signs apart."""
    return json.loads(
        merman.Merman().parse_json(text, None).replace("\ufeff", "").replace("**\u2060", "**").replace("\u2060**", "**")
    )


def one(title: str, **more: Any) -> Diagram:
    """A picture of two boxes, the first of which says this."""
    first = Box(name=title or "x", form="table", cluster="", kind="other", title=title, **more)
    last = Box(name="last", form="table", cluster="", kind="linear", title="Linear")
    arrow = Arrow(source=first.name, target="last", label=title, role="spine")
    return Diagram(title=title, subtitle=title, boxes=(first, last), arrows=(arrow,), clusters=(), legend=())


def test_lenet() -> None:
    found = parsed(flowchart(compose(graphs.lenet(), level="full"), LIGHT).text)
    assert [(each["label"], each["shape"], each["classes"]) for each in found["nodes"]][:4] == [
        ("**Net**<br/>input 1×32×32 · 61,706 parameters", "square", []),
        ("**Input** image", "stadium", ["input"]),
        ("**Conv 5×5** conv1<br/>6 ch · ReLU<br/>156 parameters", "square", ["convolution"]),
        ("**MaxPool 2×2**", "square", ["pooling"]),
    ]
    assert [(each["label"] or "").strip("`") for each in found["edges"]] == [
        "1×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "400", "120", "84", "10", "",
    ]  # fmt: skip
    assert (found["accTitle"], found["accDescr"]) == ("Net", "input 1×32×32 · 61,706 parameters")
    assert (found["direction"], found["keyword"]) == ("TB", "flowchart")
    assert found["classDefs"]["convolution"] == ["fill:#E3EEF9", "stroke:#0072B2", "color:#1F2933"]


def test_blocks_are_subgraphs_and_skips_are_dotted() -> None:
    found = parsed(flowchart(compose(graphs.residual(), level="full"), LIGHT).text)
    groups = {each["id"]: (words(each["title"]), set(each["nodes"])) for each in found["subgraphs"]}
    assert groups["g_layer_0"] == (
        "**layer.0** · BasicBlock · 230,144",
        {"n_layer_0_inputs_image", "n_layer_0_conv1", "n_layer_0_conv2", "n_layer_0_6", "n_layer_0_7",
         "g_layer_0_downsample"},
    )  # fmt: skip
    assert groups["g_layer_0_downsample"] == ("**downsample** · 8,448", {"n_layer_0_downsample_0"})
    dotted = [(each["from"], each["to"]) for each in found["edges"] if each["stroke"] == "dotted"]
    assert dotted == [("n_layer_1_layer_0_7", "n_layer_1_6")]
    shapes = {each["id"]: each["shape"] for each in found["nodes"]}
    assert (shapes["n_layer_1_6"], shapes["n_layer_1_layer_0_7"]) == ("circle", "f-circ")
    headless = {each["to"]: each["stroke"] for each in found["edges"] if each["type"] == "arrow_open"}
    hidden = {"n_inputs_image": "invisible"}  # holds the heading above the first box
    assert headless == {"n_layer_0_inputs_image": "normal", "n_layer_1_layer_0_7": "normal", **hidden}


def test_copies_closed_blocks_and_marks() -> None:
    boxes = (
        Box(name="a.0", form="table", cluster="a", kind="linear", title="Linear", copies=3, parameters=30),
        Box(name="b", form="table", cluster="", kind="other", title="Block", region="b", mark="added"),
    )
    clusters = (Cluster(name="a", parent="", title="a", detail="", parameters=120, copies=4, mark="changed"),)
    arrows = (Arrow(source="a.0", target="b", label="", role="spine", mark="removed"),)
    diagram = Diagram(title="T", subtitle="", boxes=boxes, arrows=arrows, clusters=clusters, legend=())
    text = flowchart(diagram, DARK).text
    found = parsed(text)
    nodes = {each["id"]: each for each in found["nodes"]}
    assert nodes["n_a_0"]["label"] == "**Linear** ×3<br/>30 parameters in all"
    assert (nodes["n_b"]["label"], nodes["n_b"]["shape"]) == ("**+ Block**", "subroutine")
    assert nodes["n_b"]["classes"] == ["added"]
    assert found["classDefs"]["added"][1] == f"stroke:{DARK.marks['added'].bar}"
    assert [words(each["title"]) for each in found["subgraphs"] if each["id"] == "g_a"] == ["**≠ a** ×4"]
    assert f"linkStyle 0 stroke:{DARK.marks['removed'].bar}" in text


@pytest.mark.parametrize("text", NASTY)
def test_any_text_comes_through(text: str) -> None:
    diagram = one(text, label=text, detail=(text,))
    chart = flowchart(diagram, LIGHT).text
    assert merman.Merman().validate(chart, None).valid
    found = parsed(chart)
    heading = f"**{text}**<br/>{text}"
    assert [each["label"] for each in found["nodes"]] == [heading, f"**{text}** {text}<br/>{text}", "**Linear**"]
    assert [(each["label"] or "").strip("`") for each in found["edges"]] == [text.strip("`"), ""]


@pytest.mark.parametrize("text", NASTY)
def test_nothing_in_a_label_means_anything(text: str) -> None:
    """What Mermaid, Markdown or HTML could read stands as entities: what is left are letters, digits and signs that
    are plain within a line."""
    chart = flowchart(one("T", detail=(text,)), LIGHT).text
    label = re.search(r'\["`\*\*T\*\*<br/>(.*)`"\]:::', chart)
    assert label is not None
    bare = re.sub(r"#\d+;", "", label[1])
    assert not re.search(r"[\"<>&#`*~\[\]{}|\\:;@$%=!?^']", bare)
    assert not re.search(r"(?i)style|classdef|www\.", label[1])
    assert not re.match(r"\d*[.)+-]", label[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layer_norm_1", "layer_norm_1"),
        ("_x", "#65279;#95;#65279;x"),
        ("2*x", "2#65279;#42;#65279;x"),
        ("$$x$$", "#36;#65279;#36;#65279;x#36;#65279;#36;#65279;"),
        ("fa:fa-car", "fa#58;#65279;fa-car"),
        ("style", "#115;tyle"),
    ],
)
def test_signs_of_markdown_and_icons_are_kept_apart(text: str, expected: str) -> None:
    """Drawn by Mermaid 11.12 in a browser, these show the text on the left; entities alone do not."""
    assert said(text) == expected


def test_a_long_heading_is_broken_between_its_facts() -> None:
    facts = ["input 3×224×224", "11,689,512 parameters", "1.8 G multiply-adds", "blocks and repeats drawn once"]
    diagram = Diagram(title="Net", subtitle=" · ".join(facts), boxes=one("x").boxes, arrows=(), clusters=(), legend=())
    assert parsed(flowchart(diagram, LIGHT).text)["nodes"][0]["label"] == (
        "**Net**<br/>input 3×224×224 · 11,689,512 parameters · 1.8 G multiply-adds<br/>blocks and repeats drawn once"
    )


def test_ids_are_plain_words_no_two_alike() -> None:
    names = ["end", "a.b", "a_b", "a/b", "模型", "", "1"]
    boxes = tuple(Box(name=each, form="table", cluster="", kind="other", title="T") for each in names)
    diagram = Diagram(title="T", subtitle="", boxes=boxes, arrows=(), clusters=(), legend=())
    found = [each["id"] for each in parsed(flowchart(diagram, LIGHT).text)["nodes"]][1:]
    assert found == ["n_end", "n_a_b", "n_a_b_2", "n_a_b_3", "n_", "n__2", "n_1"]


def test_what_github_does_not_draw_is_told() -> None:
    arrows = tuple(Arrow(source="x", target="last", label="", role="spine") for _ in range(ARROWS_DRAWN + 1))
    plain = one("x")
    many = Diagram(title="T", subtitle="", boxes=plain.boxes, arrows=arrows, clusters=(), legend=())
    chart = flowchart(many, LIGHT)
    assert chart.notes == ("500 arrows: GitHub draws Mermaid of up to 499; draw it at a higher level",)
    assert f"\n%% {chart.notes[0]}\nflowchart TB\n" in chart.text
    assert chart.text.count(" --> ") == 500
    chart = flowchart(compose(graphs.chain(1000), level="full"), LIGHT)
    assert re.fullmatch(r"[\d,]+ characters: GitHub draws Mermaid of up to 50,000; .*", chart.notes[0])
    assert len(chart.text) > CHARACTERS_DRAWN
    assert flowchart(compose(graphs.lenet(), level="full"), LIGHT).notes == ()


@pytest.mark.parametrize("level", ["overview", "block", "full"])
@pytest.mark.parametrize("model", ["resnet18", "googlenet", "gpt2", "unet"])
def test_known_models_at_every_level(model: str, level: Any) -> None:
    diagram = compose(builder.elaborate(dsl.load(ROOT / "specs" / "gallery" / f"{model}.toml")), level=level)
    chart = flowchart(diagram, LIGHT)
    found = parsed(chart.text)
    assert len(found["nodes"]) == len(diagram.boxes) + 1
    assert len(found["edges"]) == len(diagram.arrows) + 1
    assert len(found["subgraphs"]) == len(diagram.clusters) + 1
    assert {each["shape"] for each in found["nodes"]} <= {"square", "stadium", "circle", "f-circ", "subroutine"}
    closed = sum(bool(each.region or each.stretch) for each in diagram.boxes)
    assert sum(each["shape"] == "subroutine" for each in found["nodes"]) == closed
    assert bool(chart.notes) == (level == "full" and model == "gpt2")


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda each: each.name)
def test_text_is_read_on_every_ground(theme: Any) -> None:
    """The pairs of colours that the text names: labels of boxes and clusters, and what has no class of its own."""
    chart = flowchart(compose(graphs.residual(), level="full"), theme).text
    pairs = re.findall(r"fill:(#\w{6}),stroke:#\w{6},color:(#\w{6})", chart)
    settings = dict(re.findall(r'    (\w+): "(#\w{6})"', chart))
    pairs += [(settings["edgeLabelBackground"], settings["textColor"])]
    assert len(pairs) > 5
    assert min(contrast(*each) for each in pairs) >= 4.5


def words(title: str) -> str:
    """A subgraph's title without the blanks that move it aside."""
    return title.strip("`").replace("\u00a0", " ").rstrip(" \u2060")
