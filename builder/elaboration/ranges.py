"""How far whole numbers go, so that an Embedding has a row for each: an input's `high`, the end of an arange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.elaboration.sight import Seen
from builder.shapes.call import Misfit
from builder.shapes.conditions import Conditions, needs_at_least
from builder.shapes.sizes import Free, Size
from dsl.catalogue import Entry


def high_of(entry: Entry, arguments: Mapping[str, Any]) -> Size | None:
    """What every number that a layer makes is below; None where that is not known."""
    end = arguments.get("end")
    if entry.target != "torch.arange" or arguments.get("step", 1) != 1 or isinstance(end, bool):
        return None
    return end if isinstance(end, int | Free) else None


def rows_for(arguments: dict[str, Any], read: Sequence[Seen]) -> Conditions:
    """Give an Embedding its num_embeddings, where what it reads tells them; hold what is written against that.

    A free size is a condition: `T <= 1024`. Raises Misfit where there are too few rows.
    """
    high = next((seen.high for seen in read if seen.high is not None), None)
    rows = arguments.get("num_embeddings")
    if high is None:
        return ()
    if rows is not None:
        told = high - 1 if isinstance(high, int) else f"{high} - 1"
        misfit = Misfit(
            f"Embedding has {rows} rows, but its input goes up to {told}", argument="num_embeddings",
            fix=f"num_embeddings = {high}, or leave it out", replacement=f"num_embeddings = {high}",
        )  # fmt: skip
        return needs_at_least(rows - high, 0, misfit)
    if isinstance(high, int):
        arguments["num_embeddings"] = high
    return ()
