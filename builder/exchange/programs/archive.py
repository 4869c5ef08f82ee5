"""A `.pt2` file is looked through before torch reads it: what it says may hang on nothing but numbers and known names.

torch.export.load would unpickle, and evaluate the text of sizes and guards. What comes from somebody else is taken
apart here: pickles and compressed parts are refused, guards are left out, sizes are read as what they must be, and
torch gets a file that was written anew of it.
"""

from __future__ import annotations

import ast
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from builder.exchange.programs.opened import ProgramError

_PARTS: Final = 100_000
# What torch makes sizes of: sympy's constructors and its own.
_SIZES: Final = frozenset((
    "Symbol", "Integer", "Float", "Rational", "Mul", "Add", "Pow", "Max", "Min", "Mod", "Abs", "Identity", "Where",
    "FloorDiv", "CleanDiv", "CeilDiv", "PythonMod", "ModularIndexing", "IntTrueDiv", "FloatTrueDiv", "CeilToInt",
    "FloorToInt", "TruncToInt", "TruncToFloat", "RoundToInt", "ToFloat", "Equality", "Unequality", "Eq", "Ne", "Lt",
    "Le", "Gt", "Ge", "LessThan", "GreaterThan", "StrictLessThan", "StrictGreaterThan", "And", "Or", "Not",
))  # fmt: skip
_TARGET: Final = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.\w+(\.\w+)?|_operator\.\w+|math\.\w+|torch\._?sym_\w+"
)
_STRUCTURES: Final = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
_FAILURES = (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, IndexError, OSError,
             NotImplementedError, OverflowError, RecursionError)  # fmt: skip


def open_program(path: Path) -> tuple[ExportedProgram, Any]:
    """The program and its example inputs, (args, kwargs), or None where the file has none. Raises ProgramError."""
    try:
        if not path.is_file() and path.exists():
            raise ProgramError(f"cannot read {path}: it is no file")
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            parts = _parts(path, archive, size)
    except (zipfile.BadZipFile, EOFError) as error:
        raise ProgramError(f"{path} is no .pt2 file, or cut short: {error}") from error
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror or error}") from error
    examples = _examples(parts.pop("data/sample_inputs/model.pt", b""))
    parts["models/model.json"] = _sound(path, parts["models/model.json"])
    _check_weights(path, parts)
    parts["data/sample_inputs/model.pt"] = _saved(((), {}))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(_written(parts)), examples
    except Exception as error:  # whatever torch's reader raises over a text that is not sound
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProgramError(f"{path}: torch.export does not read it: {words}") from error


def _parts(path: Path, archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """The parts that a program needs, by their names below the archive's own folder."""
    listed = archive.infolist()
    if len(listed) > _PARTS:
        raise ProgramError(f"{path} has {len(listed)} parts, which no program needs")
    if sum(each.file_size for each in listed) > size or any(each.compress_type for each in listed):
        raise ProgramError(f"{path} has compressed parts; torch.export.save writes none")
    parts: dict[str, bytes] = {}
    for each in listed:
        name = each.filename.partition("/")[2]
        if name.startswith("models/") and name != "models/model.json":
            raise ProgramError(f"{path} holds a model called {name[7:].removesuffix('.json')}; one, `model`, is read")
        if name.startswith(("models/", "data/", "archive_", "byteorder", ".data/")):
            parts[name] = archive.read(each)
    for name in ("models/model.json", "data/weights/model_weights_config.json"):
        if name not in parts:
            raise ProgramError(f"{path} is no .pt2 file of torch 2.9 or later: it has no {name}")
    return parts


def _check_weights(path: Path, parts: dict[str, bytes]) -> None:
    """Tensors as plain bytes alone, none larger than what is there of it."""
    for kind in ("weights", "constants"):
        config = _json(
            path, f"data/{kind}/model_{kind}_config.json", parts.get(f"data/{kind}/model_{kind}_config.json")
        )
        for name, each in (config.get("config") or {}).items():
            if not isinstance(each, dict) or each.get("use_pickle") is not False:
                raise ProgramError(f"{path}: {name} is a pickle, which could run code when it is read")
            meta, content = each.get("tensor_meta"), parts.get(f"data/{kind}/{each.get('path_name')}")
            if content is None or not isinstance(meta, dict):
                raise ProgramError(f"{path}: there are no numbers of {name}")
            count = 1
            for size in meta.get("sizes", ()):
                number = size.get("as_int") if isinstance(size, dict) else None
                if not isinstance(number, int) or number < 0:
                    raise ProgramError(f"{path}: {name} has a size that is no number")
                count *= number
            if count and not content:
                raise ProgramError(f"{path}: there are no numbers of {name}")


def _sound(path: Path, content: bytes) -> bytes:
    """The program's text without guards, with nothing in it that torch would evaluate but sizes."""
    whole = _json(path, "models/model.json", content)
    whole["guards_code"] = []
    graph = whole.get("graph_module")
    if not isinstance(graph, dict):
        raise ProgramError(f"{path}: models/model.json has no graph_module")
    for text in _texts(whole, "expr_str"):
        if not _is_size(text):
            raise ProgramError(f"{path}: {str(text)[:60]!r} is no size")
    for node in (graph.get("graph") or {}).get("nodes") or ():
        target = node.get("target") if isinstance(node, dict) else None
        if not isinstance(target, str) or not _TARGET.fullmatch(target):
            name = node.get("name") if isinstance(node, dict) else node
            raise ProgramError(f"{path}: node `{name}` calls {target}, which is none of torch's own operators")
    for entry in graph.get("module_call_graph") or ():
        signature = entry.get("signature") if isinstance(entry, dict) else None
        if isinstance(signature, dict):
            signature |= {key: _plain_structure(path, signature.get(key)) for key in ("in_spec", "out_spec")}
    return json.dumps(whole).encode()


def _plain_structure(path: Path, text: Any) -> str:
    """A structure of inputs or outputs; somebody's class of named fields becomes a dict of them."""
    found = _json(path, "module_call_graph", str(text).encode(), kind=list)

    def plain(node: Any) -> None:
        if not isinstance(node, dict):
            raise ProgramError(f"{path}: the structure of its inputs or outputs is none")
        if node.get("type") not in _STRUCTURES:
            keys = node.get("context")
            names = json.loads(keys) if isinstance(keys, str) else None
            if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
                raise ProgramError(f"{path}: an input or output is a {node.get('type')}, which a spec cannot say")
            node["type"] = "builtins.dict"
        for each in node.get("children_spec") or ():
            plain(each)

    for each in found[1:]:
        plain(each)
    return json.dumps(found)


def _is_size(text: Any) -> bool:
    """Whether a text is a size: numbers, symbols, and what is worked out of them."""
    try:
        tree = ast.parse(str(text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(str(text)) < 10_000 and _is_sum(tree)


def _is_sum(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and abs(node.value) < 2**63
    if isinstance(node, ast.Name):
        return re.fullmatch(r"[a-z]+\d*", node.id) is not None
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Pow) and _is_sum(node.left) and _is_sum(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_sum(node.operand)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _SIZES:
        return False
    if node.func.id == "Symbol":
        first = node.args[0] if len(node.args) == 1 else None
        named = isinstance(first, ast.Constant) and re.fullmatch(r"_?[A-Za-z]\w*", str(first.value)) is not None
        return named and all(isinstance(each.value, ast.Constant) for each in node.keywords)
    if node.func.id in ("Float", "Rational") and all(isinstance(each, ast.Constant) for each in node.args):
        return all(re.fullmatch(r"[-\d.e+/]+", str(each.value)) for each in node.args if isinstance(each, ast.Constant))
    return all(map(_is_sum, node.args))


def _texts(value: Any, key: str) -> Iterator[Any]:
    """What stands under a key, anywhere."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == key:
                yield each
            yield from _texts(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, key)


def _json(path: Path, name: str, content: bytes | None, kind: type = dict) -> Any:
    if content is None:
        raise ProgramError(f"{path} has no {name}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"{path}: {name} is no sound JSON: {error}") from error
    if not isinstance(found, kind):
        raise ProgramError(f"{path}: {name} is not what torch.export.save writes")
    return found


def _examples(content: bytes) -> Any:
    """The example inputs, read as tensors and nothing else; None where they are something else."""
    if not content:
        return None
    try:
        return torch.load(io.BytesIO(content), weights_only=True)
    except (*_FAILURES, UnpicklingError, EOFError, MemoryError):
        return None


def _saved(value: Any) -> bytes:
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def _written(parts: dict[str, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, each in parts.items():
            archive.writestr(f"program/{name}", each)
    content.seek(0)
    return content
