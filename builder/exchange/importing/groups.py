"""Steps and scopes become groups in groups whose names are those of the state dict.

A list of modules is never called itself: what its owner does from its first item to its last becomes a group of its
name. There item `i` must stand at position `i`, so that what is done between items goes into a group of the item's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.frames import Spot
from builder.exchange.importing.lowering import Lowered
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Ref, mapped, refs


@dataclass(slots=True, eq=False)
class Group:
    """name: in the group around it; None stands at its position, "" adds no level. kind: the class; "" where it has
    none. args: what its `forward` was handed by name. again: it calls an earlier one once more."""

    name: str | None
    kind: str
    path: str
    entries: list[tuple[str | None, Entry]] = field(default_factory=list)
    args: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    again: bool = False
    spot: Spot | None = None


Entry: TypeAlias = "Step | Group"
_Item: TypeAlias = "tuple[tuple[str, ...] | None, Entry]"


def grouped(whole: Lowered) -> Group:
    uses = Counter(refs(whole.result))
    _count(whole, uses)
    return _group(whole, set(), uses)


def _count(scope: Lowered, uses: Counter[Ref]) -> None:
    """How often each tensor is read."""
    for each in scope.items:
        if isinstance(each, Lowered):
            _count(each, uses)
        else:
            uses.update(each.reads())


def _group(scope: Lowered, seen: set[str], uses: Counter[Ref]) -> Group:
    path = scope.scope.path
    args = dict(zip(scope.scope.names, scope.scope.args, strict=False)) | dict(scope.scope.kwargs)
    group = Group(None, scope.scope.kind, path, args=args, result=scope.result, spot=scope.scope.spot)
    items: list[_Item] = []
    for each in scope.items:
        if isinstance(each, Lowered) and not _holds(each):
            items += _dissolved(each, path)
        elif isinstance(each, Lowered):
            inner = _group(each, seen, uses)
            inner.again = inner.path in seen
            seen.add(inner.path)
            items.append((None if inner.again else _parts(inner.path, path), inner))
        else:
            items.append((_named(each, path), each))
    group.entries = _entries(path, items, uses)
    for at, (name, entry) in enumerate(list(group.entries)):
        if name == "" and at + 1 < len(group.entries):
            group.entries[at:] = _nameable(entry, group.entries[at:], uses)
    return group


def _holds(scope: Lowered) -> bool:
    """Whether the state dict has keys of it."""
    return any(_holds(each) if isinstance(each, Lowered) else each.keeps for each in scope.items)


def _named(step: Step, around: str) -> tuple[str, ...] | None:
    """A step's place among the names; what the state dict does not know needs one only where places are counted."""
    if step.again or step.path is None or not (step.keeps or step.path.rpartition(".")[2].isdigit()):
        return None
    return _parts(step.path, around)


def _dissolved(scope: Lowered, around: str) -> list[_Item]:
    """What a module without parameters does, as its owner's own doing."""
    found: list[_Item] = []
    for each in scope.items:
        if isinstance(each, Lowered):
            found += _dissolved(each, around)
        else:
            found.append((None, each))
    if len(found) == 1 and scope.scope.path.rpartition(".")[2].isdigit():
        return [(_parts(scope.scope.path, around), found[0][1])]
    if scope.scope.path.rpartition(".")[2].isdigit():
        inner = Group(None, "", scope.scope.path, [(None, each) for _, each in found], result=scope.result)
        return [(_parts(scope.scope.path, around), inner)]
    return found


def _parts(path: str, around: str) -> tuple[str, ...] | None:
    if path == around:
        return ("",)
    inner = path.removeprefix(f"{around}.") if around else path
    if around and inner == path:
        raise ImportingError(f"{path} is called within {around}, which does not hold it: a spec cannot say this")
    return tuple(inner.split("."))


def _entries(path: str, items: Sequence[_Item], uses: Counter[Ref]) -> list[tuple[str | None, Entry]]:
    items = list(items)
    for head in dict.fromkeys(parts[0] for parts, _ in items if parts and len(parts) > 1):
        items = _with_group(path, items, head, uses)
    named = [(parts[0] if parts else None, entry) for parts, entry in items]
    return _at_their_places(path, named, uses)


def _with_group(path: str, items: list[_Item], head: str, uses: Counter[Ref]) -> list[_Item]:
    """The items of one head put into a group, with what stands among them."""
    own = [at for at, (parts, _) in enumerate(items) if parts and parts[0] == head]
    first, last = own[0], _with_tail(items, own)
    before, within, after = items[:first], [], items[last + 1 :]
    for at in range(first, last + 1):
        parts, entry = items[at]
        if at in own or parts is None:
            within.append(items[at])
        elif not _reads_of(entry) & _made_by(each for _, each in within):
            before.append(items[at])
        elif not _made_by([entry]) & _read_by(each for _, each in items[at + 1 : last + 1]):
            after.insert(0, items[at])
        else:
            other = ".".join(parts[:1])
            raise ImportingError(f"{path or 'the model'}: the modules of {head} and {other} take turns, which groups "
                                 "of a spec cannot")  # fmt: skip
    inner: list[_Item] = []
    for parts, entry in within:
        if parts and len(parts) == 1:
            raise ImportingError(f"{path}.{head} is called, and so is what it holds: a spec cannot say this")
        inner.append((parts[1:] if parts else None, entry))
    below = f"{path}.{head}" if path else head
    group = Group(head, "", below, _entries(below, inner, uses))
    return [*before, ((head,), group), *after]


def _with_tail(items: Sequence[_Item], own: Sequence[int]) -> int:
    """The last place of a list of modules: what is done after its last item too, where the same is done after each."""
    last = own[-1]
    if len(own) < 2:
        return last
    between = [entry for parts, entry in items[own[-2] + 1 : last] if parts is None]
    after = [entry for parts, entry in items[last + 1 : last + 1 + len(between)] if parts is None]
    alike = len(after) == len(between) and all(_kind(a) == _kind(b) for a, b in zip(between, after, strict=True))
    return last + len(between) if alike and between else last


def _kind(entry: Entry) -> Any:
    return (entry.type, entry.text) if isinstance(entry, Step) else entry.kind


def _made_by(entries: Iterator[Entry] | Sequence[Entry]) -> set[Ref]:
    return {ref for each in entries for ref in made(each)}


def _read_by(entries: Iterator[Entry] | Sequence[Entry]) -> set[Ref]:
    return {ref for each in entries for ref in _reads_of(each)}


def _reads_of(entry: Entry) -> set[Ref]:
    return (
        set(entry.reads()) if isinstance(entry, Step) else {ref for _, each in entry.entries for ref in _reads_of(each)}
    )


def _all_reads(entry: Entry) -> list[Ref]:
    """What it reads, as often as it does."""
    return entry.reads() if isinstance(entry, Step) else [ref for _, each in entry.entries for ref in _all_reads(each)]


def made(entry: Entry) -> list[Ref]:
    if isinstance(entry, Step):
        return refs(entry.result)
    return [ref for _, each in entry.entries for ref in made(each)]


def _at_their_places(
    path: str, entries: Sequence[tuple[str | None, Entry]], uses: Counter[Ref]
) -> list[tuple[str | None, Entry]]:
    """Items with numbers at the positions of these numbers."""
    if not any(name is not None and name.isdigit() for name, _ in entries):
        return list(entries)
    placed: list[tuple[str | None, Entry]] = []
    wrapped = False
    for name, entry in entries:
        if name is not None and name.isdigit():
            while len(placed) > int(name) and placed[-1][0] is None and any(
                each is not None and each.isdigit() for each, _ in placed):  # fmt: skip
                _into_last_item(path, placed, uses)
                wrapped = True
            while len(placed) < int(name):
                placed.append((None, _filling(placed[-1][1] if placed else entry, made_before=bool(placed))))
            if len(placed) != int(name):
                raise ImportingError(f"{path}.{name} is not called in its order, and stands at position {len(placed)}: "
                                     "a spec cannot say this")  # fmt: skip
        placed.append((name, entry))
    if wrapped and placed[-1][0] is None:
        _into_last_item(path, placed, uses)
    return placed


def _filling(beside: Entry, *, made_before: bool) -> Step:
    """What stands at the position of a module that does nothing. It reads what is there, and nothing reads it."""
    there = made(beside)[-1:] if made_before else list(_all_reads(beside))[:1]
    return Step("Identity", Ref(-1000 - id(beside) % 1000), feed=list(there))


def _into_last_item(path: str, placed: list[tuple[str | None, Entry]], uses: Counter[Ref]) -> None:
    """What stands behind the last item goes into a group of its own, with the item."""
    at = max(at for at, (name, _) in enumerate(placed) if name is not None and name.isdigit())
    name, item = placed[at]
    inner: list[tuple[str | None, Entry]] = [("", item), *placed[at + 1 :]]
    del placed[at:]
    placed.append((name, Group(name, "", f"{path}.{name}", _nameable(item, inner, uses))))


def _nameable(
    item: Entry, entries: list[tuple[str | None, Entry]], uses: Counter[Ref]
) -> list[tuple[str | None, Entry]]:
    """What adds no level has no name either: where what it makes is not only read by the next layer, that is handed on
    by an `Identity`, which may have one."""
    within = Counter(_all_reads(item))
    results = [ref for ref in made(item) if uses[ref] > within[ref]]
    following = entries[1][1]
    plain = isinstance(following, Step) and following.type != "value" and following.feed[:1] == results
    if len(results) != 1 or (plain and uses[results[0]] == within[results[0]] + 1):
        return entries
    inner = Ref(-10_000 - results[0].number)
    _renamed(item, results[0], inner)
    spot = item.spot
    return [entries[0], (None, Step("Identity", results[0], feed=[inner], spot=spot)), *entries[1:]]


def _renamed(entry: Entry, old: Ref, new: Ref) -> None:
    def change(value: Any) -> Any:
        return new if value == old and isinstance(value, Ref) else value

    if isinstance(entry, Group):
        entry.args, entry.result = mapped(entry.args, change), mapped(entry.result, change)
        for _, each in entry.entries:
            _renamed(each, old, new)
        return
    for key in ("result", "feed", "named", "arguments", "operands"):
        setattr(entry, key, mapped(getattr(entry, key), change))
