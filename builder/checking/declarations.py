"""A misspelled name where it is declared: one fault there, in the place of one at each use of the right spelling.

Of two spellings, the one that the file writes more often is meant. Where each stands once, either may be wrong: the
fault stays at the use, and says where the other is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from dsl.catalogue import suggest
from dsl.diagnostics import Diagnostic, Fix
from dsl.records import Spec
from dsl.source import Path, Source, Span

_UNKNOWN: Final = re.compile(r"""(?:is called|needs the size of|no layer type) ["`]?([\w-]+)["`]?(?=$|: )""")
_BRACELESS: Final = re.compile(r'"(\$[^{"]+\})"')  # an expression without its opening brace
_TABLES: Final = ("inputs", "outputs", "fields", "sizes", "defaults", "vars")
_SHORT: Final = 3  # letters up to which one more or less at the end is a slip


def at_declarations(spec: Spec, faults: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The faults, those of names that a declaration misspells told there."""
    source = spec.document.source
    uses: dict[str, list[Diagnostic]] = {}
    for each in faults:
        unknown = _UNKNOWN.search(each.message) if each.file == source.name else None
        if unknown:
            uses.setdefault(unknown[1], []).append(each)
    told = list(faults)
    for name, users in uses.items():
        names = _blocks(source) if users[0].code == "type" else _declared(source, users[0].key)
        meant = [(word, span) for word, span in names if _is_slip(word, name, source)]
        if len(meant) == 1:
            told = [each for each in told if each not in users]
            told += _told(name, *meant[0], users, source)
    return [_braceless(each, source) for each in told]


def is_echo(fault: Diagnostic, form: Sequence[Diagnostic]) -> bool:
    """Whether a fault follows from one of the form: with `data` or its `fields` misspelled, no field is known."""
    of_data = any(each.code == "key" and each.fix and each.fix.replacement in ("data", "fields", "prepare")
                  for each in form)  # fmt: skip
    return of_data and (fault.code == "data" or (fault.code == "reference" and fault.key.startswith("loss")))


def _braceless(fault: Diagnostic, source: Source) -> Diagnostic:
    """The fault of a value `$x}`, told where the brace is missing, which may be far from where the value is read."""
    found = _BRACELESS.search(fault.message)
    if found is None or source.text.count(found[0]) != 1:
        return fault
    before = source.text[: source.text.index(found[0])].split("\n")
    line, column = len(before), len(before[-1]) + 1
    words = f"{found[0]} has no `{{` behind its `$`: an expression is written `${{...}}`"
    return Diagnostic(
        message=words, code="expression", file=source.name, span=Span(line, column, line, column + len(found[0])),
        excerpt=source.line(line), fix=Fix(f'did you mean "${{{found[1][1:]}"?'),
    )  # fmt: skip


def _told(name: str, word: str, span: Span, users: Sequence[Diagnostic], source: Source) -> list[Diagnostic]:
    code = users[0].code
    sized = code == "data"  # a free size is declared by the shape that holds it
    if _count(name, source) == 1 and not sized:
        note = f"`{word}` is declared in line {span.line}, and nothing reads it"
        return [replace(each, notes=(*each.notes, note)) for each in users]
    lines = list(dict.fromkeys(str(each.span.line) for each in users if each.span))
    reads, read = ("uses", "used") if code == "type" else ("reads", "read")
    words = (
        f"`{word}` is declared here, and nothing {reads} it; `{name}` is {read} in "
        f"line{'s' if len(lines) > 1 else ''} {', '.join(lines)}, and nothing declares it"
    )
    return [
        Diagnostic(
            message=f"no free size is called `{word}`, and `{name}` is given no size" if sized else words,
            code=code,
            file=source.name,
            span=span,
            excerpt=source.line(span.line),
            key=users[0].key,
            fix=Fix(f"did you mean `{name}`?"),
        )
    ]


def _declared(source: Source, key: str) -> Iterator[tuple[str, Span]]:
    """Each name that the file declares where a key may see it, and its place."""
    for path, spans in source.every().items():
        block = path[:1] == ("blocks",) and len(path) > 2
        if block and not key.startswith(f"blocks.{path[1]}."):
            continue
        above = _above(path)
        if above in _TABLES and spans.key:
            yield str(path[-1]), source.span(path, "key")
        elif (path[-1:] == ("name",) and len(path) > 1) or above == "params":
            yield source.text[slice(*spans.value)].strip("\"'"), source.span(path, "value")


def _blocks(source: Source) -> Iterator[tuple[str, Span]]:
    """The name of each block that the file writes, and its place."""
    for path in source.every():
        if len(path) == 2 and path[0] == "blocks":
            yield str(path[1]), source.span(path, "key")


def _above(path: Path) -> str:
    return str(path[-2]) if len(path) > 1 else ""


def _is_slip(word: str, name: str, source: Source) -> bool:
    """Whether a word that stands nowhere else is near the name that is not declared."""
    short = len(name) < _SHORT and len(word) - len(name) == 1 and word.startswith(name)
    return word != name and bool(short or suggest(word, [name], {})) and _count(word, source) == 1


def _count(word: str, source: Source) -> int:
    """How often the file writes a word, comments and all."""
    return len(re.findall(rf"(?<![\w-]){re.escape(word)}(?![\w-])", source.text))
