"""What is in sight at a place of a spec, how it is referred to, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.shapes.call import ChoiceType, Nothing, TensorType, Value
from builder.shapes.sizes import Free, Size, plain
from dsl.records import Place


class FaultToldError(Exception):
    """A layer cannot go on; its fault has been told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A name in sight: what it is, how nodes refer to it, and where it was said.

    high: what every whole number in it is below, where that is known.
    parameters: types of the parameters and buffers that the layer itself owns, by name below it.
    module: dotted path of the module that it calls, for `share` and `tie`; None for what has none.
    barred: why it cannot be read here, in one sentence, though its name is in sight; "" where it can.
    """

    value: Value
    reference: Any
    label: str
    place: Place | None = None
    high: Size | None = None
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
    def what(self) -> str:
        """For words about an expression that cannot take it."""
        if isinstance(self.value, ChoiceType):
            return "a choice, which is settled at call time"
        return "a tensor; its sizes are in its shape"

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
    if isinstance(value, tuple | dict):
        return "several results: " + _listed(value)
    return "an unknown shape"


def _listed(value: tuple[Any, ...] | dict[str, Any]) -> str:
    """Results of results in brackets."""
    pairs = value.items() if isinstance(value, dict) else (("", each) for each in value)
    texts = ((key, f"({_listed(each)})" if isinstance(each, tuple | dict) else text_of(each)) for key, each in pairs)
    return ", ".join(f"{key} {text}".strip() for key, text in texts)


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
