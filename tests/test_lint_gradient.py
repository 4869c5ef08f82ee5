"""The parameters that get no gradient are those that torch gives none, over random specs."""

from __future__ import annotations

import itertools

import pytest
import torch
from language_specs import NothingFitsError, Writer
from test_language_oracle import flat, text_of

import builder
import dsl
from builder.checking import check
from builder.lint.gradient import reached_by_gradient
from builder.lint.view import View


def legal(seed: int) -> str:
    """The spec of this seed, or of the first after it, by thousands, with which the writer comes to an end."""
    for each in itertools.count(seed, 1000):
        try:
            return text_of(Writer(each).spec())
        except NothingFitsError:
            continue
    raise AssertionError


@pytest.mark.parametrize("seed", range(100))
def test_a_gradient_comes_back_where_torch_has_one(seed: int) -> None:
    spec = dsl.loads(legal(seed))
    model = builder.build(spec, device="cpu").train()
    given = [torch.randn(3, int((each.shape or ())[1])) for each in spec.model.inputs or ()]
    total = sum(each.sum() for each in flat(model(*given)) if each.is_floating_point())
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
    trains = {key: each for key, each in model.named_parameters() if each.requires_grad}
    reached = reached_by_gradient(View.of(check(spec)))
    assert {key for key in trains if key in reached} == {key for key, each in trains.items() if each.grad is not None}
