"""`--allow-python`: a Python file is run, and the layers that it defines are types."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from builder.registering import register
from dsl.catalogue import RegistrationError, registered
from dsl.catalogue.signatures import PYTHON, has_forward, is_module
from dsl.diagnostics import Diagnostic, SpecError
from dsl.source import Span


def allow(files: Sequence[str]) -> None:
    """Run each file, and register its layers: every class of nn.Module that it defines and that has a forward, under
    its own name; where the file calls `builder.register` for what it defines, those alone.

    Raises SpecError where a file is not there or fails. What it prints goes to standard error.
    """
    for file in dict.fromkeys(files):
        _allow(file)


def _allow(file: str) -> None:
    text = _read(file)
    module = _module(file)
    try:
        with _importing_from(Path(file).parent), contextlib.redirect_stdout(sys.stderr):
            exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as end:
        raise SpecError([_fault(file, f"it ends the program with status {end.code or 0}", _line(file, end))]) from end
    except Exception as error:  # whatever a person's own file may raise
        raise SpecError([_fault(file, _cause(error), _line(file, error))]) from error
    registered.allow(module.__name__, file)
    _register_own(module, file)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except FileNotFoundError as error:
        raise SpecError([Diagnostic(message="there is no such file", code="file", file=file)]) from error
    except OSError as error:
        raise SpecError([Diagnostic(message=f"it cannot be read: {error.strerror}", code="file", file=file)]) from error


def _module(file: str) -> ModuleType:
    """A new module for the file, called as `import` would call it, where no other module is called so."""
    name = Path(file).stem
    if not name.isidentifier() or _is_taken(name, file):
        name = "tomograph_python_" + "".join(each if each.isalnum() else "_" for each in name)
    while _is_taken(name, file):
        name += "_"
    specification = importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, file))
    assert specification is not None, "there is a loader"
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    return module


def _is_taken(name: str, file: str) -> bool:
    there: Any = sys.modules.get(name) or importlib.util.find_spec(name)
    origin = getattr(there, "__file__", None) or getattr(there, "origin", None)
    return there is not None and (origin is None or Path(origin).resolve() != Path(file).resolve())


@contextlib.contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """While the file runs it may import its neighbours, as a script may; what is installed goes before them."""
    sys.path.append(str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))


def _register_own(module: ModuleType, file: str) -> None:
    own = f"{PYTHON}{module.__name__}."
    if any(target.startswith(own) for target in registered.targets().values()):
        return
    classes = [each for each in vars(module).values() if isinstance(each, type) and is_module(each)]
    layers = [each for each in dict.fromkeys(classes) if each.__module__ == module.__name__ and _is_layer(each)]
    if not layers:
        raise SpecError([_fault(file, "it defines no class of nn.Module with a forward, and registers nothing", None)])
    for each in layers:
        try:
            register(each)
        except RegistrationError as error:
            raise SpecError([_fault(file, str(error), inspect.getsourcelines(each)[1])]) from error


def _is_layer(kind: type) -> bool:
    """Not what is private, nor a base that others are made from."""
    return not kind.__name__.startswith("_") and not inspect.isabstract(kind) and has_forward(kind)


def _cause(error: Exception) -> str:
    words = error.msg if isinstance(error, SyntaxError) else "; ".join(str(error).strip().splitlines())
    return f"{type(error).__name__}: {words or 'no message'}"


def _line(file: str, error: BaseException) -> int | None:
    """The line of the file that was running, or that is no Python."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == file]
    return lines[-1] if lines else None


def _fault(file: str, cause: str, number: int | None) -> Diagnostic:
    message = f"{file} failed: {cause}"
    lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    if not number or number > len(lines):
        return Diagnostic(message=message, code="python", file=file)
    line = lines[number - 1]
    start, end = len(line) - len(line.lstrip()) + 1, len(line.rstrip()) + 1
    return Diagnostic(message=message, code="python", file=file, excerpt=line,
                      span=Span(number, start, number, max(end, start + 1)))  # fmt: skip
