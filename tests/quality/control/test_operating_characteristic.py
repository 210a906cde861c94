"""How likely a chart is to miss a change, against published curves and against the charts themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.control import proportion, rate
from andon_quality.control.operating_characteristic import mean_missed, proportion_missed, rate_missed
from andon_quality.errors import OutOfRange


def test_published_chances_to_miss_a_shift_of_a_mean(expected: dict[str, Any]) -> None:
    """Subgroups of 1, 5 and 10; shifts in sigma of a single value; both limits at 3 sigma."""
    for shift, printed in expected["qcc_published"]["beta_xbar"].items():
        assert mean_missed(float(shift), [1, 5, 10]) == pytest.approx(printed, abs=5e-5)


def test_published_run_lengths_of_a_mean_chart(expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["arl_xbar"]
    assert 1 / (1 - mean_missed(0.0)) == pytest.approx(published["shift0"], abs=0.5)
    for name, shift in (("shift01", 0.1), ("shift02", 0.2)):
        for size in (1, 5, 10):
            assert 1 / (1 - mean_missed(shift, size)) == pytest.approx(published[name][f"n{size}"], abs=0.5)


@pytest.mark.parametrize("true", [0.05, 0.2, 0.33, 0.6])
def test_a_proportion_is_missed_as_often_as_its_chart_misses_it(true: float) -> None:
    counts = np.random.default_rng(2).binomial(70, true, size=200_000)
    frozen = proportion.baseline([14, 14], 70)
    assert frozen.centre == 0.2
    within = 1 - proportion.chart(frozen, counts, 70).beyond.mean()
    assert proportion_missed(true, 0.2, 70) == pytest.approx(within, abs=0.004)


@pytest.mark.parametrize("true", [0.5, 4.0, 8.0])
def test_a_rate_is_missed_as_often_as_its_chart_misses_it(true: float) -> None:
    counts = np.random.default_rng(2).poisson(true * 3, size=200_000)
    frozen = rate.baseline([12, 12], 3)
    within = 1 - rate.chart(frozen, counts, 3).beyond.mean()
    assert rate_missed(true, 4.0, 3) == pytest.approx(within, abs=0.004)


def test_what_has_no_curve_is_refused() -> None:
    with pytest.raises(OutOfRange):
        mean_missed(1.0, 0)
    with pytest.raises(OutOfRange):
        proportion_missed(1.2, 0.2, 50)
    with pytest.raises(OutOfRange):
        rate_missed(1.0, 0.0)
