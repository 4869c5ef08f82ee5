"""`tomograph fmt`: the same tables and comments before and after, and running it twice changes nothing."""

from __future__ import annotations

import io
import math
import random
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli

import dsl
from builder.commands.entry import run
from dsl.layout import formatted
from dsl.source import Source

ROOT = Path(__file__).parents[1]
SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.toml"))
CASES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "cases").rglob("*.toml"))


def laid(text: str) -> str:
    return formatted(Source("spec.toml", text))


def tables(text: str) -> Any:
    """As tomli reads them; a number that is none is a word, so that it equals itself."""
    return plain(tomli.loads(text))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def same(text: str) -> str:
    """The formatted text, held against the text before."""
    found = laid(text)
    assert tables(found) == tables(text)
    assert laid(found) == found
    assert found == "" or (found.endswith("\n") and not found.endswith("\n\n"))
    return found


@pytest.mark.parametrize("name", SPECS)
def test_specs_stand_as_they_are(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert same(text) == text


@pytest.mark.parametrize("name", SPECS)
def test_specs_written_badly_are_mended(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    worse = "\n".join(line if "#" in line else badly(line) for line in text.split("\n"))
    assert tables(worse) == tables(text)
    assert same(worse) == text


def badly(line: str) -> str:
    line = line.replace(" = ", "=").replace("{ ", "{").replace(" }", "  }").replace("  {", "\t{")
    return f"\n\n{line} " if line.startswith("[") else f"{line}\t"


@pytest.mark.parametrize("name", CASES)
def test_cases_mean_the_same(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError:
        with pytest.raises(dsl.SpecError):
            laid(text)
    else:
        same(text)


BEFORE = """#:schema x


  name='x'   # kept
layers=[   # the list
  {type="A",name="b"},{type="C"}   # behind

  # own


  ,{ type="Z",
   # inside
   k = 1, }
]
w = [1,2, # a
3,
 4,5  # b
 ]
a  .  "b c"=0x1F
[train]
epochs=1e3 \t
# of the loss
[ loss ]
margin=1_000
input  =  "x"
type="T"


[[ model . layers ]]

s = '''
 a\x20\x20
b'''
wide = [1111111111111,1111111111111,1111111111111,1111111111111,1111111111111,1111111111111,1111111111111,1111111111111]
"""
AFTER = """#:schema x

name = 'x'   # kept
layers = [   # the list
  { name = "b", type = "A" },
  { type = "C" },   # behind

  # own
  # inside
  { type = "Z", k = 1 },
]
w = [
  1, 2,  # a
  3,
  4, 5,  # b
]
a."b c" = 0x1F

[train]
epochs = 1e3

# of the loss
[loss]
type = "T"
input = "x"
margin = 1_000

[[model.layers]]
s = '''
 a\x20\x20
b'''
wide = [
  1111111111111, 1111111111111, 1111111111111, 1111111111111, 1111111111111, 1111111111111, 1111111111111,
  1111111111111,
]
"""


def test_by_hand() -> None:
    assert same(BEFORE) == AFTER


def test_sections_come_in_the_usual_order_unless_a_comment_stands_between() -> None:
    text = "[train]\nepochs = 1\n\n[model]\nlayers = []\n\n[model.init]\nb = 0\n"
    usual = "[model]\nlayers = []\n\n[model.init]\nb = 0\n\n[train]\nepochs = 1\n"
    assert same(text) == usual
    for marked in (text.replace("[model]", "# why\n[model]"), text + "\n# the end\n", text.replace("model", "mine")):
        assert same(marked) == marked


def test_a_long_layer_is_a_long_line_and_a_long_group_is_broken() -> None:
    layer = f'{{ type = "Linear", doc = "{"x" * 120}", sizes = [1, 2, 3] }}'
    assert same(f"layers=[{layer}]") == f"layers = [\n  {layer},\n]\n"
    group = f'{{ name = "group", layers = [{{ type = "Linear", doc = "{"x" * 80}" }}] }}'
    inner = group[group.index("[") + 1 : group.rindex("]")]
    assert same(f"layers=[{group}]") == f'layers = [\n  {{ name = "group", layers = [\n    {inner},\n  ] }},\n]\n'


# Random texts

STRINGS = (
    '"a # b"',
    "'c'",
    '"\\" ] }"',
    '"""two\n  lines # not a comment\n"""',
    "'''\n ]'''",
    '""',
    "''",
    '"""a\\\n  b"""',
)
NUMBERS = ("1", "-0.5", "1e-4", "0xff", "1_000", "true", "inf", "nan", "2020-01-02", "2020-01-02 03:04:05", "07:08:09")
KEYS = ("name", "type", "input", "share", "layers", "p", '"q.r"', "'s t'", "out_channels")


class Writer:
    """TOML with random blanks, comments and nesting; `comments` are those that it wrote."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.comments: list[str] = []

    def text(self) -> str:
        parts = [self.body(4)]
        for name in self.chance.sample(("model", "loss", "train", "vars", "patch", "odd"), self.chance.randint(0, 4)):
            double = self.chance.random() < 0.3
            for _ in range(self.chance.randint(1, 2) if double else 1):
                parts.append(self.lines() + ("[[%s]]" if double else "[ %s ]") % name + self.end() + self.body(3))
        return "".join(parts)

    def body(self, most: int) -> str:
        keys = self.chance.sample(KEYS, self.chance.randint(0, most))
        return "".join(
            self.lines() + key + self.space() + "=" + self.space() + self.value(3) + self.end() for key in keys
        )

    def value(self, depth: int) -> str:
        kind = self.chance.random()
        if depth and kind < 0.35:
            items = [self.inside() + self.value(depth - 1) + self.inside() for _ in range(self.chance.randint(0, 4))]
            return "[" + ",".join(items) + (self.chance.choice(("", ",")) if items else "") + self.inside() + "]"
        if depth and kind < 0.6:
            return self.table(depth)
        return self.chance.choice(STRINGS if kind < 0.8 else NUMBERS)

    def table(self, depth: int) -> str:
        keys = self.chance.sample(KEYS, self.chance.randint(0, 4))
        blank = self.inside if self.chance.random() < 0.3 else self.space  # TOML 1.1 breaks tables, 1.0 does not
        pairs = [blank() + key + self.space() + "=" + self.space() + self.value(depth - 1) + blank() for key in keys]
        return "{" + ",".join(pairs) + "}"

    def space(self) -> str:
        return self.chance.choice(("", " ", "  ", "\t"))

    def inside(self) -> str:
        return self.chance.choice((*["", " "] * 3, "\n", "\n\n\n  ", self.comment() + "\n"))

    def lines(self) -> str:
        return self.chance.choice((*[""] * 4, "\n", "\n \n", "  " + self.comment() + "\n"))

    def end(self) -> str:
        return self.space() + self.chance.choice(("", "", self.comment())) + "\n"

    def comment(self) -> str:
        return f'#{self.chance.choice(("", " "))}c{self.chance.randint(0, 999)} ]}}"{self.space()}'


def comments(text: str) -> list[str]:
    """Those that `Writer` may have written; none of its strings looks like one."""
    return sorted(line.partition("c")[2].partition(" ")[0] for line in text.split("#") if line.strip().startswith("c"))


@pytest.mark.parametrize("seed", range(400))
def test_random_texts(seed: int) -> None:
    text = Writer(seed).text()
    found = same(text)
    assert comments(found) == comments(text)
    tomllib.loads(found)  # TOML 1.0, whatever was written


# The command


def test_files_are_written_in_place_and_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, good = tmp_path / "a.toml", tmp_path / "b.toml"
    file.write_bytes(b"\xef\xbb\xbfname='x'\r\n")
    good.write_text("a = 1\n", encoding="utf-8")
    assert run(["fmt", "--check", str(file), str(good)]) == 1
    assert capsys.readouterr().out == f"{file} would change\n"
    assert file.read_bytes() == b"\xef\xbb\xbfname='x'\r\n"
    assert run(["fmt", str(file), str(good)]) == 0
    assert capsys.readouterr().err == f"{file} formatted\n"
    assert file.read_bytes() == b"name = 'x'\n"
    assert run(["fmt", "--check", str(file)]) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.toml", "b.toml"]


def test_faulty_toml_is_told_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_text("a=1\nb = [\n", encoding="utf-8")
    good.write_text("a=1", encoding="utf-8")
    assert run(["fmt", str(bad), str(good), str(tmp_path / "none.toml")]) == 1
    err = capsys.readouterr().err
    assert "error[toml]" in err
    assert "there is no such file" in err
    assert bad.read_text(encoding="utf-8") == "a=1\nb = [\n"
    assert good.read_text(encoding="utf-8") == "a = 1\n"


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words, out, status in ((["fmt", "-"], "a = 1  # b\n", 0), (["fmt", "--check", "-"], "", 1)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a=1 # b")))
        assert run(words) == status
        assert capsys.readouterr().out == out


def test_usage() -> None:
    words = [sys.executable, "-m", "builder", "fmt"]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 2
    assert subprocess.run([*words, "--help"], cwd=ROOT, capture_output=True, check=False).returncode == 0
