"""A spec's text in the house's form: `tomograph fmt`. Comments, strings and numbers stay as they are written.

The rules: a layer is a line, and a group's layers stand indented between `layers = [` and `] },`. An array is broken
into lines where it holds several tables (or one that stands on its own line already) or a comment, or where its line
would be too long; a table never is (TOML 1.0), so a long layer is a long line. Layers begin with `name`, `type` or
`share`, and `input`. One blank line stands between sections and at most one elsewhere. Sections come in the usual order
unless a comment stands between them, which might belong to either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dsl import files
from dsl.formatting import TOP, WIDTH
from dsl.source import Source
from dsl.text_tree import Array, Entry, Header, InlineTable, Pair, Scalar, Statement, Value, statements

_ORDER: Final = (*TOP, "patch")
_LAYER: Final = ("name", "type", "share", "input")  # what a layer begins with
_LAYERS: Final = ("layers", "prepare", "loss", "before", "after", "replace")  # what is made of layers


def formatted(source: Source) -> str:
    """The text in the house's form, which reads as the same tables. Raises SpecError where it is no TOML."""
    files.parse(source)
    return "".join(_lines(_in_order(_sections(statements(source.text)))))


# Sections


def _sections(found: Sequence[Statement]) -> list[list[Statement]]:
    """What comes before the first header, and each header with what it opens. Comments right before a header are its
    own: its section begins with them."""
    sections: list[list[Statement]] = [[]]
    for each in found:
        if isinstance(each.what, Header):
            before = _comments_at_end(sections[-1])
            own = sections[-1][len(sections[-1]) - before :]
            del sections[-1][len(sections[-1]) - before :]
            sections.append([*own, each])
        else:
            sections[-1].append(each)
    return [each for each in sections if each]


def _comments_at_end(section: Sequence[Statement]) -> int:
    """How many comments stand right before what comes next, with no blank line between."""
    count = 0
    for each in reversed(section):
        if each.what is not None:
            break
        count += 1
        if each.blank_before:
            break
    return count


def _in_order(sections: list[list[Statement]]) -> list[list[Statement]]:
    """As they usually stand, where no comment stands between two of them and each has its usual place."""
    ends = [section[-1] for section in sections] + [each[0] for each in sections if _header(each)]
    if any(each.what is None for each in ends) or any(_place(each) is None for each in sections):
        return sections
    return sorted(sections, key=lambda section: _place(section) or 0)


def _place(section: Sequence[Statement]) -> int | None:
    """Where a section usually stands; None where that is not known."""
    header = _header(section)
    if header is None:
        return -1
    return _ORDER.index(header.keys[0]) if header.keys[0] in _ORDER else None


def _header(section: Sequence[Statement]) -> Header | None:
    return next((each.what for each in section if isinstance(each.what, Header)), None)


def _lines(sections: Sequence[Sequence[Statement]]) -> Iterator[str]:
    for number, section in enumerate(sections):
        header = _header(section)
        bare = True  # no blank line right behind a header, nor at the start
        for place, each in enumerate(_layer_first(section, header)):
            if (number and not place) or (each.blank_before and not bare):
                yield "\n"
            yield _statement(each) + "\n"
            bare = isinstance(each.what, Header)


def _layer_first(section: Sequence[Statement], header: Header | None) -> Sequence[Statement]:
    """The pairs of a section that is a layer in a layer's order, where nothing parts them."""
    pairs = [each for each in section if isinstance(each.what, Pair)]
    if header is None or header.keys[-1] not in _LAYERS or any(each.blank_before for each in pairs[1:]):
        return section
    start = len(section) - len(pairs)
    if any(each.what is None for each in section[start:]):
        return section
    return [*section[:start], *sorted(section[start:], key=lambda each: _rank(each.what))]


def _statement(each: Statement) -> str:
    if each.what is None:
        return each.comment
    if isinstance(each.what, Header):
        keys = ".".join(each.what.keys)
        return (f"[[{keys}]]" if each.what.array else f"[{keys}]") + _remark(each.comment, each.gap)
    return _pair(each.what, "", 0, 0) + _remark(each.comment, each.gap)


def _remark(comment: str, gap: int) -> str:
    """A comment behind something, as far from it as it was; at least two blanks."""
    return " " * max(2, gap) + comment if comment else ""


# Values


def _pair(pair: Pair, indent: str, column: int, tail: int) -> str:
    key = f"{'.'.join(pair.keys)} = "
    return key + _value(_with_layers(pair), indent, column + len(key), tail)


def _with_layers(pair: Pair) -> Value:
    """The value, the layers in it in a layer's order."""
    value = pair.value
    if pair.keys[-1] in _LAYERS and isinstance(value, Array):
        for each in value.entries:
            if isinstance(each.value, InlineTable):
                each.value.pairs.sort(key=_rank)
    return value


def _rank(pair: object) -> int:
    """Where a key stands in a layer. A dotted key stays among the others."""
    keys = pair.keys if isinstance(pair, Pair) else []
    return _LAYER.index(keys[0]) if len(keys) == 1 and keys[0] in _LAYER else len(_LAYER)


def _value(value: Value, indent: str, column: int, tail: int) -> str:
    """A value that starts in a column, with `tail` characters after it in its last line."""
    if isinstance(value, Scalar):
        return value.text
    if not _must_break(value):
        flat = _flat(value)
        if column + len(flat) + tail <= WIDTH or not _may_break(value):
            return flat
    return _table(value, indent, column, tail) if isinstance(value, InlineTable) else _array(value, indent)


def _table(table: InlineTable, indent: str, column: int, tail: int) -> str:
    """A table of which an array is broken."""
    text = "{ "
    for number, pair in enumerate(table.pairs):
        last = number == len(table.pairs) - 1
        here = len(text.rpartition("\n")[2]) + (0 if "\n" in text else column)
        if _must_break(pair.value) or _holds_table(pair.value):
            text += _pair(pair, indent, here, tail + 2 if last else 1)
        else:
            text += f"{'.'.join(pair.keys)} = {_flat(pair.value)}"
        text += " }" if last else ", "
    return text


def _array(array: Array, indent: str) -> str:
    """An array broken into lines: a line a table or an array, else as many elements as it takes, or, where comments
    stand among them, the lines as they are."""
    inner = indent + "  "
    lines = ["[" + _remark(array.opening, array.gap)]
    remarked = _has_comment(array)
    packs = not any(isinstance(each.value, Array | InlineTable) for each in array.entries)
    for number, each in enumerate(array.entries):
        text = _entry(each, inner)
        joins = packs and number and (each.together if remarked else len(lines[-1]) + 1 + len(text) <= WIDTH)
        if joins and len(lines) > 1:
            lines[-1] += f" {text}"
        else:
            lines += [""] if each.blank_before and (remarked or not packs) else []
            lines.append(inner + text)
    return "\n".join([*lines, f"{indent}]"])


def _entry(each: Entry, inner: str) -> str:
    if each.value is None:
        return each.comment
    return _value(each.value, inner, len(inner), 1) + "," + _remark(each.comment, each.gap)


def _flat(value: Value) -> str:
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, Array):
        return "[" + ", ".join(_flat(each.value) for each in value.entries if each.value is not None) + "]"
    pairs = [f"{'.'.join(pair.keys)} = {_flat(_with_layers(pair))}" for pair in value.pairs]
    return f"{{ {', '.join(pairs)} }}" if pairs else "{}"


def _must_break(value: Value) -> bool:
    """Whether there is an array in it of several tables, of one that was written on its own line, or with a comment."""
    if isinstance(value, InlineTable):
        return any(_must_break(pair.value) for pair in value.pairs)
    if not isinstance(value, Array):
        return False
    tables = sum(isinstance(each.value, InlineTable) for each in value.entries)
    return (
        tables > 1
        or (tables > 0 and value.broken)
        or _has_comment(value)
        or any(_must_break(each.value) for each in value.entries if each.value)
    )


def _may_break(value: Value) -> bool:
    """Whether breaking helps: an array that is no table's, or one with tables in it."""
    if isinstance(value, InlineTable):
        return any(_must_break(pair.value) or _holds_table(pair.value) for pair in value.pairs)
    return isinstance(value, Array) and bool(value.entries)


def _holds_table(value: Value) -> bool:
    """Whether there is an array in it that holds a table."""
    if isinstance(value, InlineTable):
        return any(_holds_table(pair.value) for pair in value.pairs)
    if not isinstance(value, Array):
        return False
    return any(isinstance(each.value, InlineTable) or (each.value and _holds_table(each.value))
               for each in value.entries)  # fmt: skip


def _has_comment(array: Array) -> bool:
    return bool(array.opening) or any(each.comment for each in array.entries)
