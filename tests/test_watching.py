"""`--watch`: a check on every save of a file that the spec is made of, until Ctrl-C."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASE = '[model]\ninputs = { x = ["N", 8] }\nlayers = [{ type = "Linear", out_features = 2 }]\n'
PATIENCE = 60  # seconds; a machine may be busy


class Watch:
    """The command at work; `until` reads on to a line that holds some words."""

    def __init__(self, spec: Path, *options: str) -> None:
        words = [sys.executable, "-m", "builder", str(spec), "--check", "--watch", *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            words, cwd=spec.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, words: str) -> str:
        text = ""
        while words not in text:
            text += self.lines.get(timeout=PATIENCE)
        return text

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=PATIENCE)
        self.reader.join(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "spec.toml").write_text('extends = "base.toml"\nname = "A"\n', encoding="utf-8")
    found = Watch(tmp_path / "spec.toml")
    yield found
    found.end()


def save(file: Path, text: str) -> None:
    """As many editors do: a new file in the old one's place."""
    aside = file.with_name("aside")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def test_every_save_is_checked(watch: Watch, tmp_path: Path) -> None:
    first = watch.until("checked in")
    assert "A: 18 parameters" in first
    assert " ms; waiting" in first
    assert "\x1b" not in first
    spec, base = tmp_path / "spec.toml", tmp_path / "base.toml"
    save(spec, 'extends = "base.toml"\nname = "B"\n')
    assert "B: 18 parameters" in watch.until("checked in")
    save(base, BASE.replace("Linear", "Lineer"))
    assert 'no layer type "Lineer"' in watch.until("checked in")
    save(base, BASE.replace("[model]", "[model"))
    assert "error[toml]" in watch.until("checked in")
    with base.open("r+", encoding="utf-8") as file:  # in place
        file.write(BASE.replace("= 2", "= 3"))
        file.truncate()
    assert "B: 27 parameters" in watch.until("checked in")
    save(spec, 'extends = "later.toml"\nname = "C"\n')
    assert "later.toml" in watch.until("checked in")
    save(tmp_path / "later.toml", BASE)
    assert "C: 18 parameters" in watch.until("checked in")
    assert watch.end() == 130


@pytest.mark.parametrize(("format", "found"), [("json", "diagnostics"), ("sarif", "results"), ("github", "")])
def test_each_round_for_programs_is_whole_and_told_once(tmp_path: Path, format: str, found: str) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(BASE.replace("Linear", "Lineer"), encoding="utf-8")
    watch = Watch(spec, "--format", format)
    try:
        rounds = [watch.until("checked in")]
        save(spec, BASE.replace("Linear", "Linnear"))
        rounds.append(watch.until("checked in"))
    finally:
        watch.end()
    for text, wrong in zip(rounds, ("Lineer", "Linnear"), strict=True):
        line, told = text.splitlines()
        assert told.startswith("checked in")
        assert f'no layer type "{wrong}"' in line.replace('\\"', '"')
        if format == "github":
            assert line.startswith("::error ")
        else:
            whole = json.loads(line)
            assert len((whole["runs"][0] if format == "sarif" else whole)[found]) == 1
