"""A group of units as one class, or as one function, and how each of them is made of it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from builder.codegen.holes import arguments, hole, replaced, spared, unmarked
from builder.codegen.literals import literal
from builder.codegen.parameters import Expression, Parameters, Texts, hint
from builder.codegen.shapes import comment, typed
from builder.codegen.units import Entry, Group
from builder.codegen.wrapping import documented, with_comment, wrapped

# Attributes of every module, which none of its parameters may hide.
_OF_MODULES: Final = frozenset((
    "training", "type", "half", "float", "double", "bfloat16", "train", "eval", "modules", "children", "parameters",
    "buffers", "apply", "forward", "to", "cpu", "cuda", "compile", "state_dict", "requires_grad_", "zero_grad",
))  # fmt: skip


@dataclass(slots=True)
class Merged:
    """One class or function. made: its lines, but for what `forward` needs of the parameters. Raises UnsettledError
    where the units have no parameters in common."""

    group: Group
    label: str
    parameters: Parameters
    made: list[str] = field(default_factory=list)
    forward: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # parameters that `forward` reads -> the attribute

    def __post_init__(self) -> None:
        self.made = [self._made(each) for each in self.group.made]
        codes = [self._filled(each, in_forward=True) for each in self.group.forward]
        for code, each in zip(codes, self.group.forward, strict=True):
            self.forward += self._guarded(code, self._comment(each), each)

    def call(self, index: int) -> str:
        """How a unit is made, its arguments marked for what stands around it."""
        needed, others = [], ""
        for name, texts in self.parameters.found.items():
            text = f"{name}={hole(name, texts[index] or '')}"
            if name in self._defaults:
                others += spared(f", {text}", self._defaults[name])
            else:
                needed.append(text)
        return f"{self.label}({', '.join(needed)}{others})"

    @property
    def _defaults(self) -> dict[str, str]:
        """Of the parameters that have one. A call has to begin with one that has none."""
        own = self.group.units[0].defaults
        found = {name: own[name] for name in self.parameters.found if name in own}
        return found if len(found) < len(self.parameters.found) else {}

    def text(self) -> str:
        unit = self.group.units[0]
        given = self._signature()
        if not unit.base:
            head = [f"def {self.label}({', '.join(given)}) -> nn.Sequential:"]
            return "\n".join([*wrapped(head), documented(self.doc(), 4), *_indented(self.made, 4)])
        lines = [f"class {self.label}({unit.base}):", documented(self.doc(), 4), ""]
        own = [f"self.{attribute} = {name}" for name, attribute in self.kept.items()]
        made = [*(self.made[:1] or (["super().__init__()"] if own else [])), *own, *self.made[1:]]
        if made:
            lines += [*wrapped([f"    def __init__({', '.join(['self', *given])}) -> None:"]), *_indented(made, 8), ""]
        lines += wrapped([f"    def forward({unit.signature}) -> {unit.result}:"])
        return "\n".join([*lines, *(each for line in self.forward for each in with_comment(line, 8))])

    def _signature(self) -> list[str]:
        """The parameters, those with a default last."""
        found, defaults = self.parameters.found, self._defaults
        needed = [f"{name}: {hint(texts)}" for name, texts in found.items() if name not in defaults]
        return [*needed, *(f"{name}: {hint((*found[name], text))} = {text}" for name, text in defaults.items())]

    # Lines

    def _made(self, entry: Entry) -> str:
        text = self._filled(entry, in_forward=False)
        if not entry.flag:
            return text
        name, _, made = text.partition(" = ")
        flag = self.parameters.flag(entry.flag, self.group.flags[entry.flag])
        short = f"{name} = {made} if {flag} else None"
        if "\n" not in made:
            return short
        return f"{name} = (\n{textwrap.indent(made, ' ' * 4)}\n    if {flag}\n    else None\n)"

    def _guarded(self, code: str, comment: str, entry: Entry) -> Iterator[tuple[str, str]]:
        if entry.flag:
            yield f"if self.{entry.flag} is not None:", ""
        yield f"    {code}" if entry.flag else code, comment

    def _filled(self, entry: Entry, *, in_forward: bool) -> str:
        """The line with a literal, or what stands for it, in every place for an argument."""
        present = [each for each in entry.texts if each is not None]
        owner = re.match(r"self\.(\w+) = ", present[0])
        all_arguments = [None if each is None else arguments(each) for each in entry.texts]
        found = []
        for place, (name, _) in enumerate(arguments(present[0])):
            texts: Texts = tuple(None if each is None else each[place][1] for each in all_arguments)
            stands = self.parameters.expression(name, texts, owner[1] if owner else "")
            found.append(self._attribute(stands, name) if in_forward else _plain(stands))
        return replaced(present[0], found)

    def _attribute(self, stands: Expression | str, argument: str) -> str:
        """What stands for an argument in `forward`."""
        if isinstance(stands, str):
            return stands
        if stands.name not in self.kept:
            unit = self.group.units[0]
            taken = {found for line in unit.made for found in re.findall(r"self\.(\w+)", line)} | _OF_MODULES
            hidden = stands.name in taken or _is_given(stands.name, unit.base, unit.made)
            self.kept[stands.name] = f"{stands.name}_" if hidden else stands.name
        text = f"{stands.before}self.{self.kept[stands.name]}{stands.behind}"
        return text if argument or (text.startswith("self.") and not stands.behind) else f"({text})"

    # What it says of itself

    def _comment(self, entry: Entry) -> str:
        nodes = [each for each in entry.nodes if each is not None]
        present = [index for index, text in enumerate(entry.texts) if text is not None]
        if len(nodes) < len(present):
            return ""
        return comment([typed(each) for each in nodes], self._sizes(present))

    def doc(self) -> str:
        units = self.group.units
        sizes = self._sizes(range(len(units)))
        inputs = [(name, comment([unit.inputs[at][1] for unit in units], sizes))
                  for at, (name, _) in enumerate(units[0].inputs)]  # fmt: skip
        results = comment([unit.results for unit in units], sizes)
        region = units[0].region
        own = region.name.rpartition(".")[2]
        words = region.type or ("A part" if own.isdigit() else f"The group `{own}`")
        read = ", ".join(f"{name}: {shape}" if len(inputs) > 1 else shape for name, shape in inputs)
        return f"{words}{'. ' if len(inputs) > 1 else ': '}{read or '()'} -> {results}."

    def _sizes(self, present: Collection[int]) -> dict[tuple[str, ...], str]:
        """Names for sizes: the parameters that are them in these units."""
        named = [*((name, texts) for name, texts in self.parameters.found.items()),
                 *((stands.text(), texts) for stands, texts in self.parameters.worked_out)]  # fmt: skip
        return {tuple(texts[index] or "" for index in present): name for name, texts in reversed(named)}


def merged(group: Group, label: str, taken: Collection[str]) -> Merged:
    """Raises UnsettledError."""
    return Merged(group, label, Parameters(_written(group), taken))


def _written(group: Group) -> dict[str, Texts]:
    """What the spec gives all of these blocks that is a number, a word or a list of them."""
    given = [each.region.params for each in group.units]
    names = [name for name in given[0] if all(_is_plain(each.get(name)) for each in given)]
    return {name: tuple(literal(each[name]) for each in given) for name in names}


def _is_plain(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(each, int | float | str) for each in items)


def _is_given(name: str, base: str, made: list[str]) -> bool:
    """Whether the class that is derived from has an argument, and so an attribute, of this name."""
    return base != "nn.Module" and bool(made) and f"{name}=" in unmarked(made[0])


def _plain(stands: Expression | str) -> str:
    return stands if isinstance(stands, str) else stands.text()


def _indented(lines: list[str], spaces: int) -> list[str]:
    return wrapped([line for each in lines for line in textwrap.indent(unmarked(each), " " * spaces).splitlines()])
