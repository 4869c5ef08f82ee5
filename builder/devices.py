"""Which device a run is on: the words of a spec or the command line -> a torch.device that is there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_WORDS = ("auto", "cpu", "cuda", "mps")
_OTHER_NAMES = {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"}


class DeviceError(ValueError):
    """A device that is not there, or a word that names none. A plain sentence."""


def resolve(wanted: str | Sequence[str]) -> torch.device:
    """The device that `wanted` names.

    "auto" is cuda, else mps, else cpu. A list takes the first that is there. One name alone must be there: nothing
    falls back in silence. Raises DeviceError, which tells what is there.
    """
    import torch

    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise DeviceError('the list of devices is empty; "auto" takes the best that is there')
    for name in names:
        check_word(name)
    for name in names:
        if name == "auto":
            return torch.device(_best())
        if _is_there(name):
            return torch.device(name)
    raise DeviceError(_not_there(names))


def check_word(name: str) -> None:
    """Raise DeviceError unless `name` is a word for a device, there or not. Brings no torch."""
    if name in _WORDS or re.fullmatch(r"cuda:(0|[1-9]\d{0,3})", name):
        return
    near = difflib.get_close_matches(name.lower(), _WORDS, n=1, cutoff=0.5)
    meant = _OTHER_NAMES.get(name.lower()) or (near[0] if near else None)
    hint = f"; did you mean {meant!r}?" if meant else ""
    raise DeviceError(f'{name!r} is not a device: there are "auto", "cpu", "cuda", "cuda:N" and "mps"{hint}')


def there() -> list[str]:
    """The devices of this machine by name, the best first: `["cuda:0", "cuda:1", "cpu"]`."""
    import torch

    found = [f"cuda:{index}" for index in range(_cuda_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def _best() -> str:
    found = there()[0]
    return "cuda" if found == "cuda:0" else found


def _is_there(name: str) -> bool:
    return (f"{name}:0" if name == "cuda" else name) in there()


def _not_there(names: Sequence[str]) -> str:
    what = f"{names[0]} is not there" if len(names) == 1 else f"none of {', '.join(names)} is there"
    return f"{what}: this machine has {_what_it_has(names)}; there is: {', '.join(there())}"


def _what_it_has(names: Sequence[str]) -> str:
    if not any(name.startswith("cuda") for name in names):
        return "no MPS device"
    count = _cuda_count()
    has = {0: "no CUDA device", 1: "one CUDA device"}.get(count, f"{count} CUDA devices")
    return f"{has} and no MPS device" if "mps" in names else has


def _cuda_count() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
