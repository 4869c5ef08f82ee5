"""A module becomes a spec."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from builder.building import elaborate
from builder.checking import check
from builder.exchange.importing.blocks import Making
from builder.exchange.importing.comments import with_shapes
from builder.exchange.importing.definitions import defined
from builder.exchange.importing.dropping import note_dropout
from builder.exchange.importing.errors import DiffersError, ImportingError, NumbersError, SizeError
from builder.exchange.importing.examples import Examples, examples_of
from builder.exchange.importing.groups import grouped
from builder.exchange.importing.holding import held
from builder.exchange.importing.lowering import Lowering
from builder.exchange.importing.naming import ClashError
from builder.exchange.importing.pruning import joined_values, pruned
from builder.exchange.importing.rearranging import rearrange
from builder.exchange.importing.recording import record
from builder.exchange.importing.records import Recording
from builder.exchange.importing.results import highs, results_of
from builder.exchange.importing.sizes import OtherPathError, merged
from builder.exchange.importing.tables import Tables
from builder.exchange.importing.values import Ref
from builder.exchange.importing.verifying import verify
from builder.exchange.importing.writing import spec_text
from builder.lint import lint
from dsl.diagnostics import SpecError
from dsl.reader import loads
from dsl.records import Spec

if TYPE_CHECKING:
    import networkx


def from_module(
    module: nn.Module, example_inputs: Any, *, name: str | None = None,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
) -> Spec:  # fmt: skip
    """A spec of a module, checked against it: rebuilt with the same weights, it gives the same outputs bit for bit.

    example_inputs: a tensor, a tuple of them, or a dict by the names of `forward`. shapes: which dims are free,
    `{"image": ["N", 3, "H", "W"]}`; without them the batch is, and the length of what may be a sequence, if the module
    runs with another one. Raises ImportingError (a ValueError) where the module does what a spec cannot say, and
    DiffersError (a RuntimeError) where the spec gives other outputs.
    """
    return loads(imported(module, example_inputs, name=name, shapes=shapes))


def imported(
    module: nn.Module, example_inputs: Any, *, name: str | None = None,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
) -> str:  # fmt: skip
    """The text of that spec, with its comments."""
    training = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        return _imported(module, examples_of(module, example_inputs, shapes), name or type(module).__name__)
    finally:
        for each, mode in training:
            each.training = mode


def _imported(module: nn.Module, examples: Examples, name: str) -> str:
    """Tries the readable way first, then one that keeps to the memory's order, each with fewer free sizes too."""
    recordings, examples = recorded(module, examples)
    failed: Exception | None = None
    for some, those in _fewer(recordings, examples):
        whole = merged(some)
        note_dropout(module, whole, examples.inputs, examples.placed)
        for exactly in (False, True):
            try:
                text = text_of(module, copy.deepcopy(whole, _kept(whole)), those, name, exactly=exactly)
                graph = elaborate(loads(text))
                verify(module, graph, those)
                return with_shapes(*_quiet(text, graph))
            except SizeError as error:
                failed = error
                break
            except ClashError:
                failed = ImportingError("a tensor is read where no name can reach it, which a spec cannot say")
                break
            except SpecError as error:
                failed = ImportingError(f"the spec that was made of it has a fault: {error.diagnostics[0].message}")
                break
            except DiffersError as error:
                failed = error
    assert failed is not None
    raise failed


def _quiet(text: str, graph: networkx.DiGraph[str]) -> tuple[str, networkx.DiGraph[str]]:
    """The text with what may be told of the model as it is (a parameter that nothing uses) allowed, and its graph."""
    codes = sorted({each.code for each in lint(check(loads(text)))})
    if not codes:
        return text, graph
    name, _, rest = text.partition("\n")
    allowed = ", ".join(f'"{each}"' for each in codes)
    text = f"{name}\nallow = [{allowed}]\n{rest}"
    return text, elaborate(loads(text))


def _kept(recording: Recording) -> dict[int, Any]:
    """For copies of a recording: its tensors stay the same objects."""
    return {id(each.tensor): each.tensor for each in recording.known if each.tensor is not None}


def _fewer(recordings: list[Recording], examples: Examples) -> Iterator[tuple[list[Recording], Examples]]:
    """All free sizes; then the batch alone."""
    yield recordings, examples
    names = examples.names()
    if names[1:] and names[0] == "N":
        for each in names[1:]:
            examples = examples.without(each)
        yield recordings[:2], examples


def recorded(module: nn.Module, examples: Examples) -> tuple[list[Recording], Examples]:
    """Recordings in several sizes, and the examples with those dims fixed in which the module does not run."""
    try:
        found = [_record(module, examples, {})]
    except ImportingError:
        raise
    except Exception as error:  # whatever a person's own module may raise
        words = "; ".join(str(error).strip().splitlines()[:2])
        raise ImportingError(f"it does not run on the examples: {type(error).__name__}: {words}") from error
    for free in examples.names():
        other = _other_size(module, examples, free, found[0])
        if other is None:
            examples = examples.without(free)
        else:
            found.append(other)
    return found, examples


def _record(module: nn.Module, examples: Examples, sizes: Mapping[str, int]) -> Recording:
    inputs = examples.resized(sizes)
    try:
        return record(module, inputs, examples.placed)
    except NumbersError:  # code that is traced by torch often takes a way that hangs on no number
        try:
            return record(module, inputs, examples.placed, traced=True)
        except ImportingError:
            pass
        raise


def _other_size(module: nn.Module, examples: Examples, free: str, first: Recording) -> Recording | None:
    """A recording with another size of a free dim that takes the same way; None where there is none."""
    size = examples.size(free)
    tries = [size + 1, size + 2] if free == "N" else [size * 3 // 4, size - 1, size // 2, size * 2]
    for other in tries:
        if other < 1 or other == size:
            continue
        try:
            found = _record(module, examples, {free: other})
            merged([first, found])
            return found
        except (RuntimeError, IndexError, AssertionError, TypeError, OtherPathError, ValueError):
            continue
    return None


def text_of(module: nn.Module, recording: Recording, examples: Examples, name: str, *, exactly: bool = False) -> str:
    """The text of a spec for a recording."""
    lowering = Lowering(module, recording, exactly=exactly)
    whole = lowering.scope(recording.whole)
    pruned(whole)
    rearrange(whole, recording.known)
    joined_values(whole)
    holding = held(module, whole, recording.known)
    group = grouped(whole)
    recording.highs = highs(group, recording)
    inputs = {key: Ref(number) for key, number in recording.inputs.items()}
    results = results_of(whole.result)
    making = Making(recording.known, holding, inputs)
    block = making.whole(group, list(results.values()))
    tables = Tables(definitions=defined(block), ties=holding.ties)
    return spec_text(name, tables, recording, examples, results)


__all__ = ["DiffersError", "ImportingError", "from_module", "imported"]
