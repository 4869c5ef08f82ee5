"""Which optimizer can train which parameters."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from builder.training.errors import OptimizerError

_TAKE_SPARSE = ("SGD", "SparseAdam", "Adagrad")


def check_fits(type_name: str, named: Mapping[str, nn.Parameter], model: nn.Module) -> None:
    """Raise OptimizerError where one of the parameters is not of a kind that the optimizer trains: Muon takes matrices,
    SparseAdam what gets sparse gradients, and most others what does not."""
    sparse = sparse_names(model)
    if type_name == "Muon":
        unfit = [f"{name} {tuple(each.shape)}" for name, each in named.items() if each.ndim != 2]
        _refuse(unfit, "Muon trains matrices alone, and these are none", '{ match = ["*.bias"], type = "AdamW" }')
    elif type_name == "SparseAdam":
        unfit = [name for name in named if name not in sparse]
        why = "SparseAdam trains what gets sparse gradients (Embedding with sparse = true), and these do not"
        _refuse(unfit, why, '{ match = "fc.*", type = "Adam" }')
    elif type_name not in _TAKE_SPARSE:
        unfit = [name for name in named if name in sparse]
        why = f"{type_name} does not take the sparse gradients of Embedding with sparse = true"
        _refuse(unfit, why, '{ match = "embedding.*", type = "SparseAdam" }')


def sparse_names(model: nn.Module) -> set[str]:
    """The parameters that get sparse gradients."""
    tables = (nn.Embedding, nn.EmbeddingBag)
    return {
        f"{name}.weight" if name else "weight"
        for name, each in model.named_modules() if isinstance(each, tables) and each.sparse
    }  # fmt: skip


def _refuse(unfit: list[str], why: str, example: str) -> None:
    if unfit:
        shown = ", ".join(unfit[:4]) + (f" and {len(unfit) - 4} more" if len(unfit) > 4 else "")
        raise OptimizerError(f"{why}: {shown}; give them a group with a type of its own, such as {example}")
