"""A coverage-guided fuzzer over the check: whatever the text, it ends in a result or in diagnostics.

    python benchmarks/fuzz.py [SECONDS] [SEED]

Needs atheris: `pip install "tomograph[fuzz]"`. libFuzzer begins with the specs of `specs/` and `tests/cases` that have
up to MOST characters, and changes them with the language's words. It stops at the first input that ends in another
exception, takes over a second or brings the process over 500 MB, and leaves that input in the working directory. It
runs in an empty folder, so that no text reads a file of the repository.
"""

from __future__ import annotations

import atexit
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit('benchmarks/fuzz.py needs atheris; write: pip install "tomograph[fuzz]"')

with atheris.instrument_imports(include=["dsl", "builder"]):
    from builder.fixing import faults_of

ROOT = Path(__file__).parent.parent
MOST = 1000
WORDS = (
    "[model]", "[data]", "[train]", "[optimizer]", "[vars]", "[blocks.a]", "[patch]", "[[loss]]", "inputs", "layers",
    "outputs", "type", "name", "input", "repeat", "when", "share", "tie", "value", "init", "freeze", "params",
    "extends", "source",
    "fields", "prepare", "shape", "dtype", "Linear", "Conv2d", "Flatten", "reshape", "rearrange", "${",
    "10000000000", "-1", "nan", "inf", "1979-05-27", "**", "//",
)  # fmt: skip
_figures = {"inputs": 0.0, "slowest": 0.0, "began": time.monotonic()}


def one(data: bytes) -> None:
    """One input: text that is no UTF-8 is read with its bad bytes replaced."""
    text = data.decode("utf-8", "replace")
    began = time.perf_counter()
    for fault in faults_of(text, "fuzz.toml"):
        assert fault.message, fault
        assert str(fault), fault
    _figures["inputs"] += 1
    _figures["slowest"] = max(_figures["slowest"], time.perf_counter() - began)


def seeds(folder: Path) -> int:
    """Write the texts that the fuzzer begins with. Returns how many there are."""
    texts = [path.read_bytes() for place in ("specs", "tests/cases") for path in (ROOT / place).rglob("*.toml")]
    short = [text for text in texts if len(text) <= MOST]
    for index, text in enumerate(short):
        (folder / str(index)).write_bytes(text)
    return len(short)


def report() -> None:
    """Print the figures; coverage and executions per second are on libFuzzer's last line."""
    took = time.monotonic() - _figures["began"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"inputs {_figures['inputs']:.0f}, {_figures['inputs'] / took:.0f}/s, "
          f"slowest {_figures['slowest'] * 1000:.0f} ms, peak memory {peak:.0f} MB, "
          f"torch {'loaded' if 'torch' in sys.modules else 'not loaded'}", flush=True)  # fmt: skip


def main() -> None:
    seconds, seed = [*sys.argv[1:], *("60", "1")[len(sys.argv) - 1 :]][:2]
    work = Path(tempfile.mkdtemp(prefix="tomograph-fuzz-"))
    (corpus := work / "corpus").mkdir()
    print(f"{seeds(corpus)} specs to begin with")
    words = work / "words.txt"
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    (empty := work / "empty").mkdir()
    os.chdir(empty)
    atexit.register(report)
    options = ["-timeout=1", "-rss_limit_mb=500", f"-max_len={MOST}", f"-max_total_time={seconds}", f"-seed={seed}",
               f"-dict={words}", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
