"""`allow`: the codes of warnings that a spec does not want to be told."""

from __future__ import annotations

from dsl.catalogue.suggestions import suggest
from dsl.diagnostics import Fix
from dsl.tables import Table, described
from dsl.warning_codes import WARNINGS


def allowed(table: Table) -> tuple[str, ...]:
    """The codes under `allow`; one that no warning has is a fault."""
    written = table.value("allow", [], lambda value: isinstance(value, list), "an array of codes of warnings")
    for index, code in enumerate(written):
        if not _is_warning(code):
            near = suggest(code, WARNINGS) if isinstance(code, str) else []
            fix = Fix(f'did you mean "{near[0]}"?', f'"{near[0]}"') if near else None
            notes = () if near else (f"there are {', '.join(WARNINGS)}",)
            place = table.place.at("allow", index)
            table.faults.add(place, f"there is no warning {described(code)}", part="value", notes=notes, fix=fix)
    return tuple(code for code in written if _is_warning(code))


def _is_warning(code: object) -> bool:
    return isinstance(code, str) and code in WARNINGS
