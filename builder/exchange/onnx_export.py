"""A model as an ONNX file, run by onnxruntime and compared before it has its name."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from builder.building import elaborate
from builder.exchange.differing import TOLERANCE, difference
from builder.exchange.errors import ExportError
from builder.exchange.examples import tried
from builder.exchange.onnx_recurrent import said_as_onnx, translations
from builder.exchange.torch_export import exported, outputs_of
from builder.extras import needed
from builder.files import write_bytes
from builder.graph import nodes
from dsl.records import Spec

OPSET: Final = 20  # of 2023: the first with Gelu, which every runtime of today reads
_NODE: Final = re.compile(r"Error when translating node %(\w+)")
_LIMIT: Final = 2**31 - 2**20  # what one message of protobuf can hold, with room for the graph


def write_onnx(path: Path, model: nn.Module, spec: Spec) -> tuple[str, ...]:
    """Write the model, in evaluation, as ONNX reads it; what is to be told of it, in sentences.

    Free sizes are dims of their names. Raises ExportError where torch cannot say the model in ONNX or onnxruntime gives
    other outputs, MissingPackageError without the extra `onnx`, OutputError where the file cannot be written; nothing
    of it then stays, and what was there before does.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        needed(module, "an ONNX file")
    size = sum(each.numel() * each.element_size() for each in model.state_dict().values())
    if size > _LIMIT:
        raise ExportError(f"an ONNX file holds 2 GiB and the model has {size / 2**30:.1f} GiB of weights; .pt2 and "
                          ".safetensors hold more")  # fmt: skip
    inputs = tried(model, spec)
    _refuse_unheld([*inputs[0], *outputs_of(model, inputs[0])])
    with said_as_onnx(model):
        program, fixed = exported(model, spec, inputs)
    names = [each.name for each in spec.model.inputs or ()]
    outputs = _output_names(model, spec, inputs[0])
    content = _converted(program, names, outputs)
    content = _with_names(content, spec)
    far, drawn = _compared(content, model, names, inputs if not fixed else inputs[:1])
    if far > TOLERANCE:
        raise ExportError(f"{path} is not written: in onnxruntime an output differs by {far:.1e} of its "
                          f"greatest value, which is more than {TOLERANCE:.0e}")  # fmt: skip
    write_bytes(path, content)
    return tuple(_told(fixed, far, [outputs[each] for each in drawn]))


def _converted(program: ExportedProgram, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The file's bytes, as torch makes them."""
    try:
        with _quiet(), torch.no_grad():
            made = torch.onnx.export(program, (), input_names=inputs, output_names=outputs, opset_version=OPSET,
                                     verbose=False, external_data=False, dynamo=True,
                                     custom_translation_table=translations())  # fmt: skip
    except RuntimeError as error:
        raise ExportError(f"torch.onnx cannot say the model: {_place(error, program)}{_cause(error)}") from error
    assert made is not None
    content: bytes = made.model_proto.SerializeToString()
    return content


def _with_names(content: bytes, spec: Spec) -> bytes:
    """The file with the spec's names for its free sizes, in place of torch's symbols."""
    onnx = needed("onnx", "an ONNX file")
    model = onnx.load_from_string(content)
    renamed: dict[str, str] = {}
    shapes = {each.name: each.shape or () for each in spec.model.inputs or ()}
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            if dim.dim_param and isinstance(size, str):
                renamed.setdefault(dim.dim_param, size)
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = renamed.get(dim.dim_param) or re.sub(
                    r"[A-Za-z_]\w*", lambda found: renamed.get(found[0], found[0]), dim.dim_param
                )
    model.producer_name, model.producer_version = "tomograph", ""
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"torch.onnx makes a file that is no sound ONNX: {_cause(error)}") from error
    whole: bytes = model.SerializeToString()
    return whole


def _compared(
    content: bytes, model: nn.Module, names: Sequence[str], inputs: Sequence[tuple[Tensor, ...]]
) -> tuple[float, list[int]]:
    """The greatest difference between onnxruntime and the model, and the outputs that the model itself draws at random,
    which are not compared."""
    onnxruntime = needed("onnxruntime", "an ONNX file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        found = [session.run(None, {name: each.numpy() for name, each in zip(names, one, strict=True)
                                    if name in {taken.name for taken in session.get_inputs()}})
                 for one in inputs]  # fmt: skip
    except _refusals(onnxruntime) as error:
        raise ExportError(f"onnxruntime does not run the file: {_cause(error)}") from error
    differences = [0.0]
    drawn: list[int] = []
    for one, values in zip(inputs, found, strict=True):
        expected, again = outputs_of(model, one, seed=1), outputs_of(model, one, seed=2)
        for at, (value, each, other) in enumerate(zip(values, expected, again, strict=True)):
            if torch.equal(torch.nan_to_num(each), torch.nan_to_num(other)):
                differences.append(difference(torch.from_numpy(value), each))
            elif at not in drawn:
                drawn.append(at)
    return max(differences), drawn


def _refusals(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a file that it cannot run: each status has a class, and these have none in common."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException)


def _refuse_unheld(tensors: Sequence[Tensor]) -> None:
    """Raises ExportError for kinds of numbers that go into no array of numpy or no tensor of ONNX: nothing could be
    compared."""
    for each in tensors:
        if each.is_complex() or each.dtype == torch.bfloat16:
            kind = str(each.dtype).removeprefix("torch.")
            raise ExportError(f"an input or output of the model is {kind}, which cannot be compared in onnxruntime; "
                              ".pt2 holds it")  # fmt: skip


def _output_names(model: nn.Module, spec: Spec, inputs: tuple[Tensor, ...]) -> list[str]:
    """A name for each tensor that the model gives: its output's, with a number where an output has several. An output
    called as an input is has `_out` behind it, as one name is one value in ONNX."""
    names = [node.name.partition(".")[2] for node in nodes(elaborate(spec)) if node.role == "output"]
    with torch.no_grad():
        result = model(*inputs)
    several = len(names) > 1
    parts = [result] if not several else list(result.values()) if isinstance(result, dict) else list(result)
    taken = {each.name for each in spec.model.inputs or ()}
    found = []
    for name, part in zip(names, parts, strict=True):
        own = f"{name}_out" if name in taken else name
        leaves = pytree.tree_leaves(part)
        found += [own] if len(leaves) == 1 else [f"{own}_{number}" for number in range(len(leaves))]
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch's exporter tells of its own way: logs, warnings and lines on standard output."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            for each in loggers:
                each.setLevel(logging.ERROR)
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _place(error: BaseException, program: ExportedProgram) -> str:
    """The module that holds the call which torch's exporter could not translate, as `body.act: `; "" where its error
    names none."""
    found = None
    while found is None and error.__cause__ is not None:
        error = error.__cause__
        found = _NODE.match(str(error))
    stacks = [node.meta.get("nn_module_stack", {}) for node in program.graph.nodes if found and node.name == found[1]]
    paths = [path for stack in stacks for path, _ in stack.values()]
    return f"{paths[-1]}: " if paths and paths[-1] else ""


def _cause(error: BaseException) -> str:
    """What is at the bottom of an error of torch's exporter, which wraps its own in reports."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__


def _told(fixed: str, far: float, drawn: Sequence[str]) -> Iterator[str]:
    yield f"in onnxruntime no output differs by more than {far:.1e} of its greatest value"
    if fixed:
        yield f"torch.export cannot keep {fixed} free: the file has the size of the example"
    if drawn:
        yield f"the model draws {', '.join(drawn)} at random, which was not compared"
