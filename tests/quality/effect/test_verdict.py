"""The verdict follows from the interval alone."""

import math

import pytest
from andon_quality.effect.verdict import Direction, Verdict, decide
from andon_quality.errors import NotFinite, OutOfRange
from hypothesis import given
from hypothesis import strategies as st

ENDS = st.floats(-1e6, 1e6)


@given(ENDS, ENDS, st.sampled_from(Direction), st.none() | st.floats(0, 1e6))
def test_an_interval_that_includes_zero_is_never_improved_and_never_worse(a, b, direction, margin):
    lower, upper = -abs(a), abs(b)
    assert decide(lower, upper, direction, margin) in (Verdict.NO_CHANGE, Verdict.UNDECIDED)


@given(ENDS, ENDS, st.sampled_from(Direction), st.none() | st.floats(0, 1e6))
def test_no_change_is_said_only_inside_a_stated_margin(a, b, direction, margin):
    lower, upper = min(a, b), max(a, b)
    inside = margin is not None and -margin <= lower and upper <= margin
    assert (decide(lower, upper, direction, margin) is Verdict.NO_CHANGE) == inside


@given(ENDS, ENDS)
def test_the_other_direction_swaps_improved_and_worse(a, b):
    lower, upper = min(a, b), max(a, b)
    swapped = {Verdict.IMPROVED: Verdict.WORSE, Verdict.WORSE: Verdict.IMPROVED}
    low, high = decide(lower, upper, Direction.LOWER), decide(lower, upper, Direction.HIGHER)
    assert swapped.get(low, low) is high


def test_one_sided_intervals_are_allowed():
    assert decide(-math.inf, -0.1, Direction.LOWER) is Verdict.IMPROVED
    assert decide(0.1, math.inf, Direction.LOWER, margin=5.0) is Verdict.WORSE


def test_senseless_intervals_are_refused():
    with pytest.raises(OutOfRange):
        decide(2.0, 1.0, Direction.LOWER)
    with pytest.raises(OutOfRange):
        decide(0.0, 1.0, Direction.LOWER, margin=-1.0)
    with pytest.raises(NotFinite):
        decide(math.nan, 1.0, Direction.LOWER)
