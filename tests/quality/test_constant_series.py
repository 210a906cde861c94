"""A constant series is constant in every unit: the spread of rounding is no spread, for no chart, test or effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from andon_quality import calibration, inference, structure
from andon_quality.capability import distribution
from andon_quality.control import cusum, ewma, hotelling, xbar_r, xbar_s, xmr
from andon_quality.effect import Verdict, always_valid, before_after
from andon_quality.effect.baseline_level import baseline_level
from andon_quality.errors import NoSpread
from andon_quality.trend import binary_segmentation, pelt

LEVELS = (0.1, 0.7, 1.1, 3.3, 1e-9 / 3.0, 7.0 / 60.0, 1e9 / 7.0, -2.2, 123456.789)
VARYING = np.random.default_rng(5).normal(10.0, 2.0, 40)


def dusty(level: float, points: int) -> np.ndarray:
    """The level, each point come to in another way: last digits differ."""
    ways = (level, level / 60.0 * 60.0, level * 3.0 / 3.0, (level + level / 3.0) - level / 3.0, level / 7.0 * 7.0)
    return np.resize(np.array(ways), points)


SERIES = [make for level in LEVELS for make in (np.full(40, level), np.full(33, level), dusty(level, 41))]
REFUSING: dict[str, Callable[[np.ndarray], Any]] = {
    "xmr": xmr.baseline,
    "xmr by its median range": lambda x: xmr.baseline(x, "median_moving_range"),
    "xmr by its standard deviation": lambda x: xmr.baseline(x, "standard_deviation"),
    "xbar_s": lambda x: xbar_s.baseline(np.full(8, x[0]), np.full(8, np.std(x)), 5),
    "xbar_r": lambda x: xbar_r.baseline(np.full(8, x[0]), np.full(8, np.ptp(x)), 5),
    "ewma": ewma.baseline,
    "cusum": cusum.baseline,
    "hotelling": lambda x: hotelling.baseline(np.column_stack([x, VARYING[0] + np.arange(len(x)) ** 0.5])),
    "one mean": inference.one_mean,
    "paired": lambda x: inference.paired(x + 1.3, np.full(len(x), 1.3)),
    "welch": lambda x: inference.welch(x, np.full(30, x[0])),
    "compare_spread": lambda x: inference.compare_spread(x, VARYING),
    "anova": lambda x: inference.anova([x, np.full(12, 2.0 * x[0])]),
    "brown_forsythe": lambda x: inference.brown_forsythe([x, np.full(12, 2.0 * x[0])]),
    "correlate": lambda x: structure.correlation_matrix(np.column_stack([x, np.arange(float(len(x)))])),
    "calibrate": lambda x: calibration.calibrate(x, 370.0),
    "phase one": calibration.phase_one_of_individuals,
    "capability": lambda x: distribution.fit("normal", x),
    "always_valid": lambda x: always_valid(x, x + 1.0),
    "baseline_level": lambda x: baseline_level(x, x),
}


@pytest.mark.parametrize("method", REFUSING)
def test_a_constant_has_no_spread_in_whatever_unit(method: str) -> None:
    for series in SERIES:
        with pytest.raises(NoSpread):
            REFUSING[method](series)


def test_nothing_changed_where_a_constant_stayed_what_it_was() -> None:
    for series in SERIES:
        effect = before_after(series[:20], series[20:])
        assert effect.estimate == 0.0
        assert effect.verdict is Verdict.UNDECIDED
        assert pelt(series) == () == binary_segmentation(series)


@pytest.mark.parametrize("unit", [1.0, 60.0, 1.0 / 3600.0, 1e-9])
def test_what_varies_varies_in_every_unit(unit: float) -> None:
    base = xmr.baseline(VARYING * unit)
    assert float(base.sigma) == pytest.approx(float(xmr.baseline(VARYING).sigma) * unit, rel=1e-9)
    assert always_valid(VARYING * unit, (VARYING - 5.0) * unit).verdict is Verdict.IMPROVED
    # A thousandth of a second within timestamps of this century is spread.
    assert float(xmr.baseline(1.7e9 + 0.001 * VARYING).sigma) > 0.0
