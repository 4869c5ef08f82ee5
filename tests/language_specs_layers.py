"""The layers of random specs: each function writes one, and enters in its scope what can then be referred to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from language_specs import UNARY, WIDTHS, Entry, Result, Scope, Table, Writer


def layer(writer: Writer, scope: Scope, depth: int) -> Table:
    for _ in range(12):
        kinds = [name for name, weight in _WEIGHTS.items() if depth or name not in ("group", "call") for _ in range(weight)]
        table = _KINDS[writer.random.choice(kinds)](writer, scope, depth)
        if table is not None:
            return table
    width = writer.random.choice(WIDTHS)
    return finished(writer, scope, {"type": "Parameter", "shape": [width]}, [], Result(width, flat=True))


def linear(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {"type": "Linear"}
    given = source(writer, scope, table, lambda each: True)
    if given is None:
        return None
    width = writer.random.choice([*WIDTHS, given.width, given.width])
    tied = [(path, each) for path, each in paths(scope) if each.weights.get("weight", (0, 0))[1:] == (given.width,)]
    weights: dict[str, tuple[int, ...]] = {"weight": (width, given.width), "bias": (width,)}
    if tied and writer.some(0.3):
        path, entry = writer.random.choice(tied)
        weights = {"weight": entry.weights["weight"], "bias": entry.weights["weight"][:1]}
        width = weights["bias"][0]
        table["tie"] = {"weight": f"{path}.weight"}
    if "tie" not in table or writer.some(0.5):
        table["out_features"] = writer.number(scope, width)
    if writer.some(0.2):
        table["bias"] = False
        del weights["bias"]
    elif writer.some(0.2):
        table["init"] = {"bias": 0.75}
    return finished(writer, scope, table, [given], Result(width, given.flat), weights)


def norm(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {"type": "LayerNorm"}
    given = source(writer, scope, table, lambda each: True)
    if given is None:
        return None
    weights: dict[str, tuple[int, ...]] = {"weight": (given.width,), "bias": (given.width,)}
    return finished(writer, scope, table, [given], Result(given.width, given.flat), weights)


def unary(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {"type": "${act}" if "act" in scope.params and writer.some(0.5) else writer.random.choice(UNARY)}
    given = source(writer, scope, table, lambda each: True)
    if given is None:
        return None
    module = table["type"] in ("ReLU", "Identity")
    return finished(writer, scope, table, [given], Result(given.width, given.flat), {} if module else None)


def binary(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {"type": writer.random.choice(["add", "sub", "mul"])}
    given = source(writer, scope, table, lambda each: not each.flat)
    if given is None:
        return None
    other = writer.refer(scope, lambda each: each.width == given.width) or 2.0
    bias = parameter(writer, scope, "bias", given.width)
    other = bias if bias and writer.some(0.3) else other
    if isinstance(table.get("input"), str) and isinstance(other, str) and writer.some(0.5):
        pair = [table["input"], other]
        table["input"] = writer.random.choice([pair, {"input": pair[0], "other": pair[1]}])
    else:
        table["other"] = other
    return finished(writer, scope, table, [given], Result(given.width), None)


def cat(writer: Writer, scope: Scope, depth: int) -> Table | None:
    previous = scope.previous
    if previous and previous.tuple and writer.some(0.8):
        parts = list((previous.parts or {}).values())
        if all(each.parts is None and each.width and not each.flat for each in parts):
            width = sum(each.width for each in parts)
            return finished(writer, scope, {"type": "cat", "dim": 1}, None, Result(width), None)
    refs = [ref for ref in (writer.refer(scope, lambda each: not each.flat) for _ in range(2)) if ref]
    if len(refs) < 2:
        return None
    width = sum(writer.found(scope, ref).width for ref in refs)
    return finished(writer, scope, {"type": "cat", "input": refs, "dim": -1}, None, Result(width), None)


def chunk(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {"type": "chunk", "chunks": writer.number(scope, 2), "dim": 1}
    given = source(writer, scope, table, lambda each: not each.flat and each.width % 2 == 0)
    if given is None:
        return None
    parts = {str(k): Result(given.width // 2) for k in range(2)}
    return finished(writer, scope, table, None, Result(parts=parts, tuple=True), None)


def reshaped(writer: Writer, scope: Scope, depth: int) -> Table | None:
    ref = writer.refer(scope, lambda each: not each.flat, spelled=True)
    if ref is None:
        return None
    given = writer.found(scope, ref)
    if ref.count(".") or writer.some(0.3):
        return finished(writer, scope, {"type": "flatten", "start_dim": 1, "input": ref}, [given], Result(given.width), None)
    shape = [f"${{{ref}.shape[0]}}", f"${{{ref}.shape[-1]}}"]
    return finished(writer, scope, {"type": "reshape", "input": ref, "shape": shape}, None, Result(given.width), None)


def value(writer: Writer, scope: Scope, depth: int) -> Table | None:
    one = writer.refer(scope, lambda each: not each.flat, spelled=True)
    if one is None:
        return None
    width = writer.found(scope, one).width
    two = writer.refer(scope, lambda each: each.width == width, spelled=True)
    weight = parameter(writer, scope, "bias", width, spelled=True)
    if weight and writer.some(0.5):
        return finished(writer, scope, {"value": f"${{{one} * {weight} - 1}}"}, None, Result(width), None)
    texts = {f"{one} + 2 * {two}": width, f"tanh({one}) - {two} / two": width, f"{one}[:, 1:]": width - 1,
             f"cat([{one}, {one}], 1)": 2 * width, f"{one} if two > 1 else {two}": width, f"-{one}[:, :two]": 2}  # fmt: skip
    text = writer.random.choice(list(texts))
    return finished(writer, scope, {"value": f"${{{text}}}"}, None, Result(texts[text]), None)


def stored(writer: Writer, scope: Scope, depth: int) -> Table | None:
    width = writer.random.choice(WIDTHS)
    table: Table = {"type": writer.random.choice(["Parameter", "Buffer"]), "shape": [writer.number(scope, width)]}
    if table["type"] == "Buffer" or writer.some(0.5):
        table["init"] = 0.25
    if table["type"] == "Buffer" and writer.some(0.3):
        table["persistent"] = False
    return finished(writer, scope, table, [], Result(width, flat=True), None)


def group(writer: Writer, scope: Scope, depth: int) -> Table | None:
    table: Table = {}
    fed: dict[str, Result] = {}
    if writer.some(0.5):
        names = writer.random.sample(["h", "left", "right"], writer.random.randint(1, 2))
        fed = feed(writer, scope, table, names) or {}
        if not fed:
            return None
        table["inputs"] = names
    first = next(iter(fed.values())) if fed else source(writer, scope, table, lambda each: True)
    if first is None:
        return None
    plan = planned(writer, scope, table, all(each.parts is None for each in (first.parts or {}).values()))
    nameless = table.get("name") == "" and "repeat" not in table and not plan["absent"]
    inner = writer.scope(
        fed, outer=scope, host=scope if nameless else None, numbers=scope.numbers, params=scope.params,
        counted=scope.counted or "repeat" in table,
    )  # fmt: skip
    inner.taken |= scope.root().taken if table.get("name") == "" else set()
    inner.previous = first if len(fed) < 2 else None
    if "repeat" in table:
        inner.forbidden |= {id(part) for each in (fed or {"": first}).values() for part in each.all()}
    body: Table = {"layers": writer.layers(inner, writer.random.randint(1, 4), depth - 1)}
    keep = plan["keep"]
    flat = all(each.parts is None for each in fed.values())
    if keep and fed and flat and writer.some(0.3) and "repeat" in table and not plan["maybe"] and "train_only" not in table:
        result = writer.named(body, inner, {name: writer.reach(body, inner, each) for name, each in fed.items()})
    elif keep and (first.parts is None or first.tuple):
        body["outputs"] = writer.reach(body, inner, first)
        result = first.anew()
    else:
        result = writer.outputs(body, inner, fed)
    table.update(body)
    if writer.some(0.1) and table.get("name") != "" and (start := writer.start(inner.entries)):
        table["init"] = start
    entry = Entry(result, list(fed.values()) or [first], list(fed) or None, inner.entries, captures=inner.captures)
    return entered(writer, scope, table, entry, first, plan)


def call(writer: Writer, scope: Scope, depth: int) -> Table | None:
    if not writer.calls:
        return None
    name = writer.random.choice(list(writer.calls))
    entry = writer.calls[name]
    table: Table = {"type": name}
    fed = feed(writer, scope, table, entry.names or [], entry.inputs)
    if fed is None:
        return None
    first = next(iter(fed.values()))
    preserves = entry.result.fits(first)
    plan = planned(writer, scope, table, preserves)
    if plan["keep"] and not preserves:
        return None
    counted = scope.counted or "repeat" in table
    given = {"flag": "${i > 0}" if counted and writer.some(0.5) else writer.some(0.5), "times": writer.random.randrange(3),
             "mid": "${i + 2}" if counted and writer.some(0.5) else 3, "act": writer.random.choice(UNARY)}  # fmt: skip
    table |= {param: given[param] for param in writer.blocks[name].get("params", ())}
    if table.get("name") == "" and "repeat" not in table and (writer.bodies[name].taken - set(entry.names or ())) & scope.root().taken:
        table["name"] = writer.fresh(scope)
    copy = Entry(entry.result.anew(), entry.inputs, entry.names, entry.parts)
    return entered(writer, scope, table, copy, first, plan)


def share(writer: Writer, scope: Scope, depth: int) -> Table | None:
    inside = {each.root() for each in scope.around()}
    found = [(path, each) for path, each in paths(scope) if each.inputs and each.captures <= inside]
    if not found:
        return None
    path, entry = writer.random.choice(found)
    table: Table = {"share": path}
    fed = feed(writer, scope, table, entry.names or [""], entry.inputs)
    if fed is None:
        return None
    writer.captured(scope, path.split(".")[0])
    first = next(iter(fed.values()))
    plan = planned(writer, scope, table, entry.result.fits(first))
    if plan["keep"] and not entry.result.fits(first):
        return None
    again = Entry(entry.result.anew(), entry.inputs, entry.names, entry.parts, entry.weights, entry.captures, True)
    return entered(writer, scope, table, again, first, plan)


# What layers have in common


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
        return chosen_for(writer, scope, Result(parts={str(k): Result(writer.random.choice(WIDTHS)) for k in range(2)}, tuple=True))
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


def entered(writer: Writer, scope: Scope, table: Table, entry: Entry, first: Result | None, plan: Table) -> Table:
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
                _pour(writer, scope, table)
            elif "layers" not in table:
                scope.root().count += 1
            scope.previous = entry.result
            return table
        writer.done(scope, name, entry)
        return table
    beside = name == "" or "${" in (name or "")
    copies = {str(k): Entry(entry.result.anew(), entry.inputs, entry.names, entry.parts, entry.weights, entry.captures, entry.shared)
              for k in range(repeat)}  # fmt: skip
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


def _pour(writer: Writer, scope: Scope, table: Table) -> None:
    """What a block without a name holds stands around it."""
    body = writer.bodies[table["type"]]
    _take(scope, body.taken - set(table_inputs(writer, table)))
    for name, each in body.entries.items():
        if not name.isdigit() and name not in table_inputs(writer, table):
            scope.enter(name, Entry(each.result.anew(), each.inputs, each.names, each.parts, each.weights, each.captures), 0)
    scope.root().count += body.count
    scope.root().uncertain |= body.uncertain


def table_inputs(writer: Writer, table: Table) -> list[str]:
    return writer.calls[table["type"]].names or []


_KINDS: dict[str, Callable[[Writer, Scope, int], Table | None]] = {
    "linear": linear, "norm": norm, "unary": unary, "binary": binary, "cat": cat, "chunk": chunk, "reshaped": reshaped,
    "value": value, "stored": stored, "group": group, "call": call, "share": share,
}  # fmt: skip
_WEIGHTS = {"linear": 5, "norm": 1, "unary": 3, "binary": 3, "cat": 2, "chunk": 1, "reshaped": 1, "value": 3, "stored": 1,
            "group": 5, "call": 4, "share": 5}  # fmt: skip
