"""Linearity and bias, against AIAG's worked example and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.measurement import linearity
from scipy import stats

# AIAG, Measurement Systems Analysis, 4th ed. (2010), table III-B 4: five parts, twelve measurements of each.
REFERENCES = [2.0, 4.0, 6.0, 8.0, 10.0]
MEASURED = [
    [2.7, 2.5, 2.4, 2.5, 2.7, 2.3, 2.5, 2.5, 2.4, 2.4, 2.6, 2.4],
    [5.1, 3.9, 4.2, 5.0, 3.8, 3.9, 3.9, 3.9, 3.9, 4.0, 4.1, 3.8],
    [5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1],
    [7.6, 7.7, 7.8, 7.7, 7.8, 7.8, 7.8, 7.7, 7.8, 7.5, 7.6, 7.7],
    [9.1, 9.3, 9.5, 9.3, 9.4, 9.5, 9.5, 9.5, 9.6, 9.2, 9.3, 9.4],
]


def test_the_aiag_gauge_has_the_printed_line_and_biases() -> None:
    """Printed: bias = .7367 - .1317 reference, s .23954, R-Sq 71.4 %; t of slope -12.043, of intercept 10.158."""
    found = linearity(REFERENCES, MEASURED, process_variation=16.5368)
    assert (round(found.intercept, 4), round(found.slope, 4)) == (0.7367, -0.1317)
    assert (round(found.residual_sd, 5), round(100.0 * found.r2, 1)) == (0.23954, 71.4)
    assert [round(part.bias, 6) for part in found.parts] == [0.491667, 0.125, 0.025, -0.291667, -0.616667]
    assert round(found.bias, 6) == -0.053333
    half = found.slope_interval.upper - found.slope
    assert found.slope / (half / stats.t.ppf(0.975, 58)) == pytest.approx(-12.043, abs=5e-4)
    half = found.intercept_interval.upper - found.intercept
    assert found.intercept / (half / stats.t.ppf(0.975, 58)) == pytest.approx(10.158, abs=5e-4)
    assert (found.slope_p_value < 1e-3, found.is_linear) == (True, False)
    assert (found.linearity_share, found.linearity) == pytest.approx((0.132, 2.177), abs=5e-4)
    assert [round(part.p_value, 3) for part in found.parts] == [0.0, 0.354, 0.667, 0.0, 0.0]


def test_the_bias_at_a_reference_is_students() -> None:
    for part, values in zip(linearity(REFERENCES, MEASURED).parts, MEASURED, strict=True):
        known = stats.ttest_1samp(values, part.reference)
        ends = known.confidence_interval(0.95)
        assert part.p_value == pytest.approx(known.pvalue, rel=1e-9)
        assert (part.lower + part.reference, part.upper + part.reference) == pytest.approx((ends.low, ends.high))


def test_the_line_is_that_of_scipy_whatever_the_number_of_measurements() -> None:
    random = np.random.default_rng(1)
    references = [1.0, 5.0, 7.0]
    measured = [reference + random.normal(0.1, 0.2, n) for reference, n in zip(references, (4, 9, 6), strict=True)]
    found = linearity(references, measured)
    known = stats.linregress(found.references, found.deviations)
    assert (found.slope, found.intercept, found.r2) == pytest.approx((known.slope, known.intercept, known.rvalue**2))
    assert found.slope_p_value == pytest.approx(known.pvalue)
    assert found.linearity is None


def test_a_gauge_without_bias_is_linear_and_one_with_a_constant_bias_is_not() -> None:
    noise = np.random.default_rng(2).normal(0.0, 0.1, (3, 20))
    noise -= noise.mean(axis=1, keepdims=True)
    true = linearity([1.0, 2.0, 3.0], [reference + each for reference, each in zip((1, 2, 3), noise, strict=True)])
    biased = linearity(
        [1.0, 2.0, 3.0], [reference + 0.2 + each for reference, each in zip((1, 2, 3), noise, strict=True)]
    )
    assert (true.is_linear, biased.is_linear) == (True, False)
    assert biased.bias == pytest.approx(0.2)


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(Inconsistent):
        linearity(REFERENCES, MEASURED[:-1])
    with pytest.raises(NotFinite):
        linearity([1.0, 2.0], [[1.0, np.nan], [2.0, 2.1]])
    with pytest.raises(TooFew):
        linearity([1.0, 2.0], [[1.0], [2.0, 2.1]])
    with pytest.raises(NoSpread):
        linearity([1.0, 1.0], [[1.0, 1.1], [1.0, 2.1]])
    with pytest.raises(NoSpread):
        linearity([1.0, 2.0], [[1.0, 1.0], [2.0, 2.0]])
    with pytest.raises(OutOfRange):
        linearity(REFERENCES, MEASURED, process_variation=0.0)


def test_the_plot_shows_every_deviation_and_the_line() -> None:
    found = linearity(REFERENCES, MEASURED)
    axes = found.plot()
    assert np.asarray(axes.lines[0].get_xdata()).size == 60
    assert np.asarray(axes.lines[1].get_ydata())[0] == pytest.approx(found.intercept + 2.0 * found.slope)
