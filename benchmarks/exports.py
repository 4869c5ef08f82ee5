"""What comes of each spec that is written elsewhere and read again: `python benchmarks/exports.py [--write]`.

`.py`: the source in a fresh process in which this project cannot be imported, the same bits for the same seed. `.pt2`:
loaded by torch.export, the same bits in two sizes. `.onnx`: in onnxruntime, the greatest difference in two sizes, as a
part of the output's greatest value; weights drawn, and moved a little. Back: `tomograph import` of that file, lines
against the spec's own. `--write` puts the table into `benchmarks/exports.md`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils import _pytree as pytree

import builder
import dsl
from builder.codegen import class_name, source_of
from builder.exchange.errors import ExportError
from builder.exchange.examples import tried
from builder.exchange.importing.errors import DiffersError, ImportingError
from builder.exchange.onnx_export import write_onnx
from builder.exchange.programs.reading import read_program
from builder.exchange.torch_export import write_program

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_suffix(".md")
ALONE = """
import importlib.util, sys, torch
sys.modules.update(dict.fromkeys(("builder", "dsl", "render")))
torch.set_num_threads(1)
found = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(found)
found.loader.exec_module(module)
inputs, expected = torch.load(sys.argv[3])
torch.manual_seed(7)
model = getattr(module, sys.argv[2])().eval()
torch.manual_seed(8)
with torch.no_grad():
    made = torch.utils._pytree.tree_leaves(model(*inputs))
print(len(made) == len(expected) and all(torch.equal(a, b) for a, b in zip(made, expected)))
"""


def source(spec: dsl.Spec, folder: Path) -> str:
    graph = builder.elaborate(spec)
    torch.manual_seed(7)
    model = builder.build(graph, device="cpu").eval()
    inputs = tried(model, spec)[0]
    torch.manual_seed(8)
    with torch.no_grad():
        outputs = pytree.tree_leaves(model(*inputs))
    torch.save((inputs, outputs), folder / "values.pt")
    (folder / "model.py").write_text(source_of(graph), encoding="utf-8")
    words = [sys.executable, "-c", ALONE, "model.py", class_name(graph), "values.pt"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    lines = len((folder / "model.py").read_text(encoding="utf-8").splitlines())
    return f"same bits, {lines} lines" if done.stdout == "True\n" else "other"


def stirred(model: nn.Module) -> nn.Module:
    """Every parameter moved: a model whose last layer starts at 0 gives 0, which everybody gives."""
    torch.manual_seed(7)
    with torch.no_grad():
        for each in model.parameters():
            each.add_(torch.empty_like(each).uniform_(-0.02, 0.02))
    return model


def written(spec: dsl.Spec, path: Path, write: Callable[..., tuple[str, ...]]) -> str:
    try:
        told = write(path, stirred(builder.build(spec, device="cpu").eval()), spec)
    except ExportError as error:
        return f"no: {str(error)[:80]}"
    return told[0].partition("more than ")[2].partition(" of")[0] if path.suffix == ".onnx" else "same bits"


def back(path: Path, own: int) -> str:
    if not path.exists():
        return ""
    try:
        text, _ = read_program(path, path.with_name("back.toml"))
    except (ImportingError, DiffersError) as error:
        return f"no: {str(error).removeprefix(f'{path}: ')[:80]}"
    lines = len(text.splitlines())
    return f"{lines} lines, {lines / own:.1f} ×"


def row(path: Path) -> str:
    spec = dsl.load(path)
    own = len(path.read_text(encoding="utf-8").splitlines())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = [path.stem, source(spec, folder)]
        for suffix, write in ((".pt2", write_program), (".onnx", write_onnx)):
            cells += [written(spec, folder / f"model{suffix}", write), back(folder / f"model{suffix}", own)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    paths = [*sorted(ROOT.glob("specs/gallery/*.toml")), ROOT / "specs" / "lenet.toml", ROOT / "specs" / "alexnet.toml"]
    lines = [
        "| spec | `.py` | `.pt2` | back from it | `.onnx` | back from it |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for path in paths:
        lines.append(row(path))
        print(lines[-1], flush=True)
    if "--write" in sys.argv[1:]:
        said = "Made by `python benchmarks/exports.py --write`, which says what stands in the columns."
        head = f"# Specs written elsewhere, and read again\n\n{said}"
        TABLE.write_text(f"{head}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
