"""Limits of charts of windows: what widens them, what they are without anything to estimate, and that they repeat."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from andon_quality import arl
from andon_quality.calibration import (
    BaselineProfile,
    Lattice,
    Sides,
    WindowScheme,
    calibrate_windows,
    count_skewness,
    lag1_autocorrelation,
    lognormal_skewness,
    share_skewness,
)
from andon_quality.calibration.streams import standard_streams
from andon_quality.control.constants import c4
from andon_quality.errors import OutOfRange
from andon_quality.rules import NELSON, WESTERN_ELECTRIC
from scipy import stats

ONE = WindowScheme(Sides.UPPER, WESTERN_ELECTRIC[:1])
TWO_RULES = WindowScheme(Sides.UPPER, WESTERN_ELECTRIC[:2])


@pytest.mark.parametrize("size", [8, 11, 60])
def test_independent_normal_windows_run_as_long_as_integration_over_their_baselines_says(size):
    """For one limit the first alarm is geometric given a baseline, whose mean and standard deviation are known laws.

    With 12 to 50 windows some charts find an autocorrelation where there is none and widen their limits, which the
    others make up for.
    """
    width = calibrate_windows(ONE, BaselineProfile(size), 370.0).width
    dice, baselines = np.random.default_rng(1), 200_000
    centre = dice.standard_normal(baselines) / np.sqrt(size)
    sd = np.sqrt(dice.chisquare(size - 1, baselines) / (size - 1))
    alarm = stats.norm.sf(centre + width * sd / c4(size))
    quiet = (1.0 - alarm) ** 100
    assert ((1.0 - quiet) / alarm).sum() / (1.0 - quiet).sum() == pytest.approx(370.0, rel=0.1)


def realised(scheme: WindowScheme, size: int, phi: float, requested: float) -> float:
    """Windows watched over first alarms of 6,000 charts, each with limits for the autocorrelation it finds."""
    streams = standard_streams(phi, 0.0, "gamma", (size + 100, 6000), np.random.default_rng(31))
    before, after = streams[:size], streams[size:]
    found = np.clip(np.rint(10.0 * lag1_autocorrelation(before)), 0, 9).astype(int)
    widths = np.array(
        [calibrate_windows(scheme, BaselineProfile(size, tenth / 10), requested).width for tenth in range(10)]
    )[found]
    z = (after - before.mean(axis=0)) / (before.std(axis=0, ddof=1) / c4(size))
    above, lower = z > widths, z > widths * 2.0 / 3.0
    pairs = lower[:-1].astype(int) + lower[1:]
    alarms = above.copy()
    alarms[1:] |= pairs == 2
    alarms[2:] |= (pairs[1:] + lower[:-2] >= 2) & lower[2:]
    first = np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1, 100)
    return float(first.sum() / alarms.any(axis=0).sum())


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.5, 0.7])
@pytest.mark.parametrize(("size", "requested"), [(20, 370.0), (20, 1000.0), (25, 370.0)])
def test_the_requested_arl_is_met_whatever_the_autocorrelation_that_few_windows_show(size, requested, phi):
    assert 0.85 < realised(TWO_RULES, size, phi, requested) / requested < 1.25


def test_with_hundreds_of_windows_limits_are_those_of_known_parameters():
    known = arl.design_shewhart(["WE1"], 185.0)
    assert calibrate_windows(ONE, BaselineProfile(400), 370.0).width == pytest.approx(known, rel=0.03)


@pytest.mark.parametrize(
    "scheme", [ONE, TWO_RULES, WindowScheme(Sides.UPPER, smoothing=0.2)], ids=["one", "two", "average"]
)
def test_fewer_windows_autocorrelation_and_skewness_each_widen_the_limits(scheme):
    plain = calibrate_windows(scheme, BaselineProfile(25), 370.0).width
    assert calibrate_windows(scheme, BaselineProfile(8), 370.0).width > plain
    assert calibrate_windows(scheme, BaselineProfile(25, lag1_autocorrelation=0.5), 370.0).width > plain
    assert calibrate_windows(scheme, BaselineProfile(25, skewness=1.0), 370.0).width > plain
    assert calibrate_windows(scheme, BaselineProfile(25), 1000.0).width > plain


def test_sides_are_mirror_images_and_both_alarm_twice_as_often():
    upper, lower, both = (WindowScheme(side, WESTERN_ELECTRIC[:1]) for side in (Sides.UPPER, Sides.LOWER, Sides.BOTH))
    leaning = BaselineProfile(25, skewness=0.8)
    assert calibrate_windows(upper, leaning, 370.0).width > calibrate_windows(lower, leaning, 370.0).width + 0.5
    assert calibrate_windows(both, BaselineProfile(25), 370.0).width == pytest.approx(
        calibrate_windows(upper, BaselineProfile(25), 740.0).width, rel=0.03
    )


def test_the_least_width_is_found_that_meets_the_request():
    for scheme, profile in itertools.product(
        (ONE, TWO_RULES), (BaselineProfile(20), BaselineProfile(20, 0.3, 0.2, 1.5))
    ):
        width = calibrate_windows(scheme, profile, 250.0)
        assert 250.0 <= width.expected_arl < 275.0


def test_few_hits_jump_and_the_width_says_which_arl_is_reached():
    coarse = calibrate_windows(ONE, BaselineProfile(20, excess=1.0, lattice=Lattice(0.5, 10.0)), 370.0)
    assert coarse.expected_arl >= 370.0


def test_what_is_seen_is_rounded_so_that_series_share_calibrations():
    seen = [
        BaselineProfile(20, phi, skewness, excess)
        for phi in (0.21, 0.19)
        for skewness in (0.1, 0.11)
        for excess in (1.5,)
    ]
    assert len({one.rounded() for one in seen}) == 1
    assert BaselineProfile(20, 0.2, -9.0).rounded().skewness == -4.0


def test_autocorrelation_is_estimated_without_the_bias_of_few_points():
    dice = np.random.default_rng(8)
    for phi in (0.3, 0.6):
        streams = standard_streams(phi, 0.0, "gamma", (25, 4000), dice)
        assert float(lag1_autocorrelation(streams).mean()) == pytest.approx(phi, abs=0.06)
    assert lag1_autocorrelation(np.ones(20)) == 0.0
    assert lag1_autocorrelation(np.arange(5.0)) == 0.0


@pytest.mark.parametrize("law", ["gamma", "lognormal"])
@pytest.mark.parametrize("skewness", [-0.7, 0.0, 0.5, 1.5])
def test_streams_have_the_moments_they_are_made_for(law, skewness):
    streams = standard_streams(0.3, skewness, law, (400, 2000), np.random.default_rng(2))
    assert float(streams.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(streams.std()) == pytest.approx(1.0, abs=0.01)
    assert float((streams**3).mean()) == pytest.approx(skewness, abs=0.06)


def test_skewness_is_that_of_the_laws_it_is_named_after():
    assert lognormal_skewness(0.6) == pytest.approx(stats.lognorm(np.sqrt(np.log(1.36))).stats("s"), rel=1e-9)
    assert count_skewness(4.0, 8.0) == pytest.approx(stats.nbinom(4.0, 0.5).stats("s"), rel=1e-9)
    assert count_skewness(4.0, 3.0) == pytest.approx(stats.poisson(4.0).stats("s"), rel=1e-9)
    assert share_skewness(0.1, 100.0) == pytest.approx(stats.binom(100, 0.1).stats("s"), rel=1e-9)
    total = 99.0 / 3.0 - 1.0
    assert share_skewness(0.1, 100.0, 4.0) == pytest.approx(
        stats.betabinom(100, 0.1 * total, 0.9 * total).stats("s"), rel=1e-9
    )


@pytest.mark.parametrize("variation", [0.2, 0.7, 1.3])
def test_few_cases_count_as_more_skewed_than_they_show_and_many_as_they_do(variation):
    exact = stats.lognorm(np.sqrt(np.log1p(variation**2))).stats("s")
    few, more, many = (lognormal_skewness(variation, cases) for cases in (20, 600, 10**12))
    assert few > more > many == pytest.approx(exact, rel=1e-4)
    assert lognormal_skewness(variation, 1) < 1.5**3 * exact + 1e-9


def test_what_cannot_be_kept_is_refused():
    for size, requested in ((1, 370.0), (20, 1.0), (20, np.inf)):
        with pytest.raises(OutOfRange):
            calibrate_windows(ONE, BaselineProfile(size), requested)
    with pytest.raises(OutOfRange):
        WindowScheme(Sides.BOTH, (NELSON[2],))
    with pytest.raises(OutOfRange):
        WindowScheme(Sides.BOTH)
    with pytest.raises(OutOfRange):
        WindowScheme(Sides.BOTH, WESTERN_ELECTRIC[:1], smoothing=0.2)
