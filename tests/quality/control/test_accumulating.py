"""CUSUM, EWMA and MEWMA equal their recursions, point by point, in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.control import cusum, ewma, hotelling, mewma, xmr
from andon_quality.control.chart import StatisticKind
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st
from river import stats

KNOWN = xmr.XmrBaseline(StatisticKind.INDIVIDUALS, np.array(0.0), np.array(1.0), np.array(20), "known")
values = st.lists(st.one_of(st.floats(-5, 5), st.just(math.nan)), min_size=1, max_size=80)


@settings(deadline=None, max_examples=80)
@given(x=values, reference=st.floats(0, 2), head_start=st.floats(0, 3))
def test_cusum_equals_its_recursion(x: list[float], reference: float, head_start: float) -> None:
    chart = cusum.chart(KNOWN, x, reference, 4.0, head_start)
    high = low = head_start
    for t, value in enumerate(x):
        if math.isnan(value):
            assert math.isnan(chart.high.statistic[t])
            continue
        high, low = max(0.0, high + value - reference), max(0.0, low - value - reference)
        assert chart.high.statistic[t] == pytest.approx(high, abs=1e-11)
        assert chart.low.statistic[t] == pytest.approx(-low, abs=1e-11)


def test_cusum_keeps_its_digits_over_a_million_points() -> None:
    x = np.random.default_rng(1).normal(size=1_000_000)
    found = cusum.chart(KNOWN, x).high.statistic
    high, worst = 0.0, 0.0
    for value, mine in zip(x[:200_000].tolist(), found[:200_000].tolist(), strict=True):
        high = max(0.0, high + value - 0.5)
        worst = max(worst, abs(high - mine))
    assert worst < 1e-11
    assert found.min() == 0.0


@settings(deadline=None, max_examples=60)
@given(x=values, smoothing=st.floats(0.01, 1.0))
def test_ewma_and_its_exact_variance_equal_their_recursions(x: list[float], smoothing: float) -> None:
    sizes = [1 + t % 4 for t in range(len(x))]
    chart = ewma.chart(KNOWN, x, smoothing, sizes=sizes)
    z = variance = 0.0
    for t, value in enumerate(x):
        if math.isnan(value):
            assert math.isnan(chart.statistic[t])
            continue
        z = (1 - smoothing) * z + smoothing * value
        variance = (1 - smoothing) ** 2 * variance + smoothing**2 / sizes[t]
        assert chart.statistic[t] == pytest.approx(z, abs=1e-12)
        assert chart.upper[t] == pytest.approx(3 * math.sqrt(variance), abs=1e-12)


def test_varying_limits_grow_into_the_fixed_ones() -> None:
    x = np.zeros(400)
    varying, fixed = ewma.chart(KNOWN, x, 0.1), ewma.chart(KNOWN, x, 0.1, limits="fixed")
    assert varying.upper[0] == pytest.approx(0.3)
    assert (np.diff(varying.upper) >= 0).all()
    assert varying.upper[-1] == pytest.approx(fixed.upper[-1])


def test_smoothing_one_is_the_individuals_chart() -> None:
    x = np.random.default_rng(1).normal(size=50)
    assert ewma.chart(KNOWN, x, 1.0).statistic == pytest.approx(x)
    assert ewma.chart(KNOWN, x, 1.0).upper == pytest.approx(3.0)


def test_mewma_equals_its_recursion_with_a_full_covariance() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 3)) @ rng.normal(size=(3, 3)) + [1, 2, 3]
    frozen = hotelling.baseline(x)
    fixed = mewma.chart(frozen, x, 10.0, 0.2).statistic
    varying = mewma.chart(frozen, x, 10.0, 0.2, limits="varying").statistic
    z, inverse = np.zeros(3), np.linalg.inv(frozen.covariance)
    for t, row in enumerate(x):
        z = 0.8 * z + 0.2 * (row - frozen.centre)
        assert fixed[t] == pytest.approx(z @ inverse @ z * 1.8 / 0.2, rel=1e-9)
        assert varying[t] == pytest.approx(z @ inverse @ z * 1.8 / 0.2 / (1 - 0.8 ** (2 * (t + 1))), rel=1e-9)


def test_mewma_of_one_measure_is_the_square_of_ewma() -> None:
    x = np.random.default_rng(3).normal(size=80)
    frozen = hotelling.baseline(x[:, None])
    one = xmr.XmrBaseline(
        StatisticKind.INDIVIDUALS, frozen.centre[0], np.sqrt(frozen.covariance[0, 0]), np.array(80), "sample"
    )
    squares = mewma.chart(frozen, x[:, None], 9.0, 0.2)
    plain = ewma.chart(one, x, 0.2, limits="fixed")
    assert squares.statistic == pytest.approx(((plain.statistic - plain.centre) / plain.sigma) ** 2)
    assert squares.beyond.tolist() == plain.beyond.tolist()


@pytest.mark.parametrize("smoothing", [0.0, -0.1, 1.1])
def test_a_smoothing_outside_zero_to_one_is_refused(smoothing: float) -> None:
    with pytest.raises(OutOfRange):
        ewma.chart(KNOWN, [1.0], smoothing)


def test_a_head_start_beyond_the_interval_is_refused() -> None:
    with pytest.raises(OutOfRange):
        cusum.chart(KNOWN, [1.0], h=4.0, head_start=4.0)
    with pytest.raises(OutOfRange):
        cusum.chart(KNOWN, [1.0], head_start=-1.0)


def test_a_series_keeps_its_own_missing_points_among_many() -> None:
    x = np.random.default_rng(3).normal(size=(4, 30))
    x[1, 5:9] = math.nan
    x[2] = math.nan
    together = ewma.chart(xmr.XmrBaseline(KNOWN.kind, np.zeros(4), np.ones(4), np.full(4, 20), "known"), x)
    for row in range(4):
        assert np.array_equal(together.statistic[row], ewma.chart(KNOWN, x[row]).statistic, equal_nan=True)


def test_the_average_is_that_of_river_when_it_starts_at_the_first_value() -> None:
    x = np.random.default_rng(8).normal(size=300)
    theirs, average = stats.EWMean(0.2), []
    for value in x.tolist():
        theirs.update(value)
        average.append(theirs.get())
    at_first = xmr.XmrBaseline(KNOWN.kind, np.array(x[0]), np.array(1.0), np.array(20), "known")
    assert ewma.chart(at_first, x).statistic == pytest.approx(average)
