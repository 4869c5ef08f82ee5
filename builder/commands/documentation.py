"""What PyTorch says of its types, a sentence each. It is read from the installed torch and kept nowhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from dsl.catalogue.lines import targets

# Above the text of a function stands its signature: `abs(input: Tensor, *, out: Optional[Tensor]) -> Tensor`.
_SIGNATURE: Final = re.compile(r"[\w.]+\(.*\)( *-> *.*)?", re.DOTALL)
_ROLE: Final = re.compile(r":[\w:]+:`~?([^`]*?)(?: <[^`<]*>)?`")
_LINK: Final = re.compile(r"`([^`<]+?) <[^`>]*>`_+")
_END: Final = re.compile(r"(?<=[^.]\.)\s+(?=[A-Z:`])")
_SHORTENED: Final = ("e.g.", "i.e.", "etc.", "vs.")


def of_torch() -> dict[str, str]:
    """The first sentence on each of torch's types, by full name. Raises ModuleNotFoundError where torch is not."""
    found = {target: first_sentence(_object(target).__doc__) for target in targets()}
    return {target: sentence for target, sentence in found.items() if sentence}


def first_sentence(text: str | None) -> str:
    """Of a docstring, without what only Sphinx reads; "" where there is none."""
    paragraphs = [each for each in inspect.cleandoc(text or "").split("\n\n") if not each.startswith(("..", " "))]
    words = [each for each in paragraphs if each and not _SIGNATURE.fullmatch(each)]
    if not words:
        return ""
    plain = _LINK.sub(r"\1", _ROLE.sub(r"\1", " ".join(words[0].split()))).replace("``", "`")
    sentence = ""
    for part in _END.split(plain):
        sentence = f"{sentence} {part}".strip()
        if not sentence.endswith(_SHORTENED):
            break
    return sentence


def _object(target: str) -> Callable[..., Any]:
    """A class, a function or a method by its full name."""
    path = target.split(".")
    found = import_module(path[0])
    for name in path[1:]:
        found = getattr(found, name)
    return found  # type: ignore[return-value]  # a module as long as there are names left
