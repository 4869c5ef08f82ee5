"""What a block gives: its `outputs`, or what its last layer makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.elaboration.referring import Surroundings, look_up
from builder.elaboration.sight import FaultToldError, Seen, table_of, tuple_of
from dsl.records import Block, Place
from dsl.tables import Faults


def result_of(block: Block, scope: Mapping[str, Seen], last: Seen | None, faults: Faults) -> Seen | None:
    """One result; for an array of names a tuple, for a table a dict. Unknown where a name has no result."""
    wanted, place = block.outputs, block.place.at("outputs")
    around = Surroundings(block.layers, what="no layer or input here")
    if wanted is None:
        return last
    if isinstance(wanted, str):
        return _named(wanted, scope, place, faults, around)
    if isinstance(wanted, list):
        return tuple_of([_named(each, scope, place.at(i), faults, around) for i, each in enumerate(wanted)])
    return table_of({key: _named(each, scope, place.at(key), faults, around) for key, each in wanted.items()})


def _named(reference: Any, scope: Mapping[str, Seen], place: Place, faults: Faults, around: Surroundings) -> Seen:
    try:
        return look_up(reference, scope, place, faults, around)
    except FaultToldError:
        return Seen(None, None, str(reference), place)
