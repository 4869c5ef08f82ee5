"""`tomograph diff A B`: what is different between two models, whatever their texts are, in words and as a picture."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import builder
from builder.checking import load
from builder.commands import rendering
from builder.commands.arguments import Parser, UsageError, check_pictures
from builder.commands.picture_options import PICTURES, add_picture_options, drawn_as, is_standard_output
from builder.comparison import Comparing
from builder.differences import Comparison
from builder.wording import lines

SAME, DIFFERENT = 0, 1


def run(words: Sequence[str]) -> int:
    """Tell the differences; 0 where there are none. A spec at fault raises SpecError."""
    options = _parser().parse_args(list(words))
    _check(options)
    comparing = Comparing(*(builder.elaborate(load(each)) for each in (options.old, options.new)))
    found = comparing.comparison()
    if options.format == "json":
        print(json.dumps(_data(options, found)))
    else:
        print("\n".join(lines(found)) or "the models are the same")
    _draw(comparing, options)
    return SAME if found.same else DIFFERENT


def _draw(comparing: Comparing, options: argparse.Namespace) -> None:
    if not options.render:
        return
    from builder.merging import merged

    graph = merged(comparing)
    for name in options.render:
        rendering.render(graph, name, drawn_as(options))


def _check(options: argparse.Namespace) -> None:
    """UsageError for a picture that cannot be written there, before any work."""
    check_pictures(options)
    for name in options.render:
        if is_standard_output(name):
            raise UsageError(f"--render {name}: the differences are told on standard output; give the picture a file")


def _data(options: argparse.Namespace, found: Comparison) -> dict[str, Any]:
    data = asdict(found)
    keys = [{"old": old, "new": new} for old, new in data.pop("keys")]
    return {"old": options.old, "new": options.new, "same": found.same, **data, "keys": keys}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph diff", description="What is different between the models of two specs.",
                    epilog="Exit status: 0 the same, 1 different or a spec at fault, 2 an unknown option.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("old", metavar="A", help="a spec")
    parser.add_argument("new", metavar="B", help="a spec")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of what is written out")
    parser.add_argument("--render", metavar="FILE", action="append", default=[],
                        help=f"both models in one picture: {' '.join(PICTURES)}")  # fmt: skip
    add_picture_options(parser.add_argument_group("pictures"))
    return parser
