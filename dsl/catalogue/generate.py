"""Makes `torch.json` from the installed torch: `python -m dsl.catalogue.generate`.

The only file of the catalogue that imports torch. What is not named or let through here cannot be reached from a spec.
"""

from __future__ import annotations

import collections.abc
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch

from dsl.catalogue.annotations import parameters_of, type_of, with_none
from dsl.catalogue.families import inferred_of, kind_of, known_type
from dsl.catalogue.lines import DATA
from dsl.catalogue.schemas import signatures

# A parameter in the file: [name, type] or [name, type, default].
Written = list[Any]

# Classes of torch.nn that are no layers of a spec: bases, containers, what needs processes, what is deprecated.
_NO_LAYERS: Final = (
    r"Lazy\w+|Module|Container|Sequential|(Module|Parameter)(List|Dict)|RNNBase|RNNCellBase|DataParallel|NLLLoss2d"
)
# Functions with a schema that stay out: other memory formats and devices, memory that holds anything, quantities and
# views of no use in a model, names that PyTorch has deprecated, another spelling for the compiler's own use.
_NO_FUNCTIONS: Final = (
    r".*_|_.*|(?!index).*_copy|.*(sparse|quantiz|mkldnn|coalesce|to_padded|to_dense).*|c?(crow|col|row)_indices|indices|values|"
    r"s?smm|hspmm|sspaddmm|fake_.*|native_.*|unsafe_.*|from_file|hash_tensor|.*empty.*|as_strided.*|.*pin_memory|wait|"
    r"int_repr|q_.*|cpu|cuda|chalf|segment_reduce|upsample.*|.*_mm|.*_with_indices|range|(tensor|as_tensor)"
)
_DEPRECATED: Final = (
    r"torch\.(Tensor\.)?(cholesky|qr|svd|triangular_solve|lu|lu_solve|geqrf|orgqr|ormqr|chain_matmul|symeig|eig|to)"
)
# What schedulers are handed, and a function of Python's.
_NO_ARGUMENTS: Final = ("self", "optimizer", "last_epoch", "scale_fn")
_TENSOR: Written = ["input", "tensor"]
_SELF: Written = ["self", "tensor"]
_UNIQUE: list[Written] = [["sorted", "bool", True], ["return_inverse", "bool", False], ["return_counts", "bool", False],
           ["dim", "int | none", None]]  # fmt: skip
# Python functions of torch whose signatures say nothing (`*args`), and methods that have no schema.
_SIGNATURES: Final[dict[str, list[list[Written]]]] = {
    "torch.einsum": [[["equation/", "str"], ["*operands", "tensors"]]],
    "torch.meshgrid": [[["*tensors", "tensors"], ["indexing", "'ij' | 'xy' | none", None]]],
    **{
        f"torch.{name}": [[["*tensors", "tensors"]]]
        for name in ("broadcast_tensors", "cartesian_prod", "block_diag", "atleast_1d", "atleast_2d", "atleast_3d")
    },
    "torch.split": [
        [["tensor", "tensor"], ["split_size_or_sections", "int | int[]"], ["dim", "int", 0]],
    ],
    "torch.unique": [[_TENSOR, *_UNIQUE]],
    "torch.unique_consecutive": [[_TENSOR, *_UNIQUE[1:]]],
    "torch.norm": [[_TENSOR, ["p", "float | str | none", "fro"], ["dim", "int | int[] | none", None],
                    ["keepdim", "bool", False], ["dtype", "dtype | none", None]]],
    "torch.tensordot": [[["a", "tensor"], ["b", "tensor"], ["dims", "int | int[][2]", 2]]],
    "torch.Tensor.split": [[_SELF, ["split_size", "int | int[]"], ["dim", "int", 0]]],
    "torch.Tensor.unflatten": [[_SELF, ["dim", "int"], ["sizes", "int[]"]]],
    "torch.Tensor.to": [[_SELF, ["dtype", "dtype"]], [_SELF, ["other/", "tensor"]]],
    **{
        f"torch.Tensor.{name}": [[_SELF]]
        for name in ("float", "double", "half", "bfloat16", "int", "long", "short", "bool", "char", "byte")
    },
}  # fmt: skip
# Of these the signature with numbers stands first, which elsewhere is the one with tensors.
_NUMBERS_FIRST: Final = r"torch\.(Tensor\.)?(linspace|logspace|masked_fill|index_fill)"
# Python functions of torch outside torch.nn.functional whose own signatures say enough.
_PYTHON: Final = ("torch.cdist", "torch.stft")


def catalogue() -> dict[str, dict[str, Any]]:
    """Every entry by target, sorted, as the file holds it."""
    entries = {**_modules(), **_settings(), **_functions(), **_optimizers(), **_schedulers()}
    return {target: entries[target] for target in sorted(entries)}


def text() -> str:
    """The whole file."""
    lines = [f"{json.dumps(target)}: {json.dumps(data, separators=(',', ':'))}" for target, data in catalogue().items()]
    version = json.dumps(torch.__version__.partition("+")[0])
    return "{\n" + ",\n".join([f'"torch": {version}', *lines]) + "\n}\n"


def _modules() -> dict[str, dict[str, Any]]:
    classes = [each for each in vars(torch.nn).values() if isinstance(each, type) and issubclass(each, torch.nn.Module)]
    return {
        f"torch.nn.{each.__name__}": _module(each) for each in classes if not re.fullmatch(_NO_LAYERS, each.__name__)
    }


def _module(kind: type[torch.nn.Module]) -> dict[str, Any]:
    target = f"torch.nn.{kind.__name__}"
    parameters = _constructor(target, kind)
    inputs = [_written(target, each) for each in parameters_of(kind.forward) if each.name != "self"]
    given = {name for name, *_ in parameters}
    return {
        "role": "module",
        "kind": kind_of(kind.__name__),
        "parameters": parameters,
        "inputs": inputs,
        **_unless_empty("inferred", [name for name in inferred_of(kind.__name__) if name in given]),
    }


def _settings() -> dict[str, dict[str, Any]]:
    """Classes whose instances are handed to a type as one argument."""
    classes = {name: each for name, each in vars(torch.nn).items() if name.endswith("Options")}
    return {
        f"torch.nn.{name}": {
            "role": "settings", "kind": "other", "parameters": _constructor(f"torch.nn.{name}", each),
        }
        for name, each in classes.items()
    }  # fmt: skip


def _constructor(target: str, kind: type) -> list[Written]:
    """The real parameters; those of RNN, LSTM and GRU stand in overloads, GRU's and LSTM's are those of their base."""
    constructor: Callable[..., Any] = vars(kind).get("__init__", kind)
    function = next(iter(typing.get_overloads(constructor)), constructor)
    written = [_written(target, each) for each in parameters_of(function) if each.name != "self"]
    return [each for each in written if each[0] != "process_group"]


def _optimizers() -> dict[str, dict[str, Any]]:
    found = {}
    for kind in vars(torch.optim).values():
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer:
            target = f"torch.optim.{kind.__name__}"
            parameters = [_as_number(each) for each in _constructor(target, kind) if each[0] != "params"]
            found[target] = {"role": "optimizer", "kind": "other", "parameters": parameters}
    return found


def _schedulers() -> dict[str, dict[str, Any]]:
    """Those that follow one rule; several that follow one another are tables of their own in a spec."""
    found = {}
    for name in torch.optim.lr_scheduler.__all__:
        if name not in ("LRScheduler", "SequentialLR", "ChainedScheduler"):
            target = f"torch.optim.lr_scheduler.{name}"
            constructor = getattr(torch.optim.lr_scheduler, name).__init__
            # Their annotations are text, in which typing's names stand that the module imports for checkers alone.
            signature = inspect.signature(constructor, locals=dict(vars(collections.abc)), eval_str=True)
            kept = [each for key, each in signature.parameters.items() if key not in _NO_ARGUMENTS]
            parameters = [_written(target, each) for each in kept]
            found[target] = {"role": "scheduler", "kind": "other", "parameters": parameters}
    return found


def _as_number(parameter: Written) -> Written:
    """A learning rate may be a tensor for the sake of compiled steps; in a spec it is a number."""
    return [parameter[0], parameter[1].replace("float | tensor", "float"), *parameter[2:]]


def _functions() -> dict[str, dict[str, Any]]:
    found = {}
    for target, function in _candidates():
        overloads = _overloads(target, function)
        if overloads:
            found[target] = {
                "role": "method" if target.startswith("torch.Tensor.") else "function",
                "kind": kind_of(target.rpartition(".")[2]),
                "parameters": overloads[0],
                **_unless_empty("overloads", overloads[1:]),
            }
    return found


def _candidates() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions with documentation that the rules above let through."""
    spaces = (torch.nn.functional, torch, torch.linalg, torch.fft, torch.special, torch.Tensor)
    for space in spaces:
        prefix = "torch.Tensor" if space is torch.Tensor else space.__name__
        for name in dir(space):
            function, target = getattr(space, name), f"{prefix}.{name}"
            if target in _SIGNATURES or _is_let_through(name, target, function):
                yield target, function


def _is_let_through(name: str, target: str, function: object) -> bool:
    documented = callable(function) and not isinstance(function, type) and bool(function.__doc__)
    return documented and not re.fullmatch(_NO_FUNCTIONS, name) and not re.fullmatch(_DEPRECATED, target)


def _overloads(target: str, function: Callable[..., Any]) -> list[list[Written]]:
    if _SIGNATURES.get(target):
        return _SIGNATURES[target]
    if inspect.isfunction(function):
        python = target.startswith("torch.nn.functional.") or target in _PYTHON
        return [_python_signature(target, function)] if python and _is_public(function) else []
    packet = getattr(torch.ops.aten, getattr(function, "__name__", ""), None)
    found = _renamed(target, signatures(packet, torch._C._dispatch_has_kernel)) if packet is not None else []
    return sorted(found, key=_tensors) if re.fullmatch(_NUMBERS_FIRST, target) else found


def _tensors(signature: Sequence[Written]) -> int:
    return sum(type_ == "tensor" for _, type_, *_ in signature)


def _is_public(function: Callable[..., Any]) -> bool:
    """Not one of the helpers that torch.nn.functional happens to hold; its poolings come from a switch on `args`."""
    parameters = parameters_of(function)
    return not parameters or parameters[0].name not in ("arg", "arg_name", "public_api")


def _python_signature(target: str, function: Callable[..., Any]) -> list[Written]:
    parameters = parameters_of(function)
    if not parameters:  # torch.nn.functional.max_pool2d chooses between two functions by `return_indices`
        parameters = parameters_of(getattr(torch.nn.functional, f"{target.rpartition('.')[2]}_with_indices"))
    return [_written(target, each) for each in parameters if each.name != "out"]


def _renamed(target: str, found: Sequence[Sequence[Written]]) -> list[list[Written]]:
    """The first tensor is `self` in a schema and in a method, `input` in a function; a number stays `self` there."""
    method = target.startswith("torch.Tensor.")
    kept = [each for each in found if not method or _is_a_methods(each)]
    result = []
    for signature in kept:
        names = [
            "input" if name == "self" and type_ == "tensor" and not method else name for name, type_, *_ in signature
        ]
        result.append(
            [
                [name, each[1] if each[1] == "tensor" else known_type(target, name) or each[1], *each[2:]]
                for name, each in zip(names, signature, strict=True)
            ]
        )
    return result


def _is_a_methods(signature: Sequence[Written]) -> bool:
    """It starts with the tensor itself; matrix products into another dtype are functions alone."""
    return signature[0][:2] == _SELF and all(name != "out_dtype" for name, *_ in signature)


def _written(target: str, parameter: inspect.Parameter) -> Written:
    """One parameter as the file holds it; ValueError where its type cannot be told (say it in `families.TYPES`)."""
    text = known_type(target, parameter.name) or _sized(target, type_of(parameter))
    if text == "none":
        raise ValueError(f"the type of {target}'s {parameter.name} is not known: give it in families.TYPES")
    alone = parameter.kind is inspect.Parameter.KEYWORD_ONLY and "tensor" in text
    name = f"{parameter.name}=" if alone else parameter.name
    if parameter.default is inspect.Parameter.empty:
        return [name, text]
    return [name, with_none(text) if parameter.default is None else text, _plain(parameter.default)]


def _sized(target: str, text: str) -> str:
    """A class for so many dims (MaxPool2d) takes lists of that length, also where torch says any length."""
    dims = re.fullmatch(r"torch\.nn\.\w*Pool(\d)d", target)
    return re.sub(r"(int\??)\[\]", rf"\1[{dims[1]}]", text) if dims else text


def _plain(default: object) -> object:
    """A default as JSON holds it; a function stands as its name (the activation of TransformerEncoderLayer)."""
    if inspect.isfunction(default):
        return default.__name__
    return list(default) if isinstance(default, tuple) else default


def _unless_empty(key: str, value: Sequence[Any]) -> dict[str, Any]:
    return {key: value} if value else {}


if __name__ == "__main__":
    DATA.write_text(text(), encoding="utf-8")
