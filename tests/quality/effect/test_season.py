"""The season of windows with gaps, against statsmodels' regression on phases and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.effect.season import Cycle, Season, fit_season
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

WEEK, DAY = Cycle("week", 7, 1.0), Cycle("pair", 2, 1.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), gaps=st.sets(st.integers(1, 68), max_size=20))
def test_what_is_left_is_the_residual_of_a_regression_on_phases_plus_the_mean_of_the_phases(
    seed: int, gaps: set[int]
) -> None:
    rng = np.random.default_rng(seed)
    starts = np.array([day for day in range(70) if day not in gaps], dtype=np.float64)
    values = rng.normal(5.0, 2.0, starts.size)
    season = fit_season(starts, values, 1.0, [WEEK])
    dummies = np.equal.outer(starts % 7, np.arange(7)).astype(np.float64)
    dummies = dummies[:, dummies.any(axis=0)]
    fitted = sm.OLS(values, dummies).fit()
    assert season.without(starts, values) == pytest.approx(fitted.resid + fitted.params.mean())
    assert season.fitted == dummies.shape[1]


@pytest.mark.parametrize(("days", "fits"), [(27, False), (28, True), (29, True)])
def test_four_rounds_are_enough_and_a_window_less_is_not(days: int, fits: bool) -> None:
    """Days that begin at any time and are counted in hours."""
    starts, cycle = 1000.0 + 24.0 * np.arange(days), Cycle("week", 7, 24.0)
    season = fit_season(starts, [float(day % 7) for day in range(days)], 24.0, [cycle])
    assert (season.cycle is cycle) == fits
    assert season.fitted == (7 if fits else 1)
    assert len(season.offsets) == season.fitted


@pytest.mark.parametrize(("short", "fits"), [(0.49, True), (0.5, True), (0.51, False)])
def test_a_span_that_is_short_by_half_a_window_still_counts(short: float, fits: bool) -> None:
    starts = 24.0 * np.arange(28) * (1.0 - short / 27)
    assert (fit_season(starts, np.arange(28.0), 24.0, [Cycle("week", 7, 24.0)]).cycle is not None) == fits


@pytest.mark.parametrize(("rounds", "fits"), [(2, True), (3, False)])
def test_the_number_of_rounds_can_be_stated(rounds: int, fits: bool) -> None:
    assert (fit_season(range(5), np.arange(5.0), 1.0, [DAY], rounds).cycle is not None) == fits


def test_the_first_cycle_that_fits_is_taken() -> None:
    starts, values = np.arange(10), np.arange(10.0)
    assert fit_season(starts, values, 1.0, [WEEK, DAY]).cycle is DAY
    assert fit_season(np.arange(28), np.arange(28.0), 1.0, [WEEK, DAY]).cycle is WEEK
    assert fit_season(starts, values, 1.0, []).cycle is None


def test_phases_are_counted_from_the_first_window_by_rounding() -> None:
    starts = 100.0 + np.arange(28) + np.where(np.arange(28) % 5 == 2, 0.4, -0.4) * (np.arange(28) > 0)
    season = fit_season(starts, [float(day % 7) for day in range(28)], 1.0, [WEEK])
    assert season.anchor == 100.0
    assert season.offsets == pytest.approx(tuple(float(phase) - 3.0 for phase in range(7)))


def test_a_window_before_the_anchor_belongs_to_the_phase_that_it_would_have() -> None:
    season = Season(WEEK, 7.0, tuple(float(phase) for phase in range(7)), 7)
    assert season.without([6.0, 0.0, 15.0], [10.0, 10.0, 10.0]).tolist() == [4.0, 10.0, 9.0]


def test_a_phase_without_windows_has_no_offset_and_is_not_counted_as_fitted() -> None:
    starts = np.array([day for day in range(70) if day % 7 < 5], dtype=np.float64)
    season = fit_season(starts, starts % 7, 1.0, [WEEK])
    assert season.offsets == (-2.0, -1.0, 0.0, 1.0, 2.0, 0.0, 0.0)
    assert season.fitted == 5


def test_a_phase_with_a_single_window_is_as_that_window_is_and_is_counted_as_fitted() -> None:
    starts = np.array([0.0, 2.0, 4.0, 6.0, 7.0])
    season = fit_season(starts, [1.0, 1.0, 1.0, 1.0, 5.0], 1.0, [DAY])
    assert (season.offsets, season.fitted) == ((-2.0, 2.0), 2)


def test_windows_that_start_together_are_taken_and_share_their_phase() -> None:
    assert fit_season([0.0, 0.0, 1.0], [1.0, 3.0, 8.0], 1.0, [DAY], 1).offsets == (-3.0, 3.0)


def test_microseconds_since_1970_lose_nothing() -> None:
    day_us = 86_400_000_000
    starts = [20_000 * day_us + index * day_us for index in range(70)]
    season = fit_season(starts, [float(index % 7) for index in range(70)], day_us, [Cycle("week", 7, day_us)])
    assert season.without(starts, [float(index % 7) for index in range(70)]) == pytest.approx(np.full(70, 3.0))


def test_without_a_season_values_stay_as_they_are() -> None:
    season = fit_season([0.0, 1.0], [2.0, 5.0], 1.0)
    assert season == Season(None, 0.0, (0.0,), 1)
    assert season.without([7.0], [3.5]).tolist() == [3.5]


@pytest.mark.parametrize(
    ("error", "starts", "values", "cycles"),
    [
        (TooFew, [], [], [WEEK]),
        (NotFinite, [0.0, 1.0], [1.0, np.nan], [WEEK]),
        (Inconsistent, [0.0], [1.0, 2.0], [WEEK]),
        (Inconsistent, [1.0, 0.0], [1.0, 2.0], [WEEK]),
        (OutOfRange, [0.0, 1.0], [1.0, 2.0], [Cycle("one", 1, 1.0)]),
        (OutOfRange, [0.0, 1.0], [1.0, 2.0], [Cycle("none", 2, 0.0)]),
    ],
)
def test_what_cannot_be_is_refused(
    error: type[Exception], starts: list[float], values: list[float], cycles: list[Cycle]
) -> None:
    with pytest.raises(error):
        fit_season(starts, values, 1.0, cycles)
