"""A coverage-guided fuzzer over the check: whatever the text, it ends in a result or in diagnostics.

    python benchmarks/fuzz.py FOLDER [SECONDS] [SEED] [MOST]

Needs atheris: `pip install "tomograph[fuzz]"`. libFuzzer begins with the short specs of `specs/`, of `tests/cases` and
of the manual, and with some that `tests/fuzz_texts.py` writes, and changes their bytes and their words. An input is at
fault where it ends in another exception than SpecError, where a diagnostic has no message or stands outside the text,
where the check takes over a second of the processor's time, or where it brings the process past 500 MB. Such an input
is kept in FOLDER/findings, named after what it did, and the run goes on. Every 10,000 inputs the figures are written to
FOLDER/figures.json. Of one input in sixteen the text is also laid out and its certain fixes are applied. The work is
done in an empty folder, so that no text reads a file of the repository.
"""

from __future__ import annotations

import gc
import os
import random
import re
import sys
import tempfile
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

try:
    import atheris  # type: ignore[import-untyped]
except ImportError:
    sys.exit('benchmarks/fuzz.py needs atheris; write: pip install "tomograph[fuzz]"')

# What compares words letter by letter says nothing about a text's meaning, and is slow when instrumented.
with atheris.instrument_imports(include=["dsl", "builder"], exclude=["dsl.catalogue.suggestions", "dsl.source"]):
    from fuzz_figures import Figures, one
    from fuzz_texts import spec_text

WORDS = (
    "[model]", "[data]", "[train]", "[optimizer]", "[scheduler]", "[vars]", "[blocks.a]", "[patch]", "[[loss]]",
    "[loss]", "[groups]", "inputs", "layers", "outputs", "type", "name", "input", "repeat", "when", "share", "tie",
    "value", "init", "freeze", "params", "defaults", "choices", "extends", "include", "source", "fields", "prepare",
    "shape", "dtype", '"N"', '"Linear"', '"Conv2d"', '"Flatten"', '"reshape"', '"rearrange"', '"a"', '"${', '}"', "${",
    "10000000000", "-1", "0", "1", "3", "nan", "inf", "1e400", "true", "1979-05-27", "**", "//", "[[1]]", "{}", "[]",
    "{", "}", "[", "]", "=", ",", "\n",
)  # fmt: skip
PARTS = re.compile(r'"[^"\n]*"|[\w.]+|\s+|.')


def changed(data: bytes, most: int, seed: int) -> bytes:
    """The input changed: most often so that it is still TOML, as what is not is soon told."""
    chance = random.Random(seed)
    if chance.random() < 0.1:
        return spec_text(chance).encode()[:most]
    new = data
    for _ in range(chance.choice((1, 1, 3, 4))):
        new = bytes(atheris.Mutate(data, most)) if chance.random() < 0.3 else changed_words(data, most, chance)
        try:
            tomli.loads(new.decode())
        except (ValueError, RecursionError):
            continue
        break
    return new


def changed_words(data: bytes, most: int, chance: random.Random) -> bytes:
    """A few words left out, doubled, swapped or put in."""
    parts = PARTS.findall(data.decode("utf-8", "replace")) or [""]
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
        parts[at] = chance.choice(["", parts[at] * 2, parts[other], chance.choice(WORDS), parts[at] + parts[other]])
    return "".join(parts).encode()[:most]


def seeds(folder: Path, most: int) -> int:
    """Write the texts that the fuzzer begins with. Returns how many there are."""
    texts = [path.read_text() for place in ("specs", "tests/cases") for path in sorted((ROOT / place).rglob("*.toml"))]
    manual = (ROOT / "docs" / "language.md").read_text()
    texts += [f"[model]\n{each}" for each in re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)]
    texts += [spec_text(random.Random(number)) for number in range(300)]
    short = [text for text in texts if len(text.encode()) <= most]
    for index, text in enumerate(short):
        (folder / str(index)).write_text(text)
    return len(short)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python benchmarks/fuzz.py FOLDER [SECONDS] [SEED] [MOST]")
    seconds, seed, most = [*sys.argv[2:], *("60", "1", "500")[len(sys.argv) - 2 :]][:3]
    folder = Path(sys.argv[1]).resolve()
    work = Path(tempfile.mkdtemp(prefix="tomograph-fuzz-"))
    for name in ("corpus", "empty"):
        (work / name).mkdir()
    print(f"{seeds(work / 'corpus', int(most))} texts to begin with")
    os.chdir(work / "empty")
    figures = Figures(folder, seed=int(seed), most=int(most))
    gc.collect()
    gc.freeze()  # what is there before the first input is not gone through again
    # A hang that never ends is libFuzzer's to stop; anything under that is judged here, by the processor's time.
    options = ["-timeout=60", "-rss_limit_mb=1000", f"-max_len={most}", f"-max_total_time={seconds}", f"-seed={seed}",
               "-mutate_depth=2"]  # fmt: skip

    def judged(data: bytes) -> None:
        one(data.decode("utf-8", "replace"), figures)

    atheris.Setup([sys.argv[0], *options, str(work / "corpus")], judged, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
