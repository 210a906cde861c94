"""Levels by hour of the week from few weeks."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.calibration.season import additive_level, rate_level

PHASE = np.arange(4 * 168) % 168
HOUR, DAY = PHASE % 24, PHASE // 24


def test_sums_of_an_hour_and_a_day_effect_are_recovered_exactly() -> None:
    level = 3.0 * np.sin(HOUR / 4.0) + 0.5 * DAY
    assert additive_level(level[:, None], PHASE)[PHASE, 0] == pytest.approx(level, abs=1e-6)


def test_products_of_an_hour_and_a_day_factor_are_recovered_for_rates() -> None:
    rate = 2000.0 * (1.0 + 0.5 * np.sin(HOUR / 4.0)) * (1.0 + 0.1 * DAY)
    found = rate_level(rate[:, None], np.ones(rate.size), PHASE)
    assert found[PHASE, 0] == pytest.approx(rate, rel=2e-3)


def test_a_cell_of_its_own_is_estimated_where_it_exceeds_the_noise_and_not_where_it_does_not() -> None:
    rng = np.random.default_rng(1)
    working = 8.0 * ((HOUR > 8) & (HOUR < 18) & (DAY < 5))
    noise = rng.standard_normal((PHASE.size, 200))
    found = additive_level(working[:, None] + noise, PHASE)[:168]
    assert np.sqrt(((found - working[:168, None]) ** 2).mean()) < 0.55
    flat = additive_level(noise, PHASE)
    assert np.sqrt((flat**2).mean()) < 0.5 * np.sqrt(1 / 4)


def test_without_a_phase_there_is_one_level() -> None:
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert additive_level(values, None).tolist() == [[2.0, 4.0]]
    assert rate_level(values, np.array([1.0, 3.0]), None).tolist() == [[1.0, 2.0]]


def test_an_hour_without_events_keeps_a_positive_rate() -> None:
    counts = np.where(HOUR == 3, 0.0, 4.0)[:, None]
    assert (rate_level(counts, np.ones(PHASE.size), PHASE) > 0.0).all()
