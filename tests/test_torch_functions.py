"""torch's own samples for its functions and methods, and ours: each call as a spec, equal to torch bit for bit."""

from __future__ import annotations

import pytest
from torch_counts import count_functions, groups, kept
from torch_function_samples import infos_of
from torch_own_function_samples import cases

# torch warns of its own samples (windows that are left out, complex numbers cut to their real part).
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("group", groups())
def test_samples_of_functions_are_equal(group: str) -> None:
    count = count_functions(group)
    assert count.wrong == []
    assert count.row(group) == kept()[group]


@pytest.mark.parametrize("group", groups())
def test_all_samples_of_functions_are_equal(group: str) -> None:
    assert count_functions(group, most=1_000_000).wrong == []


def test_every_function_has_a_sample() -> None:
    ours = {target for target, _, _ in cases()}
    lacking = [each for several in groups().values() for each in several if not infos_of(each) and each not in ours]
    assert lacking == []
