"""`--check --format github` and `sarif`: the same faults as in JSON, in the forms that GitHub and OASIS describe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from builder.commands.entry import run
from dsl.explanations import codes, page

CASES = sorted((Path(__file__).parent / "cases" / "invalid").glob("*.toml"))
SOUND = 'model = { inputs = { x = ["N", 4] }, layers = [{ type = "Linear", out_features = 2 }] }\n'
# What sarif-schema-2.1.0.json requires of each object that is written, and what it knows.
OBJECTS = {
    "log": ({"version", "runs"}, {"$schema"}),
    "run": ({"tool"}, {"columnKind", "results"}),
    "tool": ({"driver"}, set()),
    "driver": ({"name"}, {"rules"}),
    "rule": ({"id"}, {"shortDescription", "fullDescription", "help"}),
    "words": ({"text"}, {"markdown"}),
    "result": ({"message"}, {"ruleId", "ruleIndex", "level", "locations", "fixes"}),
    "location": (set(), {"physicalLocation", "logicalLocations"}),
    "physical": (set(), {"artifactLocation", "region"}),
    "artifact": (set(), {"uri"}),
    "region": (set(), {"startLine", "startColumn", "endLine", "endColumn"}),
    "logical": (set(), {"fullyQualifiedName"}),
    "fix": ({"artifactChanges"}, {"description"}),
    "change": ({"artifactLocation", "replacements"}, set()),
    "replacement": ({"deletedRegion"}, {"insertedContent"}),
}
INSIDE = {
    "runs": "run", "tool": "tool", "driver": "driver", "rules": "rule", "results": "result", "message": "words",
    "shortDescription": "words", "fullDescription": "words", "help": "words", "description": "words",
    "insertedContent": "words", "locations": "location", "physicalLocation": "physical", "region": "region",
    "deletedRegion": "region", "artifactLocation": "artifact", "logicalLocations": "logical", "fixes": "fix",
    "artifactChanges": "change", "replacements": "replacement",
}  # fmt: skip
Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check a text under a name, in a folder of its own: (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def checked(text: str | None, format: str, *more: str, name: str = "spec.toml") -> tuple[int, str, str]:
        if text is not None:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        status = run([name, "--check", "--format", format, *more])
        return status, *capsys.readouterr()

    return checked


def results(printed: str) -> list[dict[str, Any]]:
    [one] = json.loads(printed)["runs"]
    found: list[dict[str, Any]] = one["results"]
    return found


def assert_fits(value: dict[str, Any], kind: str) -> None:
    """Every object has what the schema requires, and nothing that it does not know."""
    required, known = OBJECTS[kind]
    assert required <= set(value) <= required | known, f"{kind}: {sorted(value)}"
    for key, each in value.items():
        for inner in each if isinstance(each, list) else [each]:
            assert isinstance(inner, dict) == (key in INSIDE), f"{kind}.{key}"
            if isinstance(inner, dict):
                assert_fits(inner, INSIDE[key])


# GitHub


def test_a_line_for_each_fault(check: Check) -> None:
    text = '[model]\ninputs = { x = ["N", 4] }\nlayers = [{ type = "Linear", in_features = 5, out_features = 2 }]\n'
    assert check(text + "\n[train]\nepoch = 1\n", "github") == (
        1,
        "::error file=spec.toml,line=3,col=30,endLine=3,endColumn=45,title=tomograph shape::Linear expects 5 features, "
        "but its input has 4%0Ainput: x (line 2) is (N, 4)%0Afix: in_features = 4, or leave in_features out\n"
        "::error file=spec.toml,line=6,col=1,endLine=6,endColumn=6,title=tomograph key::unknown key `epoch`%0A"
        "fix: did you mean `epochs`?\n",
        "",
    )


def test_what_means_something_to_github_is_escaped(check: Check) -> None:
    name = "50%, a:b.toml"
    status, out, _ = check(SOUND + 'name = "a"\n"100%:,\\n" = 1\n', "github", name=name)
    assert status == 1
    properties, message = out.removeprefix("::error ").split("::", 1)
    assert properties.split(",")[0] == "file=50%25%2C a%3Ab.toml"
    assert [each.partition("=")[0] for each in properties.split(",")] == [
        "file", "line", "col", "endLine", "endColumn", "title",
    ]  # fmt: skip
    assert message.startswith("unknown key `100%25:,%0A`%0Aknown here: ")
    assert out.count("\n") == 1


def test_github_takes_columns_in_a_single_line_only(check: Check) -> None:
    _, out, _ = check(SOUND + "train = { epochs = [\n  1,\n] }\n", "github")
    assert out.startswith("::error file=spec.toml,line=2,endLine=4,title=tomograph value::`epochs` is a whole number")


def test_what_stands_in_no_line_is_told_of_the_spec(check: Check) -> None:
    assert check(None, "github")[:2] == (1, "::error file=spec.toml,title=tomograph file::there is no such file\n")
    _, out, _ = check(SOUND, "github", "--set", "trian.epochs=1")
    assert out.startswith("::error file=spec.toml,title=tomograph key::--set trian.epochs=1: unknown key `trian`%0A")


@pytest.mark.parametrize("format", ["github", "sarif"])
def test_a_file_is_told_as_the_working_directory_sees_it(format: str, check: Check, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(SOUND.replace("Linear", "Lineer"), encoding="utf-8")
    for name in ("specs/variant.toml", str(tmp_path / "specs" / "variant.toml")):
        status, out, _ = check('extends = "../base.toml"\n', format, name=name)
        assert status == 1
        if format == "github":
            assert out.startswith("::error file=base.toml,line=1,")
        else:
            [found] = results(out)
            assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "base.toml"}


def test_a_sound_spec_has_no_annotation(check: Check) -> None:
    assert check(SOUND, "github") == (0, "", "")


def test_a_warning_is_told_as_one(check: Check) -> None:
    text = SOUND + "[vars]\nwidth = 8\n"
    place = "file=spec.toml,line=3,col=1,endLine=3,endColumn=6,title=tomograph unused-var"
    assert check(text, "github") == (0, f"::warning {place}::no expression reads the var `width`\n", "")
    status, out, err = check(text, "sarif")
    assert (status, err) == (0, "")
    assert [(each["ruleId"], each["level"]) for each in results(out)] == [("unused-var", "warning")]


# SARIF


def test_the_rules_are_the_pages(check: Check) -> None:
    status, out, err = check(SOUND, "sarif")
    assert (status, err, results(out)) == (0, "", [])
    log = json.loads(out)
    assert_fits(log, "log")
    assert log["version"] == "2.1.0"
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["name"] == "Tomograph"
    assert [each["id"] for each in driver["rules"]] == list(codes())
    assert [each["help"]["markdown"] for each in driver["rules"]] == [page(code).text for code in codes()]


def test_a_result(check: Check) -> None:
    text = '[model]\ninputs = { x = ["N", 4] }\nlayers = [{ type = "Linear", in_features = 5, out_features = 2 }]\n'
    status, out, err = check(text, "sarif", name="my specs/a:b.toml")
    region = {"startLine": 3, "startColumn": 30, "endLine": 3, "endColumn": 45}
    artifact = {"uri": "my%20specs/a%3Ab.toml"}
    assert (status, err) == (1, "")
    assert results(out) == [
        {
            "ruleId": "shape",
            "ruleIndex": list(codes()).index("shape"),
            "level": "error",
            "message": {
                "text": "Linear expects 5 features, but its input has 4\ninput: x (line 2) is (N, 4)\n"
                "fix: in_features = 4, or leave in_features out"
            },
            "locations": [
                {
                    "physicalLocation": {"artifactLocation": artifact, "region": region},
                    "logicalLocations": [{"fullyQualifiedName": "model.layers[0].in_features"}],
                }
            ],
            "fixes": [
                {
                    "description": {"text": "in_features = 4, or leave in_features out"},
                    "artifactChanges": [
                        {
                            "artifactLocation": artifact,
                            "replacements": [{"deletedRegion": region, "insertedContent": {"text": "in_features = 4"}}],
                        }
                    ],
                }
            ],
        }
    ]


def test_a_file_that_lies_elsewhere_has_its_whole_address(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    _, out, _ = check("x", "sarif", name="../spec.toml")
    uri = results(out)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (tmp_path / "spec.toml").as_uri()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_form_tells_the_same(case: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    data = json.loads(check(None, "json", name=case.name)[1])["diagnostics"]
    status, out, err = check(None, "sarif", name=case.name)
    assert (status, err) == (1, "")
    assert_fits(json.loads(out), "log")
    assert len(data) == len(results(out)) == check(None, "github", name=case.name)[1].count("\n") > 0
    for each, found in zip(data, results(out), strict=True):
        assert codes()[found["ruleIndex"]] == found["ruleId"] == each["code"]
        assert found["level"] == each["severity"]
        assert found["message"]["text"].splitlines()[0] == each["message"].splitlines()[0]
        place = found["locations"][0]["physicalLocation"]
        uri = urlsplit(place["artifactLocation"]["uri"])
        assert uri.scheme == "" or "outside" in case.stem
        assert Path(unquote(uri.path)).is_file()
        region = place["region"]
        assert (region["startLine"], region["startColumn"]) == (each["line"], each["column"])
        assert (region["endLine"], region["endColumn"]) == (each["end_line"], each["end_column"])


# Where a format does not fit


@pytest.mark.parametrize("format", ["github", "sarif"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "add --check"),
        (["--summary"], "leave out --summary"),
        (["--check", "--render", "net.svg", "--train"], "leave out --render --train"),
    ],
)
def test_a_format_that_does_not_fit(
    format: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["spec.toml", *words, "--format", format]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: --format {format} is for --check alone: {said}\ntry --help\n")
