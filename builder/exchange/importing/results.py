"""What a module gives, as the outputs of a spec."""

from __future__ import annotations

from typing import Any

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.groups import Group
from builder.exchange.importing.records import Recording
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Ref, refs


def results_of(result: Any) -> dict[str, Ref]:
    """Its tensors by name: "" for one alone, "0", "1" for several, keys where it gives a dict or a record of torch's or
    of transformers'. What is no tensor is left out."""
    if isinstance(result, Ref):
        return {"": result}
    if isinstance(result, (list, tuple)):
        several = refs(result)
        found = {str(at): each for at, each in enumerate(several)}
    elif isinstance(result, dict):
        found = {key: each for key, value in result.items() for key, each in _under(key, value)}
    else:
        raise ImportingError(f"the module gives {type(result).__name__}, which holds no tensors that a spec can name")
    if not found:
        raise ImportingError("the module gives no tensor")
    return found


def _under(key: str, value: Any) -> list[tuple[str, Ref]]:
    if isinstance(value, Ref):
        return [(key, value)]
    return [(f"{key}_{at}", each) for at, each in enumerate(refs(value))]


def highs(group: Group, recording: Recording) -> dict[str, int]:
    """What the numbers of an input are below: the rows of the embedding that it picks from, which need not say it."""
    names = {Ref(number): key for key, number in recording.inputs.items()}
    found: dict[str, int] = {}
    for step in _embeddings(group):
        name = names.get(step.feed[0])
        rows = int(step.arguments.get("num_embeddings", 0))
        if name is not None and rows and found.setdefault(name, rows) == rows:
            del step.arguments["num_embeddings"]
    return found


def _embeddings(group: Group) -> list[Step]:
    found: list[Step] = []
    for _, each in group.entries:
        if isinstance(each, Group):
            found += _embeddings(each)
        elif each.type == "Embedding" and each.feed and not each.again:
            found.append(each)
    return found
