"""`--export`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from builder.building import elaborate
from builder.commands.streams import say
from builder.files import write_text
from builder.resolving import resolved_text
from dsl.records import Spec


def export(spec: Spec, path: Path, weights: str | None = None) -> None:
    """Write the model elsewhere, in the format that the suffix says. weights: a file of them, for formats that hold
    weights."""
    _FORMATS[path.suffix](spec, path, weights)
    print(path, file=sys.stderr)


def holds_weights(path: Path) -> bool:
    """Whether a file of this suffix has weights in it: those of a run, where there is one."""
    return path.suffix in _WITH_WEIGHTS


def _source(spec: Spec, path: Path, _: str | None) -> None:
    """The source that runs when the spec is built."""
    from builder.codegen import source_of

    write_text(path, source_of(elaborate(spec)))


def _resolved(spec: Spec, path: Path, _: str | None) -> None:
    """The spec with all that it stands on worked in."""
    write_text(path, resolved_text(spec))


def _graph(spec: Spec, path: Path, _: str | None) -> None:
    from builder.exchange.graph_json import write_graph

    write_graph(path, elaborate(spec))


def _weights(spec: Spec, path: Path, weights: str | None) -> None:
    from builder.exchange.weights_file import with_weights, write_weights

    model, told = with_weights(spec, weights)
    if told:
        say(f"note: {told}")
    write_weights(path, model)


def _program(spec: Spec, path: Path, weights: str | None) -> None:
    from builder.exchange.torch_export import write_program

    _compared(write_program, spec, path, weights)


def _onnx(spec: Spec, path: Path, weights: str | None) -> None:
    from builder.exchange.onnx_export import write_onnx

    _compared(write_onnx, spec, path, weights)


def _compared(write: Callable[[Path, Any, Spec], tuple[str, ...]], spec: Spec, path: Path, weights: str | None) -> None:
    from builder.exchange.weights_file import with_weights

    model, told = with_weights(spec, weights)
    for note in filter(None, (told, *write(path, model, spec))):
        say(f"note: {note}")


_FORMATS: Final[dict[str, Callable[[Spec, Path, str | None], None]]] = {
    ".py": _source,
    ".toml": _resolved,
    ".json": _graph,
    ".safetensors": _weights,
    ".pt2": _program,
    ".onnx": _onnx,
}
SUFFIXES: Final = tuple(_FORMATS)
_WITH_WEIGHTS: Final = (".safetensors", ".pt2", ".onnx")
