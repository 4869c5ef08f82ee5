"""What the variables of a `forward` are called: `x` on the main path, else by the layers that make them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.codegen.calls import identifier
from builder.codegen.forms import Key
from builder.codegen.structure import Structure


@dataclass(slots=True)
class Variables:
    """parts: what each line calls. reads: the keys that each line reads, those of the result last. arguments: kinds by
    name. taken: names that mean something else in the source.

    A *run* is a stretch of lines that each read nothing for the last time but what the line before made; one variable
    goes through it.
    """

    structure: Structure
    parts: Sequence[str]
    reads: Sequence[Sequence[Key]]
    results: Any
    arguments: Mapping[str, str]
    taken: Collection[str]
    made: dict[Key, int] = field(default_factory=dict)
    readers: list[list[int]] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)  # of each line, the last of its run
    words: dict[int, str] = field(default_factory=dict)  # of each line, the variable that its run has from there on

    def __post_init__(self) -> None:
        for index, part in enumerate(self.parts):
            results = self.structure.regions[part].results if part in self.structure.regions else {"from": part}
            for key in self.structure.keys(results):
                self.made.setdefault(key, index)
        self.readers = [[] for _ in self.parts]
        for index, keys in enumerate(self.reads):
            for maker in {self._maker(key) for key in keys} - {-1}:
                self.readers[maker].append(index)
        for index in reversed(range(len(self.parts))):
            self.ends[index] = self.ends[index + 1] if self._goes_on(index) else index

    def name(self, index: int, live: Collection[str], dying: Sequence[str]) -> str:
        """The variable of a line. live: those still needed after it; dying: texts that it was the last to read."""
        if index not in self.words:
            self._name_run(index, live, dying)
        return self.words[index]

    def _name_run(self, start: int, live: Collection[str], dying: Sequence[str]) -> None:
        run = range(start, self.ends[start] + 1)
        named = [each for each in run if not self.parts[each].rpartition(".")[2].isdigit()]
        if "x" not in live and self.arguments.get("x", "Tensor") == "Tensor" and self._is_main(run, named):
            self.words.update(dict.fromkeys(run, "x"))
            return
        if len(named) > 1:
            whole = "out" if self._is_free("out", live) else self._own(named[0], live)
            self.words.update(dict.fromkeys(run, whole))
            return
        word = next((each for each in dying if each.isidentifier() and self._is_free(each, live)), "")
        for each in run:
            if each in named or not word:
                word = self._own(each, live)
            self.words[each] = word

    def _is_main(self, run: range, named: Sequence[int]) -> bool:
        """Whether what a run makes is simply what the next line goes on with: one tensor, read first, or unnamed."""
        last = run[-1]
        if self._is_several(self.parts[last]):
            return False
        return len(named) != 1 or all(self._reads_first(reader, last) for reader in self.readers[last])

    def _reads_first(self, reader: int, maker: int) -> bool:
        if reader == len(self.parts) and not (isinstance(self.results, dict) and "from" in self.results):
            return False
        return self._maker(self.reads[reader][0]) == maker

    def _goes_on(self, index: int) -> bool:
        """Whether the line behind this one belongs to its run."""
        behind = index + 1
        if behind == len(self.parts) or self.readers[index] != [behind]:
            return False
        if self._is_several(self.parts[index]) or self._is_several(self.parts[behind]):
            return False
        if self._maker(self.reads[behind][0]) != index:
            return False
        later = {key for keys in self.reads[behind + 1 :] for key in keys}
        others = [key for key in self.reads[behind] if self._maker(key) != index and not str(key[0]).startswith("@")]
        return all(key in later for key in others)

    def _maker(self, key: Key) -> int:
        """The line that made what a key names; -1 where none of these did."""
        return next((self.made[key[:length]] for length in range(len(key), 0, -1) if key[:length] in self.made), -1)

    def _is_several(self, part: str) -> bool:
        """Whether a part makes more than one tensor."""
        if part in self.structure.regions:
            results = self.structure.regions[part].results
            if not isinstance(results, dict) or not isinstance(results.get("from"), str):
                return True
            shape, picks = self.structure.nodes[results["from"]].shape, results.get("pick", ())
        else:
            shape, picks = self.structure.nodes[part].shape, ()
        for pick in picks:
            shape = shape[pick] if isinstance(shape, list | dict) else None
        return isinstance(shape, dict) or any(isinstance(each, list) for each in shape or ())

    def _own(self, index: int, live: Collection[str]) -> str:
        name = word_of(self.structure, self.parts[index])
        while not self._is_free(name, live):
            name += "_"
        return name

    def _is_free(self, name: str, live: Collection[str]) -> bool:
        return name not in live and name not in self.arguments and name not in self.taken and name != "self"


def word_of(structure: Structure, name: str) -> str:
    """A variable for what a layer or a group makes: its name, else its type."""
    node = structure.nodes.get(name)
    own = name.rpartition(".")[2]
    if own.isdigit() and node is not None:
        return identifier(node.type.rpartition(".")[2].lower())
    return identifier(own)
