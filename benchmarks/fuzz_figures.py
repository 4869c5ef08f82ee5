"""What the two fuzzers share: one input judged, and the figures of a run, in a file."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
import traceback
import zlib
from collections.abc import Sequence
from pathlib import Path

from told_well import badly_told

from builder.fixing import faults_of, mend
from dsl.diagnostics import Diagnostic, SpecError
from dsl.layout import formatted
from dsl.source import Source

SECONDS, MEGABYTES, EVERY = 1.0, 500, 10_000


class Figures:
    """What a run has come to so far, in a file that is written anew every 10,000 inputs."""

    def __init__(self, folder: Path, **run: int) -> None:
        self.folder, self.run, self.began = folder, run, time.monotonic()
        self.counts = {"inputs": 0, "not TOML": 0, "faulty": 0, "sound": 0, "laid out and mended": 0, "findings": 0}
        self.slowest, self.slow_input = 0.0, ""
        (folder / "findings").mkdir(parents=True, exist_ok=True)

    def found(self, what: str, text: str) -> None:
        """Keep the shortest input that does this."""
        self.counts["findings"] += 1
        path = self.folder / "findings" / re.sub(r"\W+", "-", what)[:120]
        if not path.exists() or len(text.encode()) < path.stat().st_size:
            path.write_text(text, newline="")

    def write(self) -> None:
        took = time.monotonic() - self.began
        figures = {
            **self.run, **self.counts, "seconds": round(took), "inputs per second": round(self.counts["inputs"] / took),
            "processor seconds": round(time.process_time()), "slowest, processor seconds": round(self.slowest, 3),
            "peak memory, MB": peak(), "torch": "torch" in sys.modules, "slowest input": self.slow_input,
        }  # fmt: skip
        (self.folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def one(text: str, figures: Figures) -> None:
    """Check one text; of one in sixteen also lay it out and apply its certain fixes."""
    before = peak()
    try:
        _judge(text, figures)
    except Exception as error:  # any: that is what is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        figures.found(f"{type(error).__name__} {Path(place.filename).name} {place.lineno}", text)
    if peak() > MEGABYTES >= before:
        figures.found("memory", text)
    figures.counts["inputs"] += 1
    if figures.counts["inputs"] % EVERY == 0:
        figures.write()


def peak() -> int:
    """The most memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _judge(text: str, figures: Figures) -> None:
    told, took = _timed(text)
    if took > SECONDS:  # it may have been the import of torch, which a process pays once
        told, took = _timed(text)
    if took > figures.slowest:
        figures.slowest, figures.slow_input = took, text
    if took > SECONDS:
        figures.found(f"slow {took:.0f}", text)
    for wrong in badly_told(text, told):
        figures.found(wrong, text)
    figures.counts["sound" if not told else "not TOML" if told[0].code == "toml" else "faulty"] += 1
    if zlib.crc32(text.encode("utf-8", "replace")) % 16 == 0:
        figures.counts["laid out and mended"] += 1
        _laid_out_and_mended(text)


def _timed(text: str) -> tuple[Sequence[Diagnostic], float]:
    """What is wrong with a text, and the processor's seconds that it took to find."""
    began = time.process_time()
    told = faults_of(text, "fuzz.toml")
    return told, time.process_time() - began


def _laid_out_and_mended(text: str) -> None:
    mend(text, "fuzz.toml")
    try:
        once = formatted(Source("fuzz.toml", text.replace("\r\n", "\n")))
    except SpecError:
        return
    assert formatted(Source("fuzz.toml", once)) == once
