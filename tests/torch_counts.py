"""How many of torch's samples a spec can say, class by class: held against torch, counted, and kept in a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch_own_samples
from torch_comparison import compare_or_leave
from torch_free_sizes import free_dims
from torch_function_samples import samples as function_samples
from torch_module_samples import infos, samples
from torch_own_function_samples import own_samples as own_function_samples
from torch_samples import Sample, Unsayable
from torch_threads import one_thread

from dsl.catalogue import find
from dsl.catalogue.lines import targets

KEPT = Path(__file__).parents[1] / "benchmarks" / "torch_samples.md"
# So many samples of each function's variant in the usual tests; all of them behind the marker `long`.
FEW = 3
_HEADING = "| {what} | torch's | ours | free dims | left out | why |\n| --- | --- | --- | --- | --- | --- |\n"
# Whether these can run at all hangs on the numbers they are fed, so other sizes cannot be tried.
_ON_NUMBERS = ("lu_factor", "lu_unpack", "index_put", "masked_scatter", "repeat_interleave")


@dataclass(slots=True)
class Count:
    """said: torch's samples that a spec says, all equal; ours: our own; free: dims that may be free sizes, of the first
    few samples; left: why others are left out; wrong: what differs.
    """

    said: int = 0
    ours: int = 0
    free: int = 0
    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        why = "; ".join(f"{count} {reason}" for reason, count in sorted(self.left.items()))
        return f"| {name} | {self.said} | {self.ours} | {self.free} | {self.left.total()} | {why} |"


@one_thread()
def count_class(name: str) -> Count:
    """All samples of a class of torch.nn, torch's and ours."""
    count, theirs = Count(), list(samples(name)) if name in infos() else []
    ours = [each for each in _ours() if each.target == f"torch.nn.{name}"]
    _compare_all(count, theirs)
    _compare_ours(count, ours)
    _name_sizes(count, [*[each for each in theirs if isinstance(each, Sample)][:2], *ours[:4]], dims=4)
    return count


@one_thread()
def count_functions(group: str, most: int = FEW) -> Count:
    """Samples of all functions and methods of a group ("torch.nn.functional.a")."""
    count = Count()
    for target in groups()[group]:
        theirs = list(function_samples(target, most))
        ours = [each for each in _ours() if each.target == target]
        _compare_all(count, theirs)
        _compare_ours(count, ours)
        _name_sizes(count, [*[each for each in theirs if isinstance(each, Sample)][:1], *ours], dims=4)
    return count


@cache
def _ours() -> list[Sample]:
    return [*torch_own_samples.own_samples(), *own_function_samples()]


def classes() -> list[str]:
    """Every class of torch.nn that has samples, by name."""
    names = {*infos(), *torch_own_samples.lacking()}
    return sorted(name for name in names if not reason_left_out(name))


def reason_left_out(name: str) -> str:
    """Why a class has no samples; "" where it has."""
    return next((why for pattern, why in torch_own_samples.LEFT_OUT if re.fullmatch(pattern, name)), "")


def groups() -> dict[str, list[str]]:
    """The functions and methods of the catalogue by namespace and first letter."""
    found: dict[str, list[str]] = {}
    for target in targets():
        entry = find(target)
        if entry is not None and entry.role in ("function", "method"):
            space, _, name = target.rpartition(".")
            found.setdefault(f"{space}.{name[0]}", []).append(target)
    return dict(sorted(found.items()))


def kept() -> dict[str, str]:
    """The rows of the kept file by their first cell."""
    rows = [line for line in KEPT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def page(by_class: Mapping[str, Count], by_group: Mapping[str, Count]) -> str:
    """The kept file."""
    left = [f"- {name}: {reason_left_out(name)}" for name in _without_samples()]
    return (
        "# torch's own samples, said as specs\n\n"
        "Written by `python benchmarks/torch_samples.py --write`; tests hold each row against a fresh count. A sample\n"
        "counts where its spec is checked and built, holds the same weights and gives the same numbers bit for bit.\n"
        '"Free dims" are dims of the first few samples that may have a name in place of a number: what is told then\n'
        "agrees with torch at several numbers.\n\n"
        f"## Modules\n\n{_table('class', by_class)}\nClasses without samples:\n\n" + "\n".join(left) + "\n\n"
        f"## Functions and methods\n\nAt most {FEW} samples of each variant.\n\n{_table('functions', by_group)}"
    )


def _table(what: str, counts: Mapping[str, Count]) -> str:
    total = Count()
    for each in counts.values():
        total.said, total.ours, total.free = total.said + each.said, total.ours + each.ours, total.free + each.free
        total.left += each.left
    rows = [each.row(name) for name, each in counts.items()] + [total.row("all")]
    return _HEADING.format(what=what) + "\n".join(rows) + "\n"


def _without_samples() -> list[str]:
    return sorted(name for name in {*infos(), *torch_own_samples.lacking()} if reason_left_out(name))


def _compare_all(count: Count, several: Iterable[Sample | str]) -> None:
    for each in several:
        if isinstance(each, str):
            count.left[each] += 1
        else:
            count.said += _compared(count, each)


def _compare_ours(count: Count, several: Iterable[Sample]) -> None:
    for each in several:
        count.ours += _compared(count, each)


def _compared(count: Count, sample: Sample) -> bool:
    try:
        compare_or_leave(sample)
    except Unsayable as reason:
        count.left[str(reason)] += 1
        return False
    except Exception as error:  # whatever goes wrong is this sample's failure; the others are still counted
        count.wrong.append(f"{sample.label}: {type(error).__name__}: {error}")
        return False
    return True


def _name_sizes(count: Count, several: Iterable[Sample], dims: int) -> None:
    for sample in several:
        if sample.target.rpartition(".")[2] in _ON_NUMBERS:
            continue
        try:
            count.free += len(free_dims(sample, dims))
        except Unsayable:
            continue
        except AssertionError as error:
            count.wrong.append(f"{sample.label}, with free sizes: {error}")
