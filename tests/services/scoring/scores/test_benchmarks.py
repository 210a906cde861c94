"""Which reference holds for a window, what its unit is in another, and which side of it is better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.scores.benchmarks import (
    BenchmarkRelation,
    BenchmarkValidity,
    ReferenceValue,
    WindowComparison,
    compared,
    factor,
    holding,
)
from services.scoring.system.model import Direction
from services.scoring.system.windows import ALL_TIME, WindowId

YEARS = [
    ReferenceValue(1.0, 1.0, 1.0, (), 10, 20),
    ReferenceValue(2.0, 2.0, 2.0, (), 20, 30),
    ReferenceValue(3.0, 3.0, 3.0, (), 40),
]
VALID, EXPIRED, UPCOMING, PARTIAL = BenchmarkValidity
BETTER, WORSE, WITHIN, NO_VALID, NOT_ENOUGH = BenchmarkRelation


@pytest.mark.parametrize(
    ("window", "place", "validity"),
    [
        (WindowId(5, 15), 0, UPCOMING),
        (WindowId(10, 20), 0, VALID),
        (WindowId(15, 21), 0, PARTIAL),
        (WindowId(20, 30), 1, VALID),
        (WindowId(30, 31), 1, EXPIRED),
        (WindowId(10**15, 10**15 + 1), 2, VALID),
        (ALL_TIME, 0, UPCOMING),
    ],
)
def test_the_value_that_holds_for_a_whole_window_is_found(
    window: WindowId, place: int, validity: BenchmarkValidity
) -> None:
    assert holding(YEARS, window) == (place, validity)


@given(st.integers(-50, 100), st.integers(1, 30), st.floats(-5, 5))
def test_no_window_outside_the_validity_is_ever_compared(start: int, length: int, value: float) -> None:
    window = WindowId(start, start + length)
    found = compared(YEARS, Direction.LOWER_IS_BETTER, window, value)
    one = YEARS[found.place]
    holds = one.start_us <= window.start_us and window.end_us <= one.end_us
    assert (found.validity is VALID) is holds
    assert (found.relation is NO_VALID) is not holds
    assert (found.difference is None) is not holds


def test_units_of_one_kind_are_converted_and_others_are_not() -> None:
    assert factor("d", "h") == 24.0
    assert factor("s", "min") == 1 / 60
    assert factor("%", "1") == 0.01
    assert factor("", "") == 1.0
    for unit, wanted in (("%", "min"), ("EUR", "USD"), ("h", ""), ("", "%")):
        assert factor(unit, wanted) is None


@pytest.mark.parametrize(
    ("direction", "value", "relation"),
    [
        (Direction.LOWER_IS_BETTER, 3.9, BETTER),
        (Direction.LOWER_IS_BETTER, 6.1, WORSE),
        (Direction.HIGHER_IS_BETTER, 6.1, BETTER),
        (Direction.HIGHER_IS_BETTER, 3.9, WORSE),
        (Direction.TARGET_IS_BETTER, 3.9, WORSE),
        (Direction.TARGET_IS_BETTER, 6.1, WORSE),
        # 100 x 0.06 is no 6.0 in binary, and nobody is worse by a rounding.
        *((one, value, WITHIN) for one in list(Direction)[1:] for value in (4.0, 5.0, 6.0 + 1e-15, 6.0)),
    ],
)
def test_a_value_is_better_or_worse_only_outside_the_interval(
    direction: Direction, value: float, relation: BenchmarkRelation
) -> None:
    found = compared([ReferenceValue(5.0, 4.0, 6.0)], direction, WindowId(0, 1), value)
    assert (found.relation, found.difference) == (relation, value - 5.0)


def test_quantiles_say_between_which_of_them_a_value_lies() -> None:
    quartiles = ((0.25, 10.0), (0.5, 20.0), (0.75, 30.0))
    one = [ReferenceValue(None, 10.0, 30.0, quartiles)]

    def place(value: float | None) -> WindowComparison:
        return compared(one, Direction.LOWER_IS_BETTER, WindowId(0, 1), value)

    assert (place(20.0).share_lower, place(20.0).share_upper, place(20.0).relation) == (0.5, 0.75, WITHIN)
    assert (place(5.0).share_lower, place(5.0).share_upper, place(5.0).relation) == (None, 0.25, BETTER)
    assert (place(31.0).share_lower, place(31.0).share_upper, place(31.0).relation) == (0.75, None, WORSE)
    assert place(31.0).difference is None
    assert place(None).relation is NOT_ENOUGH
