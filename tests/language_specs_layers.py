"""The layers of random specs: each function writes one, and enters in its scope what can then be referred to."""

from __future__ import annotations

from collections.abc import Callable

from language_specs import UNARY, WIDTHS, Writer
from language_specs_entering import entered, feed, finished, parameter, paths, planned, source
from language_specs_scope import Entry, NothingFitsError, Result, Scope, Table


def layer(writer: Writer, scope: Scope, depth: int) -> Table:
    for _ in range(12):
        kinds = [
            name for name, weight in _WEIGHTS.items() if depth or name not in ("group", "call") for _ in range(weight)
        ]
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
        return finished(
            writer, scope, {"type": "flatten", "start_dim": 1, "input": ref}, [given], Result(given.width), None
        )
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
    texts = {
        f"{one} + 2 * {two}": width,
        f"tanh({one}) - {two} / two": width,
        f"{one}[:, 1:]": width - 1,
        f"cat([{one}, {one}], 1)": 2 * width,
        f"{one} if two > 1 else {two}": width,
        f"-{one}[:, :two]": 2,
    }
    if width < 2:  # a layer of no features is refused, and there are no two to take
        texts = {text: wide for text, wide in texts.items() if "[" not in text or text.startswith("cat")}
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
    plan = planned(writer, scope, table, first.parts is None or _is_pair(first))
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
    if (
        keep
        and fed
        and flat
        and writer.some(0.3)
        and "repeat" in table
        and not plan["maybe"]
        and "train_only" not in table
    ):
        result = writer.named(body, inner, {name: writer.reach(body, inner, each) for name, each in fed.items()})
    elif keep:
        body["outputs"] = writer.reach(body, inner, first)
        if "repeat" in table and isinstance(body["outputs"], list) and set(body["outputs"]) & set(fed):
            raise NothingFitsError  # whether it is handed on by name or as one tuple is not for the oracle to say
        result = writer.found(inner, body["outputs"])
    else:
        result = writer.outputs(body, inner, fed)
    table.update(body)
    if writer.some(0.1) and table.get("name") != "" and (start := writer.start(inner.entries)):
        table["init"] = start
    entry = Entry(result, list(fed.values()) or [first], list(fed) or None, inner.entries, captures=inner.captures)
    return entered(writer, scope, table, entry, first, plan)


def _is_pair(result: Result) -> bool:
    return result.tuple and all(each.parts is None for each in (result.parts or {}).values())


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
    given = {
        "flag": "${i > 0}" if counted and writer.some(0.5) else writer.some(0.5),
        "times": writer.random.randrange(3),
        "mid": "${i + 2}" if counted and writer.some(0.5) else 3,
        "act": writer.random.choice(UNARY),
    }
    table |= {param: given[param] for param in writer.blocks[name].get("params", ())}
    if (
        table.get("name") == ""
        and "repeat" not in table
        and (writer.bodies[name].taken - set(entry.names or ())) & scope.root().taken
    ):
        table["name"] = writer.fresh(scope)
    if table.get("name") == "" and len(set(fed.values())) < len(fed):
        table["name"] = writer.fresh(scope)  # without a level of its own, its inputs would be one
    handed = dict(zip(entry.inputs or (), fed.values(), strict=True))
    copy = Entry(entry.result.anew(handed), entry.inputs, entry.names, entry.parts)
    return entered(writer, scope, table, copy, first, plan, handed)


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
    handed = dict(zip(entry.inputs or (), fed.values(), strict=True))
    again = Entry(
        entry.result.anew(handed), entry.inputs, entry.names, entry.parts, entry.weights, entry.captures, True
    )
    return entered(writer, scope, table, again, first, plan)


_KINDS: dict[str, Callable[[Writer, Scope, int], Table | None]] = {
    "linear": linear, "norm": norm, "unary": unary, "binary": binary, "cat": cat, "chunk": chunk, "reshaped": reshaped,
    "value": value, "stored": stored, "group": group, "call": call, "share": share,
}  # fmt: skip
_WEIGHTS = {
    "linear": 5, "norm": 1, "unary": 3, "binary": 3, "cat": 2, "chunk": 1, "reshaped": 1, "value": 3, "stored": 1,
    "group": 5, "call": 4, "share": 5,
}  # fmt: skip
