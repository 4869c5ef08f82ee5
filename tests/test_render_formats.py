"""Pictures as files: every format, with no `dot` on the path, the same bytes each time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import graphs
import networkx
import pypdfium2
import pytest
from PIL import Image

import render
from builder.commands.picture_options import PICTURES
from builder.files import OutputError
from render.engines import Engine, EngineError, engine, laid_out
from render.formats import FORMATS
from render.raster import svg_to_png
from render.svg import svg_text
from render.theme import THEMES

SVG = "{http://www.w3.org/2000/svg}"
MODELS = {"lenet": graphs.lenet, "alexnet": graphs.alexnet, "residual": graphs.residual}
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def no_dot_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip alone is enough: whatever `dot` this machine has is out of reach."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg "), (".png", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-")])
@pytest.mark.parametrize("model", MODELS)
def test_every_format_without_a_dot_program(tmp_path: Path, model: str, suffix: str, start: bytes) -> None:
    path = tmp_path / f"{model}{suffix}"
    picture = render.draw(MODELS[model](), path)
    content = path.read_bytes()
    assert content.startswith(start)
    assert len(content) > 5000
    assert (picture.engine, picture.path) == ("tomograph", path)


def test_dot_is_text_that_needs_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = render.draw(graphs.alexnet(), tmp_path / "alexnet.DOT")
    assert (tmp_path / "alexnet.DOT").read_text() == picture.dot
    assert picture.dot.startswith("digraph model {")


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("model", MODELS)
def test_svg_is_well_formed_and_says_what_it_shows(model: str, theme: str) -> None:
    graph = MODELS[model]()
    picture = render.draw(graph, theme=theme)
    text = picture.svg
    root = ElementTree.fromstring(text)
    title, description = root[0], root[1]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", f"{title.get('id')} {description.get('id')}")
    assert (title.tag, title.text) == (f"{SVG}title", graph.graph["name"])
    assert description.tag == f"{SVG}desc"
    assert description.text is not None
    assert description.text.startswith("input ")
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert {each.name for each in picture.diagram.boxes if each.form != "dot"} <= set(ids)
    assert not re.search(r"<!--|<!DOCTYPE|graphviz|file:|/tmp|/home", text)


def test_svg_text_of_alexnet() -> None:
    words = _words(render.draw(graphs.alexnet()).svg)
    assert {"AlexNet", "Conv 11×11", "96 ch · stride 4 · ReLU", "11,712", "96×54×54", "26,218,496"} <= words
    assert not {"0", "1", "3", "12"} & words, "a position is no name"


@pytest.mark.parametrize("format", ["svg", "pdf", "dot", "png", "tex", "txt", "mmd"])
def test_same_bytes_in_two_processes(tmp_path: Path, format: str) -> None:
    code = "import sys, graphs, render; render.draw(graphs.residual(), sys.argv[1])"
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join([str(ROOT), f"{ROOT}/tests"]),
        }
        subprocess.run([sys.executable, "-c", code, tmp_path / f"{seed}.{format}"], env=environment, check=True)
    assert (tmp_path / f"1.{format}").read_bytes() == (tmp_path / f"2.{format}").read_bytes()


@pytest.mark.parametrize(
    "text", ["<&>\"'", "&amp; <B>bold</B>", "]]>--><!--", "\\N \\G \\l {a|b}", "tab\tbell\a\nline", "模型 é"]
)
def test_any_text_comes_through(text: str) -> None:
    picture = render.draw(graphs.single("layer", text, type=text, kind="other", arguments={text: text}))
    root = ElementTree.fromstring(picture.svg)
    clean = re.sub(r"[\t\n\a]+", " ", text)
    assert root[0].text == clean
    assert clean in _words(picture.svg)
    assert svg_to_png(picture.svg).startswith(b"\x89PNG")


def test_a_long_title_is_not_cut_off() -> None:
    root = ElementTree.fromstring(render.draw(graphs.single("layer", "W" * 60)).svg)
    assert float(root.get("width") or 0) > 60 * 17 * 0.9  # a W is nearly as wide as the letters are high (17 pt)


def test_hovering_shows_names_from_the_spec_only() -> None:
    root = ElementTree.fromstring(render.draw(graphs.residual(), level="full").svg)
    shown = {each.text for each in root.iter(f"{SVG}title")}
    assert {"layer.0", "layer.0.downsample", "layer.0.conv1"} <= shown
    assert not [name for name in shown if name and (":" in name or "bend" in name or ">" in name)]


def test_only_the_skip_is_dashed() -> None:
    text = render.draw(graphs.residual()).svg
    dashed = [each for each in ElementTree.fromstring(text).iter(f"{SVG}path") if each.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_a_picture_shows_itself_in_a_notebook() -> None:
    picture = render.draw(graphs.lenet())
    assert re.sub(r"\bm[0-9a-f]{8}-", "", picture._repr_svg_()) == picture.svg, "but for its ids"
    assert picture.path is None


def test_drawing_leaves_the_graph_as_it_was() -> None:
    graph, fresh = graphs.residual(), graphs.residual()
    render.draw(graph).svg  # noqa: B018
    assert networkx.node_link_data(graph) == networkx.node_link_data(fresh)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.bmp", "no picture format has the suffix '.bmp'; there are .svg .png .pdf .html .tex .mmd .dot .txt"),
        ("model", "'model' has no suffix; there are .svg .png .pdf .html .tex .mmd .dot .txt"),
    ],
)
def test_an_unknown_suffix_lists_those_there_are(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(render.FormatError) as caught:
        render.draw(graphs.lenet(), tmp_path / name)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_knows_the_formats_that_there_are() -> None:
    assert tuple(FORMATS) == PICTURES


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match=r"^cannot write .*lenet\.dot: "):
        render.draw(graphs.lenet(), tmp_path / "file" / "lenet.dot")


def test_a_failed_drawing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.svg"
    path.write_text("old")
    monkeypatch.setattr("render.places.tangles.engine", _no_engine)
    with pytest.raises(EngineError):
        render.draw(graphs.crossing(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pdf_has_text_to_search_and_a_title(tmp_path: Path) -> None:
    render.draw(graphs.alexnet(), tmp_path / "alexnet.pdf")
    document = pypdfium2.PdfDocument(tmp_path / "alexnet.pdf")
    assert len(document) == 1
    text = document[0].get_textpage().get_text_range()
    for words in ("AlexNet", "Conv 11×11", "96 ch · stride 4 · ReLU", "26,218,496", "96×54×54"):
        assert words in text
    assert document.get_metadata_value("Title") == "AlexNet"
    scene = render.draw(graphs.alexnet()).scene
    assert document[0].get_size() == (scene.width, scene.height)


@pytest.mark.parametrize("theme", THEMES)
def test_a_png_shows_what_the_pdf_shows(tmp_path: Path, theme: str) -> None:
    """Two renderers that have nothing in common, resvg and PDFium: the same picture but for the edges of letters."""
    for suffix in ("png", "pdf"):
        render.draw(graphs.residual(), tmp_path / f"model.{suffix}", theme=theme)
    png = Image.open(tmp_path / "model.png").convert("L")
    pdf = pypdfium2.PdfDocument(tmp_path / "model.pdf")[0].render(scale=2).to_pil().convert("L")
    assert png.size == pdf.size
    assert len(png.getcolors() or []) > 20, "not blank"
    small = (png.width // 16, png.height // 16)
    one, other = (list(each.resize(small, Image.Resampling.BOX).get_flattened_data()) for each in (png, pdf))
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 48


def test_ids_of_several_pictures_in_one_page_are_kept_apart_by_a_prefix() -> None:
    scene = render.draw(graphs.lenet()).scene
    one, other = (set(re.findall(r' id="([^"]*)"', svg_text(scene, prefix=each))) for each in ("", "full-"))
    assert one & other == set()
    assert {f"full-{each}" for each in one} == other
    assert 'aria-labelledby="full-diagram:name full-diagram:outline"' in svg_text(scene, prefix="full-")


@pytest.mark.parametrize(("model", "level", "limit"), [("alexnet", "full", 40_000), ("residual", "block", 40_000)])
def test_svg_is_small(model: str, level: str, limit: int) -> None:
    assert len(render.draw(MODELS[model](), level=level).svg.encode()) < limit  # type: ignore[arg-type]


def test_where_paths_cross_graphviz_finds_the_places() -> None:
    assert render.draw(graphs.crossing()).engine == "pygraphviz"
    assert render.draw(graphs.crossing()).svg.startswith("<svg ")


@pytest.mark.parametrize(
    ("label", "complaint"),
    [("<<FONT></FONT>>", "syntax error"), ("<&nonsense;>", "undefined entity"), ("<<B>>", "label of node a")],
)
def test_what_graphviz_complains_about_is_an_error(label: str, complaint: str) -> None:
    """Graphviz draws these with exit status 0 and says on standard error only that the label is broken."""
    with pytest.raises(EngineError, match=f"^pygraphviz could not lay out the picture: .*{complaint}"):
        laid_out(f"digraph {{ a [label={label}] }}", engine())


def test_a_dot_program_on_the_path_comes_first(tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\nwhile read line; do :; done\necho "$@"\n')
    program.chmod(0o755)
    found = engine()
    assert found.name == "dot"
    assert laid_out("digraph {}", found) == b"-Tjson0\n"


def test_no_engine_at_all_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match="pip install pygraphviz"):
        engine()


def test_importing_and_drawing_bring_no_torch() -> None:
    code = "import sys, graphs, render; render.draw(graphs.lenet()).dot; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), f"{ROOT}/tests"])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def _words(svg: str) -> set[str]:
    return {(each.text or "").strip() for each in ElementTree.fromstring(svg).iter(f"{SVG}text")}


def _no_engine() -> Engine:
    raise EngineError("none")
