"""An `.onnx` file, opened: its nodes as calls of torch, held against onnxruntime."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from builder.exchange.differing import TOLERANCE
from builder.exchange.programs.nesting import Scope, nested
from builder.exchange.programs.onnx.file import open_onnx, place
from builder.exchange.programs.onnx.functions import FUNCTIONS
from builder.exchange.programs.onnx.graph import Converting
from builder.exchange.programs.onnx.layers import EMBEDDING, LAYERS, is_embedding
from builder.exchange.programs.onnx.scopes import class_of, scope_of
from builder.exchange.programs.onnx.shapes import DTYPES
from builder.exchange.programs.onnx.sizes import on_sizes
from builder.exchange.programs.opened import Opened, ProgramError
from builder.extras import needed

_FREE = (2, 16)  # sizes of examples for a first dim that is free, and for others
_GROWING = ("ConstantOfShape", "Range", "Tile", "Expand", "Pad", "Resize")  # a few numbers say how many they make
_GREATEST = 2**31  # numbers of one tensor
_FOLDED = 2**24  # numbers of a constant that is worked out while reading


def open_onnx_program(path: Path) -> Opened:
    """Raises ProgramError, MissingPackageError."""
    model = open_onnx(path)
    inputs = _inputs(path, model)
    module = module_of_graph(path, model)
    shapes = {_word(name): shape for name, (shape, _) in inputs.items()}
    session = _session(path, model, {_word(name): name for name in inputs})
    return Opened(module, _examples(inputs), shapes, session, TOLERANCE)


def module_of_graph(path: Path, model: Any) -> nn.Module:
    """What a model as `open_onnx` gives it does, as modules in modules. Raises ProgramError, in which `path` is the
    file's name."""
    c = _converted(path, model, list(_inputs(path, model)))
    missing = [each.name for each in model.graph.output if each.name not in c.values]
    if missing:
        raise ProgramError(f"{path}: nothing gives the output {missing[0]}")
    results = [c.result(each.name) for each in model.graph.output]
    names = [_word(each.name) for each in model.graph.output]
    c.graph.output(results[0] if len(results) == 1 else dict(zip(names, results, strict=True)))
    for node in reversed(list(c.graph.nodes)):
        if not node.users and node.op not in ("placeholder", "output"):
            c.graph.erase_node(node)
    used = {str(node.target) for node in c.graph.nodes if node.op in ("call_module", "get_attr")}
    try:
        return nested(class_of(model), c.graph, {name: each for name, each in c.leaves.items() if name in used})
    except (KeyError, TypeError, ValueError, RuntimeError, SyntaxError) as error:  # names that do not go together
        raise ProgramError(f"{path}: no modules can be made of it: {error}") from error


def _converted(path: Path, model: Any, inputs: Sequence[str]) -> Converting:
    from onnx import numpy_helper

    c = Converting(model, opset=max(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")))
    for each in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        kind = each.type.tensor_type
        c.kinds[each.name] = kind.elem_type
        if kind.HasField("shape"):
            c.shapes[each.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
    for each in model.graph.initializer:
        c.values[each.name] = torch.from_numpy(numpy_helper.to_array(each).copy())
    for name in inputs:
        c.values[name] = c.graph.placeholder(_word(name))
        c.values[name].meta["type"] = (c.kinds.get(name), len(c.shapes.get(name, ())))
    for node in model.graph.node:
        c.node = node
        c.here = scope_of(node) or (() if node.metadata_props else _scope_before(c))
        _convert(path, c)
    return c


def _scope_before(c: Converting) -> Scope:
    """For a node that an optimiser has put in: the scope of what it reads first."""
    read = (c.values.get(name) for name in c.node.input)
    first = next((each for each in read if isinstance(each, fx.Node)), None)
    found: Scope = first.meta.get("scope", ()) if first is not None else ()
    return found


def _convert(path: Path, c: Converting) -> None:
    """What a node gives, under the names that it has for it."""
    node = c.node
    missing = [name for name in node.input if name and name not in c.values]
    if missing:
        raise ProgramError(f"{path}: {place(node)} reads {missing[0]}, which nothing before it gives")
    if node.domain not in ("", "ai.onnx") or (node.op_type not in FUNCTIONS and node.op_type not in LAYERS
                                              and node.op_type not in ("Constant", "Gather")):  # fmt: skip
        raise ProgramError(f"{path}: {place(node)}: no such operator is known here, of domain "
                           f"{node.domain or 'ai.onnx'!s}, opset {c.opset}")  # fmt: skip
    if node.output[0] in c.values:  # a bias that a layer took in
        return
    _check_size(path, c)
    found = _worked_out(c)
    try:
        if found is None:
            found = on_sizes(c)
        if found is None:
            found = _rule(c)
    except (TypeError, ValueError, IndexError, KeyError, RuntimeError) as error:
        if isinstance(error, ProgramError):
            raise ProgramError(f"{path}: {error}") from error
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProgramError(f"{path}: {place(node)} is not as its operator is defined: {words}") from error
    if node.output[0] in c.taken:
        c.values[c.taken[node.output[0]]] = found
    for name, each in zip(node.output, found if isinstance(found, tuple) else (found,), strict=False):
        if name:
            c.values[name] = each
            if hasattr(each, "op"):
                each.meta["type"] = (c.kinds.get(name), len(c.shapes.get(name, ())))
                if re.fullmatch(r"[A-Za-z]\w*", name) and each.op != "placeholder":
                    each._rename(re.sub(r"_\d+$", "", name))


def _check_size(path: Path, c: Converting) -> None:
    """A few bytes can ask for more numbers than there is memory."""
    for name in c.node.output:
        sizes = [each or 1 for each in c.shapes.get(name, ())]
        if math.prod(sizes) > _GREATEST:
            raise ProgramError(f"{path}: {place(c.node)} makes {math.prod(sizes):,} numbers; {_GREATEST:,} are read")


def _rule(c: Converting) -> Any:
    if c.node.op_type == "Gather" and is_embedding(c):
        return EMBEDDING(c)
    return (LAYERS.get(c.node.op_type) or FUNCTIONS[c.node.op_type])(c)


def _worked_out(c: Converting) -> Any:
    """What a node of known tensors alone gives; None where the model has to run for it."""
    if c.node.op_type == "Constant":
        return _constant(c)
    values = [c.value(at) for at in range(len(c.node.input)) if c.has(at)]
    if not values or not all(isinstance(each, Tensor) for each in values) or c.node.op_type.startswith("Random"):
        return None
    known = c.shapes.get(c.node.output[0])
    large = sum(each.numel() for each in values) > _FOLDED or math.prod(each or 1 for each in known or ()) > _FOLDED
    if large or (c.node.op_type in _GROWING and (known is None or None in known)):
        return None
    from onnx.reference import ReferenceEvaluator

    onnx = needed("onnx", "an .onnx file")
    graph = onnx.helper.make_graph(
        [c.node], "node", [onnx.helper.make_empty_tensor_value_info(name) for name in c.node.input if name],
        [onnx.helper.make_empty_tensor_value_info(name) for name in c.node.output if name],
    )  # fmt: skip
    single = onnx.helper.make_model(graph, opset_imports=c.model.opset_import)
    try:
        arrays = {name: c.value(at).numpy() for at, name in enumerate(c.node.input) if name}
        found: Any = ReferenceEvaluator(single).run(None, arrays)
    except Exception:  # what the evaluator cannot do is done when the model runs
        return None
    if sum(each.size for each in found) > _FOLDED:
        return None
    tensors = tuple(torch.from_numpy(each.copy()) if each.ndim else torch.tensor(each.item(), dtype=_dtype(each))
                    for each in found)  # fmt: skip
    return tensors if len(tensors) > 1 else tensors[0]


def _dtype(each: Any) -> torch.dtype:
    found: torch.dtype = torch.from_numpy(each.reshape(1).copy()).dtype
    return found


def _constant(c: Converting) -> Tensor:
    for name, kind in (("value_int", torch.int64), ("value_ints", torch.int64), ("value_float", torch.float32),
                       ("value_floats", torch.float32)):  # fmt: skip
        found = c.attribute(name)
        if found is not None:
            return torch.tensor(list(found) if name.endswith("s") else found, dtype=kind)
    found = c.attribute("value")
    if not isinstance(found, Tensor):
        raise c.unsaid("a constant that is no tensor of numbers")
    return found


# What it reads


def _inputs(path: Path, model: Any) -> dict[str, tuple[list[int | str], int]]:
    """Of each input its sizes, free ones by name, and its kind."""
    held = {each.name for each in model.graph.initializer}
    found: dict[str, tuple[list[int | str], int]] = {}
    for each in model.graph.input:
        if each.name in held:
            continue
        kind = each.type.tensor_type
        if not each.type.HasField("tensor_type") or not kind.HasField("shape"):
            raise ProgramError(f"{path}: the input {each.name} is no tensor of a known number of dims")
        if kind.elem_type not in DTYPES:
            raise ProgramError(f"{path}: the input {each.name} is of ONNX's kind {kind.elem_type}, which is not read")
        shape: list[int | str] = []
        for at, dim in enumerate(kind.shape.dim):
            name = re.sub(r"\W", "_", dim.dim_param)
            name = name if name.isidentifier() else f"D{at}" if at else "N"
            shape.append(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else name)
        found[each.name] = shape, kind.elem_type
    if not found:
        raise ProgramError(f"{path} reads nothing, so that there is no input for a spec")
    batch = {shape[0] for shape, _ in found.values() if shape and isinstance(shape[0], str)}
    if len(batch) == 1 and not any("N" in shape for shape, _ in found.values()):  # what a spec calls the batch
        only = batch.pop()
        found = {
            name: (["N" if each == only else each for each in shape], kind) for name, (shape, kind) in found.items()
        }
    return found


def _examples(inputs: Mapping[str, tuple[list[int | str], int]]) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    sizes: dict[str, int] = {}
    found = {}
    for name, (shape, kind) in inputs.items():
        for at, each in enumerate(shape):
            if isinstance(each, str):
                sizes.setdefault(each, _FREE[0] if at == 0 else 64 if len(shape) == 4 else _FREE[1])
        found[_word(name)] = _drawn([sizes[each] if isinstance(each, str) else each for each in shape], kind, random)
    return found


def _drawn(shape: list[int], kind: int, random: torch.Generator) -> Tensor:
    dtype = DTYPES[kind]
    if dtype.is_floating_point:
        return torch.randn(shape, generator=random).to(dtype)
    first = int(len(shape) == 1 and dtype != torch.bool)  # a number for each sample may be a length, which is not 0
    return torch.randint(first, first + 2, shape, generator=random).to(dtype)


def _session(path: Path, model: Any, names: Mapping[str, str]) -> Any:
    """The file as onnxruntime runs it."""
    onnxruntime = needed("onnxruntime", "an .onnx file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProgramError(f"{path}: onnxruntime does not run it: {words}") from error

    def run(tensors: Mapping[str, Tensor]) -> list[Tensor]:
        try:
            made = session.run(None, {names[key]: each.numpy() for key, each in tensors.items()})
        except Exception as error:  # onnxruntime's own
            words = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ProgramError(f"{path}: onnxruntime stops while it runs it: {words}") from error
        return [torch.from_numpy(each) for each in made]

    return run


def _word(name: str) -> str:
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return word if word.isidentifier() and not keyword.iskeyword(word) else f"x{word}"


__all__ = ["open_onnx_program"]
