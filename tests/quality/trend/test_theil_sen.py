"""The Theil-Sen line, against scipy."""

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.trend import theil_sen
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

VALUES = st.lists(st.floats(-100, 100), min_size=4, max_size=40)


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_slope_interval_and_intercept_agree_with_scipy(values):
    ours, theirs = theil_sen(values), stats.theilslopes(values, alpha=0.95)
    assert (ours.slope, ours.intercept) == pytest.approx((theirs.slope, theirs.intercept))
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low_slope, theirs.high_slope))


@settings(deadline=None, max_examples=40)
@given(VALUES, st.floats(0.1, 50), st.floats(-50, 50))
def test_scale_and_shift_carry_over(values, scale, shift):
    first, second = theil_sen(values), theil_sen(scale * np.array(values) + shift)
    assert second.slope == pytest.approx(scale * first.slope, abs=1e-7)
    assert second.intercept == pytest.approx(scale * first.intercept + shift, abs=1e-6)


def test_a_quarter_of_wild_points_does_not_move_the_line_far():
    rng = np.random.default_rng(2)
    values = 3 + 0.5 * np.arange(60) + rng.normal(0, 0.2, 60)
    values[::4] += 500
    assert theil_sen(values).slope == pytest.approx(0.5, abs=0.1)


def test_unequal_times_are_used_and_ties_in_time_ignored():
    line = theil_sen([0.0, 2.0, 2.0, 20.0], [0.0, 1.0, 1.0, 10.0])
    assert line.slope == pytest.approx(2.0)


def test_dependence_widens_the_interval():
    values = np.random.default_rng(3).normal(size=50)
    narrow, wide = theil_sen(values), theil_sen(values, inflation=4.0)
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_bad_input_is_refused():
    with pytest.raises(TooFew):
        theil_sen([1.0, 2.0])
    with pytest.raises(NoSpread):
        theil_sen([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    with pytest.raises(Inconsistent):
        theil_sen([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(OutOfRange):
        theil_sen([1.0, 2.0, 3.0], inflation=0.5)
