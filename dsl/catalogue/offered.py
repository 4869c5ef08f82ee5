"""Layer types that installed packages offer, by entry points of the group `tomograph.layers`.

    [project.entry-points."tomograph.layers"]
    MyLayer = "mypackage.layers:MyLayer"

Only names are read; a package is imported when a spec uses its type. What lies in the working directory is no
installed package, though Python looks there too: a folder with specs in it offers nothing.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsl.catalogue import registered
from dsl.catalogue.registered import Registered, can_name
from dsl.catalogue.signatures import PYTHON, RegistrationError, entry_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "tomograph.layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One entry point, and whose it is: "mypackage 1.0"."""

    point: EntryPoint
    package: str

    @property
    def target(self) -> str:
        return f"{PYTHON}{self.point.module}.{self.point.attr}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A type that is offered and cannot be had. notes: where it failed. fix: what to do, where that is known."""

    message: str
    notes: tuple[str, ...] = ()
    fix: str | None = None


def load(name: str) -> Registered | Failed | None:
    """The type of this name, or of the dotted name or target of where it is defined; its package is imported."""
    several = _named(name)
    if not several:
        return None
    if len({each.point.value for each in several}) > 1:
        ways = " and ".join(f"{each.package} ({each.target.removeprefix(PYTHON)})" for each in several)
        return Failed(message=f"{name} is offered by several packages: {ways}", fix="write the full name of one")
    offer = several[0]
    found = _imported(offer, _folders())
    if isinstance(found, Failed):
        return found
    itself = registered.of(found)
    if itself is not None:  # it registers itself, and says more by that
        return itself
    try:
        return Registered(entry=replace(entry_of(found, _own_name(offer)), target=offer.target), object=found)
    except RegistrationError as error:
        return _failed(offer, error)


def offers() -> Mapping[str, tuple[Offer, ...]]:
    """Every name that is offered, with the packages that offer it. Nothing is imported."""
    return _read(_folders())


def _named(name: str) -> tuple[Offer, ...]:
    if "." not in name:
        return offers().get(name, ())
    target = name if name.startswith(PYTHON) else PYTHON + name
    return tuple(each for several in offers().values() for each in several if each.target == target)[:1]


def _own_name(offer: Offer) -> str:
    """The name of the entry point; where something else has it, the dotted name, as one word."""
    name = offer.point.name
    alone = len(offers()[name]) == 1 and registered.find(name) is None
    return name if alone and can_name(name) else offer.target.removeprefix(PYTHON).replace(".", "_")


@cache
def _imported(offer: Offer, folders: tuple[str, ...]) -> Any:
    """The object itself, or Failed. On another search path what failed may be found: it is a part of the key."""
    try:
        return offer.point.load()
    except Exception as error:  # a stranger's module is run here, and may raise anything
        return _failed(offer, error)


def _failed(offer: Offer, error: Exception) -> Failed:
    cause = "; ".join(str(error).strip().splitlines()) or "no message"
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _is_theirs(each.filename)]
    return Failed(
        message=f"{offer.point.name} is offered by the package {offer.package}, "
        f"which failed on import: {type(error).__name__}: {cause}",
        notes=tuple(f"at {each.filename}:{each.lineno}: {each.line}" for each in frames[-1:]),
        fix=f"install {missing}, which {offer.package} needs" if missing else None,
    )


def _is_theirs(file: str) -> bool:
    """Not the machinery of imports, and not ours."""
    ours = Path(__file__).parents[1]
    folders = [str(ours) + os.sep, str(ours.with_name("builder")) + os.sep]
    return not file.startswith(("<frozen", *folders)) and "importlib" not in Path(file).parts


def _folders() -> tuple[str, ...]:
    here = os.getcwd()
    return tuple(dict.fromkeys(each for each in sys.path if each not in ("", ".", here)))


@cache
def _read(folders: tuple[str, ...]) -> Mapping[str, tuple[Offer, ...]]:
    found: dict[str, list[Offer]] = {}
    for information in _offering(folders):
        for offer in _offers_of(information):
            found.setdefault(offer.point.name, []).append(offer)
    return {name: tuple(several) for name, several in found.items()}


def _offering(folders: tuple[str, ...]) -> Iterator[Path]:
    """The metadata of each package that names our group, once: a search of few files, where `importlib.metadata`
    alone takes longer to import than a small spec to check."""
    seen: set[str] = set()
    for folder in folders:
        try:
            listed = sorted(each for each in os.listdir(folder) if each.endswith((".dist-info", ".egg-info")))
        except OSError:  # a path that is not there, or an archive
            continue
        for each in listed:
            name = each.partition("-")[0].lower()
            if name not in seen and _mentions(os.path.join(folder, each, "entry_points.txt")):
                seen.add(name)
                yield Path(folder, each)


def _mentions(file: str) -> bool:
    try:
        with open(file, "rb") as opened:
            return GROUP.encode() in opened.read()
    except OSError:
        return False


def _offers_of(information: Path) -> Iterator[Offer]:
    from importlib.metadata import Distribution

    name, _, rest = information.name.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")
    package = f"{name} {rest.partition('-')[0]}".strip()
    try:
        points = Distribution.at(information).entry_points.select(group=GROUP)
    except (TypeError, ValueError):  # metadata that Python cannot read: it offers nothing to anybody
        return
    for point in points:
        yield Offer(point=point, package=package)
