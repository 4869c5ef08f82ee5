"""`tomograph schema`: the catalogue as a JSON Schema, for editors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.commands import documentation
from builder.commands.arguments import Parser
from builder.files import write_text
from dsl.catalogue import offered, registered
from dsl.catalogue.registered import Registered
from dsl.schema import schema_text


def run(words: Sequence[str]) -> int:
    """Write the schema, to a file or to standard output. It knows the layers of installed packages and of the files
    that are allowed, and tells PyTorch's own sentences where torch is installed. Raises SpecError where a file fails.
    """
    options = _parser().parse_args(list(words))
    if options.allow_python:
        from builder.commands import python_files

        python_files.allow(options.allow_python)
    entries, sentences = {}, {}
    for layer in _from_python():
        entries[layer.entry.name] = layer.entry
        sentences[layer.entry.target] = documentation.first_sentence(layer.object.__doc__)
    text = schema_text({**_of_torch(), **sentences}, entries)
    if options.out is None:
        print(text, end="")
    else:
        write_text(Path(options.out), text)
        print(options.out, file=sys.stderr)
    return 0


def _from_python() -> Iterator[Registered]:
    """The layers that are registered, and those of packages; a package that fails is told and left out."""
    for name in registered.names():
        found = registered.find(name)
        assert found is not None, "it is registered"
        yield found
    for name in offered.offers():
        loaded = offered.load(name)
        if isinstance(loaded, Registered):
            yield loaded
        elif loaded is not None:
            print(f"left out: {loaded.message}", file=sys.stderr)


def _of_torch() -> dict[str, str]:
    """PyTorch's first sentence on each of its types, by their full names."""
    try:
        return documentation.of_torch()
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("torch is not installed: written without PyTorch's sentences", file=sys.stderr)
        return {}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph schema", description="Write a JSON Schema of specs, for editors that read TOML.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="where it goes; otherwise standard output")
    parser.add_argument("--allow-python", metavar="FILE", action="append", default=[],
                        help="run this Python file; its layers are types")  # fmt: skip
    return parser
