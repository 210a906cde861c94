"""Charts that can fire: what autocorrelation may widen, what a perfect baseline bounds, and what a chart can see."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality import arl, rules
from andon_quality.calibration import (
    BaselineProfile,
    Lattice,
    ShiftDetection,
    Sides,
    ValueKind,
    WindowScheme,
    calibrate_windows,
    detection,
    phase_one_of_individuals,
    phase_one_of_shares,
    windows,
)
from andon_quality.control import chart, proportion, xmr
from andon_quality.control.chart import StatisticKind
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.rules import WESTERN_ELECTRIC
from scipy import stats
from scipy.special import ndtr

ONE = {side: WindowScheme(side, WESTERN_ELECTRIC[:1]) for side in Sides}
TWO_RULES = WindowScheme(Sides.UPPER, WESTERN_ELECTRIC[:2])


@pytest.mark.parametrize("size", [8, 12, 20, 60])
@pytest.mark.parametrize("phi", [0.5, 0.7, 0.9])
def test_autocorrelation_widens_limits_to_twice_their_width_at_most_and_the_run_says_what_is_left(
    size: int, phi: float
) -> None:
    plain = calibrate_windows(ONE[Sides.BOTH], BaselineProfile(size), 370.0)
    widened = calibrate_windows(ONE[Sides.BOTH], BaselineProfile(size, phi), 370.0)
    assert plain.width < widened.width <= 2.0 * plain.width + 0.01
    assert widened.is_capped == (widened.expected_arl < 370.0)


def test_twelve_months_with_a_winter_peak_do_not_get_limits_of_twenty_sigma() -> None:
    peak = 0.109 + 0.03 * np.cos(2.0 * np.pi * np.arange(12) / 12.0)
    phase_one = phase_one_of_individuals(peak)
    width = calibrate_windows(ONE[Sides.BOTH], phase_one.profile, 370.0)
    assert width.width < 7.0
    assert width.is_capped
    # And what they cannot see is said.
    assert not detection(ONE[Sides.BOTH], phase_one.profile, width.width, 2.0, 12).detects


def drawn(phase_one, hits, counts, width):
    base = proportion.ProportionBaseline(
        StatisticKind.PROPORTION,
        np.array(phase_one.centre),
        np.array(phase_one.sigma),
        np.array(len(hits)),
        "binomial",
        np.array(1.0),
    )
    return proportion.chart(base, hits, counts, width)


@pytest.mark.parametrize("cases", [20, 60, 500])
def test_after_a_month_of_no_misses_shares_that_the_month_excludes_are_signals(cases: int) -> None:
    phase_one = phase_one_of_shares([0.0] * 28, [float(cases)] * 28)
    bound = stats.beta.ppf(0.95, 1, 28 * cases)
    assert phase_one.is_bound
    assert phase_one.centre == pytest.approx(bound, rel=1e-9)
    width = calibrate_windows(ONE[Sides.UPPER], phase_one.profile, 370.0)
    shares = np.array([0.0, 0.05, 0.3, 1.0])
    beyond = drawn(phase_one, np.rint(shares * cases), np.full(4, float(cases)), width.width).beyond
    # A single miss among 20 is what the month allows.
    assert beyond.tolist() == [False, cases > 20, True, True]
    assert width.expected_arl >= 370.0


def test_after_a_month_without_an_exception_the_other_way_round_is_its_mirror_image() -> None:
    none, every = (phase_one_of_shares([hits] * 28, [50.0] * 28) for hits in (0.0, 50.0))
    assert every.centre == pytest.approx(1.0 - none.centre, rel=1e-12)
    assert every.sigma == pytest.approx(none.sigma, rel=1e-12)
    low = calibrate_windows(ONE[Sides.LOWER], every.profile, 370.0).width
    beyond = drawn(every, [50.0, 35.0, 0.0], [50.0] * 3, low).beyond
    assert beyond.tolist() == [False, True, True]


def test_counts_that_were_all_zero_bound_their_mean() -> None:
    phase_one = phase_one_of_individuals([0.0] * 28, ValueKind.COUNTS)
    assert phase_one.is_bound
    assert stats.poisson.cdf(0, 28 * phase_one.centre) == pytest.approx(0.05)
    width = calibrate_windows(ONE[Sides.UPPER], phase_one.profile, 370.0)
    base = xmr.XmrBaseline(
        StatisticKind.INDIVIDUALS, np.array(phase_one.centre), np.array(phase_one.sigma), np.array(28), "poisson"
    )
    assert xmr.chart(base, [0.0, 1.0, 3.0, 10.0], width.width).beyond.tolist()[0] is False
    assert xmr.chart(base, [0.0, 1.0, 3.0, 10.0], width.width).beyond.tolist()[2:] == [True, True]


def test_other_values_that_are_all_alike_still_have_no_spread() -> None:
    for values, kind in (
        ([0.0] * 28, ValueKind.VALUES),
        ([3.0] * 28, ValueKind.COUNTS),
        ([0.0] * 28, ValueKind.DURATIONS),
    ):
        with pytest.raises(NoSpread):
            phase_one_of_individuals(values, kind)
    with pytest.raises(TooFew):
        phase_one_of_individuals([0.0], ValueKind.COUNTS)


@pytest.mark.parametrize("width", [2.5, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("within", [1, 5, 20])
def test_independent_windows_are_seen_as_often_as_the_normal_law_says(width: float, within: int) -> None:
    alarm = ndtr(2.0 - width)
    found = detection(ONE[Sides.UPPER], BaselineProfile(20), width, 2.0, within)
    assert found.chance == pytest.approx(1.0 - (1.0 - alarm) ** within, abs=0.03)
    median = np.ceil(np.log(0.5) / np.log1p(-alarm))
    assert found.delay == pytest.approx(median, rel=0.2, abs=1.0) if median <= 80 else found.delay > 60


def test_two_rules_see_a_shift_as_soon_as_the_exact_engine_says() -> None:
    found = detection(TWO_RULES, BaselineProfile(20), 3.0, 1.0, 100)
    exact = arl.shewhart_one_sided(["WE1", "WE2"], 1.0)
    assert found.chance > 0.99
    assert found.delay == pytest.approx(np.log(2.0) * exact, rel=0.25)


def test_a_limit_beyond_what_the_quantity_can_be_sees_nothing() -> None:
    # A share of .98 whose sigma is .02 can rise by one sigma.
    near = detection(ONE[Sides.UPPER], BaselineProfile(20), 3.0, 2.0, 100, lowest=-49.0, highest=1.0)
    assert near == ShiftDetection(2.0, 100, 0.0, np.inf)
    assert not near.detects
    both = detection(ONE[Sides.BOTH], BaselineProfile(20), 3.0, 2.0, 20, lowest=-49.0, highest=1.0)
    assert not both.detects


def test_few_hits_see_what_their_lattice_lets_them_see() -> None:
    profile = BaselineProfile(20, excess=1.0, lattice=Lattice(0.5, 10.0))
    seen = [detection(ONE[Sides.UPPER], profile, width, 2.0, 20).chance for width in (2.0, 4.0, 8.0)]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > 0.9


def test_limits_end_where_the_quantity_does() -> None:
    values = chart.limits(StatisticKind.INDIVIDUALS, np.array([0.5, 1.0]), 0.9, 0.2, 3.0)
    inside = chart.bounded(values, 0.0, 1.0)
    assert (inside.lower.tolist(), inside.upper.tolist()) == (pytest.approx([0.3, 0.3]), [1.0, 1.0])
    assert rules.judge(WESTERN_ELECTRIC[:2], inside)["beyond_limits"].tolist() == [False, False]
    with pytest.raises(OutOfRange):
        chart.bounded(values, 0.0, 0.5)


@pytest.mark.parametrize(
    "wrong", [{"width": 0.0}, {"shift": 0.0}, {"within": 0}, {"within": 101}, {"lowest": 1.0}, {"highest": -1.0}]
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OutOfRange):
        detection(ONE[Sides.UPPER], BaselineProfile(20), **{"width": 3.0, **wrong})  # type: ignore[arg-type]


def test_series_whose_ranges_end_between_the_same_lines_share_one_simulation() -> None:
    before = windows._alarmed.cache_info().misses
    found = {
        detection(TWO_RULES, BaselineProfile(31), 3.3, 2.0, 10, -low, high) for low in (0.2, 1.9) for high in (2.3, 3.1)
    }
    assert len(found) == 1
    assert windows._alarmed.cache_info().misses == before + 1
    assert not {
        detection(TWO_RULES, BaselineProfile(31), 3.3, 2.0, 10, -9.0, high).detects for high in (0.5, 2.1)
    }.pop()
