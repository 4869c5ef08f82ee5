"""Layer types that come from Python, by name: what `builder.register` and packages' entry points put here.

Plain data and the objects themselves; whether a name may be taken is asked by those who put it here.
"""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Final

from dsl.catalogue.entries import Entry
from dsl.catalogue.signatures import PYTHON, entry_of

# What the source of a model needs itself: Python's own names, what it imports, the variables of `forward`.
NEEDED: Final = frozenset(
    (*dir(builtins), "torch", "nn", "F", "Tensor", "OrderedDict", "functools", "Any", "packed", "self", "x")
)
# The module in which source finds what no import statement finds by its own name (it is made inside a function).
HANDED_OVER: Final = "tomograph_python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One type. object: the class of nn.Module or the function that the entry describes."""

    entry: Entry
    object: Callable[..., Any]

    @property
    def importable(self) -> bool:
        """Whether an import statement for the entry's target gives this very object, here and in another process."""
        module, _, name = self.entry.target.removeprefix(PYTHON).rpartition(".")
        there = getattr(sys.modules.get(module), name, None)
        return module not in ("__main__", HANDED_OVER) and there is self.object


_REGISTERED: dict[str, Registered] = {}
_FILES: dict[str, str] = {}  # module -> the file that the person running the program allowed
_replacements = 0


def add(what: Any, name: str, inferred: Sequence[str] = ()) -> Registered:
    """Put a class or function under a name, in place of what was there. Raises RegistrationError."""
    global _replacements
    entry = entry_of(what, name, inferred)
    others = [each for key, each in _REGISTERED.items() if key != name and each.object is not what]
    if "<" in entry.target or not hasattr(what, "__qualname__") or entry.target in {o.entry.target for o in others}:
        entry = replace(entry, target=f"{PYTHON}{HANDED_OVER}.{name}")  # its own name is not its alone
    made = Registered(entry=entry, object=what)
    _replacements += name in _REGISTERED
    _REGISTERED[name] = made
    hand_over(made)
    return made


def can_name(name: str) -> bool:
    """Whether source can call a layer so."""
    return name.isidentifier() and not keyword.iskeyword(name) and name not in NEEDED


def hand_over(layer: Registered) -> None:
    """Put a layer where source finds it that cannot import it by its own name."""
    module = sys.modules.setdefault(HANDED_OVER, ModuleType(HANDED_OVER, "Layers from Python, by the names of specs."))
    setattr(module, layer.entry.name, layer.object)


def of(what: Any) -> Registered | None:
    """As what this very class or function is registered."""
    return next((each for each in _REGISTERED.values() if each.object is what), None)


def find(name: str) -> Registered | None:
    """By its name, by where it was defined ("mypackage.layers.MyLayer"), or by its target; None if there is none."""
    if name in _REGISTERED or "." not in name:
        return _REGISTERED.get(name)
    target = name if name.startswith(PYTHON) else PYTHON + name
    return next((each for each in _REGISTERED.values() if each.entry.target == target), None)


def names() -> list[str]:
    return list(_REGISTERED)


def targets() -> dict[str, str]:
    """Where each name was defined."""
    return {name: each.entry.target for name, each in _REGISTERED.items()}


def replacements() -> int:
    """How often a name was put anew: what was worked out for it before holds no longer."""
    return _replacements


def allow(module: str, file: str) -> None:
    """Note that the person running the program allowed a file, and the module that it became."""
    _FILES[module] = file


def allowed() -> dict[str, str]:
    """Module -> file, of those that were allowed."""
    return dict(_FILES)


@contextmanager
def restored() -> Iterator[None]:
    """What is registered inside is forgotten at the end."""
    before, files = dict(_REGISTERED), dict(_FILES)
    try:
        yield
    finally:
        global _replacements
        _replacements += 1
        _REGISTERED.clear()
        _REGISTERED.update(before)
        _FILES.clear()
        _FILES.update(files)
