"""The page as a person has it, in a headless Chromium: it asks for nothing, and answers to mouse, keys and links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import graphs
import pytest

import dsl
from builder.building import elaborate
from builder.commands.quoting import quotes
from render.page import page

chromium = pytest.importorskip("chromium", reason="websocket-client is not installed (it is in the extra dev)")
pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no chromium on the path")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with chromium.browser() as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """ResNet-18's page: blocks that are folded, and blocks in blocks."""
    spec = dsl.load(ROOT / "specs" / "gallery" / "resnet18.toml")
    graph = elaborate(spec)
    path = tmp_path_factory.mktemp("pages") / "resnet18.html"
    path.write_text(page(graph, lines=quotes(spec, graph)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def tab(address: str) -> Iterator[chromium.Page]:
    found = chromium.Page(address)
    yield found
    complaints = found.complaints()
    found.close()
    assert complaints == []


@pytest.fixture
def opened(tab: chromium.Page, url: str) -> chromium.Page:
    tab.open(url)
    return tab


def level(tab: chromium.Page) -> str:
    return str(tab.run("document.querySelector('.picture:not([hidden])').dataset.level"))


def panel(tab: chromium.Page) -> str:
    """What the panel says; "" where it is not to be seen."""
    return str(tab.run("document.querySelector('.panel').hidden ? '' : document.querySelector('.panel').innerText"))


def part(tab: chromium.Page, name: str) -> str:
    """A selector of the part about a layer or group in the picture that is seen."""
    return f'[id^="{level(tab)}/"][data-about="{name}"]'


def in_the_middle(tab: chromium.Page, name: str) -> bool:
    """Whether the part about it is in sight, near the middle of what the panel leaves free."""
    middle = """(seen, canvas, panel) => [
        seen.x + seen.width / 2 - (canvas.width - panel.width) / 2,
        seen.y + seen.height / 2 - canvas.y - canvas.height / 2,
    ]"""
    boxes = (f"document.querySelector({json.dumps(each)}).getBoundingClientRect()"
             for each in (part(tab, name), ".canvas", ".panel"))  # fmt: skip
    return all(abs(each) < 40 for each in tab.run(f"({middle})({', '.join(boxes)})"))


def bottom(tab: chromium.Page, selector: str) -> float:
    return float(tab.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().bottom"))


def test_nothing_but_the_file_is_asked_for(opened: chromium.Page, url: str) -> None:
    for key in ("1", "2", "3", "0", "?", "Escape"):
        opened.key(key)
    opened.settle()
    assert opened.requests() == [url]


def test_the_page_itself_forbids_requests(tab: chromium.Page, url: str) -> None:
    tab.open(url)
    asked = "i => { i.onerror = () => done('refused'); i.src = 'http://127.0.0.1:9/x.png'; }"
    assert tab.run(f"new Promise(done => ({asked})(new Image()))") == "refused"
    assert [each["entry"]["source"] for each in tab.complaints()] == ["security"]
    tab.events.clear()


def test_a_click_shows_the_facts(opened: chromium.Page) -> None:
    assert panel(opened) == ""
    opened.click(part(opened, "conv1"))
    opened.settle()
    shown = panel(opened)
    for fact in ("Conv 7×7", "64 × 3 × 7 × 7", "9,408", "118,013,952", "out_channels", "bn1", "inputs.image"):
        assert fact in shown
    assert '{ name = "conv1", type = "Conv2d", out_channels = 64' in shown
    assert opened.run("location.hash") == "#conv1"
    opened.key("Escape")
    assert panel(opened) == ""


def test_dragging_moves_and_is_no_click(opened: chromium.Page) -> None:
    place = "document.querySelector('.picture:not([hidden])').getBoundingClientRect().x"
    before = opened.run(place)
    opened.mouse("mousePressed", 600, 400, clickCount=1)
    opened.mouse("mouseMoved", 650, 400, buttons=1)
    opened.mouse("mouseMoved", 700, 400, buttons=1)
    opened.mouse("mouseReleased", 700, 400, clickCount=1)
    assert opened.run(place) == pytest.approx(before + 100)
    assert panel(opened) == ""


def test_the_wheel_moves_and_with_ctrl_zooms_where_the_mouse_is(opened: chromium.Page) -> None:
    size = "document.querySelector('.picture:not([hidden]) svg').getBoundingClientRect()"
    before = opened.run(f"({size}).y")
    opened.send("Input.dispatchMouseEvent", type="mouseWheel", x=600, y=400, deltaX=0, deltaY=100)
    opened.settle()
    assert opened.run(f"({size}).y") == pytest.approx(before - 100)
    wide = opened.run(f"({size}).width")
    opened.send("Input.dispatchMouseEvent", type="mouseWheel", x=600, y=400, deltaX=0, deltaY=-100, modifiers=2)
    opened.settle()
    assert opened.run(f"({size}).width") > wide * 1.2


def test_keys_zoom_and_fit(opened: chromium.Page) -> None:
    width = "document.querySelector('.picture:not([hidden]) svg').getBoundingClientRect().width"
    opened.key("0")
    opened.settle()
    fitting = opened.run(width)
    opened.key("+")
    opened.settle()
    assert opened.run(width) == pytest.approx(1.25 * fitting, rel=1e-3)
    opened.key("-")
    opened.settle()
    assert opened.run(width) == pytest.approx(fitting, rel=1e-3)


def test_search_finds_marks_and_goes_on(opened: chromium.Page) -> None:
    opened.key("3")
    opened.key("/")
    opened.type("layer3 conv1")
    opened.settle()
    assert opened.run("document.querySelector('.count').value") == "1 of 2"
    assert opened.run("document.querySelectorAll('.ring.found').length") == 2
    assert "layer3.0.conv1" in panel(opened)
    assert in_the_middle(opened, "layer3.0.conv1")
    opened.key("Enter")
    opened.settle()
    assert "layer3.1.conv1" in panel(opened)
    assert in_the_middle(opened, "layer3.1.conv1")
    opened.key("Escape")
    assert opened.run("document.querySelectorAll('.ring.found').length") == 0
    opened.key("/")
    opened.type("no such layer")
    assert opened.run("document.querySelector('.count').value") == "none"


def test_levels_by_key_and_by_button(opened: chromium.Page) -> None:
    assert level(opened) == "block"
    opened.key("1")
    assert level(opened) == "overview"
    opened.click('button[data-level="full"]')
    assert level(opened) == "full"
    assert opened.run("document.querySelectorAll('button[data-level][aria-pressed=true]').length") == 1


def test_a_closed_box_expands_at_the_second_click_and_collapses_again(opened: chromium.Page) -> None:
    opened.key("1")
    opened.click(part(opened, "layer2"))
    opened.settle()
    assert (level(opened), "layer2" in panel(opened)) == ("overview", True)
    opened.click(part(opened, "layer2"))
    opened.settle()
    assert level(opened) != "overview"
    assert "closed" not in opened.run(f"document.querySelector('{part(opened, 'layer2')}').classList.value")
    opened.click('[data-act="collapse"]')
    opened.settle()
    assert level(opened) == "overview"
    assert in_the_middle(opened, "layer2")


def test_a_double_click_expands(opened: chromium.Page) -> None:
    opened.key("1")
    opened.click(part(opened, "layer3"), count=2)
    opened.settle()
    assert level(opened) != "overview"


def test_tab_goes_from_box_to_box_and_enter_shows_facts(opened: chromium.Page) -> None:
    opened.key("1")
    opened.run(f"document.querySelector('{part(opened, 'conv1')}').focus()")
    opened.key("Enter")
    assert "Conv 7×7" in panel(opened)
    opened.key("Tab")
    after = opened.run("document.activeElement.dataset.about")
    assert after not in (None, "conv1")
    assert opened.run("document.activeElement.getAttribute('aria-label')")
    assert opened.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_enter_expands_a_closed_box_and_the_keyboard_stays_there(opened: chromium.Page) -> None:
    opened.key("1")
    opened.run(f"document.querySelector('{part(opened, 'layer4')}').focus()")
    opened.key("Enter")
    opened.key("Enter")
    opened.settle()
    assert level(opened) != "overview"
    assert opened.run("document.activeElement.dataset.about") == "layer4"


def test_a_link_opens_centres_and_shows_a_layer(tab: chromium.Page, url: str) -> None:
    tab.open(f"{url}#layer2.1.conv2")
    tab.settle()
    assert "layer2.1.conv2" in panel(tab)
    assert in_the_middle(tab, "layer2.1.conv2")
    assert tab.run("document.querySelectorAll('.ring.chosen').length") == 1


def test_back_goes_to_what_was_chosen_before(opened: chromium.Page) -> None:
    opened.click(part(opened, "conv1"))
    opened.run("location.hash = '#layer4.1.bn1'")
    opened.settle()
    assert "layer4.1.bn1" in panel(opened)
    opened.run("history.back()")
    opened.settle()
    assert "Conv 7×7" in panel(opened)
    opened.run("history.back()")
    opened.settle()
    assert panel(opened) == ""


def test_a_group_in_several_columns_is_ringed_in_all_of_them(tab: chromium.Page, tmp_path: Path) -> None:
    path = tmp_path / "resnet50.html"
    path.write_text(page(elaborate(dsl.load(ROOT / "specs" / "gallery" / "resnet50.toml")), level="full"), "utf-8")
    tab.open(path.as_uri() + "#layer3")
    pieces = tab.run("document.querySelectorAll('.picture:not([hidden]) .cluster[data-about=layer3]').length")
    assert pieces > 1
    assert tab.run("document.querySelectorAll('.ring.chosen').length") == pieces


def test_a_link_to_nothing_is_told(tab: chromium.Page, url: str) -> None:
    tab.open(f"{url}#layer9")
    assert tab.run("document.querySelector('.status').textContent") == "There is no layer called layer9."


def ground(tab: chromium.Page) -> str:
    return str(tab.run("getComputedStyle(document.body).backgroundColor"))


def test_dark_follows_the_system_and_the_switch(opened: chromium.Page) -> None:
    opened.prefer("light")
    assert ground(opened) == "rgb(255, 255, 255)"
    opened.prefer("dark")
    assert ground(opened) == "rgb(17, 22, 28)"
    opened.key("t")
    assert ground(opened) == "rgb(255, 255, 255)"


def test_help_tells_the_keys(opened: chromium.Page) -> None:
    opened.key("?")
    assert "find a layer" in opened.run("document.querySelector('dialog[open]').innerText")
    opened.key("Escape")
    assert opened.run("document.querySelector('dialog[open]')") is None


def test_on_paper_there_is_the_picture_alone_in_light_colours(opened: chromium.Page) -> None:
    opened.click(part(opened, "conv1"))
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    opened.send("Emulation.setEmulatedMedia", media="print", features=features)
    for each in (".bar", ".panel"):
        assert opened.run(f"getComputedStyle(document.querySelector('{each}')).display") == "none"
    assert ground(opened) == "rgb(255, 255, 255)"


def test_a_narrow_window_has_the_facts_below(opened: chromium.Page) -> None:
    opened.resize(400, 780)
    opened.settle()
    opened.run("location.hash = '#layer1.0.conv1'")
    opened.settle()
    assert opened.run("document.documentElement.scrollWidth") == 400
    assert opened.run("document.querySelector('.panel').getBoundingClientRect().width") == 400
    assert bottom(opened, part(opened, "layer1.0.conv1")) < bottom(opened, ".panel header")


def test_without_a_script_the_picture_and_the_table_are_there(tab: chromium.Page, url: str) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(f"{url}#layer1.0.conv1")
    root = tab.send("DOM.getDocument")["root"]["nodeId"]

    def box(selector: str) -> list[float]:
        found = tab.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        return list(tab.send("DOM.getBoxModel", nodeId=found)["model"]["border"])

    picture, table = box('.picture[data-level="block"] svg'), box(".outline table")
    assert picture[2] - picture[0] > 200
    assert table[1] > picture[5]
    assert -1 < box('[id="layer1.0.conv1"]')[1] < 800  # the link leads to the row


def test_a_chain_of_a_thousand_layers_opens(tab: chromium.Page, tmp_path: Path) -> None:
    path = tmp_path / "chain.html"
    path.write_text(page(graphs.chain(1000)), encoding="utf-8")
    tab.open(path.as_uri() + "#layer987")
    tab.settle()
    assert in_the_middle(tab, "layer987")


def test_a_hostile_name_runs_nothing(tab: chromium.Page, tmp_path: Path) -> None:
    name = "</script><img src=x onerror=\"document.title='run'\">"
    path = tmp_path / "hostile.html"
    path.write_text(page(graphs.single("layer", name, arguments={name: name}), lines={"layer": name}), encoding="utf-8")
    tab.open(path.as_uri() + "#layer")
    tab.settle()
    assert name in panel(tab)
    assert tab.run("document.title") == name
    assert tab.run("document.querySelectorAll('img').length") == 0
    assert tab.requests() == [path.as_uri()]
