"""The command line's words."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from builder.commands.formats import FOR_PROGRAMS, OF_CHECK_ALONE
from builder.commands.picture_options import PICTURES, add_picture_options, drawn_as, is_standard_output, suffix_of
from dsl.catalogue.suggestions import suggest

_TO_DO: Final = ("check", "summary", "where", "render", "export", "train", "evaluate", "predict")
PREDICTED: Final = (".csv", ".npz")  # suffixes of the files that predictions are written to


class UsageError(Exception):
    """An option, a word or a file's suffix that is not known: exit status 2."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if message == "argument --render: expected one argument":
            message += "; for standard output write --render - or --render=-.txt"
        raise UsageError(message)


def check_pictures(options: argparse.Namespace) -> None:
    """UsageError for a suffix that no picture has, for two pictures on standard output, and for how to draw where
    nothing is drawn: before any work."""
    for name in options.render:
        suffix = suffix_of(name)
        if suffix not in PICTURES:
            raise UsageError(f"--render {name}: unknown suffix {suffix or '(none)'}; there are {' '.join(PICTURES)}")
    if sum(map(is_standard_output, options.render)) > 1:
        raise UsageError("one picture alone goes to standard output; give the others a file")
    if not options.render and (how := drawn_as(options)):
        raise UsageError(f"--{next(iter(how))} goes with --render FILE")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options as a namespace. Raises UsageError."""
    parser = _parser()
    options, rest = parser.parse_known_args(list(words))
    if rest:
        known = [option for action in parser._actions for option in action.option_strings]
        near = suggest(rest[0].partition("=")[0], known) if rest[0].startswith("-") else []
        hint = f"; did you mean {near[0]}?" if near else ""
        what = "option" if rest[0].startswith("-") else "word"
        raise UsageError(f"unknown {what} {rest[0]}{hint}")
    if options.format in OF_CHECK_ALONE and asked(options) != ["check"]:
        others = " ".join(f"--{each}" for each in asked(options) if each != "check")
        what = f"leave out {others}" if others else "add --check"
        raise UsageError(f"--format {options.format} is for --check alone: {what}")
    check_pictures(options)
    _held_together(options)
    return options


def asked(options: argparse.Namespace) -> list[str]:
    """What is to be done, in order."""
    return [each for each in _TO_DO if getattr(options, each)]


def _held_together(options: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go with what is to be done."""
    if options.fix and (options.set or options.data or options.epochs is not None or options.seed is not None):
        raise UsageError("--fix mends the file as it stands; it goes without --set and its short forms")
    if options.predict and options.out and not options.train and Path(options.out).suffix not in PREDICTED:
        raise UsageError(f"--out {options.out}: predictions are written to {' or '.join(PREDICTED)}")
    if options.train and options.resume is not None and options.weights is not None:
        raise UsageError("--resume goes on with the run's own weights; leave --weights out")
    if options.force and options.resume is None:
        raise UsageError("--force goes with --resume")
    if options.style == "blocks" and any(suffix_of(each) == ".html" for each in options.render):
        raise UsageError("a page (.html) has no 3-D view; leave out --style blocks, or give another suffix")
    if options.format == "json" and any(is_standard_output(each) for each in options.render):
        raise UsageError("--render - and --format json both write to standard output; give the picture a file")
    if not options.watch:
        return
    for each in ("fix", "summary", "where", "render", "export", "train", "evaluate", "predict"):
        if getattr(options, each):
            raise UsageError(f"--watch goes with --check alone, not with --{each}")


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """`--set` and its short forms, as keys and values for `dsl.load`."""
    changes: dict[str, Any] = {}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, not {text!r}")
        changes[key] = value
    if options.epochs is not None:
        changes["train.epochs"] = options.epochs
    if options.seed is not None:
        changes["train.seed"] = options.seed
    if options.data is not None:
        changes["data.source"] = options.data
    finished = options.evaluate or options.predict or options.export
    if options.weights is not None and (options.train or not finished):  # quoted, so that it is text whatever its name
        changes["model.weights"] = json.dumps(options.weights, ensure_ascii=False)
    return changes


def program() -> str:
    """How this program was called."""
    return "tomograph" if Path(sys.argv[0]).name == "tomograph" else "python -m builder"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=program(),
        description="Check, draw, build and train the neural network that a TOML file says.",
        allow_abbrev=False,
        epilog="With nothing to do: --check --summary. Exit status: 0 done; 1 the spec, the data or a checkpoint is at "
        "fault; 2 an unknown option or file suffix; 3 the work failed; 128 + n stopped by signal n. "
        "`tomograph explain CODE` tells what the code of a fault means, `tomograph new NAME` writes a spec to start "
        "from.",
    )
    parser.add_argument("spec", metavar="SPEC", help="a spec, or the folder of a run")
    do = parser.add_argument_group("what to do (several may be given, and run in this order)")
    do.add_argument("--check", action="store_true", help="load and check; all faults at once")
    do.add_argument("--fix", action="store_true", help="before that, apply the fixes that are certain to the file")
    do.add_argument("--watch", action="store_true", help="check again whenever one of the spec's files is saved")
    do.add_argument("--summary", action="store_true", help="a table with a line for each layer")
    do.add_argument("--where", metavar="KEY", action="append", default=[], help="the file and line a value comes from")
    do.add_argument("--render", metavar="FILE", action="append", default=[],
                    help=f"draw: {' '.join(PICTURES)}; - is SVG on standard output, --render=-.png PNG")  # fmt: skip
    do.add_argument(
        "--export",
        metavar="FILE",
        action="append",
        default=[],
        help="source: .py; the spec: .toml; the graph: .json; weights: .safetensors; a program of torch.export: .pt2",
    )
    do.add_argument("--train", action="store_true", help="train, into a run folder")
    do.add_argument("--evaluate", action="store_true", help="loss and metrics of a checkpoint on the held-out data")
    do.add_argument(
        "--predict", metavar="FILE", help="a checkpoint's outputs for new data: a table, or a file of --out"
    )
    how = parser.add_argument_group("options")
    how.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps; otherwise the spec's")
    how.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="change a value of the spec")
    how.add_argument("--epochs", metavar="N", type=int, help="short for --set train.epochs=N")
    how.add_argument("--seed", metavar="N", type=int, help="short for --set train.seed=N")
    how.add_argument("--data", metavar="SOURCE", help="short for --set data.source=SOURCE")
    how.add_argument("--weights", metavar="FILE", help="start from, or evaluate, these weights")
    how.add_argument("--resume", metavar="RUN", help="go on with the run in this folder")
    how.add_argument("--force", action="store_true", help="with --resume: though the spec has changed since")
    how.add_argument("--out", metavar="DIR", help="the run folder, by default the next free runs/NAME-1, -2 ...; of "
                     "--predict, the .csv or .npz file")  # fmt: skip
    how.add_argument("--allow-python", metavar="FILE", action="append", default=[],
                     help="run this Python file; its layers are types")  # fmt: skip
    how.add_argument("--format", choices=("text", *FOR_PROGRAMS), default="text",
                     help="of what is written out; github and sarif are for --check alone")  # fmt: skip
    how.add_argument("--tensorboard", action="store_true", help="with --train: event files for TensorBoard, too")
    how.add_argument("--quiet", action="store_true", help="warnings and results alone")
    add_picture_options(parser.add_argument_group("pictures"))
    return parser
