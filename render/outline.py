"""Diagram -> the picture in words, in plain text: for those who cannot see it, and for terminals."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from render.amounts import amount_said, summed
from render.diagram import Arrow, Box, Cluster, Diagram
from render.headings import parameters_said
from render.words import count_said, name_said, printable, shortened
from render.written import parameters_told, repeated

COLUMNS = 100

_INDENT = 2
_DEEPEST = 40  # columns; what lies deeper stands there
_NAME_LIMIT = 60  # characters
_GLUE = "\u00a0"  # a space at which no line is broken
_MERGES = {
    "+": "sum", "−": "difference", "×": "product", "÷": "quotient", "@": "matrix product",
    "max": "maximum", "min": "minimum", "cat": "concatenation", "stack": "stack",
}  # fmt: skip


def description(diagram: Diagram) -> str:
    """The picture in few words, a line a box: what an SVG says of itself."""
    lines = [diagram.subtitle]
    for each in diagram.boxes:
        if each.form != "dot":
            facts = ", ".join(filter(None, [" · ".join(each.detail), parameters_said(each.parameters), each.shape]))
            name = "" if each.name.isdigit() else f"{each.name}: "
            lines.append(f"{name}{each.title}" + (f" ({facts})" if facts else ""))
    return "\n".join(lines)


def outline(diagram: Diagram) -> str:
    """The picture as a tree of groups and blocks, a line a box, at most 100 columns wide: what each is, what it reads
    where that is not the line before it, its parameters, the shape that it gives; the totals last."""
    lines = [*_filled(diagram.title, 0), *_filled(diagram.subtitle, 0), "", *_Tree(diagram).lines(), ""]
    lines += _filled(f"In all: {' · '.join(_totals(diagram))}", 0)
    return "".join(f"{line}\n" for line in lines)


class _Tree:
    """A diagram, with what its boxes are looked up by."""

    def __init__(self, diagram: Diagram) -> None:
        self.shown = [each for each in diagram.boxes if each.form != "dot"]
        self.repeated = repeated(diagram)
        self.dots = Counter(each.cluster for each in diagram.boxes if each.form == "dot")
        self.boxes = {each.name: each for each in diagram.boxes}
        self.clusters = {each.name: each for each in diagram.clusters}
        self.reads: dict[str, list[Arrow]] = {}
        for arrow in diagram.arrows:
            self.reads.setdefault(arrow.target, []).append(arrow)
        # By box: what it reads as the line says it, where it says so.
        self.told = dict(self._all_told())
        self.named = {each.source for arrows in self.told.values() for each in arrows}

    def lines(self) -> Iterator[str]:
        around: list[str] = []
        met: set[str] = set()
        for box in self.shown:
            path = self._around(box.cluster)
            for depth, name in enumerate(path):
                if around[: depth + 1] != path[: depth + 1]:
                    yield from _filled(_cluster_line(self.clusters[name], again=name in met), depth)
                    met.add(name)
            around = path
            yield from _filled(self.line(box), len(path))

    def line(self, box: Box) -> str:
        """`conv2: Conv 3×3, from conv1, 64 ch · pad 1, 36,864 parameters, gives 64×56×56`."""
        name = box.label or (self._shown(box) if box.name in self.named else "")
        what = self._merge(box) if box.form == "circle" else box.title
        copies = f" ×{box.copies}" if box.copies > 1 else ""
        told = self.told.get(box.name, []) if box.form != "circle" else []
        reads = f"from {_listed([self._source(each, box) for each in told])}" if told else ""
        parameters = parameters_told(box, together=box.cluster in self.repeated)
        gives = box.shape if not box.shape or box.kind in ("input", "output") else f"gives{_GLUE}{box.shape}"
        facts = ", ".join(filter(None, [f"{what}{copies}", reads, " · ".join(box.detail), parameters, gives]))
        return f"{_mark(box.mark)}{f'{name}: ' if name else ''}{facts}"

    def _all_told(self) -> Iterator[tuple[str, list[Arrow]]]:
        """What a box reads is told where it is not, alone, the box on the line before; of a merge always."""
        before = ""
        for box in self.shown:
            arrows = self.reads.get(box.name, [])
            sources = [self._carrier(each.source) for each in arrows]
            if arrows and (box.form == "circle" or sources != [before]):
                yield box.name, arrows
            before = box.name

    def _merge(self, box: Box) -> str:
        """`sum of conv2 and the input of layer1.0 (skip)`."""
        word = _MERGES.get(box.title, box.title)
        sources = [self._source(each, box) for each in self.told.get(box.name, [])]
        return f"{word} of {_listed(sources)}" if sources else word

    def _source(self, arrow: Arrow, reader: Box) -> str:
        source = self.boxes[arrow.source]
        skip = " (skip)" if arrow.role == "skip" else ""
        if source.form != "dot":
            return self._called(source, reader.cluster) + skip
        alone = self.dots[source.cluster] == 1
        carrier = self._called(self.boxes[self._carrier(source.name)], source.cluster)
        return f"the input of {self.clusters[source.cluster].title}{'' if alone else f', {carrier}'}{skip}"

    def _carrier(self, name: str) -> str:
        """The box that a dot stands for; a box stands for itself."""
        while self.boxes[name].form == "dot" and name in self.reads:
            name = self.reads[name][0].source
        return name

    def _called(self, box: Box, cluster: str) -> str:
        """A box as it is shown, with the groups and blocks around it that are not around the cluster too."""
        near = self._around(cluster)
        path = [self.clusters[each].title for each in self._around(box.cluster) if each not in near]
        words: list[str] = []
        for word in [*path, self._shown(box)]:
            if words and word.startswith(f"{words[-1]}."):
                words.pop()
            words.append(word)
        return shortened(".".join(words), _NAME_LIMIT)

    def _shown(self, box: Box) -> str:
        """The name on a box's line: without one of its own, its position; of an input or output its own."""
        return box.label or (name_said(box.name) or box.name.rpartition(".")[2])

    def _around(self, cluster: str) -> list[str]:
        """The cluster and those around it, outermost first."""
        path: list[str] = []
        while cluster:
            path.append(cluster)
            cluster = self.clusters[cluster].parent
        return path[::-1]


def _cluster_line(cluster: Cluster, *, again: bool) -> str:
    copies = f" ×{cluster.copies}" if cluster.copies > 1 else ""
    detail = "goes on" if again else cluster.detail
    return f"{_mark(cluster.mark)}{cluster.title}{copies}" + (f" ({detail})" if detail else "")


def _totals(diagram: Diagram) -> Iterator[str]:
    boxes = [each for each in diagram.boxes if each.form != "dot"]
    yield f"{count_said(sum(each.parameters for each in boxes))} parameters"
    work = summed(each.multiply_adds for each in boxes)
    said = count_said(work) if isinstance(work, int) and work else amount_said(work)
    if said and work:
        yield f"{said} multiply-adds"
    yield f"{len(boxes)} boxes"


def _mark(mark: str) -> str:
    return f"[{mark}] " if mark else ""


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _filled(text: str, depth: int) -> Iterator[str]:
    """A line at its depth, and what of it does not fit below, set in by as much again."""
    indent = min(depth * _INDENT, _DEEPEST)
    line, width = " " * indent, indent
    for word in _pieces(filter(None, printable(text).split(" "))):
        space = 1 if line.strip() else 0
        if space and width + space + _width(word) > COLUMNS:
            yield line.replace(_GLUE, " ")
            line, width, space = " " * (indent + 2 * _INDENT), indent + 2 * _INDENT, 0
        line, width = f"{line}{' ' * space}{word}", width + space + _width(word)
    yield line.replace(_GLUE, " ")


def _pieces(words: Iterable[str]) -> Iterator[str]:
    """The words, those too long for a line in pieces."""
    longest = COLUMNS - _DEEPEST - 2 * _INDENT
    for word in words:
        piece = ""
        for character in word:
            if _width(piece + character) > longest:
                yield piece
                piece = ""
            piece += character
        yield piece


def _width(text: str) -> int:
    """Columns of a terminal: a letter of Chinese or an emoji takes two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
