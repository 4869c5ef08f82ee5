"""The lines over a picture and over its parts: what the model is, what is not drawn, what a group holds."""

from __future__ import annotations

from builder.graph import Node, Region, parameter_count
from render.amounts import amount_said, summed
from render.copies import range_said
from render.folding.plan import Frame, Plan, Standing
from render.folding.walk import Level
from render.words import NAME_LIMIT, count_said, name_said, region_said, shape_said, shortened


def summary(all_nodes: list[Node], batch: str | None) -> str:
    """`input 3×224×224 · 11,689,512 parameters · 1.8 G multiply-adds`."""
    inputs = [each for each in all_nodes if each.role == "input"]
    total = sum(parameter_count(each) for each in all_nodes)
    work = amount_said(summed(each.multiply_adds for each in all_nodes))
    words = [_inputs_said(inputs, batch), f"{count_said(total)} parameters", f"{work} multiply-adds" if work else ""]
    return " · ".join(filter(None, words))


def folding(plan: Plan, level: Level) -> str:
    """What is not drawn, in few words."""
    once = any(each.copies > 1 for each in plan.boxes) or any(each.copies > 1 for each in plan.frames)
    closed = any(each.region for each in plan.boxes)
    if level == "full" or not (once or closed):
        return ""
    if level == "overview" and closed:
        return "overview"
    return f"{' and '.join(filter(None, ['blocks' * closed, 'repeats' * once]))} drawn once"


def _inputs_said(inputs: list[Node], batch: str | None) -> str:
    shaped = [each for each in inputs if each.shape is not None]
    if len(shaped) == 1:
        return f"input {shape_said(shaped[0].shape, batch)}"
    told = [f"{shortened(name_said(each.name), NAME_LIMIT)} {shape_said(each.shape, batch)}" for each in shaped[:3]]
    more = [f"{len(shaped) - 3} more"] if len(shaped) > 3 else []
    return "inputs " + ", ".join(told + more) if told else ""


def called(plan: Plan, part: Standing | Frame) -> str:
    """The name of a layer or region; `conv2–5` where it stands for several."""
    say = region_said if part.called in plan.tree.regions else name_said
    return range_said(say(part.called), say(part.last))


def cluster_detail(region: Region, name: str, count: int) -> str:
    """`BasicBlock · 73,984`, or `73,984 parameters`: there is no room for both words. A shared one says whose it is."""
    type_ = region.type if name else ""
    if region.module not in ("", region.name):
        return f"shares {shortened(region_said(region.module), NAME_LIMIT)}"
    if not type_:
        return parameters_said(count)
    return f"{type_} · {count_said(count)}" if count else type_


def parameters_said(count: int) -> str:
    return f"{count_said(count)} parameters" if count else ""
