"""What checking costs beside reading: `python benchmarks/check_speed.py [--write]`.

A chain of convolutions, batch norms and ReLUs, of 200, 10,000 and 100,000 layers. Before each round something in it is
changed, as a person does between two saves; then tomli reads the text, and a check runs over the same text, its own
reading included. Rounds of both follow one another in one warm process, with the collector of cycles off in both, as
`timeit` has it, in the time of the process; the median of the rounds' ratios is what counts.

*a width, whole*: the check of a text of which nothing is known. The others are by a `Checker` that has checked the text
before: one width changed in the middle; the stride of the first convolution changed, so that every layer gives another
size; a ReLU put in after the first layer or taken out, so that every layer has another position; a keyword misspelled,
for which the whole is checked. `--write` keeps the table in check_speed.md.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import tomli

import dsl
from builder.checking import check
from builder.checking.again import Checker
from dsl.diagnostics import SpecError

ROUNDS = {200: 41, 10_000: 9, 100_000: 5}
WIDTHS = (16, 32, 24, 48)
FILE = Path(__file__).with_suffix(".md")


def chain(layers: int) -> list[str]:
    """The lines of a spec."""
    lines = ['name = "Chain"', "", "[model]", 'inputs = { image = ["N", 3, 32, 32] }', "layers = ["]
    for index in range(layers // 3):
        lines.append(f'  {{ type = "Conv2d", out_channels = {WIDTHS[index % 4]}, kernel_size = 3, padding = 1 }},')
        lines += ['  { type = "BatchNorm2d" },', '  { type = "ReLU" },']
    lines += ['  { type = "Flatten" },'] * (layers - layers // 3 * 3)
    return [*lines, "]", ""]


def width(lines: list[str], turn: int) -> list[str]:
    """A width that no other round has, in a convolution in the middle."""
    at = 5 + len(lines) // 6 * 3
    return [*lines[:at], lines[at].replace("out_channels = ", f"out_channels = {turn + 1}"), *lines[at + 1 :]]


def stride(lines: list[str], turn: int) -> list[str]:
    return [*lines[:5], lines[5].replace("padding = 1", f"padding = 1, stride = {turn + 2}"), *lines[6:]]


def inserted(lines: list[str], turn: int) -> list[str]:
    return [*lines[:6], *['  { type = "ReLU" },'] * (turn % 2), *lines[6:]]


def fault(lines: list[str], turn: int) -> list[str]:
    at = 5 + len(lines) // 6 * 3
    return [*lines[:at], lines[at].replace("padding", f"padding{turn}"), *lines[at + 1 :]]


def whole(text: str) -> object:
    return check(dsl.loads(text))


def by_checker(text: str, checker: Checker) -> object:
    try:
        return checker.check(text)
    except SpecError as error:
        return error.diagnostics


CHANGES = {"a width": width, "the first stride": stride, "a layer put in": inserted, "a fault": fault}


def taken(work: Callable[[], object]) -> float:
    """Seconds of this process, whatever else the machine does."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def rounds(layers: int, change: Callable[[list[str], int], list[str]], *, kept: bool) -> list[tuple[float, float]]:
    lines, checker, found = chain(layers), Checker(), []
    by_checker("\n".join(lines), checker)
    for turn in range(1, ROUNDS[layers] + 2):
        text = "\n".join(change(lines, turn))
        read = taken(lambda text=text: tomli.loads(text))  # type: ignore[misc]
        found.append((read, taken(lambda text=text: by_checker(text, checker) if kept else whole(text))))  # type: ignore[misc]
    return found[1:]  # the first one warms


def rows() -> Iterator[str]:
    yield "| layers | what is changed | tomli | check | ratio | check per layer |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: |"
    for layers in ROUNDS:
        for name, change in {"a width, whole": width, **CHANGES}.items():
            times = rounds(layers, change, kept=name in CHANGES)
            read, checked = (statistics.median(each) for each in zip(*times, strict=True))
            ratio = statistics.median(second / first for first, second in times)
            each = f"{checked / layers * 1e6:.1f} µs"
            yield f"| {layers:,} | {name} | {read * 1e3:.2f} ms | {checked * 1e3:.2f} ms | {ratio:.1f} | {each} |"


def main() -> None:
    gc.disable()
    table = []
    for row in rows():
        print(row, flush=True)
        table.append(row)
    if "--write" in sys.argv:
        FILE.write_text("\n".join(["# What checking costs beside reading", "", *table, ""]))


if __name__ == "__main__":
    main()
