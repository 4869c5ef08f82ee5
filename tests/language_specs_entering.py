"""What all layers of random specs share: what they read, what they are called, whether and how often they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from language_specs import WIDTHS, Writer
from language_specs_scope import Entry, Result, Scope, Table


def source(writer: Writer, scope: Scope, table: Table, fits: Callable[[Result], bool]) -> Result | None:
    """Choose what a layer reads: the layer before it, or a name."""
    previous = scope.previous
    if previous and previous.parts is None and previous.width and fits(previous) and writer.some(0.6):
        return previous
    ref = writer.refer(scope, fits)
    if ref is None:
        return None
    table["input"] = ref
    return writer.found(scope, ref)


def feed(
    writer: Writer, scope: Scope, table: Table, names: list[str], wanted: list[Result] | None = None
) -> dict[str, Result] | None:
    """Choose what each of several inputs reads; a group's own inputs may be pairs."""
    if len(names) == 1 and scope.previous and (wanted is None or wanted[0].fits(scope.previous)) and writer.some(0.5):
        return {names[0]: scope.previous}
    refs: list[Any] = []
    found: dict[str, Result] = {}
    for k, name in enumerate(names):
        chosen = chosen_for(writer, scope, wanted[k] if wanted else None)
        if chosen is None:
            return None
        refs.append(chosen[0])
        found[name] = chosen[1]
    as_table = names != [""] and writer.some(0.3) and all(isinstance(each, str) for each in refs)
    simple = len(refs) == 1 and isinstance(refs[0], str) and writer.some(0.5)
    table["input"] = dict(zip(names, refs, strict=True)) if as_table else refs[0] if simple else refs
    return found


def chosen_for(writer: Writer, scope: Scope, wanted: Result | None) -> tuple[Any, Result] | None:
    if wanted is not None and wanted.parts is not None:
        if not wanted.tuple:
            return None
        chosen = [chosen_for(writer, scope, part) for part in wanted.parts.values()]
        parts = [each for each in chosen if each]
        if len(parts) < len(chosen):
            return None
        return [ref for ref, _ in parts], Result(parts={str(k): part for k, (_, part) in enumerate(parts)}, tuple=True)
    if wanted is None and writer.some(0.2):
        return chosen_for(
            writer, scope, Result(parts={str(k): Result(writer.random.choice(WIDTHS)) for k in range(2)}, tuple=True)
        )
    ref = writer.refer(scope, wanted.fits if wanted else lambda each: True)
    return (ref, writer.found(scope, ref)) if ref else None


def paths(scope: Scope) -> Iterator[tuple[str, Entry]]:
    """What `share` and `tie` reach: names in sight, and all below them."""
    seen: set[str] = set()
    for depth, each in enumerate(scope.around()):
        for name, entry in each.entries.items():
            if name not in seen and not (depth and name.isdigit()):
                yield from _below(name, entry)
        seen |= set(each.entries) | each.taken


def _below(path: str, entry: Entry) -> Iterator[tuple[str, Entry]]:
    yield path, entry
    for name, part in entry.parts.items():
        if not part.shared:  # it has no key
            yield from _below(f"{path}.{name}", part)


def parameter(writer: Writer, scope: Scope, name: str, width: int, spelled: bool = False) -> str | None:
    found = [key for each in scope.around() for key, entry in each.entries.items()
             if entry.weights.get(name) == (width,) and (key.isidentifier() or not (spelled or key.isdigit()))
             and writer.found(scope, key) is entry.result]  # fmt: skip
    if not found:
        return None
    key = writer.random.choice(found)
    writer.captured(scope, key)
    return f"{key}.{name}"


def planned(writer: Writer, scope: Scope, table: Table, preserves: bool) -> Table:
    """Name, condition, repeat and the rest, before what is called is known. keep: the result must be as the input is.

    absent: no module is made. maybe: whether one is made differs between calls of the block.
    """
    plan = {"absent": False, "maybe": False, "keep": False}
    name = writer.name(scope)
    if writer.some(0.15):
        name = ""
    if preserves and writer.some(0.25):
        table["repeat"] = writer.random.choice([0, 1, 2, 2, 3])
        if "times" in scope.params and writer.some(0.5):
            table["repeat"] = "${times}"
            plan["maybe"] = True
        elif writer.some(0.25):
            table["parallel"] = True
            table["repeat"] = table["repeat"] or 2
        plan["absent"] = table["repeat"] == 0
        plan["keep"] = not table.get("parallel", False)
        if name and writer.some(0.3) and not plan["maybe"] and table["repeat"]:
            name += "_${i}" if writer.some(0.5) else "${i + 1}"
    if name is not None:
        table["name"] = name
    if writer.some(0.12) and not plan["absent"]:
        conditions = ["flag"] * ("flag" in scope.params) + ["i > 0"] * (scope.counted and "repeat" not in table)
        if preserves and conditions and not table.get("parallel"):
            table["when"] = f"${{{writer.random.choice(conditions)}}}"
            plan["maybe"] = plan["keep"] = True
        else:
            truth = writer.some(0.4)
            table["when"] = writer.condition(scope, truth)
            plan["absent"] = not truth
    if preserves and not table.get("parallel") and "share" not in table and name != "" and writer.some(0.06):
        table["train_only"] = True
        plan["keep"] = True
    if plan["maybe"] and not table.get("name"):
        table["name"] = writer.fresh(scope)
    if (plan["maybe"] or plan["absent"]) and "${" in table.get("name", ""):
        table["name"] = table["name"].split("$")[0] + "q"
    return plan


def finished(
    writer: Writer, scope: Scope, table: Table, inputs: list[Result] | None, result: Result,
    weights: dict[str, tuple[int, ...]] | None = None,
) -> Table:  # fmt: skip
    """Enter a layer of one call. inputs: None where it cannot be repeated; weights: None for functions."""
    first = inputs[0] if inputs else None
    preserves = first is not None and result.fits(first)
    plan = planned(writer, scope, table, preserves)
    if (plan["absent"] or plan["maybe"]) and not inputs:
        table.pop("when", None)
        plan["absent"] = plan["maybe"] = False
    own = {"weight", "bias"} & set(weights or {})
    if table.get("name") == "" and "${" in table.get("type", ""):
        del table["name"]  # it may be a module, and there is room for one
    if table.get("name") == "" and (table["type"] in ("Parameter", "Buffer") if "type" in table else True):
        del table["name"]
    if table.get("name") == "" and weights is not None and "repeat" not in table and not plan["absent"]:
        if {"weight"} & scope.root().taken or plan["maybe"]:
            del table["name"]
        else:
            _take(scope, {"weight", "bias"})
    if plan["maybe"] and ("tie" in table or "init" in table):
        table.pop("init", None)
        if table.pop("tie", None):
            table.setdefault("out_features", result.width)
    if plan["absent"] and table.pop("tie", None):
        table.setdefault("out_features", result.width)
    if own and writer.some(0.1):
        table["freeze"] = True
    entry = Entry(result, inputs if weights is not None else None, None, {}, weights or {})
    return entered(writer, scope, table, entry, first, plan)


def _take(scope: Scope, names: set[str]) -> None:
    each: Scope | None = scope
    while each:
        each.taken |= names
        each = each.host


def entered(
    writer: Writer, scope: Scope, table: Table, entry: Entry, first: Result | None, plan: Table,
    handed: dict[Result, Result] | None = None,
) -> Table:  # fmt: skip
    """Enter a layer as its name, condition and repeat say. handed: what is fed to the inputs of a named block."""
    name, repeat = table.get("name"), table.get("repeat")
    if plan["absent"] or plan["maybe"]:
        assert first
        scope.root().uncertain |= plan["maybe"]
        if name:
            scope.enter(name, Entry(first), 0)
        scope.previous = first
        return table
    if repeat is None:
        if name == "":
            if table.get("type") in writer.calls:
                _pour(writer, scope, table, handed or {})
            elif "layers" not in table:
                scope.root().count += 1
            scope.previous = entry.result
            return table
        writer.done(scope, name, entry)
        return table
    beside = name == "" or "${" in (name or "")
    copies = {str(k): replace(entry, captures=set(entry.captures)) for k in range(repeat)}
    whole = copies[str(repeat - 1)].result
    if table.get("parallel"):
        whole = Result(parts={key: each.result for key, each in copies.items()}, tuple=True)
    if beside:
        start = scope.root().count
        if not name and scope.root().uncertain:
            scope.root().count += repeat
            scope.previous = whole
            return table
        for k, each in enumerate(copies.values()):
            scope.enter(str(start + k) if not name else _named(name, k), each)
        scope.previous = whole
    else:
        writer.done(scope, name, Entry(whole, entry.inputs, entry.names, copies, {}, entry.captures))
    return table


def _named(name: str, k: int) -> str:
    return name.replace("${i}", str(k)).replace("${i + 1}", str(k + 1))


def _pour(writer: Writer, scope: Scope, table: Table, handed: dict[Result, Result]) -> None:
    """What a block without a name holds stands around it."""
    body = writer.bodies[table["type"]]
    _take(scope, body.taken - set(table_inputs(writer, table)))
    for name, each in body.entries.items():
        if not name.isdigit() and name not in table_inputs(writer, table):
            scope.enter(
                name,
                Entry(each.result.anew(handed), each.inputs, each.names, each.parts, each.weights, each.captures),
                0,
            )
    scope.root().count += body.count
    scope.root().uncertain |= body.uncertain


def table_inputs(writer: Writer, table: Table) -> list[str]:
    return writer.calls[table["type"]].names or []
