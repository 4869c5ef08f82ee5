"""`builder.check_text`: from text to diagnostics and shapes, for a faulty text too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import builder

ROOT = Path(__file__).parents[1]
SPEC = """[model]
inputs = { image = ["N", 1, 8, 8] }
layers = [
  { name = "conv", type = "Conv2d", out_channels = 4, kernel_size = 3 },
  { type = "ReLU" },
  { name = "other", type = "Conv2d", input = "image", out_channels = 2, kernel_size = 5 },
]
"""


def shapes(text: str) -> dict[str, tuple[object, int]]:
    return {each.name: (each.shape, each.line) for each in builder.check_text(text).shapes}


def test_a_sound_text_gives_its_warnings_its_shapes_and_its_graph() -> None:
    found = builder.check_text(SPEC, "new.toml")
    assert found.graph is not None
    assert [(each.severity, each.code, each.file) for each in found.diagnostics] == [
        ("warning", "unused-layer", "new.toml")
    ]
    known = shapes(SPEC)
    assert known["inputs.image"] == (["N", 1, 8, 8], 2)
    assert known["conv"] == (["N", 4, 6, 6], 4)
    assert known["1"] == (["N", 4, 6, 6], 5)
    assert known["other"] == (["N", 2, 4, 4], 6)


def test_a_faulty_text_gives_the_shapes_that_hang_on_no_fault() -> None:
    wrong = SPEC.replace("ReLU", "Relluu")
    found = builder.check_text(wrong)
    assert found.graph is None
    assert [(each.code, each.span and each.span.line) for each in found.diagnostics] == [("type", 5)]
    assert "1" not in shapes(wrong)
    assert shapes(wrong)["conv"] == (["N", 4, 6, 6], 4)
    assert shapes(wrong)["other"] == (["N", 2, 4, 4], 6)


def test_a_text_that_is_no_toml_has_no_shapes() -> None:
    found = builder.check_text(SPEC[:-3])
    assert [each.code for each in found.diagnostics] == ["toml"]
    assert found.shapes == ()


def test_it_brings_no_torch_and_writes_nothing(tmp_path: Path) -> None:
    program = f"import sys, builder; builder.check_text({SPEC!r}, 'new.toml'); assert 'torch' not in sys.modules"
    environment = {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
