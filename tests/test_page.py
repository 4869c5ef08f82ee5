"""The page as text: whole, small, well formed, and closed to whatever a name may hold."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import graphs
import networkx
import pytest

import dsl
from builder import partial_graph
from builder.building import elaborate
from builder.commands.entry import run
from builder.commands.quoting import quotes
from builder.graph import marks, nodes, parameter_count, regions
from render.page import page
from render.page.colours import values
from render.theme import contrast

ROOT = Path(__file__).parents[1]
SPECS = [path for path in sorted((ROOT / "specs").rglob("*.toml")) if "[model" in path.read_text(encoding="utf-8")]
CASES = sorted((ROOT / "tests" / "cases" / "invalid").glob("*.toml"))
HOSTILE = '</script><img src=x onerror="alert(1)">'
# Elements without an end, in HTML (https://html.spec.whatwg.org/#void-elements).
VOID = ("meta", "link", "input", "img", "br", "hr")


def gallery(name: str) -> tuple[networkx.DiGraph[str], str]:
    spec = dsl.load(ROOT / "specs" / f"{name}.toml")
    graph = elaborate(spec)
    return graph, page(graph, lines=quotes(spec, graph))


def told(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="page:facts">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


class Elements(HTMLParser):
    """Every element with its attributes; AssertionError for one that is not closed or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("name", "limit"), [("alexnet", 150_000), ("gallery/resnet50", 400_000)])
def test_a_page_is_small(name: str, limit: int) -> None:
    assert len(gallery(name)[1].encode()) < limit


def test_the_same_model_is_the_same_page() -> None:
    assert page(graphs.residual()) == page(graphs.residual())


@pytest.mark.parametrize("name", ["alexnet", "gallery/resnet50", "gallery/lstm_classifier"])
def test_elements_are_closed_ids_are_single_and_nothing_is_asked_for(name: str) -> None:
    elements = Elements(gallery(name)[1]).found
    ids = [each["id"] for _, each in elements if "id" in each]
    assert len(ids) == len(set(ids))
    asked = [each[key] for _, each in elements for key in ("src", "href", "action", "srcset") if key in each]
    assert [each for each in asked if each != "data:,"] == []
    assert "url(" not in gallery(name)[1]
    assert [tag for tag, each in elements if any(key.startswith("on") for key in each)] == []


def test_facts_are_those_of_the_graph() -> None:
    graph, text = gallery("gallery/resnet18")
    facts = told(text)
    entries = facts["entries"]
    assert set(entries) == {*regions(graph), *(each.name for each in nodes(graph))}
    for each in nodes(graph):
        entry = entries[each.name]
        assert entry["shape"] == each.shape
        assert entry.get("arguments", {}) == each.arguments
        assert entry.get("parameters", {}) == each.parameters
        assert entry.get("count", 0) == parameter_count(each)
        assert entry.get("multiply_adds", 0) == each.multiply_adds
    assert entries["layer1.0.5"]["reads"] == [["3"], ["layer1.0.bn2", "", "other"]]
    assert entries[""]["count"] == 11_689_512  # torchvision's own count, weights.IMAGENET1K_V1
    line = facts["lines"][entries["layer2.1.conv1"]["quote"]]
    assert line.startswith('{ name = "conv1", type = "Conv2d"')


def assert_every_layer_has_a_place(text: str) -> None:
    """Of every picture in the page: a part, which is there, for each layer and each group with a layer in it."""
    facts = told(text)
    ids = [each["id"] for _, each in Elements(text).found if "id" in each]
    assert len(ids) == len(set(ids))
    for name, entry in facts["entries"].items():
        for level, place in zip(facts["levels"], entry["at"], strict=True):
            empty = entry.get("group") and not entry.get("layers")
            assert name == "" or empty or place >= 0, (name, level["name"])
            assert place < 0 or f"{level['name']}/{level['parts'][place][0]}" in ids, (name, level["name"])


def test_in_the_full_picture_everything_is_itself() -> None:
    facts = told(gallery("gallery/resnet50")[1])
    full = next(index for index, each in enumerate(facts["levels"]) if each["name"] == "full")
    assert [name for name, each in facts["entries"].items() if name and full not in each.get("itself", [])] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_has_a_page_that_finds_all_its_layers(path: Path) -> None:
    graph = elaborate(dsl.load(path))
    text = page(graph)
    assert_every_layer_has_a_place(text)
    assert told(text)["entries"][""].get("count", 0) == sum(parameter_count(each) for each in nodes(graph))


def test_faulty_specs_have_pages_that_tell_the_faults() -> None:
    marked = 0
    for path in CASES:
        graph = partial_graph(path.read_text(encoding="utf-8"))
        if graph is not None:
            text = page(graph)
            assert_every_layer_has_a_place(text)
            found = {name: each["mark"] for name, each in told(text)["entries"].items() if "mark" in each}
            assert found == {name: [each.mark, *each.facts] for name, each in marks(graph).items()}
            marked += len(found)
    assert marked > 100


def test_a_place_on_one_machine_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text('[model]\ninputs.x = ["N", 4]\nlayers = [{ type = "relu" }]\n')
    text = page(elaborate(dsl.load(tmp_path / "model.toml")))
    assert str(tmp_path) not in text
    assert told(text)["entries"]["0"]["place"] == "model.toml:3"


def test_a_place_is_open_where_the_layer_itself_is_drawn() -> None:
    facts = told(gallery("gallery/resnet18")[1])
    level = [each["name"] for each in facts["levels"]].index("block")

    def place(name: str) -> tuple[str, bool]:
        entry = facts["entries"][name]
        return facts["levels"][level]["parts"][entry["at"][level]][0], level in entry.get("itself", [])

    assert place("layer1.0.bn1") == ("layer1.0.conv1", True)  # told in its producer's box
    assert place("layer1.1.bn1") == ("layer1.0.conv1", False)  # the first copy stands for it
    assert place("layer1")[1]  # by its first copy
    assert not place("layer1.1")[1]
    assert place("layer3.0.conv1")[0] == place("layer3")[0]  # in a closed box
    assert not place("layer3")[1]


@pytest.mark.parametrize("suffix", ["", "<!--", "]]>", "&amp;", "${name}"])
def test_a_name_is_never_more_than_text(suffix: str) -> None:
    graph = graphs.single("layer", HOSTILE + suffix, arguments={HOSTILE: HOSTILE}, target=HOSTILE)
    text = page(graph, lines={"layer": HOSTILE})
    elements = Elements(text).found
    assert [tag for tag, _ in elements if tag == "img"] == []
    assert [tag for tag, _ in elements].count("script") == 3
    assert told(text)["entries"]["layer"]["arguments"] == {HOSTILE: HOSTILE}
    assert told(text)["name"] == HOSTILE + suffix


def test_a_large_model_has_no_full_picture_and_the_page_says_so() -> None:
    text = page(graphs.chain(3000))
    assert [each["name"] for each in told(text)["levels"]] == ["block"]
    assert re.search(r'<p class="note">[^<]*3,002', text)


def test_a_large_model_has_its_full_picture_where_that_is_asked_for() -> None:
    text = page(graphs.chain(2500), level="full")
    assert [each["name"] for each in told(text)["levels"]] == ["block", "full"]
    assert 'class="note"' not in text


def test_levels_that_look_the_same_are_one_picture() -> None:
    graph = graphs.single("layer", "Model")
    facts = told(page(graph))
    assert [each["name"] for each in facts["levels"]] == ["block"]
    assert facts["same"] == {"overview": "block", "full": "block"}
    assert [each["name"] for each in told(page(graph, level="full"))["levels"]] == ["full"]


@pytest.mark.parametrize("level", ["overview", "block", "full"])
def test_the_level_that_is_asked_for_is_seen(level: Any) -> None:
    elements = Elements(page(graphs.residual(), level=level)).found
    pictures = [each for _, each in elements if each.get("class") == "picture"]
    assert [each["data-level"] for each in pictures if "hidden" not in each] == [level]


def test_a_group_that_is_named_is_closed_in_every_picture() -> None:
    facts = told(page(graphs.residual(), collapse=["layer.1"]))
    assert "itself" not in facts["entries"]["layer.1"]


@pytest.mark.parametrize(("theme", "start"), [("", '<html lang="en">'), ("dark", '<html lang="en" data-theme="dark">'),
                                              ("print", '<html lang="en" data-theme="light">')])  # fmt: skip
def test_a_theme_that_is_named_holds_whatever_the_system_says(theme: str, start: str) -> None:
    assert page(graphs.lenet(), theme=theme).splitlines()[1] == start


def test_what_there_is_not_is_told() -> None:
    with pytest.raises(ValueError, match="no theme 'pink'"):
        page(graphs.lenet(), theme="pink")
    with pytest.raises(ValueError, match="half"):
        page(graphs.lenet(), level="half")  # type: ignore[arg-type]


def test_the_command_line_writes_a_page_with_the_specs_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "alexnet.html"
    assert run([str(ROOT / "specs" / "alexnet.toml"), "--render", str(path), "--level", "overview"]) == 0
    text = path.read_text(encoding="utf-8")
    assert '<div class="picture" data-level="overview">' in text
    assert any("kernel_size = 11" in each for each in told(text)["lines"])


STYLES = (ROOT / "render" / "page" / "page.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("text", ["ink", "muted", "accent"])
@pytest.mark.parametrize("ground", ["ground", "bar", "cluster", "sunk", "raised", "hover"])
def test_text_stands_out_from_what_it_stands_on(text: str, ground: str, scheme: int) -> None:
    own = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLES)
    colours = values() | {name: (light, dark) for name, light, dark in own}
    assert contrast(colours[text][scheme], colours[ground][scheme]) >= 4.5
