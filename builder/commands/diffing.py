"""`tomograph diff A B`: what is different between two models, whatever their texts are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import builder
from builder.checking import load
from builder.commands.arguments import Parser
from builder.comparison import compare
from builder.differences import Comparison
from builder.wording import lines

SAME, DIFFERENT = 0, 1


def run(words: Sequence[str]) -> int:
    """Tell the differences; 0 where there are none. A spec at fault raises SpecError."""
    options = _parser().parse_args(list(words))
    old, new = (builder.elaborate(load(each)) for each in (options.old, options.new))
    found = compare(old, new)
    if options.format == "json":
        print(json.dumps(_data(options, found)))
    else:
        print("\n".join(lines(found)) or "the models are the same")
    return SAME if found.same else DIFFERENT


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
    return parser
