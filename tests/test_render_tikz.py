"""TikZ documents: the shapes at their places, any text, and that LaTeX compiles them where it is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import graphs
import pytest

import render
from render.latex import said, unknown
from render.scene import Circle, Curve, Part, Polygon, Rectangle, Scene, Shape, Text, texts
from render.theme import LIGHT, THEMES, Theme
from render.tikz import document

NASTY = [
    r"a\b{c}[d]", "100% of_it $x^2$ #1 & ~y^", "<<a>> |b| \"c\" 'd' `e`", "a--b---c ,,x?`y!`", "é ö ç ñ Å ł ß œ ø ž ő",
    "× − → · … ÷ ≥ ≠ ±", "αβγλμσωΓΔΩΑ ς", "x² H₂ ﬁ ½ ＡＢ 𝑥", "模型 🙂", "  two  spaces  ",
    r"\end{document} \input{x} ^^M", "{", "}", "%", "tab\tbell\anul", "e\u0301 i\u0301", "don’t “say” – — °",
]  # fmt: skip


def scene(*shapes: Shape, width: float = 100, height: float = 60, ground: str = "#FFFFFF") -> Scene:
    parts = (Part(name="a.b", role="box", shapes=shapes),)
    return Scene(title="T", description="D", width=width, height=height, ground=ground, parts=parts)


def words(*texts: str, width: float = 500) -> Scene:
    lines = [Text(x=5, y=15 * (i + 1), text=each, size=10, colour="#1F2933", bold=i % 2 == 1)
             for i, each in enumerate(texts)]  # fmt: skip
    return scene(*lines, width=width, height=15 * len(texts) + 10)


def block() -> Scene:
    """A picture with every shape there is."""
    return scene(
        Rectangle(
            x=10, y=10, width=80, height=30, fill="#E3EEF9", line="#0072B2", line_width=1.5, radius=4, dashed=True
        ),
        Circle(x=50, y=50.25, radius=6, fill="#FFF6CC", line="#B58900"),
        Polygon(points=((10, 50), (14.1234, 50), (12, 54)), fill="#7A8691"),
        Curve(points=((12, 10), (12, 5), (30, 5), (30, 10), (30, 12), (30, 14), (30, 16)), line="#7A8691", dashed=True),
        Text(x=20, y=22, text="Conv 5×5", size=11, colour="#1F2933", bold=True),
        Text(x=90, y=22, text="1,204", size=10.5, colour="#5B6770", anchor="end"),
        Text(x=50, y=53, text="+", size=10, colour="#123456", anchor="middle"),
    )


def test_every_shape_at_its_place() -> None:
    text = document(block(), LIGHT).text
    body = text[text.index(r"\begin{tikzpicture}") :].splitlines()
    assert body == [
        r"\begin{tikzpicture}[x=1bp,y=-1bp]",
        r"\path[use as bounding box,fill=ground] (0,0) rectangle (100,60);",
        r"% box a.b",
        r"\path[fill=convolutionfill,draw=convolutionline,line width=1.5bp,dashes,rounded corners=4bp]"
        r" (10,10) rectangle (90,40);",
        r"\path[fill=mergefill,draw=mergeline,line width=1bp] (50,50.25) circle[radius=6bp];",
        r"\path[fill=arrow] (10,50) -- (14.123,50) -- (12,54) -- cycle;",
        r"\path[draw=arrow,line width=1bp,dashes] (12,10) .. controls (12,5) and (30,5) .. (30,10)"
        r" .. controls (30,12) and (30,14) .. (30,16);",
        r"\node[bold 11,text=ink] at (20,22) {Conv 5\texttimes{}5};",
        r"\node[text 10.5,text=muted,end] at (90,22) {1{,}204};",
        r"\node[text 10,text=colour8,middle] at (50,53) {+};",
        r"\end{tikzpicture}",
        r"\end{document}",
    ]


def test_colours_are_defined_once_by_name() -> None:
    text = document(block(), LIGHT).text
    defined = re.findall(r"\\definecolor\{(\w+)\}\{HTML\}\{([0-9A-F]{6})\}", text)
    assert ("ink", "1F2933") in defined
    assert len({name for name, _ in defined}) == len({colour for _, colour in defined}) == len(defined)
    used = set(re.findall(r"(?:fill|draw|text)=(\w+)", text))
    assert used == {name for name, _ in defined}


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda each: each.name)
def test_a_theme_has_a_name_for_each_of_its_colours(theme: Theme) -> None:
    shades = [*theme.kinds.values(), *theme.marks.values()]
    colours = [theme.ground, theme.ink, theme.muted, *(colour for each in shades for colour in (each.bar, each.fill))]
    shapes = [Rectangle(x=0, y=0, width=1, height=1, fill=each) for each in colours]
    names = re.findall(r"definecolor\{(\w+)\}", document(scene(*shapes, ground=theme.ground), theme).text)
    assert names[:3] == ["ground", "ink", "muted"]
    assert not [each for each in names if each.startswith("colour")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50% of a_b", r"50\% of a\_b"),
        (r"\x{y}", r"\textbackslash{}x\{y\}"),
        ("a--b", "a{-}{-}b"),
        ("3×3 → 5", r"3\texttimes{}3 \ensuremath{\rightarrow} 5"),
        ("é", r"\'{e}"),
        ("λ", r"\ensuremath{\lambda}"),
        ("Λ Α", r"\ensuremath{\Lambda} A"),
        ("x²", r"x\textsuperscript{2}"),
        ("…−`", r"...\textminus{}\symbol{0}"),
        ("a  b", r"a \ b"),
        ("模x", "?x"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("text", NASTY)
def test_a_document_is_ascii_and_its_braces_pair(text: str) -> None:
    made = document(words(text), LIGHT).text
    assert made.isascii()
    label = re.search(r"at \(5,15\) \{(.*)\};", made)
    assert label is not None
    plain = re.sub(r"\\[{}\\$&#_%]", "", label[1])
    depth = 0
    for character in plain:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[%$#&_|<>\"`]", re.sub(r"\\.(?=\{)", "", plain))


def test_what_latex_has_no_sign_for_is_told() -> None:
    assert unknown(["模 a 型", "模🙂", "é×"]) == ("模", "型", "🙂")
    made = document(words("模"), LIGHT)
    assert made.notes == ("LaTeX's fonts have no 模 (U+6A21): ? stands there",)
    assert "\n% LaTeX's fonts have no \\u6a21 (U+6A21): ? stands there\n" in made.text
    assert document(block(), LIGHT).notes == ()


def test_a_picture_that_tex_cannot_hold_is_told() -> None:
    assert document(scene(height=20_000), LIGHT).notes == (
        "100 × 20,000 points: TeX draws up to 16,000; draw it at a higher level",
    )


def test_titles_cannot_leave_their_comment() -> None:
    odd = Scene(title="a\n\\input{x}", description="b\nc\r\\d\u2028e", width=1, height=1, ground="#FFFFFF", parts=())
    head = document(odd, LIGHT).text.split("\\documentclass")[0]
    assert [line[:2] for line in head.splitlines()] == ["% "] * len(head.splitlines())


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
@pytest.mark.parametrize("name", ["block", "nasty"])
def test_latex_compiles_it(tmp_path: Path, engine: str, name: str) -> None:
    compile_with(engine, document(block() if name == "block" else words(*NASTY), LIGHT).text, tmp_path)


@pytest.mark.parametrize(("model", "style", "theme"), [("lenet", "page", "dark"), ("residual", "slides", "print")])
def test_latex_compiles_a_model(tmp_path: Path, model: str, style: Any, theme: str) -> None:
    picture = render.draw(getattr(graphs, model)(), tmp_path / "drawn.tex", style=style, theme=theme)
    text = (tmp_path / "drawn.tex").read_text(encoding="ascii")
    assert text == render.written(picture, ".tex").text
    assert render.written(picture, ".tex").notes == ()
    assert len(re.findall(r"^\\node\[", text, re.MULTILINE)) == len(list(texts(picture.scene)))
    compile_with("pdflatex", text, tmp_path)


def compile_with(engine: str, text: str, folder: Path) -> None:
    program = shutil.which(engine)
    if program is None or shutil.which("kpsewhich") is None:
        pytest.skip(f"{engine} is not installed")
    if subprocess.run(["kpsewhich", "standalone.cls"], capture_output=True).returncode:
        pytest.skip("LaTeX is here without the class standalone")
    (folder / "model.tex").write_text(text, encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "model.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=300)
    log = (folder / "model.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "model.pdf").read_bytes().startswith(b"%PDF")
    assert not re.findall(r"Missing character.*|.*undefined.*|Overfull.*", log)
