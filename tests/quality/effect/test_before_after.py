"""Window means around an action."""

import numpy as np
import pytest
from andon_quality.effect import Direction, Verdict, before_after
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

WINDOWS = st.lists(st.floats(-100, 100), min_size=8, max_size=30)


def ar1(rng, n, phi):
    noise = rng.normal(size=n) * np.sqrt(1 - phi**2)
    out = np.empty(n)
    out[0] = rng.normal()
    for i in range(1, n):
        out[i] = phi * out[i - 1] + noise[i]
    return out


def test_without_autocorrelation_it_is_welch():
    rng = np.random.default_rng(3)
    before, after = rng.normal(10, 1, 40), rng.normal(9, 2, 60)
    before[::2], before[1::2] = np.sort(before)[:20], np.sort(before)[20:]  # alternating: no positive lag-1 dependence
    after[::2], after[1::2] = np.sort(after)[:30], np.sort(after)[30:]
    effect = before_after(before, after)
    welch = stats.ttest_ind(after, before, equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert effect.estimate == pytest.approx(after.mean() - before.mean(), abs=1e-12)
    assert (effect.lower, effect.upper, effect.p_value) == pytest.approx((interval.low, interval.high, welch.pvalue))


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
def test_the_interval_covers_zero_about_as_often_as_promised_under_autocorrelation(phi):
    rng = np.random.default_rng(11)
    missed = sum(
        before_after(series[:60], series[60:]).p_value < 0.05 for series in (ar1(rng, 120, phi) for _ in range(600))
    )
    assert missed / 600 < 0.08


def test_a_weekly_pattern_is_taken_out():
    rng = np.random.default_rng(5)
    week = np.array([0, 3, 5, 4, 2, -6, -8.0])
    values = rng.normal(50, 1, 66) + week[np.arange(66) % 7]
    values[31:] -= 2.0
    plain, seasonal = before_after(values[:31], values[31:]), before_after(values[:31], values[31:], season=7)
    assert plain.verdict is Verdict.UNDECIDED
    assert seasonal.verdict is Verdict.IMPROVED
    assert seasonal.lower < -2.0 < seasonal.upper


def test_a_tight_interval_around_zero_is_no_change_only_with_a_margin():
    rng = np.random.default_rng(8)
    before, after = rng.normal(10, 0.1, 200), rng.normal(10, 0.1, 200)
    assert before_after(before, after).verdict is Verdict.UNDECIDED
    assert before_after(before, after, expected=-1.0).verdict is Verdict.NO_CHANGE


@settings(deadline=None, max_examples=60)
@given(WINDOWS, WINDOWS, st.floats(0.1, 50), st.floats(-100, 100))
def test_scaling_and_shifting_the_data_scales_the_effect(before, after, scale, shift):
    first = before_after(before, after)
    second = before_after(scale * np.array(before) + shift, scale * np.array(after) + shift)
    assert second.estimate == pytest.approx(scale * first.estimate, rel=1e-6, abs=1e-6)
    assert second.lower == pytest.approx(scale * first.lower, rel=1e-4, abs=1e-4)


@settings(deadline=None, max_examples=60)
@given(WINDOWS, WINDOWS, st.sampled_from(Direction))
def test_improved_is_never_said_when_the_interval_includes_zero(before, after, direction):
    effect = before_after(before, after, direction)
    assert effect.lower <= effect.estimate <= effect.upper
    if effect.lower <= 0 <= effect.upper:
        assert effect.verdict is Verdict.UNDECIDED
        assert effect.p_value > 0.0499999


def test_a_trend_before_the_action_fails_a_check():
    rng = np.random.default_rng(1)
    drifting = np.linspace(10, 0, 40) + rng.normal(0, 0.5, 40)
    effect = before_after(drifting[:20], drifting[20:])
    assert not next(check for check in effect.checks if check.name == "steady before").passed


def test_bad_windows_are_refused():
    with pytest.raises(TooFew):
        before_after([1.0, 2.0], [1.0] * 9)
    with pytest.raises(NotFinite):
        before_after([1.0, 2.0, np.nan, 3.0], [1.0] * 9)
    with pytest.raises(OutOfRange):
        before_after([1.0, 2.0, 2.0, 3.0], [1.0, 3.0, 1.0, 4.0], confidence=1.0)
