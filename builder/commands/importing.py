"""`tomograph import package.module:callable --out FILE`: a spec of a model from elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from builder.commands.arguments import Parser, UsageError
from builder.files import write_text
from dsl.reader import loads

_SIZES: Final = (2, 16)  # of an example's first dim where only its name is given, and of the others
_DIM: Final = re.compile(r"(\d+)|([A-Za-z_]\w*)(?:=(\d+))?")


def run(words: Sequence[str]) -> int:
    """Write the spec of what the callable gives. Raises UsageError, ImportingError where a spec cannot say it, and
    DiffersError where the spec gives something else; nothing is written then."""
    options = _parser().parse_args(list(words))
    if Path(options.target).suffix in (".pt2", ".onnx"):
        return _from_file(options)
    examples, shapes = _examples(options.input)
    from builder.exchange.importing.whole import imported

    module, given = _made(options.target)
    inputs = examples or given
    if inputs is None:
        raise UsageError("there are no example inputs: let the callable give (module, inputs), or add "
                         '--input "image=1,3,224,224"')  # fmt: skip
    with contextlib.redirect_stdout(sys.stderr):
        text = imported(module, inputs, name=options.name, shapes=shapes or None)
    write_text(Path(options.out), text)
    print(f"wrote {options.out}: {len(text.splitlines())} lines; with the same weights it gives the same outputs, bit "
          "for bit", file=sys.stderr)  # fmt: skip
    if not any(isinstance(size, str) for each in loads(text).model.inputs or () for size in each.shape or ()):
        print("note: the model runs in no other batch size than the example's; its sizes stand as they are, and no "
              "second batch was compared", file=sys.stderr)  # fmt: skip
    return 0


def _from_file(options: argparse.Namespace) -> int:
    """Write the spec of a program in a file, with its weights beside it."""
    if options.input:
        raise UsageError("--input is for a module from Python: a file says itself what its inputs are")
    from builder.exchange.programs.reading import read_program

    out = Path(options.out)
    with contextlib.redirect_stdout(sys.stderr):
        text, notes = read_program(Path(options.target), out, options.name)
    weights = f" and {out.with_suffix('.safetensors')}" if "\nweights = " in text else ""
    print(f"wrote {out}{weights}: {len(text.splitlines())} lines; the spec gives what the file gives", file=sys.stderr)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _made(target: str) -> tuple[Any, Any]:
    """(module, example inputs or None) of what a target names."""
    from torch import nn

    from builder.exchange.importing.errors import ImportingError

    name, colon, attribute = target.partition(":")
    if not colon or not name or not attribute:
        raise UsageError(f"import takes package.module:callable, not {target!r}")
    folder = os.getcwd()
    sys.path.insert(0, folder)  # as `python -m` has it
    try:
        with contextlib.redirect_stdout(sys.stderr):
            made = getattr(importlib.import_module(name), attribute)
            made = made if isinstance(made, nn.Module) else made()
    except SystemExit as end:
        raise ImportingError(f"{target} ends the program with status {end.code or 0}") from end
    except Exception as error:  # whatever a person's own code may raise
        words = "; ".join(str(error).strip().splitlines()[:2])
        raise ImportingError(f"{target} failed: {type(error).__name__}: {words or 'no message'}") from error
    finally:
        sys.path.remove(folder)
    module, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(module, nn.Module):
        raise ImportingError(f"{target} gives {type(module).__name__}, which is no nn.Module")
    return module, inputs


def _examples(written: Sequence[str]) -> tuple[dict[str, Any], dict[str, list[int | str]]]:
    """(tensors by name, the shapes of those in which dims have names)."""
    if not written:
        return {}, {}
    import torch

    torch.manual_seed(0)
    found: dict[str, Any] = {}
    shapes: dict[str, list[int | str]] = {}
    for text in written:
        name, equals, rest = text.partition("=")
        dims, _, dtype = rest.partition(":")
        if not equals or not name.isidentifier():
            raise UsageError(f'--input is NAME=DIMS, such as "image=1,3,224,224", not {text!r}')
        shape, names = _shape(dims, text)
        found[name] = _tensor(shape, dtype or "float32", text)
        if any(isinstance(each, str) for each in names):
            shapes[name] = names
    return found, shapes


def _shape(dims: str, text: str) -> tuple[list[int], list[int | str]]:
    sizes: list[int] = []
    names: list[int | str] = []
    for at, each in enumerate(part.strip() for part in dims.split(",") if part.strip()):
        found = _DIM.fullmatch(each)
        if found is None or int(found[1] or found[3] or 1) < 1:
            raise UsageError(f'--input {text}: a dim is a number of at least 1, a name, or "H=64", not {each!r}')
        size = int(found[1] or found[3] or _SIZES[at > 0])
        sizes.append(size)
        names.append(found[2] or size)
    return sizes, names


def _tensor(shape: Sequence[int], dtype: str, text: str) -> Any:
    import torch

    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise UsageError(f"--input {text}: there is no dtype {dtype!r}; such as float32, int64, bool")
    if kind.is_floating_point:
        return torch.randn(shape, dtype=kind)
    return torch.randint(0, 2, shape).to(kind)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph import", description="Write a spec of a model from elsewhere, held against it.",
                    epilog="Exit status: 0 written; 1 the module does what a spec cannot say; 2 an unknown option; 3 "
                    "the spec gives other outputs than the module. Nothing is written but with 0.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("target", metavar="MODULE:CALLABLE | FILE", help="what gives the module, or (module, example "
                        "inputs): a function, or the module's class, called without arguments; or a file of "
                        "torch.export (.pt2) or ONNX (.onnx), whose weights are written beside the spec")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", required=True, help="the spec that is written")
    parser.add_argument("--input", metavar="NAME=DIMS", action="append", default=[], help="an example of an input, "
                        'drawn at random: "image=1,3,224,224", "tokens=2,16:int64"; a dim with a name is free: '
                        '"image=N,3,H=64,W=64"; repeatable')  # fmt: skip
    parser.add_argument("--name", metavar="NAME", help="the model's name; its class if left out")
    return parser
