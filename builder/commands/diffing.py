"""`tomograph diff A B`: what is different between two models, whatever their texts are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import builder
from builder.checking import load
from builder.commands.arguments import Parser
from builder.commands.reporting import written_shape
from builder.comparison import compare
from builder.differences import Change, Comparison, Difference

SAME, DIFFERENT = 0, 1
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_MOST_KEYS: Final = 3  # told of those that are other ones


def run(words: Sequence[str]) -> int:
    """Tell the differences; 0 where there are none. A spec at fault raises SpecError."""
    options = _parser().parse_args(list(words))
    old, new = (builder.elaborate(load(each)) for each in (options.old, options.new))
    found = compare(old, new)
    if options.format == "json":
        print(json.dumps(_data(options, found)))
    else:
        print("\n".join(_lines(found)) or "the models are the same")
    return SAME if found.same else DIFFERENT


def _data(options: argparse.Namespace, found: Comparison) -> dict[str, Any]:
    data = asdict(found)
    keys = [{"old": old, "new": new} for old, new in data.pop("keys")]
    return {"old": options.old, "new": options.new, "same": found.same, **data, "keys": keys}


def _lines(found: Comparison) -> Iterator[str]:
    for what, changes in (("input ", found.inputs), ("", found.layers), ("output ", found.outputs)):
        for each in changes:
            yield f"{_SIGNS[each.kind]} {what}{each.name or 'model'}{_type(each, what)}{_details(each)}"
    if found.keys:
        listed = ", ".join(f"{old} -> {new}" for old, new in found.keys[:_MOST_KEYS])
        more = len(found.keys) - _MOST_KEYS
        yield f"  keys in the state dict: {listed}" + (f" and {more} more" if more > 0 else "")
    for total in found.totals:
        yield f"  {_difference(total)}"


def _type(change: Change, what: str) -> str:
    several = f" of {change.layers} layers" if change.kind != "changed" and change.layers > 1 else ""
    return "" if what else f" ({change.type}{several})"


def _details(change: Change) -> str:
    if change.kind == "changed":
        return ": " + ", ".join(map(_difference, change.differences))
    count = f", {change.parameters:,} parameters" if change.parameters else ""
    return f": {written_shape(change.shape)}{count}" if change.shape is not None else count


def _difference(difference: Difference) -> str:
    words = [_words(difference.what, each) for each in (difference.old, difference.new)]
    return f"{difference.what} {words[0]} -> {words[1]}"


def _words(what: str, value: Any) -> str:
    if what == "shape":
        return written_shape(value)
    if value is None or value == {} or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}" if what.endswith(("parameters", "adds")) else str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_words("", each) for each in value) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph diff", description="What is different between the models of two specs.",
                    epilog="Exit status: 0 the same, 1 different or a spec at fault, 2 an unknown option.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("old", metavar="A", help="a spec")
    parser.add_argument("new", metavar="B", help="a spec")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of what is written out")
    return parser
