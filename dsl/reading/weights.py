"""`weights` and `rename` of `[model]`: the file that a model starts from, and what its keys are called here."""

from __future__ import annotations

from typing import Any, Final

from dsl.reading.inputs import InputReader
from dsl.records import Weights
from dsl.tables import Table, described, is_texts

_FILE: Final = 'a file of weights, or a table such as { file = "resnet18.pth", fresh = "fc.*" }'
_PATTERNS: Final = 'a pattern of keys, as in "fc.*", or several'


class WeightsReader(InputReader):
    def weights(self, model: Table) -> Weights | None:
        """Weights of a table `[model]`; None where it says nothing of any."""
        written = model.value("weights", None, lambda value: isinstance(value, str | dict), _FILE)
        rename = self.rename(model)
        if isinstance(written, dict):
            table = Table(written, model.place.at("weights"), self.faults, self.scope)
            file, fresh = self.file(table, "file"), self.fresh(table)
            if not table.has("file") and not table.meant("file"):
                self.faults.add(table.place, "`weights` says no `file`", "missing", part="key")
            table.close(" of `weights`")
        else:
            file, fresh = self.file(model, "weights") if isinstance(written, str) else None, ()
        if file is None and not rename:
            return None
        return Weights(place=model.place, file=file, fresh=fresh, rename=rename)

    def file(self, table: Table, key: str) -> str | None:
        file = table.text(key)
        if file == "" or (file is not None and "\0" in file):
            self.faults.add(table.place.at(key), f"`{key}` names no file", part="value")
            return None
        return None if file is None else str(file)

    def fresh(self, table: Table) -> tuple[str, ...]:
        found = table.value("fresh", (), lambda value: isinstance(value, str) or is_texts(value), _PATTERNS)
        return (found,) if isinstance(found, str) else tuple(found)

    def rename(self, model: Table) -> dict[str, str]:
        """What of `rename` can be followed: as many `*` on the right as on the left, or nothing at all there."""
        table = model.table("rename")
        found: dict[str, str] = {}
        for old in table.values if table else ():
            assert table is not None
            new: Any = table.raw(old)
            place = table.place.at(old)
            if not isinstance(new, str):
                self.faults.add(place, f'`rename` gives a key its new name, as in "old.*" = "new.*", or "" to leave it '
                                       f"out, not {described(new)}")  # fmt: skip
            elif new and new.count("*") != old.count("*"):
                here, there = old.count("*"), new.count("*")
                self.faults.add(place, f'"{old}" has {here} `*` and "{new}" has {there}: what each `*` stands for is '
                                       "carried over in order")  # fmt: skip
            else:
                found[old] = new
        return found
