"""`[model] weights` held against the model, before anything is read but the header of a `.safetensors` file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from builder.elaboration import Elaboration
from builder.exchange.headers import HeaderError, shapes_in
from builder.exchange.misfits import told, told_start
from builder.exchange.placing import Own, Shapes, place
from builder.graph import state_of
from dsl.catalogue.signatures import PYTHON
from dsl.diagnostics import Fix
from dsl.files import roots
from dsl.records import Place, Spec, Weights
from dsl.source import Setting
from dsl.tables import Faults


def place_of(weights: Weights) -> Place:
    """Where the name of the file is written."""
    written = weights.place.at("weights")
    return written.at("file") if isinstance(weights.place.document.tables["model"]["weights"], dict) else written


def path_of(weights: Weights) -> Path | None:
    """The file that a spec says. A path is relative to the folder of the file that says it; one of the command line, to
    the working directory."""
    return None if weights.file is None else place_of(weights).source.folder / weights.file


def without_start(spec: Spec) -> Spec:
    """The spec without the file that it starts from, for who brings weights: what is trained needs that no more."""
    return spec if spec.weights is None else replace(spec, weights=replace(spec.weights, file=None))


def check_weights(spec: Spec, model: Elaboration, faults: Faults, *, anywhere: bool = False) -> str:
    """Add what is wrong with a spec's weights to `faults`; gives a note on what has not been looked at, or on what
    starts anew. anywhere: the person asked for them, wherever they lie."""
    path = None if spec.weights is None else path_of(spec.weights)
    if spec.weights is None or path is None:
        return ""
    place = place_of(spec.weights)
    if not anywhere and not isinstance(place.source, Setting) and not _is_below(path, roots(spec.document.source.name)):
        return f"the weights are not looked at, as {path} is not below the spec's folder"
    if not os.path.exists(path):
        faults.add(place, f"there is no file {path}", "weights", part="value")
        return ""
    if path.suffix != ".safetensors":
        return f"the weights of {path} are looked at when the model is built"
    try:
        held: Shapes = shapes_in(path)
    except HeaderError as error:
        faults.add(place, str(error), "weights", part="value")
        return ""
    return _check_fit(spec, spec.weights, model, held, faults)


def _check_fit(spec: Spec, weights: Weights, model: Elaboration, held: Shapes, faults: Faults) -> str:
    if any(each.target.startswith(PYTHON) for each in model.made):  # such a layer may keep a state that nothing tells
        return ""
    own, file = own_of(model), str(weights.file)
    found = place(own, held, weights.rename, weights.fresh)
    if found.fits:
        return told_start(file, found, len(own.shapes))
    misfit = told(file, own, held, found)
    fix = Fix(misfit.advice) if misfit.advice else None
    faults.add(place_of(weights), misfit.words, "weights", part="value", notes=tuple(misfit.lines), fix=fix)
    return ""


def own_of(model: Elaboration) -> Own:
    """Keys and shapes of a model that is not built, and which of its keys are one tensor."""
    shapes: Shapes = {key: tuple(shape) for key, shape in state_of(model.made, model.held).items()}
    ties = {f"{node.module}.{name}" if node.module else name: target
            for node in model.made for name, target in node.ties.items()}  # fmt: skip
    alike = {key: _end(key, ties) for key in ties}
    return Own(shapes=shapes, alike={**alike, **{first: first for first in alike.values()}})


def _end(key: str, ties: dict[str, str]) -> str:
    """The tensor that a tied one is in the end."""
    while key in ties:
        key = ties[key]
    return key


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(each)) for each in folders)
