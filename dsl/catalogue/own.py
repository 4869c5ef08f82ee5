"""This project's own layers, as the catalogue describes them; `builder/layers.py` holds the modules."""

from __future__ import annotations

from typing import Final

from dsl.catalogue.entries import Entry, Parameter

_INPUT = Parameter(name="input", type="tensor")
_CHOICE = Parameter(name="choice", type="str")

_LAYERS = (
    # Takes the mean of all elements away: x - x.mean().
    Entry(
        name="MeanSubtract",
        target="tomograph.MeanSubtract",
        role="module",
        kind="arithmetic",
        parameters=(),
        inputs=(_INPUT,),
    ),
    # Multiplies by each of a list of matrices in turn: x @ p[0] @ p[1] ...
    Entry(
        name="ParameterList",
        target="tomograph.ParameterList",
        role="module",
        kind="linear",
        parameters=(Parameter(name="shapes", type="int[][]"),),
        inputs=(_INPUT,),
    ),
    # Multiplies by the one of several named matrices that a choice picks: x @ p[choice].
    Entry(
        name="ParameterDict",
        target="tomograph.ParameterDict",
        role="module",
        kind="linear",
        parameters=(Parameter(name="shapes", type="{int[]}"),),
        inputs=(_INPUT, _CHOICE),
    ),
    # In training, drops the input (a residual's branch) for single samples or for all; what stays is divided by 1 - p.
    Entry(
        name="StochasticDepth",
        target="tomograph.StochasticDepth",
        role="module",
        kind="dropout",
        parameters=(Parameter(name="p", type="float"), Parameter(name="mode", type="'row' | 'batch'", default="row")),
        inputs=(_INPUT,),
    ),
    # Dims are cut, moved and joined in the notation of einops: "n (h d) t -> n h t d". Further keywords: sizes of axes.
    Entry(
        name="rearrange",
        target="tomograph.rearrange",
        role="function",
        kind="shape",
        parameters=(_INPUT, Parameter(name="pattern", type="str")),
        inputs=(_INPUT,),
        more="int",
    ),
)

OWN: Final = {each.name: each for each in _LAYERS}
