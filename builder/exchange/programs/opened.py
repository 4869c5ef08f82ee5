"""What a reader gives of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from builder.exchange.importing.errors import ImportingError


class ProgramError(ImportingError):
    """A file that is no sound program, or that calls what a spec cannot say, in one sentence that names the place."""


@dataclass(frozen=True, slots=True)
class Opened:
    """module: the program as modules in modules. inputs: an example of each by name. shapes: their sizes, free ones by
    name. run: the program itself, the tensors that it gives for inputs by name. tolerance: how far the module may be
    from it, as a part of an output's greatest value; 0 where the bits are to be the same."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    shapes: Mapping[str, Sequence[int | str]]
    run: Callable[[Mapping[str, Tensor]], Sequence[Tensor]]
    tolerance: float = 0.0
