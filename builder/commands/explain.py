"""`tomograph explain CODE`: what the code of a diagnostic means, with a wrong and a right example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from builder.commands.arguments import UsageError
from dsl.catalogue.suggestions import suggest
from dsl.explanations import codes, page
from dsl.warning_codes import WARNINGS

_USAGE: Final = """usage: tomograph explain [CODE]

What the code of a diagnostic means: the word in error[CODE]. Without a code, all of them."""


def run(words: Sequence[str]) -> int:
    """Print the page of a code, or a line for each. Raises UsageError for a code that no diagnostic has."""
    if words and words[0] in ("-h", "--help"):
        print(_USAGE)
    elif len(words) > 1 or any(each.startswith("-") for each in words):
        raise UsageError(f"explain takes one code, not {' '.join(words)}")
    else:
        print(_one(_known(words[0])) if words else _all())
    return 0


def _known(word: str) -> str:
    """The code that a word names, also where it is pasted as `error[shape]`."""
    code = re.sub(r"^\w+\[(.*)\]$", r"\1", word)
    if code in codes():
        return code
    near = suggest(code, codes(), {})
    hint = "did you mean " + " or ".join(near) if near else "`explain` without a code lists them"
    raise UsageError(f"no diagnostic has the code {code}; {hint}")


def _one(code: str) -> str:
    silenced = f'This is a warning: allow = ["{code}"] at the top of the spec silences it.'
    return "\n\n".join([_in_terminal(page(code).text), *([silenced] if code in WARNINGS else [])])


def _all() -> str:
    width = max(map(len, codes()))
    return "\n".join(f"{code:<{width}}  {page(code).title}" for code in codes())


def _in_terminal(text: str) -> str:
    """A page without Markdown's marks: examples are indented instead."""
    lines = []
    inside = False
    for line in text.rstrip().splitlines():
        if line.startswith("```"):
            inside = not inside
        else:
            lines.append(f"    {line}".rstrip() if inside else re.sub(r"^#+ ", "", line))
    return "\n".join(lines)
