"""What Taplo, which editors run, says of a spec with the schema of this repository or with another."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

from dsl.schema.generate import PATH

TAPLO = Path(sysconfig.get_path("scripts")) / "taplo"
HEAD = 'name = "A"\n[model]\ninputs = { x = ["N", 3, 8, 8] }\nlayers = [\n'
LAYER = HEAD + '  { type = "Conv2d", out_channels = 4, kernel_size = 3LAST },\n]\n'


def complaints(*specs: Path) -> list[tuple[str, int]]:
    """What Taplo says of specs, and at which line."""
    words = [TAPLO, "lint", "--no-auto-config", "--colors", "never", *specs]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    found = re.findall(r"^error: (.*)\n +┌─ .*:(\d+):\d+$", done.stderr, re.MULTILINE)
    assert done.returncode == bool(found), done.stderr
    return [(message, int(line)) for message, line in found]


def of(text: str, folder: Path, schema: str | None = None) -> list[tuple[str, int]]:
    """What Taplo says of a spec; lines count from its own first."""
    (folder / "tomograph.schema.json").write_text(schema or PATH.read_text(encoding="utf-8"), encoding="utf-8")
    spec = folder / "spec.toml"
    spec.write_text("#:schema ./tomograph.schema.json\n" + text, encoding="utf-8")
    return [(message, line - 1) for message, line in complaints(spec)]


def of_layer(keys: str, folder: Path, schema: str | None = None) -> list[tuple[str, int]]:
    """The same of a layer with further keys, or of layers after it."""
    return of(LAYER.replace("LAST", keys if keys.startswith(" }") else f", {keys}"), folder, schema)


def named(word: str, found: list[tuple[str, int]]) -> set[int]:
    """The lines at which a complaint names the word; nothing else is complained of."""
    assert found
    assert [message for message, _ in found if word not in message] == []
    return {line for _, line in found}
