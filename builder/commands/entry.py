"""From words to an exit status: what is asked for runs in order, and every mistake becomes a sentence."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dsl
from builder import memory
from builder.building import elaborate
from builder.checking import load, path_of, without_start
from builder.commands import arguments, exporting, locating, rendering, reporting
from builder.commands.arguments import UsageError
from builder.commands.formats import FOR_PROGRAMS
from builder.commands.picture_options import drawn_as
from builder.commands.streams import open_standard, say, silence
from builder.commands.words import is_word
from builder.commands.words import run as run_word
from builder.files import OutputError, reason
from dsl.records import Spec

DONE, AT_FAULT, USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def run(words: Sequence[str]) -> int:
    """Run the command line. The result is the exit status that the contract names."""
    open_standard()
    try:
        status = _told(words)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to tell
        silence(sys.stdout)
        return DONE
    except OSError as error:
        silence(sys.stdout)
        say(f"error: cannot write the results: {reason(error)}")
        return FAILED
    except KeyboardInterrupt:
        say("stopped")
        return INTERRUPTED


def _told(words: Sequence[str]) -> int:
    if is_word(words):
        return _sentences(lambda: run_word(words), "text", words[0])
    try:
        options = arguments.parse(words)
        for name in options.export:
            _check_suffix(name)
        changes = arguments.overrides(options)
    except UsageError as error:
        say(f"error: {error}\ntry --help")
        return USAGE
    except SystemExit as end:  # --help
        return int(end.code or 0)
    return _sentences(lambda: _run(options, changes), options.format, options.spec)


def _sentences(work: Callable[[], int], format: str, spec: str) -> int:
    """The status of some work; what goes wrong in it is told in a sentence."""
    try:
        return work()
    except SystemExit as end:  # --help
        return int(end.code or 0)
    except UsageError as error:
        say(f"error: {error}\ntry --help")
        return USAGE
    except dsl.SpecError as error:
        return _tell_faults(error, format, spec)
    except ValueError as error:  # the data, a checkpoint or a device: told by those who found it
        say(f"error: {error}")
        return AT_FAULT
    except (OutputError, ArithmeticError, MemoryError) as error:
        say(f"error: {error or 'out of memory'}")
        return FAILED
    except RuntimeError as error:  # torch's own objection to work that was sound as far as it could be checked
        say(f"error: {memory.told(error) or (str(error).strip().splitlines() or ['the work failed'])[0]}")
        return FAILED


def _run(options: argparse.Namespace, changes: dict[str, Any]) -> int:
    path, weights = _spec_path(options)
    if int(os.environ.get("RANK", 0)) > 0:  # one of several processes, and not the one that tells
        return _follow(path, changes, options)
    if options.allow_python:
        from builder.commands import python_files

        python_files.allow(options.allow_python)
    if options.watch:
        from builder.commands import watching

        watching.watch(path, changes, lambda: _sentences(lambda: _check(path, changes, options), options.format, path))
    if options.fix:
        from builder.commands import fixing

        fixing.fix(path)
    try:
        return _work(path, changes, options, weights)
    except dsl.SpecError:
        if options.render:
            rendering.render_known(lambda: dsl.load(path, changes), options.render, drawn_as(options))
        raise


def _work(path: str, changes: dict[str, Any], options: argparse.Namespace, weights: str | None) -> int:
    """What is asked for, in order; the result is the exit status."""
    spec = load(path, changes)
    if not options.train:
        spec, weights = _trained(spec, weights, options)
    several: dict[str, Any] = {}
    nothing = not arguments.asked(options) and not options.fix
    if options.check or options.fix or nothing:
        several["check"] = reporting.check(spec, options.format, quiet=options.summary and not options.check)
    if options.summary or nothing:
        several["summary"] = reporting.summary(spec, options.format)
    if options.where:
        several["where"] = [found for key in options.where for found in locating.where(spec, key, options.format)]
    if options.render:
        graph = elaborate(spec)
        for name in options.render:
            rendering.render(graph, name, drawn_as(options), spec=spec)
    exports = [Path(name) for name in options.export]
    later = [each for each in exports if options.train and exporting.holds_weights(each)]
    for each in exports:
        if each not in later:
            exporting.export(spec, each, weights)
    status = DONE
    if options.train:
        from builder.commands import running

        status, weights = running.train(spec, options)
        for each in later if status == DONE else ():
            exporting.export(spec, each, weights)
    if options.evaluate and status == DONE:
        from builder.commands import running

        several["evaluate"] = running.evaluate(spec, options, weights)
    if options.predict and status == DONE:
        from builder.commands import predicting

        several["predict"] = predicting.show(spec, options, weights)
    if options.format == "json" and several:
        print(json.dumps(next(iter(several.values())) if len(several) == 1 else several))
    return status


def _follow(path: str, changes: dict[str, Any], options: argparse.Namespace) -> int:
    """What a process that torchrun started beside the first one does of all that is asked for."""
    if not options.train:
        return DONE
    if options.allow_python:
        from builder.commands import python_files

        python_files.allow(options.allow_python)
    from builder.commands import running

    return running.train(load(path, changes), options)[0]


def _check(path: str, changes: dict[str, Any], options: argparse.Namespace) -> int:
    found = reporting.check(load(path, changes), options.format)
    if options.format == "json":
        print(json.dumps(found))
    return DONE


def _spec_path(options: argparse.Namespace) -> tuple[str, str | None]:
    """The spec's file, and the weights that go with it: a run folder stands for its spec and its best weights."""
    folder = Path(options.spec)
    if not folder.is_dir():
        return options.spec, options.weights
    inside = folder / "spec.toml"
    if not inside.is_file():
        return options.spec, options.weights
    return str(inside), options.weights or str(folder / "checkpoints" / "best.pt")


def _trained(spec: Spec, weights: str | None, options: argparse.Namespace) -> tuple[Spec, str | None]:
    """A spec that is not to be trained, and the weights that it is used with: those of the run or of `--weights`, which
    need no more what it started from, else those that it names."""
    if weights is not None:
        return (spec if "model.weights" in arguments.overrides(options) else without_start(spec)), weights
    named = path_of(spec.weights) if spec.weights is not None and (options.evaluate or options.predict) else None
    return spec, None if named is None else str(named)


def _check_suffix(name: str) -> None:
    suffix, known = Path(name).suffix, exporting.SUFFIXES
    if suffix not in known:
        raise UsageError(f"--export {name}: unknown suffix {suffix or '(none)'}; there are {' '.join(known)}")


def _tell_faults(error: dsl.SpecError, format: str, spec: str) -> int:
    faults = error.diagnostics
    if format in FOR_PROGRAMS:
        print(FOR_PROGRAMS[format](spec, faults))
        return AT_FAULT
    say(str(error))
    if len(faults) > 1:
        say(f"\n{len(faults)} faults")
    return AT_FAULT
