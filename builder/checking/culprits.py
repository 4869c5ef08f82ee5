"""Where sizes do not agree, the one number that, were it another, would make all else fit: the fault is told there.

A shape is found not to fit where two ways meet, at a loss or a sum, often far below the number that is wrong. So other
values are tried, the likeliest first: of a layer that is odd by itself (a kernel that its padding does not match,
dims flattened with the batch's), of a width that one side has and the other has not, of what the same key says
elsewhere. Where changes of one layer mend it, that layer is to blame; where several do, the fault stays and names them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from builder.elaboration.arguments import either_of
from dsl.diagnostics import Diagnostic, Fix
from dsl.records import Block, Layer, Place, Spec
from dsl.source import key_text
from dsl.tables import is_whole

# The faults that a spec has, told where they are found.
Examine: TypeAlias = Callable[[Spec], Sequence[Diagnostic]]

_WIDTHS: Final = ("out_features", "out_channels", "hidden_size", "embedding_dim", "num_classes")
_DIMS: Final = ("start_dim", "dim")
_SHAPE: Final = re.compile(r"\(([^()]*,[^()]*)\)")
_NUMBERS: Final = re.compile(r"\d+(?:, \d+)*,?")
_MOST: Final = 40  # trials for a fault
_MOST_LAYERS: Final = 3_000  # layers that the trials for a fault may walk, all together: a fraction of a second


@dataclass(frozen=True, slots=True)
class _Trial:
    layer: Layer
    key: str
    value: int

    @property
    def place(self) -> Place:
        return self.layer.place.at(self.key)

    @property
    def words(self) -> str:
        return f"{self.key} = {self.value}"

    def done(self, spec: Spec) -> Spec:
        """The spec with this value in place."""
        layer = replace(self.layer, arguments={**self.layer.arguments, self.key: self.value})
        blocks = {name: replace(each, body=_put(each.body, self.layer, layer)) for name, each in spec.blocks.items()}
        data = spec.data
        if data is not None and data.prepare is not None:
            data = replace(data, prepare=_put(data.prepare, self.layer, layer))
        return replace(spec, model=_put(spec.model, self.layer, layer), blocks=blocks, data=data)


def at_culprits(
    spec: Spec, faults: Sequence[Diagnostic], examine: Examine, highs: Set[int], layers: int
) -> list[Diagnostic]:  # fmt: skip
    """The faults, one of sizes told at the number to blame, where there is one.

    highs: what the data's whole numbers are below. layers: how many a check of the spec walks.
    """
    asked = [each for each in faults if each.code in ("shape", "target") and not (each.fix and each.fix.replacement)]
    if len(asked) != 1:
        return list(faults)
    fault, rest = asked[0], [each for each in faults if each is not asked[0]]
    left = min(_MOST, _MOST_LAYERS // max(layers, 1))
    for trials in _kinds(spec, fault, highs):
        if len(trials) > left:  # these would take too long
            continue
        left -= len(trials)
        mending = [each for each in trials if list(examine(each.done(spec))) == rest]
        if mending and all(_is_of(each.layer, fault) for each in mending):
            break
        if mending:
            told = _told(fault, mending)
            return [told if each is fault else each for each in faults]
    return list(faults)


def _is_of(layer: Layer, fault: Diagnostic) -> bool:
    """Whether a fault stands in a layer."""
    return f"{fault.key}.".startswith(f"{key_text(layer.place.path)}.")


def _told(fault: Diagnostic, mending: Sequence[_Trial]) -> Diagnostic:
    words = either_of([each.words for each in mending])
    if len({id(each.layer) for each in mending}) > 1:
        lines = ", or ".join(f"`{each.words}` in {each.place.line_words}" for each in mending)
        return replace(fault, notes=(*fault.notes, f"all fits with {lines}"))
    place, code = mending[0].place, fault.code
    meets = f" in line {fault.span.line}" if fault.span else ""
    message = f"`{place.written or place.path[-1]}` does not fit{meets}: {fault.message}"
    several = len(mending) > 1
    fix = Fix(f"all else fits with {words}", None if several else mending[0].words)
    return place.fault(message, code, notes=fault.notes, fix=fix)


def _kinds(spec: Spec, fault: Diagnostic, highs: Set[int]) -> Iterator[list[_Trial]]:
    """What to try, the likeliest first; what is alike in likelihood together."""
    layers = list(_layers(spec))
    told = _numbers(fault)
    wanted = highs if fault.code == "target" else told
    yield [trial for each in layers for trial in _odd(each, highs)]
    yield [trial for each in layers for trial in _widths(each, told, highs, wanted)]
    yield [trial for each in layers for trial in _widths(each, told, highs, {1})]
    yield [trial for each in layers for trial in _as_elsewhere(each, layers)]
    yield [
        _Trial(each, "stride", 1) for each in layers if _keeps_size(each) and _number(each, "stride") not in (None, 1)
    ]


def _odd(layer: Layer, highs: Set[int]) -> Iterator[_Trial]:
    """Values of a layer that is odd by itself."""
    kernel, padding = _number(layer, "kernel_size"), _padding(layer)
    if kernel is not None and padding is not None and not _keeps_size(layer):
        yield _Trial(layer, "kernel_size", 2 * padding + 1)
        if kernel % 2 and "padding" in layer.arguments:
            yield _Trial(layer, "padding", kernel // 2)
    for key in _DIMS:
        now = _number(layer, key)
        if now is not None:
            yield from (_Trial(layer, key, each) for each in (1, 0, -1) if each != now)
    classes = _number(layer, "num_classes")
    if classes is not None and highs and classes not in highs:
        yield from (_Trial(layer, "num_classes", each) for each in sorted(highs))


def _widths(layer: Layer, told: Set[int], highs: Set[int], others: Set[int]) -> Iterator[_Trial]:
    """A width that the fault tells of becomes another; one class for each that the data has is right as it is."""
    for key in _WIDTHS:
        now = _number(layer, key)
        if now in told and not (key == "num_classes" and now in highs):
            yield from (_Trial(layer, key, each) for each in sorted(others) if each not in (0, now))


def _as_elsewhere(layer: Layer, layers: Sequence[Layer]) -> Iterator[_Trial]:
    """What another layer of the type says under the same key."""
    for key, now in layer.arguments.items():
        others = {_number(each, key) for each in layers if each.type == layer.type and key not in _WIDTHS}
        if is_whole(now):
            yield from (_Trial(layer, key, each) for each in sorted(others - {None, now}, key=str) if each is not None)


def _keeps_size(layer: Layer) -> bool:
    """Whether a window has on both sides of its middle as much as is padded."""
    kernel, padding = _number(layer, "kernel_size"), _padding(layer)
    return kernel is not None and padding is not None and kernel == 2 * padding + 1


def _padding(layer: Layer) -> int | None:
    """How much a window pads; a convolution that does not say it pads nothing, and a pool without is no odd one."""
    pools = "pool" in str(layer.type).lower()
    return _number(layer, "padding") if pools or "padding" in layer.arguments else 0


def _number(layer: Layer, key: str) -> int | None:
    value: Any = layer.arguments.get(key)
    return value if is_whole(value) else None


def _numbers(fault: Diagnostic) -> set[int]:
    """The sizes that a fault tells of, and how many numbers a tensor of such sizes holds."""
    shapes = _SHAPE.findall(" ".join([fault.message, *fault.notes]))
    sizes = [[int(size) for size in re.findall(r"\d+", each)] for each in shapes]
    known = (each for each, text in zip(sizes, shapes, strict=True) if _NUMBERS.fullmatch(text))
    return {size for each in sizes for size in each} | {math.prod(each) for each in known}


def _layers(spec: Spec) -> Iterator[Layer]:
    prepare = [spec.data.prepare] if spec.data and spec.data.prepare else []
    for body in (spec.model, *(each.body for each in spec.blocks.values()), *prepare):
        yield from _inside(body)


def _inside(block: Block) -> Iterator[Layer]:
    for each in block.layers:
        yield each
        if each.group is not None:
            yield from _inside(each.group)


def _put(block: Block, old: Layer, new: Layer) -> Block:
    """The block with another layer in the place of one that may be deep inside it."""
    layers = tuple(
        new if each is old else replace(each, group=_put(each.group, old, new)) if each.group else each
        for each in block.layers
    )
    return replace(block, layers=layers)
