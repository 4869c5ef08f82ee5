"""Why no layer type has a name: there is none, its package is not installed, or it failed on import."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dsl.catalogue import offered, registered
from dsl.catalogue.aliases import ALIASES
from dsl.catalogue.lookup import names
from dsl.catalogue.offered import GROUP, Failed
from dsl.catalogue.signatures import PYTHON
from dsl.catalogue.suggestions import suggest
from dsl.diagnostics import Fix

# Of what lies beside a spec: as many files, and as long ones, as a person would write there.
_FILES, _BYTES = 200, 2**20
# How people abbreviate what PyTorch's own names stand in, and whether what stands there are classes.
_ABBREVIATIONS = {"nn": True, "F": False, "functional": False, "torch": None}
_STORED = ("Parameter", "Buffer")  # types without a signature of their own
# Types that hold layers, which are written in place here.
_CONTAINERS = {
    "Sequential": "a group: { layers = [...] }",
    "ModuleList": "a group, { layers = [...] }, or a layer with `repeat`",
    "ModuleDict": "a group: { layers = [...] }",
    "Residual": '{ type = "add", other = "..." } after the layers, with the name of what they read',
}


@dataclass(frozen=True, slots=True)
class Absent:
    """A sentence, and what else to say."""

    message: str
    notes: tuple[str, ...] = ()
    fix: Fix | None = None


def absent(name: str, spec: str, blocks: Iterable[str] = ()) -> Absent:
    """Why `find` gives nothing for a name.

    spec: the file that uses the name; Python files beside it are read, and not run. blocks: those of the spec, which
    may have been meant.
    """
    failed = offered.load(name)
    if isinstance(failed, Failed):
        return Absent(failed.message, failed.notes, Fix(failed.fix) if failed.fix else None)
    message = f'there is no layer type "{name}"'
    beside = _defined_beside(name, spec)
    if beside is not None:
        return Absent(
            message, (f"{beside} defines it, and is run only if you allow it",), Fix(f"--allow-python {beside}")
        )
    if _CONTAINERS.get(name.rpartition(".")[2]):
        return Absent(message, (), Fix(_CONTAINERS[name.rpartition(".")[2]]))
    called, bracket, _ = name.partition("(")
    if bracket and called:
        likely = called.strip().rpartition(".")[2]
        return Absent(message, (), Fix(f'type = "{likely}", and each argument as a key of its own'))
    near = _abbreviated(name) or suggest(name, [*blocks, *names(), *_STORED], ALIASES)
    if near:
        listed = " or ".join(f"`{each}`" for each in near)
        return Absent(message, (), Fix(f"did you mean {listed}?", f'type = "{near[0]}"'))
    package = name.partition(".")[0]
    return _of_package(message, name, package) if "." in name and package.isidentifier() else Absent(message)


def _of_package(message: str, name: str, package: str) -> Absent:
    """Of a dotted name. The package is looked for, and not imported."""
    if package == "torch":
        return Absent(message)
    if package in sys.stdlib_module_names:
        return Absent(f"{message}: {package} is a part of Python, and offers no layers")
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        return Absent(
            f"{message}: {package} is not installed", (), Fix("install the package that offers it, if you trust it")
        )
    targets = {each: several[0].target for each, several in offered.offers().items()} | registered.targets()
    own = [each for each, target in targets.items() if target.startswith(f"{PYTHON}{package}.")]
    offers = f"and offers {', '.join(own)}, but not this" if own else "but offers no layers"
    last = name.rpartition(".")[2]
    notes = (f'a package offers its layers by entry points of the group "{GROUP}"',)
    return Absent(
        f"{message}: {package} is installed, {offers}",
        notes,
        Fix(f"builder.register({last}) from Python, or --allow-python FILE"),
    )


def _abbreviated(name: str) -> list[str]:
    """`nn.Linear` and `F.relu`, which are names of Python's and not of the language."""
    space, _, last = name.rpartition(".")
    word = space.rpartition(".")[2]
    if word not in _ABBREVIATIONS:
        return []
    found = suggest(last, names(), ALIASES)
    of_kind = [each for each in found if each[0].isupper() is _ABBREVIATIONS[word]]
    return of_kind or found


def _defined_beside(name: str, spec: str) -> str | None:
    """The Python file in the spec's folder that defines a layer of this name, or `layers.MyLayer` of layers.py."""
    file = Path(spec)
    if not file.is_file():
        return None
    module, _, last = name.rpartition(".")
    known = {str(Path(each).resolve()) for each in registered.allowed().values()}
    for path in _python_files(file.parent):
        if module in ("", path.stem) and str(path.resolve()) not in known and _defines(path, last):
            return str(path)
    return None


def _python_files(folder: Path) -> list[Path]:
    """Those in the folder itself; a link may lead elsewhere, and is left alone."""
    found = sorted(each for each in folder.glob("*.py") if each.is_file() and not each.is_symlink())
    return [each for each in found[:_FILES] if each.stat().st_size <= _BYTES]


def _defines(path: Path, name: str) -> bool:
    """Whether a line at the left margin begins a class of this name, or a function below `@builder.register`. The file
    is read line by line, which takes no longer whatever it holds."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    below = False
    for line in lines:
        word, _, rest = line.partition(" ")
        if (word == "class" or (word == "def" and below)) and re.split(r"\W", rest.strip(), maxsplit=1)[0] == name:
            return True
        if not line.startswith((" ", ")")):
            below = line.startswith("@") and (below or "register" in line)
    return False
