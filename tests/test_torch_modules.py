"""torch's own samples for its modules, and ours where it has none: each as a spec, equal to torch bit for bit."""

from __future__ import annotations

import pytest
from torch_counts import classes, count_class, kept

# torch warns of its own samples (deprecated reductions, masks of two kinds).
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", classes())
def test_samples_of_a_class_are_equal(name: str) -> None:
    count = count_class(name)
    assert count.wrong == []
    assert count.said + count.ours > 0
    assert count.row(name) == kept()[name]
