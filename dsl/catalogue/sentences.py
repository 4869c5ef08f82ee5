"""The first sentence of a docstring of torch's, in plain words."""

from __future__ import annotations

import re


def first_sentence(doc: str) -> str:
    """The first sentence that is not a signature, without markup; "" where there is none or it holds a formula."""
    for paragraph in re.split(r"\n\s*\n", doc.strip()):
        words = " ".join(line for line in map(str.strip, paragraph.splitlines()) if not _is_signature(line))
        if words and not words.startswith("..") and not words.startswith("See "):
            sentence = re.split(r"(?<=[^.][.:])\s", words + " ")[0]
            return "" if "\\" in sentence else _plain(sentence)
    return ""


def _is_signature(line: str) -> bool:
    return bool(re.match(r"[\w.]+\(.*", line)) and ("->" in line or line.endswith((")", ",")))


def _plain(words: str) -> str:
    words = re.sub(r":\w+:`~?([^`<]*?)(?:\s*<[^`]*)?`", r"\1", words)
    return re.sub(r"\s+", " ", words.replace("`", "")).strip().rstrip(":")
