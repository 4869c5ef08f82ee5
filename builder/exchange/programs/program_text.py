"""The text of a `.pt2` program, models/model.json, made harmless before torch reads it.

torch evaluates the text of sizes and guards, writes the names in it into Python source that it runs, and calls the
operators that it names. Guards are left out; sizes, names and operators are read as what they must be.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from builder.exchange.programs.opened import ProgramError

# What torch makes sizes of: sympy's constructors and its own.
_SIZES: Final = frozenset((
    "Symbol", "Integer", "Float", "Rational", "Mul", "Add", "Pow", "Max", "Min", "Mod", "Abs", "Identity", "Where",
    "FloorDiv", "CleanDiv", "CeilDiv", "PythonMod", "ModularIndexing", "IntTrueDiv", "FloatTrueDiv", "CeilToInt",
    "FloorToInt", "TruncToInt", "TruncToFloat", "RoundToInt", "ToFloat", "Equality", "Unequality", "Eq", "Ne", "Lt",
    "Le", "Gt", "Ge", "LessThan", "GreaterThan", "StrictLessThan", "StrictGreaterThan", "And", "Or", "Not",
))  # fmt: skip
# Operators on tensors and sizes; none that reads or writes a file.
_TARGET: Final = re.compile(
    r"torch\.ops\.(aten|prims)\.(?!(from_file|save|warn|_print|format)\b)\w+(\.\w+)?|"
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|not_|xor|getitem)|"
    r"math\.\w+|torch\._?sym_\w+|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
)
_SIGNS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
# What may stand in source between quotes and without: no quotes, brackets, signs of equality or ends of lines.
_NAME: Final = re.compile(r"[\w.@+: -]*")
_PLACE: Final = re.compile(r"[^\"\\\x00-\x1f\x7f\x85\u2028\u2029]*")
# What torch does not write into source: it stands there as Python writes a string, or is looked at on its own.
_OTHERWISE: Final = frozenset(("as_string", "expr_str", "in_spec", "out_spec", "target", "nn_module_stack"))
_STRUCTURES: Final = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")


def sound(path: Path, content: bytes) -> bytes:
    """The program's text without guards, with nothing in it that torch would evaluate or run but sizes and torch's own
    operators. Raises ProgramError."""
    whole = json_of(path, "models/model.json", content)
    whole["guards_code"] = []
    graph = whole.get("graph_module")
    if not isinstance(graph, dict) or not isinstance(graph.get("graph"), dict):
        raise ProgramError(f"{path}: models/model.json has no graph_module")
    graph["metadata"] = {}
    for node in _nodes(path, whole):
        _check_node(path, node)
    for text in _texts(whole, "expr_str"):
        if not _is_size(text):
            raise ProgramError(f"{path}: {str(text)[:60]!r} is no size")
    _make_structures_plain(path, graph.get("module_call_graph"))
    ranges = whole.get("range_constraints")
    if isinstance(ranges, dict):  # those of sums follow from those of their symbols
        whole["range_constraints"] = {key: each for key, each in ranges.items() if key.isidentifier()}
    _check_names(path, whole)
    return json.dumps(whole).encode()


def _nodes(path: Path, whole: Any) -> Iterator[dict[str, Any]]:
    """The nodes of the graph and of graphs in it."""
    for nodes in _texts(whole, "nodes"):
        for node in nodes if isinstance(nodes, list) else (nodes,):
            if not isinstance(node, dict):
                raise ProgramError(f"{path}: {str(node)[:60]!r} is no node of a graph")
            yield node


def _check_node(path: Path, node: dict[str, Any]) -> None:
    """Its operator, and of what is told of it only the modules that it stands in, which is all that is read."""
    target, metadata = node.get("target"), node.get("metadata")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ProgramError(f"{path}: node `{node.get('name')}` calls {target}, which is none of torch's own operators "
                           "on tensors")  # fmt: skip
    place = metadata.get("nn_module_stack", "") if isinstance(metadata, dict) else ""
    if not isinstance(place, str) or not _PLACE.fullmatch(place):
        raise ProgramError(f"{path}: node `{node.get('name')}` stands in {str(place)[:60]!r}, which is no module")
    node["metadata"] = {"nn_module_stack": place} if place else {}


def _check_names(path: Path, value: Any) -> None:
    """Names of tensors, inputs, parameters and modules: torch writes them into source that it runs."""
    if isinstance(value, str):
        check_name(path, value)
    elif isinstance(value, list):
        for each in value:
            _check_names(path, each)
    elif isinstance(value, dict):
        for key, each in value.items():
            check_name(path, key)
            if key not in _OTHERWISE:
                _check_names(path, each)


def check_name(path: Path, text: str) -> None:
    """Raises ProgramError where a text cannot be a name of something in a program."""
    if not _NAME.fullmatch(text):
        raise ProgramError(f"{path}: {text[:60]!r} is no name of a tensor or module")


def _make_structures_plain(path: Path, calls: Any) -> None:
    """calls: the modules that the program was made of, the whole first."""
    signatures = [each.get("signature") if isinstance(each, dict) else None
                  for each in (calls if isinstance(calls, list) else ())]  # fmt: skip
    if not signatures or not isinstance(signatures[0], dict) or calls[0].get("fqn") != "":
        raise ProgramError(f"{path}: module_call_graph does not tell the program's inputs and outputs")
    for signature in signatures:
        if isinstance(signature, dict):
            signature |= {key: _plain_structure(path, signature.get(key)) for key in ("in_spec", "out_spec")}


def _plain_structure(path: Path, text: Any) -> str:
    """A structure of inputs or outputs; somebody's class of named fields becomes a dict of them."""
    found = json_of(path, "module_call_graph", str(text).encode(), kind=list)
    for each in found[1:]:
        _make_plain(path, each)
    return json.dumps(found)


def _make_plain(path: Path, node: Any) -> None:
    if not isinstance(node, dict):
        raise ProgramError(f"{path}: the structure of its inputs or outputs is none")
    context, parts = node.get("context"), node.get("children_spec")
    names = json_of(path, "module_call_graph", context.encode(), kind=object) if isinstance(context, str) else None
    if isinstance(names, list):
        _check_names(path, names)
    if node.get("type") not in _STRUCTURES:
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ProgramError(f"{path}: an input or output is a {node.get('type')}, which a spec cannot say")
        node["type"] = "builtins.dict"
    for each in parts if isinstance(parts, list) else ():
        _make_plain(path, each)


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
        return isinstance(node.op, _SIGNS) and _is_sum(node.left) and _is_sum(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_sum(node.operand)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _is_made(node.func.id, node)


def _is_made(kind: str, node: ast.Call) -> bool:
    """Whether a call makes a size: of sizes, or a symbol or a number of constants."""
    values = [each.value for each in node.args if isinstance(each, ast.Constant)]
    words = {each.arg: each.value.value for each in node.keywords if isinstance(each.value, ast.Constant)}
    if kind not in _SIZES or len(words) != len(node.keywords):
        return False
    if kind == "Symbol":
        named = len(values) == len(node.args) == 1 and re.fullmatch(r"_?[A-Za-z]\w*", str(values[0])) is not None
        return named and all(isinstance(each, bool) for each in words.values())
    if kind in ("Float", "Rational") and len(values) == len(node.args):
        numbers = words.keys() <= {"precision"} and all(isinstance(each, int) for each in words.values())
        return numbers and all(re.fullmatch(r"[-\d.e+/]{1,40}", str(each)) for each in values)
    small = kind != "Pow" or (len(node.args) == 2 and _is_small(node.args[1]))
    return not words and small and all(map(_is_sum, node.args))


def _is_small(node: ast.AST) -> bool:
    """Whether an exponent is a number that a power may have, which else could take all memory."""
    numbers = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return len(numbers) <= 2 and len(calls) <= 1 and all(isinstance(each, int) and abs(each) < 9 for each in numbers)


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


def json_of(path: Path, name: str, content: bytes | None, kind: type = dict) -> Any:
    """What a part of the archive says. Raises ProgramError where it is missing, no JSON or no `kind`."""
    if content is None:
        raise ProgramError(f"{path} has no {name}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"{path}: {name} is no sound JSON: {error}") from error
    if not isinstance(found, kind):
        raise ProgramError(f"{path}: {name} is not what torch.export.save writes")
    return found
