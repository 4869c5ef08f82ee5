"""What a region becomes: a class, a Sequential, a list of modules, or nothing of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from builder.codegen.calls import forward_arguments
from builder.graph import Region

if TYPE_CHECKING:
    from builder.codegen.structure import Structure

Key: TypeAlias = tuple[Any, ...]
# nothing: no module; call: an earlier one's; chain: nn.Sequential; list: nn.ModuleList or nn.ParameterList, whose
# parts are called one by one where it stands.
Form: TypeAlias = Literal["nothing", "call", "chain", "list", "class"]


def form_of(structure: Structure, name: str) -> Form:
    region = structure.regions[name]
    if not name:
        return "class"
    if not region.children:
        return "nothing"
    if region.module != name:
        return "call"
    if _is_chain(structure, region):
        return "chain"
    if region.copies and not region.init and all(_can_be_listed(structure, child) for child in region.children):
        return "list"
    return "class"


def _can_be_listed(structure: Structure, child: str) -> bool:
    """A copy that is a module, or a parameter, can stand in a list; a function's result cannot."""
    if child in structure.regions:
        return structure.forms[child] in ("chain", "class", "list")
    first = structure.nodes[structure.regions[child.rpartition(".")[0]].children[0]]
    role = structure.nodes[child].role
    return role in ("module", "parameter") and role == first.role and structure.nodes[child].module == child


def _is_chain(structure: Structure, region: Region) -> bool:
    """Whether a region is what nn.Sequential does: modules one after another, one tensor in and out."""
    fed = [*((f"#{region.name}:{name}",) for name in region.reads), *structure.needs[region.name]]
    before = fed[0] if len(fed) == 1 else None
    for child in region.children:
        reads = _single_read(structure, child)
        if before is None or reads != before:
            return False
        results = structure.regions[child].results if child in structure.regions else {"from": child}
        if not isinstance(results, dict) or "from" not in results:
            return False
        before = structure.key(results)
    results = region.results
    single = isinstance(results, dict) and isinstance(results.get("from"), str)
    return before is not None and single and structure.key(results) == before


def _single_read(structure: Structure, child: str) -> Key | None:
    """The one tensor that a child of a chain reads, were it one."""
    if child in structure.regions:
        there = structure.regions[child]
        keys = structure.call_reads(child)
        fits = structure.forms[child] in ("chain", "class") and len(keys) == 1 and len(there.reads) <= 1
        return keys[0] if fits and there.passes is None else None
    node = structure.nodes[child]
    plain = node.role == "module" and node.module == child and not node.keyword_reads and node.passes is None
    if not plain or node.sizes or forward_arguments(node):
        return None
    keys = list(structure.keys(node.reads))
    return keys[0] if len(keys) == 1 and len(node.reads) == 1 and isinstance(node.reads[0], dict) else None
