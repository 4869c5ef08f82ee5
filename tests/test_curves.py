"""Curves: every number where it belongs, round ticks, no words on one another, the same rows the same bytes."""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree as Xml

import pytest

import render
from render.axes import axis_for, plain, whole_axis
from render.panels import panels
from render.theme import LIGHT, contrast

SVG = "{http://www.w3.org/2000/svg}"
# DejaVu Sans: a digit is 0.636 of the size wide, the widest of the letters in our labels 0.97, bold a little more.
WIDE, HIGH = 0.68, 1.0


def run_of(epochs: int, **more: float) -> list[dict[str, float | None]]:
    return [
        {"epoch": each, "step": 10 * each, "train_loss": 2.0 / each, "val_loss": 2.5 / each, "val_accuracy":
         1 - 0.5 / each, **more, "lr": 0.1 * 0.9**each, "seconds": 1.5}
        for each in range(1, epochs + 1)
    ]  # fmt: skip


def words(svg: str) -> list[tuple[float, float, float, float, str]]:
    """(left, top, right, bottom, text) of everything written."""
    found = []
    for each in Xml.fromstring(svg).iter(f"{SVG}text"):
        size, text = float(each.get("font-size", 0)), each.text or ""
        x, y, width = float(each.get("x", 0)), float(each.get("y", 0)), len(text) * size * WIDE
        left = x - {"start": 0, "middle": width / 2, "end": width}[each.get("text-anchor", "")]
        found.append((left, y - 0.75 * size * HIGH, left + width, y + 0.2 * size, text))
    return found


@pytest.mark.parametrize("rows", [
    run_of(1), run_of(2), run_of(3), run_of(17), run_of(300), run_of(25_000)[::50], run_of(12)[6:],
    run_of(5, val_psnr=123456.5, train_loss=-4.99985, val_loss=-4.99986), run_of(40, train_loss=1e-9, val_f1=0.0),
])  # fmt: skip
def test_no_word_lies_on_another_or_leaves_the_page(rows: list[dict[str, float | None]]) -> None:
    svg = render.curves(rows, "Some net & <another>")
    page = Xml.fromstring(svg)
    width, height = float(page.get("width", 0)), float(page.get("height", 0))
    found = words(svg)
    for place, (left, top, right, bottom, text) in enumerate(found):
        assert (left >= 0, right <= width, top >= 0, bottom <= height) == (True,) * 4, text
        for other in found[:place]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart, (text, other)


def test_a_line_passes_through_its_numbers() -> None:
    rows = [
        {"epoch": e, "step": e, "train_loss": v, "val_loss": None, "lr": 0.1} for e, v in [(1, 3.0), (2, 1.0), (3, 2.0)]
    ]
    first = next(Xml.fromstring(render.curves(rows, "n")).iter(f"{SVG}polyline"))
    places = [tuple(map(float, each.split(","))) for each in first.get("points", "").split()]
    (x1, y1), (x2, y2), (x3, y3) = places
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 < y3 < y2  # down is more in SVG
    assert y3 == pytest.approx((y1 + y2) / 2, abs=0.2)


def test_what_shares_a_panel() -> None:
    rows = [{"epoch": 1, "step": 2, "train_loss": 1.0, "val_loss": 2.0, "train_recon": 0.5, "val_recon": 0.6,
             "val_top_5": 0.9, "lr": 0.1, "seconds": 3.0}]  # fmt: skip
    found = [(each.name, [(line.name, line.points) for line in each.lines]) for each in panels(rows)]
    assert found == [
        ("loss", [("train", ((1, 1.0),)), ("val", ((1, 2.0),))]),
        ("recon", [("train", ((1, 0.5),)), ("val", ((1, 0.6),))]),
        ("top_5", [("val", ((1, 0.9),))]),
        ("lr", [("", ((1, 0.1),))]),
    ]


def test_what_is_not_known_or_not_finite_is_left_out() -> None:
    rows = run_of(4)
    rows[1]["val_loss"], rows[2]["val_loss"] = None, math.nan
    for row in rows:
        row["val_accuracy"] = None
    loss, rate = panels(rows)
    assert [epoch for epoch, _ in loss.lines[1].points] == [1, 4]
    assert rate.name == "lr"
    assert "nan" not in render.curves(rows, "n")


@pytest.mark.parametrize(("values", "labels"), [
    ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ([0.78, 0.96], ["0.80", "0.85", "0.90", "0.95"]),
    ([3.0, 17.0], ["5", "10", "15"]),
    ([123451.0, 123467.0], ["123455", "123460", "123465"]),
    ([0.5, 0.5], ["0.46", "0.48", "0.50", "0.52", "0.54"]),
    ([0.001, 5.0], ["0.001", "0.01", "0.1", "1"]),
    ([0.05, 2.3], ["0.1", "0.3", "1"]),
    ([1e-6, 1e-5, 3.5e-5], ["1e-6", "3e-6", "1e-5", "3e-5"]),
])  # fmt: skip
def test_ticks_are_round(values: list[float], labels: list[str]) -> None:
    assert axis_for(values).labels() == labels


def test_an_axis_holds_its_numbers_and_tells_its_ticks_apart() -> None:
    for low, high in [(1e-12, 1e12), (-3.0, 900.0), (1e-7, 1.1e-7), (-4.99999, -4.99983), (0.0, 0.0), (7e8, 7.1e8)]:
        axis = axis_for([low, high])
        assert 0 <= axis.place(low) <= axis.place(high) <= 1
        assert 2 <= len(axis.ticks) <= 8
        assert len(set(axis.labels())) == len(axis.ticks)
        assert [float(each) for each in axis.labels()] == pytest.approx(axis.ticks, rel=1e-6, abs=1e-12)


def test_epochs_are_whole() -> None:
    assert whole_axis(1, 1, 10).labels() == ["1"]
    assert whole_axis(1, 2, 10).labels() == ["1", "2"]
    assert whole_axis(1, 300, 10).labels() == ["50", "100", "150", "200", "250", "300"]
    assert whole_axis(7, 12, 10).labels() == ["7", "8", "9", "10", "11", "12"]


def test_numbers_in_few_letters() -> None:
    values = [0, 0.1319, 0.05016, 250, 123456.0, 3.4e-5, -1.23456e-9, 0.001, 99999]
    assert [plain(each) for each in values] == \
        ["0", "0.1319", "0.05016", "250", "1.235e5", "3.4e-5", "-1.235e-9", "0.001", "99999"]  # fmt: skip


def test_the_same_rows_are_the_same_bytes_and_a_png_is_twice_as_large() -> None:
    one, other = render.curves(run_of(9), "n"), render.curves(run_of(9), "n")
    assert one == other
    png = render.svg_to_png(one)
    assert png == render.svg_to_png(other)
    page = Xml.fromstring(one)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (2 * int(page.get("width", 0)), 2 * int(page.get("height", 0)))


def test_the_letters_are_in_the_png() -> None:
    """Without fonts of its own a picture from a machine without fonts would have none."""
    svg = render.curves(run_of(9), "n")
    assert len(render.svg_to_png(svg)) > len(render.svg_to_png(svg.replace("<text", "<desc").replace("text>", "desc>")))


def test_those_who_cannot_see_it_are_told() -> None:
    page = Xml.fromstring(render.curves(run_of(2), "Net"))
    assert page.get("role") == "img"
    assert [each.text for each in page.iter(f"{SVG}title")] == ["Net: curves"]
    [told] = [each.text or "" for each in page.iter(f"{SVG}desc")]
    assert told.startswith("train loss: 2 to 1, lowest 1, highest 2. val loss: 2.5 to 1.25")


def test_what_is_written_can_be_read() -> None:
    for ink in (LIGHT.ink, LIGHT.muted):
        assert contrast(ink, LIGHT.ground) >= 4.5
    for kind in ("convolution", "activation", "normalisation"):
        assert contrast(LIGHT.kinds[kind].bar, LIGHT.ground) >= 3  # WCAG 2.2, 1.4.11: graphical objects


def test_an_svg_that_is_none() -> None:
    with pytest.raises(render.EngineError, match="resvg could not draw the PNG"):
        render.svg_to_png("<svg")
