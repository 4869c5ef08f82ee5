"""Diagnostics for programs: as JSON, as annotations of GitHub's workflows, and as SARIF 2.1.0."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from dsl.diagnostics import Diagnostic
from dsl.explanations import codes, page
from dsl.source import Setting, Span

_SARIF: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_json(spec: str, diagnostics: Sequence[Diagnostic]) -> str:
    """One object: the spec's file, whether it can be used, and each diagnostic."""
    return json.dumps({"spec": spec, "ok": _ok(diagnostics), "diagnostics": [each.as_data() for each in diagnostics]})


def as_github(spec: str, diagnostics: Sequence[Diagnostic]) -> str:
    """A workflow command a line, which GitHub shows beside the line of the file; nothing where there is none."""
    return "\n".join(_command(spec, each) for each in diagnostics)


def as_sarif(spec: str, diagnostics: Sequence[Diagnostic]) -> str:
    """A log of one run, whose rules are the pages of the codes."""
    driver = {"name": "Tomograph", "rules": [_rule(code) for code in codes()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(spec, each) for each in diagnostics],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


_Format: TypeAlias = Callable[[str, Sequence[Diagnostic]], str]  # the spec's file and what is to be told -> text

FOR_PROGRAMS: Final[Mapping[str, _Format]] = {"json": as_json, "github": as_github, "sarif": as_sarif}
OF_CHECK_ALONE: Final = ("github", "sarif")  # they have no place for what else can be asked for


def _ok(diagnostics: Sequence[Diagnostic]) -> bool:
    return all(each.severity != "error" for each in diagnostics)


def _told(each: Diagnostic) -> str:
    """The message and what is to be said besides, a line each. A `--set` is no file, and stands in the text."""
    head = f"--set {each.excerpt}: {each.message}" if each.file == Setting.NAME else each.message
    return "\n".join([head, *each.notes, *([f"fix: {each.fix.message}"] if each.fix else [])])


def _place(spec: str, each: Diagnostic) -> tuple[str, Span | None]:
    """(the file, where in it); the whole spec where the fault stands in no file."""
    return (spec, None) if each.file in (Setting.NAME, "") else (each.file, each.span)


def _relative(file: str) -> str | None:
    """The file as the working directory sees it, with `/`; None where it lies elsewhere."""
    path, here = Path(os.path.abspath(file)), Path(os.path.abspath("."))
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else None


# GitHub: https://docs.github.com/actions/reference/workflow-commands-for-github-actions


def _command(spec: str, each: Diagnostic) -> str:
    file, span = _place(spec, each)
    where: dict[str, Any] = {"file": _relative(file) or file}
    if span is not None:
        where |= {"line": span.line, "col": span.column, "endLine": span.end_line, "endColumn": span.end_column}
        if span.line != span.end_line:  # GitHub drops an annotation that has columns in two lines
            del where["col"], where["endColumn"]
    where["title"] = f"tomograph {each.code}"
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
    return f"::{each.severity} {properties}::{_data(_told(each))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# SARIF: OASIS, Static Analysis Results Interchange Format 2.1.0, by its sections


def _rule(code: str) -> dict[str, Any]:
    """A reportingDescriptor (3.49)."""
    found = page(code)
    return {
        "id": code,
        "shortDescription": {"text": found.title},
        "fullDescription": {"text": found.about},
        "help": {"text": found.text, "markdown": found.text},
    }


def _result(spec: str, each: Diagnostic) -> dict[str, Any]:
    """A result (3.27), with a fix (3.55) where its text is known."""
    file, span = _place(spec, each)
    physical: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if span is not None:
        physical["region"] = _region(span)
    location: dict[str, Any] = {"physicalLocation": physical}
    if each.key:
        location["logicalLocations"] = [{"fullyQualifiedName": each.key}]
    result = {
        "ruleId": each.code,
        "ruleIndex": codes().index(each.code),
        "level": each.severity,
        "message": {"text": _told(each)},
        "locations": [location],
    }
    if span is not None and each.fix is not None and each.fix.replacement is not None:
        put = {"deletedRegion": _region(span), "insertedContent": {"text": each.fix.replacement}}
        change = {"artifactLocation": _artifact(file), "replacements": [put]}
        result["fixes"] = [{"description": {"text": each.fix.message}, "artifactChanges": [change]}]
    return result


def _artifact(file: str) -> dict[str, str]:
    """An artifactLocation (3.4): relative to where the check ran, or the whole address of what lies elsewhere."""
    relative = _relative(file)
    return {"uri": Path(os.path.abspath(file)).as_uri() if relative is None else quote(os.fsencode(relative))}


def _region(span: Span) -> dict[str, int]:
    """A region (3.30): from 1, in characters, the end one past the last."""
    return {
        "startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column
    }  # fmt: skip
