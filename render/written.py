"""A picture as text of a format that cannot hold everything: the text, and what its reader is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """notes: sentences, none where all is well; they stand in the text too, as comments."""

    text: str
    notes: tuple[str, ...]
