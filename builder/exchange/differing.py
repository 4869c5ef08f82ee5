"""How far what one runtime gives is from what another does."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

TOLERANCE: Final = 1e-5  # between torch and onnxruntime: a part of the greatest value of an output


def difference(found: Tensor, expected: Tensor) -> float:
    """The greatest distance of two values, as a part of the greatest that is expected (of 1, where all are smaller);
    infinite where shapes, kinds, whole numbers or what is infinite differ."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return float("inf")
    if not expected.dtype.is_floating_point:
        return 0.0 if torch.equal(found, expected) else float("inf")
    finite = expected.isfinite()
    others = [torch.nan_to_num(each[~finite], nan=0.0, posinf=1.0, neginf=-1.0) for each in (found, expected)]
    if not torch.equal(found.isfinite(), finite) or not torch.equal(*others):
        return float("inf")
    if not bool(finite.any()):
        return 0.0
    scale = max(1.0, float(expected[finite].abs().max()))
    return float((found[finite].double() - expected[finite].double()).abs().max()) / scale
