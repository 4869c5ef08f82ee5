"""Finding a type by its name: this project's own, those from Python, torch's."""

from __future__ import annotations

from functools import cache
from typing import Final

from dsl.catalogue import offered, registered
from dsl.catalogue.entries import Entry
from dsl.catalogue.lines import entry_at, targets
from dsl.catalogue.own import OWN
from dsl.catalogue.registered import Registered
from dsl.catalogue.signatures import PYTHON

# Where a plain name is looked for, in this order.
NAMESPACES: Final = (
    "torch.nn.", "torch.nn.functional.", "torch.", "torch.linalg.", "torch.fft.", "torch.special.", "torch.Tensor.",
)  # fmt: skip
_OPTIMIZERS = "torch.optim."
_SCHEDULERS = "torch.optim.lr_scheduler."
_SETTINGS = "Options"  # what the names of torch's classes of settings end with


def find(name: str) -> Entry | None:
    """The layer type of this name, plain ("pad") or dotted ("torch.nn.functional.pad"); None if there is none.

    A layer that an installed package offers is imported here. None too where that fails: `absent` tells why.
    """
    if name in OWN or name.startswith(("tomograph.", "torch.")):
        return find_known(name)
    found = registered.find(name) or offered.load(name)
    if found is not None or name.startswith(PYTHON):
        return found.entry if isinstance(found, Registered) else None
    return find_torch(name)


def find_known(name: str) -> Entry | None:
    """The same among this project's own and torch's: what needs no look at what Python holds."""
    if name in OWN or name.startswith("tomograph."):
        return OWN.get(name.removeprefix("tomograph."))
    return find_torch(name)


def is_from_python(name: str) -> bool:
    """Whether a plain name is registered or offered. Nothing is imported."""
    return name in registered.names() or name in offered.offers()


def from_python(target: str) -> Registered:
    """The class or function behind a target of `find`; KeyError if it is not there in this process."""
    found = registered.find(target) or offered.load(target)
    if isinstance(found, Registered):
        return found
    raise KeyError(f"{target.removeprefix(PYTHON)} is not registered here")


@cache
def find_torch(name: str) -> Entry | None:
    """The same among torch's types alone."""
    if name.endswith(_SETTINGS):
        return None
    if name.startswith("torch."):
        return None if name.startswith(_OPTIMIZERS) else entry_at(name)
    if "." in name:
        return None
    return next((entry_at(space + name) for space in NAMESPACES if space + name in targets()), None)


@cache
def find_optimizer(name: str) -> Entry | None:
    """The optimizer of this name, "AdamW" or "torch.optim.AdamW"; None if there is none."""
    plain = name.removeprefix(_OPTIMIZERS)
    return None if "." in plain else entry_at(_OPTIMIZERS + plain)


@cache
def find_scheduler(name: str) -> Entry | None:
    """The scheduler of this name, with or without "torch.optim.lr_scheduler."; None if there is none."""
    return entry_at(_SCHEDULERS + name.removeprefix(_SCHEDULERS))


@cache
def find_settings(name: str) -> Entry | None:
    """The class of settings of this name, with or without "torch.nn." (LinearCrossEntropyOptions); None if none is."""
    return entry_at("torch.nn." + name.removeprefix("torch.nn.")) if name.endswith(_SETTINGS) else None


def names() -> tuple[str, ...]:
    """Every plain name that `find` knows, once, in the order of look-up."""
    return tuple(dict.fromkeys([*OWN, *registered.names(), *offered.offers(), *torch_names()]))


@cache
def torch_names() -> tuple[str, ...]:
    """Those of torch's types."""
    plain = {space: [] for space in NAMESPACES}  # type: dict[str, list[str]]
    for target in targets():
        space, _, name = target.rpartition(".")
        if space + "." in plain and not name.endswith(_SETTINGS):
            plain[space + "."].append(name)
    return tuple(dict.fromkeys(name for several in plain.values() for name in several))


@cache
def optimizer_names() -> tuple[str, ...]:
    plain = (target.removeprefix(_OPTIMIZERS) for target in targets() if target.startswith(_OPTIMIZERS))
    return tuple(name for name in plain if "." not in name)


@cache
def scheduler_names() -> tuple[str, ...]:
    return tuple(target.removeprefix(_SCHEDULERS) for target in targets() if target.startswith(_SCHEDULERS))
