"""A spec or a graph becomes a module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

from builder import elaboration
from builder.graph import assemble, nodes
from dsl.records import Spec

if TYPE_CHECKING:
    import networkx
    import torch
    from torch import nn

Model: TypeAlias = "str | os.PathLike[str] | Spec | networkx.DiGraph[str]"


def elaborate(spec: Spec) -> networkx.DiGraph[str]:
    """The graph of a spec, every node shaped. Raises dsl.SpecError with everything that is wrong."""
    return graph_of(elaboration.elaborate(spec))


def graph_of(done: elaboration.Elaboration) -> networkx.DiGraph[str]:
    return assemble(done.name, done.doc, done.file, done.nodes, done.regions, done.conditions)


def build(what: Model, *, device: str | torch.device | None = None) -> nn.Module:
    """A plain nn.Module from a spec's path, a Spec or a graph, on a device.

    device: None means the spec's own, else "auto". Weights are drawn on the CPU and then moved, so a seed means the
    same on every device; a spec that names a file of weights starts from those. Raises dsl.SpecError, or a ValueError:
    builder.devices.DeviceError, or CheckpointError where the weights are not this model's.
    """
    from builder.checking import load  # with every fault, those of meaning too
    from builder.devices import resolve

    spec = load(what) if isinstance(what, str | os.PathLike) else what
    wanted: Any = device if device is not None else spec.train.device if isinstance(spec, Spec) else "auto"
    place = resolve(str(wanted) if not isinstance(wanted, tuple) else wanted)
    if not isinstance(spec, Spec):
        return module_of(spec).to(place)
    model = module_of(elaborate(spec))
    if spec.weights is not None:
        from builder.exchange.starting import start

        start(model, spec)
    return model.to(place)


def module_of(graph: networkx.DiGraph[str], *, checks: bool = True) -> nn.Module:
    """The module of a graph, on the CPU. checks: it checks its inputs in every call. Raises builder.memory.TooLarge,
    before anything is allocated, where its weights do not fit the memory that is free."""
    from builder import memory
    from builder.codegen import class_name, source_of
    from builder.codegen.runtime import load_class

    memory.check(nodes(graph))
    return load_class(source_of(graph, checks=checks), class_name(graph))()
