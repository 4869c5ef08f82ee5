"""This project's own layers, as the catalogue describes them; `builder/layers.py` holds the modules."""

from __future__ import annotations

from typing import Final

from dsl.catalogue.entries import Entry, Parameter

_INPUT = Parameter(name="input", type="tensor")
_CHANCE = Parameter(name="p", type="float", default=0.5)
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
    # In training, turns left to right each sample with probability p.
    Entry(
        name="RandomHorizontalFlip",
        target="tomograph.RandomHorizontalFlip",
        role="module",
        kind="shape",
        parameters=(_CHANCE,),
        inputs=(_INPUT,),
    ),
    # In training, turns upside down each sample with probability p.
    Entry(
        name="RandomVerticalFlip",
        target="tomograph.RandomVerticalFlip",
        role="module",
        kind="shape",
        parameters=(_CHANCE,),
        inputs=(_INPUT,),
    ),
    # A part of each image, edged with zeros before; its place is drawn in training, and the middle in evaluation.
    Entry(
        name="RandomCrop",
        target="tomograph.RandomCrop",
        role="module",
        kind="shape",
        parameters=(
            Parameter(name="size", type="int | int[2]"),
            Parameter(name="padding", type="int | int[2]", default=0),
        ),
        inputs=(_INPUT,),
    ),
    # In training, turns (degrees), moves (parts of width and height) and scales each image about its middle.
    Entry(
        name="RandomAffine",
        target="tomograph.RandomAffine",
        role="module",
        kind="shape",
        parameters=(
            Parameter(name="degrees", type="float | float[2]"),
            Parameter(name="translate", type="float[2] | none", default=None),
            Parameter(name="scale", type="float[2] | none", default=None),
        ),
        inputs=(_INPUT,),
    ),
    # Takes each channel's mean away and divides by its std.
    Entry(
        name="Normalize",
        target="tomograph.Normalize",
        role="module",
        kind="normalisation",
        parameters=(Parameter(name="mean", type="float | float[]"), Parameter(name="std", type="float | float[]")),
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
