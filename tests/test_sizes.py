"""Sizes with names in them against plain whole numbers: random expressions with fixed seeds, forms by hand."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable

import pytest

from builder.shapes.call import TensorType, shape_text
from builder.shapes.conditions import at_least_text, equal_text, multiple_text, simplest
from builder.shapes.sizes import (
    Free,
    Size,
    at_least,
    bounds,
    named,
    names,
    plain,
    product,
    replaced,
    same,
    single_name,
    worked_out,
)

H, N, T, W = (Free.named(name) for name in "HNTW")
NAMES = ("H", "N", "T", "W")
SEEDS = range(400)
OPERATIONS: list[Callable[[Size, Size], Size]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
]


def random_pair(generator: random.Random, values: dict[str, int], depth: int) -> tuple[Size, int]:
    """A random expression as a size, and its value as Python's own whole numbers have it."""
    if depth == 0 or generator.random() < 0.15:
        if generator.random() < 0.5:
            number = generator.randint(-6, 12)
            return number, number
        name = generator.choice(NAMES)
        return Free.named(name), values[name]
    left, right = (random_pair(generator, values, depth - 1) for _ in range(2))
    operation = generator.choice(OPERATIONS)
    if operation in (operator.floordiv, operator.mod) and (right[1] == 0 or right[0] == 0):
        operation = operator.add
    return operation(left[0], right[0]), operation(left[1], right[1])  # type: ignore[return-value]


def random_values(generator: random.Random) -> dict[str, int]:
    return {name: generator.randint(1, 40) for name in NAMES}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_operation_is_that_of_whole_numbers(seed: int) -> None:
    generator = random.Random(seed)
    values = random_values(generator)
    size, value = random_pair(generator, values, 4)
    assert worked_out(size, values) == value
    assert worked_out(-size, values) == -value
    low, high = bounds(size)
    assert low <= value <= high
    assert at_least(size, value) is not False
    assert at_least(size, value + 1) is not True
    assert same(size, value) is not False
    assert same(size, value + 1) is not True


@pytest.mark.parametrize("seed", SEEDS)
def test_a_text_is_python_that_gives_the_value(seed: int) -> None:
    generator = random.Random(1000 + seed)
    values = random_values(generator)
    size, value = random_pair(generator, values, 4)
    assert eval(str(size), {}, values) == value


@pytest.mark.parametrize("seed", SEEDS)
def test_names_replaced_one_by_one_give_the_value(seed: int) -> None:
    generator = random.Random(2000 + seed)
    values = random_values(generator)
    size, value = random_pair(generator, values, 4)
    try:
        for name in generator.sample(NAMES, len(NAMES)):
            size = replaced(size, {name: values[name]})
            assert name not in names(size)
    except ZeroDivisionError:
        pytest.fail("a divisor became 0 although the whole has a value")
    assert size == value


@pytest.mark.parametrize("seed", range(60))
def test_a_size_put_in_place_of_a_name_is_what_its_value_gives(seed: int) -> None:
    generator = random.Random(3000 + seed)
    values = random_values(generator)
    size, _ = random_pair(generator, values, 3)
    inner = 2 * Free.named("N") + 1
    put = replaced(size, {"H": inner})
    assert worked_out(put, values) == worked_out(size, {**values, "H": 2 * values["N"] + 1})


@pytest.mark.parametrize("seed", range(100))
def test_the_order_of_sums_and_products_does_not_matter(seed: int) -> None:
    generator = random.Random(4000 + seed)
    values = random_values(generator)
    a, b, c = (random_pair(generator, values, 2)[0] for _ in range(3))
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash(a + b) == hash(b + a)


SAME_FORMS: list[tuple[Size, Size]] = [
    ((H - 2) // 2 + 1, H // 2),
    ((H // 2) // 2, H // 4),
    ((H // 2 + 1) // 3, (H + 2) // 6),
    ((4 * N + 3) // 8, N // 2),
    ((6 * H) // 3, 2 * H),
    ((2 * H + 6) // 2, H + 3),
    (6400 * N // 6400, N),
    (6400 * N // N, 6400),
    (N * T * 6 // (T * 3), 2 * N),
    (H // -2, (-H) // 2),
    (0 // H, 0),
    ((4 * H) % 2, 0),
    (H // H, 1),
    ((H + 5 * 4) // 4 - 5, H // 4),
    (((H + 2 - 3) // 2 + 1 - 1) // 2 + 1, (H + 3) // 4),
]  # worked by hand with floor(x + n) = floor(x) + n and floor(floor(x / m) / n) = floor(x / (m n))


@pytest.mark.parametrize(("left", "right"), SAME_FORMS, ids=str)
def test_same_sizes_have_one_form(left: Size, right: Size) -> None:
    assert left == right
    assert same(left, right) is True
    for value in range(1, 60):
        assert worked_out(left, {"H": value, "N": 3, "T": 7}) == worked_out(right, {"H": value, "N": 3, "T": 7})


TEXTS: list[tuple[Size, str]] = [
    (N, "N"),
    (3 * T + 1, "3 * T + 1"),
    (H // 4, "H // 4"),
    (2 * (H // 2), "2 * (H // 2)"),
    ((H // 2) * W, "W * (H // 2)"),
    ((H + 1) // 2, "(H + 1) // 2"),
    (1 - H, "-H + 1"),
    (H - W, "H - W"),
    (N * T * T, "N * T * T"),
    (H // W, "H // W"),
    (H // (W + 1), "H // (W + 1)"),
    (-(H // 2), "-(H // 2)"),
    (-(H // 2) * W, "-W * (H // 2)"),
    (H - H // 2, "H - H // 2"),
    ((-(H // W)) // T, "(-(H // W)) // T"),
]


@pytest.mark.parametrize(("size", "text"), TEXTS)
def test_texts(size: Size, text: str) -> None:
    assert str(size) == text
    assert plain(size) == text


def test_shapes_are_written_as_tuples() -> None:
    assert shape_text((N, 256, H // 4)) == "(N, 256, H // 4)"
    assert shape_text((N,)) == "(N,)"
    assert str(TensorType(())) == "()"


BOUNDS: list[tuple[Size, float, float]] = [
    (5, 5, 5),
    (N, 1, math.inf),
    (3 * N - 5, -2, math.inf),
    (4 - N, -math.inf, 3),
    (N * T, 1, math.inf),
    (H // 2, 0, math.inf),
    ((H + 7) // 4, 2, math.inf),
    (10 // H, 0, 10),
]


@pytest.mark.parametrize(("size", "low", "high"), BOUNDS, ids=str)
def test_bounds_by_hand(size: Size, low: float, high: float) -> None:
    assert bounds(size) == (low, high)


def test_comparisons_know_when_they_do_not_know() -> None:
    assert same(N, N) is True
    assert same(N, N + 1) is False
    assert same(N, T) is None
    assert same(2 * N, 1) is False
    assert at_least(N, 1) is True
    assert at_least(N, 2) is None
    assert at_least(3 - N, 3) is False


def test_helpers() -> None:
    assert named("N") == N
    assert named(3) == 3
    assert product([2, N, 3]) == 6 * N
    assert product([]) == 1
    assert names((H + W) // 2 * T) == {"H", "W", "T"}
    assert single_name(N)
    assert not single_name(2 * N)
    assert not single_name(N * T)
    assert not single_name(H // 2)
    assert not single_name(4)


def test_division_by_nothing_is_an_error() -> None:
    for divide in (operator.floordiv, operator.mod):
        with pytest.raises(ZeroDivisionError):
            divide(H, 0)


CONDITIONS: list[tuple[str, str]] = [
    (at_least_text(H - 10, 1), "H >= 11"),
    (at_least_text(H // 4 - 2, 1), "H >= 12"),
    (at_least_text((H + 1) // 2, 5), "H >= 9"),
    (at_least_text(3 * H, 7), "H >= 3"),
    (at_least_text(9 - H, 1), "H <= 8"),
    (at_least_text(H + W, 5), "H + W >= 5"),
    (equal_text(H, H // 2 * 2), "H % 2 == 0"),
    (equal_text(H // 8, H // 16 * 2), "(H // 8) % 2 == 0"),
    (equal_text(5, N), "N == 5"),
    (multiple_text(6 * N, 4), "N % 2 == 0"),
    (multiple_text(N * T, 7), "(N * T) % 7 == 0"),
    (multiple_text(H // 2, 3), "(H // 2) % 3 == 0"),
]


@pytest.mark.parametrize(("found", "expected"), CONDITIONS)
def test_conditions_are_told_of_the_name_itself(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["H >= 4", "W >= 2", "H >= 8"], ["H >= 8", "W >= 2"]),
        (["(H // 4) % 2 == 0", "(H // 2) % 2 == 0", "H % 2 == 0"], ["H % 8 == 0"]),
        (["H % 6 == 0", "(H // 2) % 8 == 0"], ["H % 48 == 0"]),
        (["H % 2 == 0", "(H // 3) % 2 == 0", "N == M"], ["H % 2 == 0", "(H // 3) % 2 == 0", "N == M"]),
    ],
)
def test_of_several_conditions_the_strongest_are_told(found: list[str], expected: list[str]) -> None:
    assert simplest(found) == expected
    for size in range(1, 200):
        names = {"H": size, "W": 5, "N": 3, "M": 3}
        assert all(eval(each, {}, names) for each in found) == all(eval(each, {}, names) for each in expected)


@pytest.mark.parametrize("seed", range(200))
def test_a_bound_on_the_name_says_the_same_as_the_bound_on_the_size(seed: int) -> None:
    generator = random.Random(5000 + seed)
    size: Size = H
    for _ in range(3):
        size = generator.choice(OPERATIONS[:4])(size, generator.choice([1, 2, 3, 5]))
    limit = generator.randint(-3, 9)
    text = at_least_text(size, limit)
    for value in range(1, 200):
        assert eval(text, {}, {"H": value}) == (worked_out(size, {"H": value}) >= limit), text
