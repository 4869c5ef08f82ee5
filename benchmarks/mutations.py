"""How often the first diagnostic stands where a spec was broken: one token is changed, and the spec is checked.

    PYTHONPATH=. python benchmarks/mutations.py [PER_SPEC]

Of every spec under `specs/`, PER_SPEC tokens (60 unless said), drawn with a fixed seed, are changed one at a time: a
letter of a type, a keyword, a table's header or key, a block's name, a word or truth value, the unit of a number (its
exponent or fraction), a name in an expression, a reference or a name that the spec itself declares (an input, a field,
a param) is doubled, a size becomes another, a bracket is left out. Printed: how many changes break the spec, how many
of those are told first on the changed line, and for how many misspelled names (types, keywords, headers, keys, words,
blocks) the first suggestion is the original.

Some changes cannot be placed: of two spellings that each stand once either may be wrong, and of two sizes that do not
agree too. Where the first diagnostic stands elsewhere but names the changed line in its words, that is counted beside.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dsl
from builder.checking import check, load

ROOT = Path(__file__).parents[1]
TOKENS = {
    "type": re.compile(r'(?<=type = ")\w+(?=")'),
    "keyword": re.compile(r"(?<=[{,] )\w+(?= = )"),
    "reference": re.compile(r'(?<=other = ")[A-Za-z]\w*(?=")|(?<=input = ")[A-Za-z]\w*(?=")'),
    "size": re.compile(r"(?<== )\d+(?=[ ,}])"),
    "block": re.compile(r"(?<=^\[blocks\.)\w+(?=[\].])", re.MULTILINE),
    "header": re.compile(r"(?<=^\[)\w+(?=[\].])|(?<=^\[\[)\w+(?=\]\])", re.MULTILINE),
    "setting": re.compile(r"(?<=^)[a-z_]+(?= = )", re.MULTILINE),
    "word": re.compile(
        r'(?:(?<=mode = ")|(?<=device = ")|(?<=padding = ")|(?<=source = ")|(?<=reduction = "))[a-z_0-9]+(?=")'
    ),
    "boolean": re.compile(r"(?<== )(?:true|false)(?=[ ,}\n])"),
    "expression": re.compile(r"(?<=\$\{)[A-Za-z_]\w*"),
    "unit": re.compile(r"(?<== )\d+\.\d+(?=[ ,}\n])|(?<== )\d+(?:\.\d+)?e-?\d+(?=[ ,}\n])"),
    "bracket": re.compile(r"[\[\]{}](?=[^\n]*\n)"),
}


# What stands before a key that the spec chooses itself.
DECLARES = re.compile(r"\b(inputs|shapes|sizes|fields|defaults|outputs) = \{[^}]*$")
KINDS = [*TOKENS, "declared"]
NAMES = ("type", "keyword", "header", "setting", "word", "block")


def main(per_spec: int) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for path in sorted((ROOT / "specs").rglob("*.toml")):
        text = path.read_text(encoding="utf-8")
        tokens = list(found(text))
        for kind, start, end in random.Random(path.name).sample(tokens, min(per_spec, len(tokens))):
            for outcome in judged(path, text, kind, start, end):
                counts[kind, outcome] += 1
    print(
        "| changed | broken | told first on its line | else named in the text | first suggestion is the original |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    for kind in [*KINDS, ""]:
        kinds = [kind] if kind else KINDS
        broken, placed, named, asked, right = (
            sum(counts[each, word] for each in kinds) for word in ("broken", "placed", "named", "asked", "right")
        )
        share = f"{right:,} of {asked:,} ({right / asked:.1%})" if asked else ""
        print(f"| {kind or 'all'} | {broken:,} | {placed:,} ({placed / max(broken, 1):.1%}) | {named:,} | {share} |")


def found(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of each token outside of comments."""
    for kind, pattern in TOKENS.items():
        for match in pattern.finditer(text):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if "#" not in line:
                declared = kind == "keyword" and DECLARES.search(line)
                yield "declared" if declared else kind, match.start(), match.end()


def judged(path: Path, text: str, kind: str, start: int, end: int) -> Iterator[str]:
    token = text[start:end]
    changed = {"bracket": "", "size": str(int(token) * 2 + 1) if token.isdigit() else ""}.get(kind)
    if changed is None:
        changed = token[: len(token) // 2 + 1] + token[len(token) // 2 :]
    faults = told(path, text[:start] + changed + text[end:])
    if not faults:
        return
    yield "broken"
    line = text.count("\n", 0, start) + 1
    if faults[0].span and faults[0].span.line == line:
        yield "placed"
    elif re.search(rf"\bline {line}\b", str(faults[0])):
        yield "named"
    if kind in NAMES:
        yield "asked"
        fix = faults[0].fix
        first = fix.message.split(" or ")[0] if fix else ""
        if f"`{token}`" in first or f'"{token}"' in first:
            yield "right"


def told(path: Path, text: str) -> list[dsl.Diagnostic]:
    """What is told of a spec with this text in the place of that file's."""
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder, path.name)
        changed.write_text(text, encoding="utf-8")
        try:
            check(load(changed))
        except dsl.SpecError as error:
            return list(error.diagnostics)
    return []


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
