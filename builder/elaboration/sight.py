"""What is in sight at a place of a spec, how it is referred to, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.shapes.call import ChoiceType, Nothing, TensorType, Value
from builder.shapes.sizes import Free, plain
from dsl.catalogue import suggest
from dsl.diagnostics import Fix
from dsl.records import Place
from dsl.tables import Faults, described


class FaultToldError(Exception):
    """A layer cannot go on; its fault has been told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A name in sight: what it is, how nodes refer to it, and where it was said.

    parameters: types of the parameters and buffers that the layer itself owns, by name below it.
    module: dotted path of the module that it calls, for `share` and `tie`; None for what has none.
    barred: why it cannot be read here, in one sentence, though its name is in sight; "" where it can.
    """

    value: Value
    reference: Any
    label: str
    place: Place | None = None
    high: int | None = None
    parameters: Mapping[str, TensorType] = field(default_factory=dict)
    module: str | None = None
    barred: str = ""

    @property
    def unknown(self) -> bool:
        """Whether it comes from a layer whose fault has been told."""
        if isinstance(self.value, tuple | dict):
            return None in (self.value.values() if isinstance(self.value, dict) else self.value)
        return self.value is None

    @property
    def shape(self) -> list[Any]:
        """For expressions: `x.shape[1]`."""
        if self.barred:
            raise TypeError(self.barred)
        if self.value is None:
            raise FaultToldError
        if isinstance(self.value, TensorType):
            return list(self.value.shape)
        raise TypeError(f"`{self.label}` has no shape here")

    @property
    def picks(self) -> list[str]:
        """What `pick` knows: results, then parameters."""
        several = self.value if isinstance(self.value, dict) else ()
        places = range(len(self.value)) if isinstance(self.value, tuple) else ()
        return [*several, *map(str, places), *self.parameters]

    def pick(self, word: str) -> Seen | None:
        """One of several results (`0`, `values`), else one of the layer's parameters (`weight`); None if neither."""
        if isinstance(self.value, tuple) and word.isdigit() and int(word) < len(self.value):
            return Seen(self.value[int(word)], pick_of(self.reference, int(word)), f"{self.label}.{word}", self.place)
        if isinstance(self.value, dict) and word in self.value:
            return Seen(self.value[word], pick_of(self.reference, word), f"{self.label}.{word}", self.place)
        if word in self.parameters and isinstance(self.reference, dict):
            reference = {"from": self.reference["from"], "parameter": word}
            return Seen(self.parameters[word], reference, f"{self.label}.{word}", self.place)
        return None


def look_up(reference: Any, scope: Mapping[str, Seen], place: Place, faults: Faults) -> Seen:
    """The layer or input of this name, or the result of it that a pick names (`lstm.1.0`)."""
    if not isinstance(reference, str):
        faults.add(place, f"a reference is a name, not {described(reference)}", "reference", part="value")
        raise FaultToldError
    head, *picks = reference.split(".")
    if head not in scope:
        near = suggest(reference, list(scope))
        fix = Fix(f'did you mean "{near[0]}"?') if near else None
        notes = () if near else ("names in sight: " + ", ".join(scope),)
        faults.add(place, f'no layer or input before this one is called "{head}"', "reference", part="value",
                        notes=notes, fix=fix)  # fmt: skip
        raise FaultToldError
    seen = scope[head]
    if seen.barred and not (picks and picks[0] in seen.parameters):
        faults.add(place, seen.barred, "reference", part="value")
        raise FaultToldError
    for pick in picks:
        seen = _picked(seen, pick, reference, place, faults)
    return seen


def _picked(seen: Seen, pick: str, reference: str, place: Place, faults: Faults) -> Seen:
    if seen.value is None:
        return seen
    found = seen.pick(pick)
    if found is not None:
        return found
    value = seen.value
    there = range(len(value)) if isinstance(value, tuple) else value if isinstance(value, dict) else seen.parameters
    notes = (f"what can be picked: {', '.join(f'{seen.label}.{each}' for each in there)}",) if there else ()
    message = f'"{reference}" is not one of several results: `{seen.label}` gives {text_of(value)}'
    if not there and seen.module is not None:
        notes = ("the inside of a group, a block or a repeat is not visible from outside; its `outputs` are",)
    faults.add(place, message, "reference", part="value", notes=notes)
    raise FaultToldError


def tuple_of(several: Sequence[Seen]) -> Seen:
    """Several tensors read as one tuple, or given as one."""
    label = f"({', '.join(each.label for each in several)})"
    return Seen(tuple(each.value for each in several), [each.reference for each in several], label)


def table_of(several: Mapping[str, Seen]) -> Seen:
    """Several tensors given by name."""
    return Seen({key: each.value for key, each in several.items()},
                {key: each.reference for key, each in several.items()}, ", ".join(several))  # fmt: skip


def entering(seen: Seen, region: str, name: str) -> Seen:
    """An input as a region sees it: by its own name for it, whatever feeds it.

    The reference keeps the node, and gets `"input": [REGION, NAME, PATH, PICKS]`: the path through a structure that
    feeds the input, and how many of the picks were made outside.
    """
    return replace(seen, reference=_entered(seen.reference, region, name, []), label=name)


def _entered(reference: Any, region: str, name: str, path: list[int | str]) -> Any:
    if isinstance(reference, list):
        return [_entered(each, region, name, [*path, i]) for i, each in enumerate(reference)]
    if isinstance(reference, dict) and not isinstance(reference.get("from"), str):
        return {key: _entered(each, region, name, [*path, key]) for key, each in reference.items()}
    return {**reference, "input": [region, name, path, len(reference.get("pick", ()))]} if reference else reference


def leaving(reference: Any, region: str, fed: Mapping[str, Seen]) -> Any:
    """A result as the surroundings of a region see it: where an input is handed through, what feeds it."""
    if isinstance(reference, list):
        return [leaving(each, region, fed) for each in reference]
    if isinstance(reference, dict) and not isinstance(reference.get("from"), str):
        return {key: leaving(each, region, fed) for key, each in reference.items()}
    if not reference or reference.get("input", [None])[0] != region:
        return reference
    _, name, path, picked = reference["input"]
    outer = fed[name].reference
    for step in [*path, *reference.get("pick", ())[picked:]]:
        outer = pick_of(outer, step)
    return outer


def pick_of(reference: Any, pick: int | str) -> Any:
    if isinstance(reference, list) and isinstance(pick, int):
        return reference[pick]
    if isinstance(reference, dict) and "from" not in reference:
        return reference[pick]
    return {**reference, "pick": [*reference.get("pick", []), pick]} if reference else None


def said(seen: Seen) -> str:
    line = f" ({seen.place.line_words})" if seen.place else ""
    verb = (
        "is"
        if isinstance(seen.reference, dict) and str(seen.reference.get("from", "")).startswith("inputs.")
        else "gives"
    )
    return f"{seen.label}{line} {verb} {text_of(seen.value)}"


def text_of(value: Value) -> str:
    if isinstance(value, TensorType):
        return str(value) if value.dtype == "float32" else f"{value.dtype} {value}"
    if isinstance(value, ChoiceType):
        return "a choice of " + ", ".join(value.options)
    if isinstance(value, Nothing):
        return "none"
    if isinstance(value, tuple):
        return "several results: " + ", ".join(text_of(each) for each in value)
    if isinstance(value, dict):
        return "several results: " + ", ".join(f"{key} {text_of(each)}" for key, each in value.items())
    return "an unknown shape"


def shape_data(value: Value) -> Any:
    if isinstance(value, TensorType):
        return [plain(size) for size in value.shape]
    if isinstance(value, tuple):
        return [shape_data(each) for each in value]
    if isinstance(value, dict):
        return {key: shape_data(each) for key, each in value.items()}
    return None


def dtype_data(value: Value) -> Any:
    if isinstance(value, TensorType):
        return value.dtype
    if isinstance(value, tuple):
        return [dtype_data(each) for each in value]
    if isinstance(value, dict):
        return {key: dtype_data(each) for key, each in value.items()}
    return "choice" if isinstance(value, ChoiceType) else None


def data_of(value: Any) -> Any:
    """An argument as JSON can say it; a size that is known only when the model runs is told from a word."""
    if isinstance(value, Free):
        return {"size": str(value)}
    if isinstance(value, (list, tuple)):
        return [data_of(each) for each in value]
    if isinstance(value, dict):
        return {key: data_of(each) for key, each in value.items()}
    return value
