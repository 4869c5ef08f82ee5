"""Where everything stands in a spec's text, what `${...}` works out, and what `--set` and names may be."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import dsl
from dsl.expressions import ExpressionError, evaluate
from dsl.source import Source, Span

MODEL = '[model]\ninputs = { x = ["N", 4] }\nlayers = [{ type = "Dropout", p = 0.5 }]\n'

# Text, path, part, the span counted by hand (from 1, in characters, the end one past the last).
SPANS = {
    "pair": ("a = 1\n", ("a",), "pair", (1, 1, 1, 6)),
    "key": ("long_key = 1\n", ("long_key",), "key", (1, 1, 1, 9)),
    "value": ("a =   12  # note\n", ("a",), "value", (1, 7, 1, 9)),
    "dotted": ("[t]\na . b.c = true\n", ("t", "a", "b", "c"), "value", (2, 11, 2, 15)),
    "dotted pair": ("[t]\na . b.c = true\n", ("t", "a", "b", "c"), "pair", (2, 1, 2, 15)),
    "dotted header": ("\n[ t . u ]\nv = 3\n", ("t", "u", "v"), "value", (3, 5, 3, 6)),
    "header": ("\n[ t . u ]\nv = 3\n", ("t", "u"), "key", (2, 1, 2, 10)),
    "quoted key": ('"a.b" = 1\n', ("a.b",), "key", (1, 1, 1, 6)),
    "array of tables": ("[[s]]\na = 1\n[[s]]\na = 22\n", ("s", 1, "a"), "value", (4, 5, 4, 7)),
    "table in an array": ("[[s]]\n[s.t]\na = 1\n[[s]]\n[s.t]\na = 7\n", ("s", 1, "t", "a"), "pair", (6, 1, 6, 6)),
    "array over lines": ("a = [\n  1, # ] not the end\n  22,\n]\n", ("a", 1), "value", (3, 3, 3, 5)),
    "inline table over lines": (
        'a = [\n  { b = "}", # { " \' ]\n    c = [3, 4] },\n]\n', ("a", 0, "c"), "pair", (3, 5, 3, 15),
    ),
    "element of the element": ("a = [[1, 2], [3, 44]]\n", ("a", 1, 1), "value", (1, 18, 1, 20)),
    "brackets in strings": ("a = ['[', \"]\\\"\", 5]\n", ("a", 2), "value", (1, 18, 1, 19)),
    "hash in a string": ('a = "x # y"\nb = 1\n', ("a",), "value", (1, 5, 1, 12)),
    "after a string over lines": ('a = """one\n]]# "two\n"""\nbb = 2\n', ("bb",), "value", (4, 6, 4, 7)),
    "string over lines": ("a = '''one\n  '' two'''\n", ("a",), "value", (1, 5, 2, 12)),
    "escaped line end": ('a = """x \\\n   y"""\nb = 1\n', ("b",), "key", (3, 1, 3, 2)),
    "tab": ("a = [\n\t\t5,\n]\n", ("a", 0), "value", (2, 3, 2, 4)),
    "wide": ('"入力" = "出力"\n', ("入力",), "value", (1, 8, 1, 12)),
    "array holding tables": ("a = [{ b = 1 }, { b = 2 }]\n", ("a", 1, "b"), "pair", (1, 19, 1, 24)),
    "missing key": ("[t]\na = 1\n", ("t", "gone"), "pair", (1, 1, 1, 4)),
    "date": ("a = 1979-05-27 07:32:00 # then\n", ("a",), "value", (1, 5, 1, 24)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "path", "part", "expected"), SPANS.values(), ids=SPANS)
def test_span(text: str, path: tuple[str | int, ...], part: str, expected: tuple[int, int, int, int]) -> None:
    assert Source("<spec>", text).span(path, part) == Span(*expected)


def test_escapes_in_a_quoted_key_do_not_hide_its_place() -> None:
    source = Source("<spec>", '"a\\u0062" = 12\n')
    assert source.span(("ab",), "value") == Span(1, 13, 1, 15)


@pytest.mark.parametrize("written", [b"\xef\xbb\xbf%s", b"%s"], ids=["byte-order mark", "plain"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_file_reads_the_same_whatever_its_line_ends(written: bytes, end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(written % MODEL.encode().replace(b"\n", end))
    spec = dsl.load(path)
    assert spec.model.layers[0].place.at("p").span("pair") == Span(3, 31, 3, 38)
    assert (spec.model.layers[0].type, spec.model.inputs[0].shape) == ("Dropout", ("N", 4))  # type: ignore[index]


VALUES = {
    "${width * 2}": 256,
    "${width // 3}": 42,
    "${width % 3}": 2,
    "${width / 4}": 32.0,
    "${-width + 2 ** 3}": -120,
    "${[width, 1][1]}": 1,
    "${sizes[1:]}": [2, 3],
    "${len(sizes) + max(sizes) - min(1, 2)}": 5,
    "${ceil(7 / 2) + floor(7 / 2) + round(2.6)}": 10,
    "${sqrt(16)}": 4.0,
    "${width > 100 and not deep}": True,
    "${1 if deep else 2}": 2,
    "${word}": "relu",
    "${none}": None,
    "${true}": True,
    "${inf}": math.inf,
    "layer-${width}-${word}": "layer-128-relu",
    "no expression": "no expression",
}


@pytest.mark.parametrize(("text", "expected"), VALUES.items(), ids=VALUES)
def test_an_expression_has_a_value_and_keeps_its_type(text: str, expected: object) -> None:
    value = evaluate(text, {"width": 128, "sizes": [1, 2, 3], "deep": False, "word": "relu"})
    assert value == expected
    assert type(value) is type(expected)


HOSTILE = {
    "tower of powers": "${9 ** 9 ** 9 ** 9}",
    "powers one after another": "${((9 ** 64) ** 64) ** 64}",
    "power of a negative exponent": "${10 ** -(10 ** 9)}",
    "huge list": "${[0] * 10**9}",
    "huge list from the right": "${10**9 * [0]}",
    "huge text": "${'a' * 10**9}",
    "lists of lists": "${len([[0] * 10000] * 10000 * 10000)}",
    "lists of lists as text": "x${[[[0] * 9999] * 9999] * 9999}",
    "long": "${" + "1+" * 20_000 + "1}",
    "many signs": "${" + "-" * 9_000 + "1}",
    "deep brackets": "${" + "(" * 500 + "1" + ")" * 500 + "}",
    "deep sum": "${" + "1+" * 400 + "1}",
    "shifts": "${1 << 10**9}",
    "attribute": "${width.__class__}",
    "attribute of text": "${''.join}",
    "method": "${'a'.upper()}",
    "built-in": "${open('/etc/passwd')}",
    "import": "${__import__('os')}",
    "lambda": "${(lambda: 1)()}",
    "comprehension": "${[x for x in [1, 2]]}",
    "assignment": "${(x := 1)}",
    "f-string": "${f'{width}'}",
    "format": "${'%1000000000d' % 1}",
    "keyword": "${max([], default=1)}",
    "star": "${max(*[1, 2])}",
    "set": "${len({1, 2})}",
    "complex": "${1j}",
    "bytes": "${len(b'1')}",
    "exponential": "${exp(10000)}",
    "logarithm": "${log(0)}",
    "division": "${1 // 0}",
    "text and number": "${'a' + 1}",
    "index": "${[1][5]}",
    "empty": "${}",
    "statement": "${import os}",
    "not closed": "${width",
    "zero byte": "${1\0}",
    "round with a huge place": "${round(1, -10**9)}",
    "whole number from long text": "${int('9' * 9000)}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_expression_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, {"width": 128})


def test_a_name_that_is_not_known_is_told() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("${widht}", {"width": 128})
    assert caught.value.name == "widht"


def test_vars_read_earlier_ones_and_keep_their_types() -> None:
    spec = dsl.loads('[vars]\na = 3\nb = "${a * 2}"\nc = ["${b}", "${a}x"]\nd = 0.5\n' + MODEL)
    assert dict(spec.vars) == {"a": 3, "b": 6, "c": [6, "3x"], "d": 0.5}


@pytest.mark.parametrize("line", ['"a-b" = 1', "1a = 1", "class = 1"])
def test_a_var_that_no_expression_could_name_is_a_fault(line: str) -> None:
    (fault,) = faults(f"[vars]\n{line}\n{MODEL}")
    assert (fault.code, fault.span and fault.span.line) == ("name", 2)


def faults(text: str, **overrides: object) -> tuple[dsl.Diagnostic, ...]:
    with pytest.raises(dsl.SpecError) as caught:
        dsl.loads(text, overrides=overrides)
    return caught.value.diagnostics


def test_an_override_is_typed_by_the_value_there() -> None:
    text = '[vars]\nn = 3\nrate = 0.5\nword = "a"\non = true\nsizes = [1, 2]\n' + MODEL
    changes = {"vars.n": "128", "vars.rate": "2", "vars.word": "12", "vars.on": "false", "vars.sizes": "[3]"}
    spec = dsl.loads(text, overrides=changes)
    assert dict(spec.vars) == {"n": 128, "rate": 2.0, "word": "12", "on": False, "sizes": [3]}
    assert {key: type(value) for key, value in spec.vars.items()} == {
        "n": int, "rate": float, "word": str, "on": bool, "sizes": list,
    }  # fmt: skip


def test_an_override_reaches_into_arrays_and_tables_that_are_not_written() -> None:
    spec = dsl.loads(MODEL, overrides={"model.layers[0].p": "0.25", "train.epochs": 3})
    assert spec.model.layers[0].arguments["p"] == 0.25
    assert spec.train.epochs == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vars.n", "many"), ("vars.n", "1.5"), ("vars.n", "true"), ("vars.on", "1"), ("vars.missing", "1"),
        ("model.layers[7].p", "1"), ("model.layers.p", "1"), ("nowhere", "1"),
        ("train.epoch", "1"), ("train.epochs", "x"),
        ("a..[b", "1"), ("", "1"),
    ],
)  # fmt: skip
def test_an_override_that_does_not_fit_is_told_by_its_own_text(key: str, value: str) -> None:
    (fault,) = faults(f"[vars]\nn = 3\non = true\n{MODEL}", **{key: value})
    assert (fault.file, fault.excerpt) == ("--set", f"{key}={value}")


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        (MODEL + "[tran]\n", "tran", 4),
        (MODEL + "input = 3\n", "model.input", 4),
        (MODEL + "[train]\nlr = 3\n", "train.lr", 5),
        (MODEL + "[data]\nsource = 'digits'\nbatchsize = 3\n", "data.batchsize", 6),
        (MODEL.replace('["N", 4]', '{ shape = ["N", 4], type = "int64" }'), "model.inputs.x.type", 2),
        (MODEL + "[data]\nsource = 'random'\nfields = { y = { shape = ['N'], hihg = 3 } }\n", "data.fields.y.hihg", 6),
    ],
)  # fmt: skip
def test_an_unknown_key_is_a_fault_wherever_it_stands(text: str, key: str, line: int) -> None:
    (fault,) = faults(text)
    assert (fault.code, fault.key, fault.span and fault.span.line) == ("key", key, line)


@pytest.mark.parametrize("name", ["a b", "3", "class", "a.b", "-a", "été!", "None", "a[0]", "42", " "])
def test_a_name_that_is_not_allowed(name: str) -> None:
    (fault,) = faults(MODEL.replace("{ type", f'{{ name = "{name}", type'))
    assert (fault.code, fault.key) == ("name", "model.layers[0].name")


@pytest.mark.parametrize("name", ["a", "conv-1", "été", "_x", "3x3", "入力"])
def test_a_name_that_is_allowed(name: str) -> None:
    spec = dsl.loads(MODEL.replace("{ type", f'{{ name = "{name}", type'))
    assert spec.model.layers[0].name == name
