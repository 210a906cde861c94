"""Limits of charts of windows: what widens them, what they are without anything to estimate, and that they repeat."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from andon_quality import arl
from andon_quality.control.constants import c4
from andon_quality.errors import OutOfRange
from andon_quality.promise import (
    Evidence,
    Lattice,
    Sides,
    Watch,
    count_skewness,
    keep_windows,
    lognormal_skewness,
    memory_of,
    share_skewness,
)
from andon_quality.promise.standard import standard_streams
from andon_quality.rules import NELSON, WESTERN_ELECTRIC
from scipy import stats

ONE = Watch(Sides.UPPER, WESTERN_ELECTRIC[:1])
TWO_RULES = Watch(Sides.UPPER, WESTERN_ELECTRIC[:2])


@pytest.mark.parametrize("size", [8, 11, 60])
def test_independent_normal_windows_run_as_long_as_integration_over_their_baselines_says(size):
    """For one limit the first alarm is geometric given a baseline, whose mean and standard deviation are known laws.

    With 12 to 50 windows some charts find a memory by chance and widen their limits, which the others make up for.
    """
    width = keep_windows(ONE, Evidence(size), 370.0).sigmas
    dice, baselines = np.random.default_rng(1), 200_000
    centre = dice.standard_normal(baselines) / np.sqrt(size)
    sd = np.sqrt(dice.chisquare(size - 1, baselines) / (size - 1))
    alarm = stats.norm.sf(centre + width * sd / c4(size))
    quiet = (1.0 - alarm) ** 100
    assert ((1.0 - quiet) / alarm).sum() / (1.0 - quiet).sum() == pytest.approx(370.0, rel=0.1)


def realised(watch: Watch, size: int, memory: float, requested: float) -> float:
    """Windows watched over first alarms of 6,000 charts, each with limits for the memory that it finds itself."""
    streams = standard_streams(memory, 0.0, "gamma", (size + 100, 6000), np.random.default_rng(31))
    before, after = streams[:size], streams[size:]
    found = np.clip(np.rint(10.0 * memory_of(before)), 0, 9).astype(int)
    widths = np.array([keep_windows(watch, Evidence(size, tenth / 10), requested).sigmas for tenth in range(10)])[found]
    z = (after - before.mean(axis=0)) / (before.std(axis=0, ddof=1) / c4(size))
    above, lower = z > widths, z > widths * 2.0 / 3.0
    pairs = lower[:-1].astype(int) + lower[1:]
    alarms = above.copy()
    alarms[1:] |= pairs == 2
    alarms[2:] |= (pairs[1:] + lower[:-2] >= 2) & lower[2:]
    first = np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1, 100)
    return float(first.sum() / alarms.any(axis=0).sum())


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.5, 0.7])
@pytest.mark.parametrize(("size", "requested"), [(20, 370.0), (20, 1000.0), (25, 370.0)])
def test_whatever_windows_remember_and_few_of_them_show_the_promise_is_kept(size, requested, memory):
    assert 0.85 < realised(TWO_RULES, size, memory, requested) / requested < 1.25


def test_with_hundreds_of_windows_limits_are_those_of_known_parameters():
    known = arl.design_shewhart(["WE1"], 185.0) * 3.0
    assert keep_windows(ONE, Evidence(400), 370.0).sigmas == pytest.approx(known, rel=0.03)


@pytest.mark.parametrize("watch", [ONE, TWO_RULES, Watch(Sides.UPPER, smoothing=0.2)], ids=["one", "two", "average"])
def test_fewer_windows_memory_and_skewness_each_widen_the_limits(watch):
    plain = keep_windows(watch, Evidence(25), 370.0).sigmas
    assert keep_windows(watch, Evidence(8), 370.0).sigmas > plain
    assert keep_windows(watch, Evidence(25, memory=0.5), 370.0).sigmas > plain
    assert keep_windows(watch, Evidence(25, skewness=1.0), 370.0).sigmas > plain
    assert keep_windows(watch, Evidence(25), 1000.0).sigmas > plain


def test_sides_are_mirror_images_and_both_alarm_twice_as_often():
    upper, lower, both = (Watch(side, WESTERN_ELECTRIC[:1]) for side in (Sides.UPPER, Sides.LOWER, Sides.BOTH))
    leaning = Evidence(25, skewness=0.8)
    assert keep_windows(upper, leaning, 370.0).sigmas > keep_windows(lower, leaning, 370.0).sigmas + 0.5
    assert keep_windows(both, Evidence(25), 370.0).sigmas == pytest.approx(
        keep_windows(upper, Evidence(25), 740.0).sigmas, rel=0.03
    )


def test_the_least_width_is_found_that_meets_the_request():
    for watch, evidence in itertools.product((ONE, TWO_RULES), (Evidence(20), Evidence(20, 0.3, 0.2, 1.5))):
        width = keep_windows(watch, evidence, 250.0)
        assert 250.0 <= width.expected_arl < 275.0


def test_few_hits_jump_and_the_promise_says_what_is_reached():
    coarse = keep_windows(ONE, Evidence(20, excess=1.0, lattice=Lattice(0.5, 10.0)), 370.0)
    assert coarse.expected_arl >= 370.0


def test_what_is_seen_is_rounded_so_that_series_share_calibrations():
    seen = [
        Evidence(20, memory, skewness, excess)
        for memory in (0.21, 0.19)
        for skewness in (0.1, 0.11)
        for excess in (1.5,)
    ]
    assert len({one.rounded() for one in seen}) == 1
    assert Evidence(20, 0.2, -9.0).rounded().skewness == -4.0


def test_memory_is_estimated_without_the_bias_of_few_points():
    dice = np.random.default_rng(8)
    for memory in (0.3, 0.6):
        streams = standard_streams(memory, 0.0, "gamma", (25, 4000), dice)
        assert float(memory_of(streams).mean()) == pytest.approx(memory, abs=0.06)
    assert memory_of(np.ones(20)) == 0.0
    assert memory_of(np.arange(5.0)) == 0.0


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
def test_few_cases_count_as_more_lopsided_than_they_show_and_many_as_they_do(variation):
    exact = stats.lognorm(np.sqrt(np.log1p(variation**2))).stats("s")
    few, more, many = (lognormal_skewness(variation, cases) for cases in (20, 600, 10**12))
    assert few > more > many == pytest.approx(exact, rel=1e-4)
    assert lognormal_skewness(variation, 1) < 1.5**3 * exact + 1e-9


def test_what_cannot_be_kept_is_refused():
    for size, requested in ((1, 370.0), (20, 1.0), (20, np.inf)):
        with pytest.raises(OutOfRange):
            keep_windows(ONE, Evidence(size), requested)
    with pytest.raises(OutOfRange):
        Watch(Sides.BOTH, (NELSON[2],))
    with pytest.raises(OutOfRange):
        Watch(Sides.BOTH)
    with pytest.raises(OutOfRange):
        Watch(Sides.BOTH, WESTERN_ELECTRIC[:1], smoothing=0.2)
