"""Rolling and running moments equal numpy's."""

import numpy as np
import pytest
from andon_quality.anomaly.rolling import Rolling, Running
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=80)


@settings(deadline=None)
@given(VALUES, st.integers(1, 20))
def test_rolling_moments_are_those_of_the_last_values(values, window):
    rolling = Rolling(window)
    for value in values:
        rolling.push(value)
    kept = np.array(values[-window:])
    mean, variance = rolling.moments()
    assert mean == pytest.approx(kept.mean(), abs=1e-8)
    assert variance == pytest.approx(kept.var(), abs=1e-5)


@settings(deadline=None)
@given(VALUES)
def test_running_moments_are_those_of_all_values(values):
    running = Running()
    for value in values:
        running.push(value)
    assert running.mean == pytest.approx(np.mean(values), abs=1e-8)
    assert running.variance == pytest.approx(np.var(values), abs=1e-6)


def test_a_large_level_does_not_swallow_the_spread_and_equal_values_have_none():
    noisy, flat = Rolling(100), Rolling(100)
    rng = np.random.default_rng(1)
    for value in 1e9 + rng.normal(size=1000):
        noisy.push(float(value))
        flat.push(0.1)
    assert noisy.moments()[1] == pytest.approx(1.0, rel=0.4)
    assert flat.moments()[1] == 0.0
