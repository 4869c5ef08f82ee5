"""What the model's `forward` checks of its inputs in every call: plain comparisons, told in the spec's own words.

Under torch.compile and torch.export they become guards. The kind of a floating-point input is not looked at, so that
a model may be cast as a whole; whole numbers are, as torch names no input when it objects to floats in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.codegen.literals import quoted
from builder.codegen.wrapping import LENGTH
from builder.graph import Node
from builder.shapes.call import shape_text
from builder.shapes.conditions import needs, parted

_OPPOSITE = {"==": "!=", ">=": "<", "<=": ">"}
_WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")


@dataclass(slots=True)
class Checks:
    """name: the spec's. inputs: the model's. arguments: what `forward` calls each, by node. conditions: the graph's."""

    name: str
    inputs: Sequence[Node]
    arguments: Mapping[str, str]
    conditions: Sequence[str]

    def lines(self) -> Iterator[str]:
        """The lines at the top of `forward`, each `if` with its `raise`."""
        for each in self.inputs:
            yield from self._choice(each) if each.options else self._tensor(each)
        found = self._places()
        for size, places in found.items():
            if len(places) > 1:
                yield from self._same(size, places)
        for condition in self.conditions:
            yield from self._condition(condition, found)

    def _choice(self, each: Node) -> Iterator[str]:
        argument, options = self.arguments[each.name], each.options or []
        known = ", ".join(map(quoted, options)) + ("," if len(options) == 1 else "")
        words = f"{_name(each)} must be one of {', '.join(options)}, but it is "
        yield from _refused(f"{argument} not in ({known})", words, [f"{{{argument}!r}}"])

    def _tensor(self, each: Node) -> Iterator[str]:
        argument = self.arguments[each.name]
        words = f"{_name(each)} must be {shape_text(each.shape)}, but it is "
        yield from _refused(" or ".join(_misshapen(argument, each.shape)), words, [f"{{tuple({argument}.shape)}}"])
        if each.dtype in _WHOLE:
            kind = "bool" if each.dtype == "bool" else f"whole numbers ({each.dtype})"
            yield from _refused(f"{argument}.is_floating_point()", f"{_name(each)} must be {kind}, but it is ",
                                [f"{{{argument}.dtype}}"])  # fmt: skip

    def _same(self, size: str, places: Sequence[tuple[Node, int]]) -> Iterator[str]:
        """A name is the same size in every input."""
        sizes = [self._size(*place) for place in places]
        test = f"not ({' == '.join(sizes)})" if len(sizes) > 2 else " != ".join(sizes)
        have = [f"{_name(node)} has {size} = {{{self._size(node, dim)}}}: {{tuple({self.arguments[node.name]}.shape)}}"
                for node, dim in places]  # fmt: skip
        yield from _refused(test, f"{needs(self.name, f'the same {size} everywhere')}, but ", _listed(have))

    def _condition(self, condition: str, found: Mapping[str, list[tuple[Node, int]]]) -> Iterator[str]:
        """`H % 16 == 0`: refused where image.shape[2] % 16 != 0."""
        text, options = parted(condition)
        sizes = [size for size in dict.fromkeys(re.findall(r"[^\W\d]\w*", text)) if size in found]
        left, sign, right = re.split(r" (==|>=|<=) ", text)
        test = f"{self._worked(left, found)} {_OPPOSITE[sign]} {self._worked(right, found)}"
        chosen = [f"{self.arguments[f'inputs.{name}']} == {quoted(option)}" for name, option in options]
        have = self._told({size: found[size][:1] for size in sizes})
        yield from _refused(" and ".join([*chosen, test]), f"{needs(self.name, condition)}, but ", have)

    def _worked(self, text: str, found: Mapping[str, list[tuple[Node, int]]]) -> str:
        return re.sub(r"[^\W\d]\w*", lambda match: self._size(*found[match[0]][0]), text)

    def _places(self) -> dict[str, list[tuple[Node, int]]]:
        """Where each free size is found: the first dim of each input that has it."""
        found: dict[str, list[tuple[Node, int]]] = {}
        for each in self.inputs:
            for size in dict.fromkeys(each.shape or ()):
                if isinstance(size, str):
                    found.setdefault(size, []).append((each, each.shape.index(size)))
        return found

    def _told(self, sizes: Mapping[str, list[tuple[Node, int]]]) -> list[str]:
        """What the inputs have of several sizes, input by input: `image has H = 250 and W = 256: (2, 1, 250, 256)`."""
        by_input: dict[str, list[str]] = {}
        for size, [(node, dim)] in sizes.items():
            by_input.setdefault(node.name, []).append(f"{size} = {{{self._size(node, dim)}}}")
        told = [f"{name.partition('.')[2]} has {' and '.join(has)}: {{tuple({self.arguments[name]}.shape)}}"
                for name, has in by_input.items()]  # fmt: skip
        return _listed(told)

    def _size(self, node: Node, dim: int) -> str:
        return f"{self.arguments[node.name]}.shape[{dim}]"


def _misshapen(argument: str, sizes: Sequence[Any]) -> Iterator[str]:
    """Comparisons of which one holds where a tensor has another shape: the numbers at the end tell how many dims."""
    free = max((index + 1 for index, size in enumerate(sizes) if isinstance(size, str)), default=0)
    if free == len(sizes):
        yield f"{argument}.dim() != {len(sizes)}"
    else:
        yield f"{argument}.shape{f'[{free}:]' if free else ''} != {shape_text(sizes[free:])}"
    for index, size in enumerate(sizes[:free]):
        if isinstance(size, int):
            yield f"{argument}.shape[{index}] != {size}"
        elif sizes.index(size) < index:
            yield f"{argument}.shape[{index}] != {argument}.shape[{sizes.index(size)}]"


def _refused(test: str, words: str, found: Sequence[str]) -> Iterator[str]:
    """found: what comes after the words, as parts of an f-string."""
    parts = [_escaped(words), *found]
    whole = f'    raise ValueError(f"{"".join(parts)}")'
    yield f"if {test}:"
    if len(whole) <= LENGTH - 8:
        yield whole
        return
    yield "    raise ValueError("
    joined = f'        f"{"".join(parts)}"'
    if len(joined) <= LENGTH - 8:
        yield joined
        yield "    )"
        return
    for part in parts:
        yield f'        {"f" if "{" in part else ""}"{part}"'
    yield "    )"


def _listed(told: Sequence[str]) -> list[str]:
    """Parts of one sentence: `a, `, `b and `, `c`."""
    joints = [*(", " for _ in told[2:]), " and ", ""][-len(told) :]
    return [f"{each}{joint}" for each, joint in zip(told, joints, strict=True)]


def _name(node: Node) -> str:
    return node.name.partition(".")[2]


def _escaped(text: str) -> str:
    """Text inside an f-string."""
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text.replace("\\", "\\\\"))
    return shown.replace('"', '\\"').replace("{", "{{").replace("}", "}}")
