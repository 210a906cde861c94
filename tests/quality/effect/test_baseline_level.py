"""The level before an action and the proof against it, by hand, by simulation and against `sequential`."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from andon_quality.effect import Direction, Verdict, sequential
from andon_quality.effect.baseline_level import (
    BaselineLevel,
    Outlook,
    ShareCounts,
    baseline_level,
    checks,
    level_change,
    outlook,
)
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

PLAIN = BaselineLevel(10.0, 25, 4.0, 30.0, 4.0, 0.0, 0.0, 1.0, 60)


def hits_of(share: float, windows: int = 40, size: int = 200, seed: int = 1) -> ShareCounts:
    drawn = np.random.default_rng(seed).binomial(size, share, windows)
    return ShareCounts(drawn.astype(np.float64), np.full(windows, float(size)))


def test_independent_windows_have_their_plain_variance_as_one_per_window() -> None:
    """Over many series, so that what autocorrelation noise shows averages out from below at the plain variance."""
    rng = np.random.default_rng(2)
    found = [baseline_level(x, x) for x in rng.normal(3.0, 2.0, (200, 60))]
    assert np.mean([one.marginal for one in found]) == pytest.approx(4.0, rel=0.05)
    assert all(one.variance >= one.marginal * 0.999 for one in found)
    assert {one.spread_points for one in found} == {60} == {one.points for one in found}


def test_the_variance_of_a_mean_of_autocorrelated_windows_is_that_of_a_simulation() -> None:
    rng, phi = np.random.default_rng(3), 0.5
    x = rng.standard_normal((400, 400))
    for at in range(1, 400):
        x[:, at] = phi * x[:, at - 1] + math.sqrt(1 - phi**2) * x[:, at]
    found = np.mean([baseline_level(row, row).variance for row in x])
    assert found == pytest.approx(400 * x.mean(axis=1).var(), rel=0.15)


def test_fitted_parameters_are_paid_for() -> None:
    x = np.random.default_rng(5).standard_normal(50)
    assert baseline_level(x, x, fitted=8).marginal == pytest.approx(x.var() * 50 / 42)
    # The mean alone, unless said otherwise.
    assert baseline_level([0.0], x).marginal == pytest.approx(x.var(ddof=1))


def test_the_level_is_the_mean_of_before_and_not_of_the_windows_of_the_spread() -> None:
    spread = np.random.default_rng(5).standard_normal(50)
    found = baseline_level([7.0, 8.0, 9.0, 8.0], spread)
    assert (found.level, found.points, found.spread_points) == (8.0, 4, 50)


def test_windows_that_vary_more_at_the_level_of_before_widen_the_variance_and_cost_degrees_of_freedom() -> None:
    rng = np.random.default_rng(6)
    spread, before = rng.standard_normal(60), 3.0 * rng.standard_normal(20)
    found, plain = baseline_level(before, spread), baseline_level([0.0], spread)
    assert plain.scale == 1.0
    assert found.scale == pytest.approx(before.var(ddof=1) / plain.marginal, rel=0.02)
    assert found.variance == pytest.approx(plain.variance * found.scale)
    assert found.marginal == pytest.approx(plain.marginal * found.scale)
    phi = found.lag1_autocorrelation
    worth = 20 / (1 + 2 * sum((1 - k / 20) * phi**k for k in range(1, 20)))
    assert found.df == pytest.approx(1 / (1 / plain.df + 1 / (worth - 1)))
    assert plain.df == pytest.approx(1.5 * 60 / 7)


def test_a_level_of_few_dependent_windows_shows_its_scale_with_one_degree_of_freedom() -> None:
    rng = np.random.default_rng(7)
    spread = rng.standard_normal(60)
    for at in range(1, 60):
        spread[at] += 0.9 * spread[at - 1]
    # Two windows are worth hardly more than one independent point.
    found, plain = baseline_level([-40.0, 40.0], spread), baseline_level([0.0], spread)
    assert found.scale > 1.0
    assert found.df == pytest.approx(1 / (1 / plain.df + 1 / 1.0))


@pytest.mark.parametrize("level", [1e-6, 1e6])
def test_windows_that_vary_more_than_a_double_rounds_have_a_spread_whatever_their_unit(level: float) -> None:
    """The least variance is 1e-24 of the square of the largest value."""
    around = level * (1.0 + 1e-11 * np.random.default_rng(9).standard_normal(40))
    assert baseline_level(around, around).variance == pytest.approx(around.var(ddof=1), rel=0.5)
    with pytest.raises(NoSpread):
        baseline_level(np.full(40, level), np.full(40, level))


def test_what_a_share_is_made_of_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        hits_of(0.5).counts = np.zeros(1)  # type: ignore[misc]


def test_an_outlook_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Outlook(3, None).windows = 4  # type: ignore[misc]


def test_the_message_about_planned_windows_names_how_many_were_given() -> None:
    with pytest.raises(OutOfRange, match="planned window, got 0"):
        level_change(PLAIN, [1.0], 0)


def test_windows_that_vary_less_at_the_level_of_before_narrow_nothing() -> None:
    rng = np.random.default_rng(6)
    spread = rng.standard_normal(60)
    found = baseline_level(0.1 * rng.standard_normal(20), spread)
    assert found.scale == 1.0
    assert found.df == pytest.approx(1.5 * 60 / 7)


def test_shares_vary_at_another_level_as_their_counts_say() -> None:
    before, spread = hits_of(0.5, seed=1), hits_of(0.1, seed=2)
    shares = [one.counts / one.sizes for one in (before, spread)]
    found = baseline_level(shares[0], shares[1], 1, before, spread)
    assert found.scale == pytest.approx(25 / 9, rel=0.1)
    assert found.scale == before.sampling_variance() / spread.sampling_variance()
    assert found.df == pytest.approx(1.5 * 40 / 6)
    assert baseline_level(shares[1], shares[0], 1, spread, before).scale == 1.0


def test_shares_without_spread_vary_as_their_counts_allow() -> None:
    same = ShareCounts(np.full(10, 20.0), np.full(10, 200.0))
    found = baseline_level(np.full(10, 0.1), np.full(10, 0.1), 1, same, same)
    assert found.variance == found.marginal == pytest.approx(same.sampling_variance())
    assert found.drift == 0.0


def test_the_sampling_variance_is_that_of_scipys_binomial_law_with_two_hits_and_two_misses_more() -> None:
    hits = ShareCounts(np.array([10.0, 30.0]), np.array([100.0, 50.0]))
    share = 42 / 154
    each = [stats.binom.var(n, share) / n**2 for n in (100, 50)]
    assert hits.sampling_variance() == pytest.approx(np.mean(each))


def test_a_window_without_cases_counts_as_one_case() -> None:
    assert ShareCounts(np.array([0.0]), np.array([0.0])).sampling_variance() == 0.25


def test_the_drift_is_the_difference_of_halves_in_its_standard_errors() -> None:
    """Over many steady series it varies as Student's T; a step between the halves shows as what it is."""
    rng = np.random.default_rng(8)
    steady = [baseline_level(x, x).drift for x in rng.standard_normal((600, 100))]
    assert np.std(steady) == pytest.approx(0.85, abs=0.15)
    x = rng.standard_normal(101)
    stepped = np.where(np.arange(101) >= 50, x + 2.0, x)
    found = baseline_level(stepped, stepped)
    by_hand = (stepped[50:].mean() - stepped[:50].mean()) / math.sqrt(4 * found.variance / found.scale / 101)
    assert found.drift == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TooFew, lambda: baseline_level([], np.arange(8.0))),
        (TooFew, lambda: baseline_level([1.0], np.arange(7.0))),
        (NotFinite, lambda: baseline_level([np.nan], np.arange(8.0))),
        (NoSpread, lambda: baseline_level([3.0], np.full(8, 5.0))),
        (NoSpread, lambda: baseline_level([0.0], np.zeros(8))),
        (NoSpread, lambda: baseline_level([3.0, 4.0, 3.0], np.full(8, 5.0))),
        (Inconsistent, lambda: baseline_level([1.0], np.arange(8.0), 1, hits_of(0.1))),
        (OutOfRange, lambda: level_change(PLAIN, [1.0], 0)),
        (TooFew, lambda: level_change(PLAIN, [], 5)),
        (OutOfRange, lambda: outlook(PLAIN, 1.0, 0, 5)),
        (OutOfRange, lambda: outlook(PLAIN, 1.0, 5, 0)),
    ],
)
def test_what_cannot_be_is_refused(error: type[Exception], call: object) -> None:
    with pytest.raises(error):
        call()  # type: ignore[operator]


def test_the_change_is_after_less_before_in_the_always_valid_interval_of_its_error() -> None:
    after = np.array([8.0, 9.0, 7.0, 8.0])
    found = level_change(PLAIN, after, 60, Direction.LOWER, -3.0, 0.9)
    error, planned_error = (math.sqrt(4.0 * (1 / many + 1 / 25)) for many in (4, 60))
    assert found == sequential(-2.0, error, planned_error, Direction.LOWER, -3.0, 0.9, df=30.0)


def test_one_planned_window_and_one_window_after_are_enough_and_95_percent_is_the_default() -> None:
    error = math.sqrt(4.0 * (1 / 1 + 1 / 25))
    assert level_change(PLAIN, [7.0], 1) == sequential(-3.0, error, error, Direction.LOWER, None, 0.95, df=30.0)
    assert outlook(PLAIN, -3.0, 1, 1) == Outlook(0, None)
    assert outlook(PLAIN, -3.0, 1, 60) == outlook(PLAIN, -3.0, 1, 60, Direction.LOWER, None, 0.95)
    assert outlook(PLAIN, -3.0, 1, 60).verdict is Verdict.IMPROVED


def test_the_outlook_is_the_first_verdict_even_where_more_windows_would_give_another() -> None:
    """An interval below zero that narrows around an effect too small to matter: improved first, no change at last."""
    baseline = BaselineLevel(10.0, 100_000, 4.0, math.inf, 4.0, 0.0, 0.0, 1.0, 60)
    goal = (Direction.LOWER, -3.0, 0.95)
    found = outlook(baseline, -1.0, 8, 2_000, *goal)
    first, last = (level_change(baseline, np.full(n, 9.0), 2_000, *goal) for n in (8 + found.windows, 2_000))
    assert (first.verdict, last.verdict) == (Verdict.IMPROVED, Verdict.NO_CHANGE)
    assert found.verdict is Verdict.IMPROVED


def test_each_assumption_is_looked_at_with_its_figure_and_its_limit() -> None:
    def passed(baseline: BaselineLevel, after: list[float]) -> dict[str, bool]:
        return {check.name: bool(check.passed) for check in checks(baseline, after)}

    def changed(**figures: float) -> BaselineLevel:
        return BaselineLevel(**{**vars(PLAIN), **figures})

    calm = [10.0, 11.0, 9.0]
    all_hold = {"baseline_size": True, "autocorrelation": True, "stationarity": True, "spread": True}
    assert passed(PLAIN, calm) == all_hold
    assert passed(changed(spread_points=56), calm) == all_hold
    assert passed(changed(spread_points=55), calm) == {**all_hold, "baseline_size": False}
    assert passed(changed(lag1_autocorrelation=0.8), calm) == {**all_hold, "autocorrelation": False}
    edge = float(stats.t.ppf(0.995, 30.0))
    for sign in (-1, 1):
        assert passed(changed(drift=sign * (edge - 1e-6)), calm) == all_hold
        assert passed(changed(drift=sign * (edge + 1e-6)), calm) == {**all_hold, "stationarity": False}
    assert passed(PLAIN, [6.0, 10.0, 10.0, 10.0 + math.sqrt(8) + 4]) == {**all_hold, "spread": False}
    assert [check.value for check in checks(PLAIN, [10.0, 14.0])] == [60.0, 0.0, 0.0, 2.0]
    assert passed(PLAIN, [10.0, 14.0]) == all_hold
    assert passed(PLAIN, [10.0, 14.01]) == {**all_hold, "spread": False}
    assert [check.value for check in checks(PLAIN, [99.0])][-1] == 1.0


@settings(deadline=None, max_examples=60)
@given(
    estimate=st.floats(-2, 2),
    variance=st.floats(0.1, 5),
    before=st.integers(4, 100),
    after=st.integers(4, 40),
    planned=st.integers(8, 80),
    confidence=st.floats(0.6, 0.99),
    df=st.sampled_from([5.0, 30.0, math.inf]),
    expected=st.sampled_from([-0.4, 0.4, None]),
)
def test_the_windows_of_the_outlook_are_those_at_which_the_proof_decides(
    estimate: float,
    variance: float,
    before: int,
    after: int,
    planned: int,
    confidence: float,
    df: float,
    expected: float | None,
) -> None:
    baseline = BaselineLevel(10.0, before, variance, df, variance, 0.0, 0.0, 1.0, 60)
    direction = Direction.HIGHER if expected == 0.4 else Direction.LOWER

    def verdict(windows: int) -> Verdict:
        values = np.full(windows, 10.0 + estimate)
        found: Verdict = level_change(baseline, values, planned, direction, expected, confidence).verdict
        return found

    decided = [(many, verdict(many)) for many in range(after + 1, planned + 1)]
    first = next(((many, what) for many, what in decided if what is not Verdict.UNDECIDED), None)
    wanted = Outlook(max(planned - after, 0), None) if first is None else Outlook(first[0] - after, first[1])
    assert outlook(baseline, estimate, after, planned, direction, expected, confidence) == wanted


@pytest.mark.parametrize("after", [60, 61, 200])
def test_once_the_planned_windows_are_over_none_are_left(after: int) -> None:
    assert outlook(PLAIN, -0.1, after, 60) == Outlook(0, None)
