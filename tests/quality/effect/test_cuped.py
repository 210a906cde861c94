"""Variance taken out by what was known before."""

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.effect.always_valid import always_valid
from andon_quality.effect.cuped import adjusted, adjustment, cuped
from andon_quality.effect.verdict import Verdict
from andon_quality.errors import Inconsistent, NoSpread, TooFew


def units(rng, effect, n=400, correlation=0.8):
    before = rng.normal(10, 1, 2 * n)
    after = 10 + correlation * (before - 10) + np.sqrt(1 - correlation**2) * rng.normal(size=2 * n)
    after[:n] += effect
    return after[:n], before[:n], after[n:], before[n:]


def test_the_estimate_is_that_of_the_regression_on_history_and_group():
    y1, x1, y0, x0 = units(np.random.default_rng(1), -0.2)
    group = np.repeat([1.0, 0.0], 400)
    design = np.column_stack([np.ones(800), group, np.concatenate([x1, x0])])
    theirs = sm.OLS(np.concatenate([y1, y0]), design).fit()
    ours = cuped(y1, x1, y0, x0)
    assert ours.estimate == pytest.approx(theirs.params[1])
    assert ours.upper - ours.lower == pytest.approx(2 * 1.963 * theirs.bse[1], rel=0.02)


def test_the_interval_shrinks_by_the_correlation_with_history():
    y1, x1, y0, x0 = units(np.random.default_rng(2), 0.0)
    plain = cuped(y1, np.random.default_rng(3).normal(size=400), y0, np.random.default_rng(4).normal(size=400))
    ours = cuped(y1, x1, y0, x0)
    assert (ours.upper - ours.lower) / (plain.upper - plain.lower) == pytest.approx(0.6, abs=0.05)


def test_null_effects_are_covered_as_promised():
    rng = np.random.default_rng(5)
    wrong = sum(cuped(*units(rng, 0.0, n=50)).verdict is not Verdict.UNDECIDED for _ in range(400))
    assert wrong / 400 < 0.08


def test_an_adjusted_series_can_be_watched_day_by_day():
    rng = np.random.default_rng(6)
    volume = rng.normal(0, 1, 120)
    waiting = 30 + 4 * volume + rng.normal(0, 1, 120)
    waiting[80:] -= 1.5
    known = adjustment(waiting[:80], volume[:80])
    series = adjusted(waiting, volume, known, float(volume[:80].mean()))
    assert known.kept < 0.15
    assert always_valid(series[:80], series[80:]).verdict is Verdict.IMPROVED


def test_bad_input_is_refused():
    with pytest.raises(NoSpread):
        adjustment([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    with pytest.raises(Inconsistent):
        adjustment([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 2.0])
    with pytest.raises(TooFew):
        cuped([1.0], [1.0], [1.0], [1.0])
