"""Estimates of any kind under repeated looks."""

import math

import numpy as np
import pytest
from andon_quality.effect.interrupted import interrupted_means, segmented_columns
from andon_quality.effect.sequential import sequential
from andon_quality.effect.verdict import Direction, Verdict
from andon_quality.errors import NotFinite, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

PAST, LOOKS = 80, 60


def planned_error():
    columns = segmented_columns(PAST + LOOKS, PAST, False, None, 2)
    return math.sqrt(float(np.linalg.inv(columns @ columns.T)[2, 2]))


def ever_improved(rng, shift):
    values = 50 + 0.1 * np.arange(PAST + LOOKS) + rng.normal(size=PAST + LOOKS)
    values[PAST:] += shift
    for end in range(PAST + 7, PAST + LOOKS + 1):
        level = interrupted_means(values[:end], PAST, Direction.HIGHER, lags=0)
        error = math.sqrt(float(level.covariance[2, 2]))
        if sequential(level.level.estimate, error, planned_error(), Direction.HIGHER).verdict is Verdict.IMPROVED:
            return True
    return False


def test_an_interrupted_series_looked_at_every_day_is_rarely_wrong_and_finds_a_step():
    rng = np.random.default_rng(3)
    assert sum(ever_improved(rng, 0.0) for _ in range(120)) <= 12
    assert sum(ever_improved(rng, 2.0) for _ in range(15)) >= 14


@settings(deadline=None, max_examples=50)
@given(st.floats(-10, 10), st.floats(0.05, 5), st.floats(0.05, 5))
def test_interval_p_value_and_verdict_agree(estimate, error, planned):
    effect = sequential(estimate, error, planned)
    excluded = effect.lower > 0 or effect.upper < 0
    assert excluded == (effect.p_value < 0.05) or effect.p_value == pytest.approx(0.05)
    assert (effect.verdict is Verdict.IMPROVED) == (effect.upper < 0)


def test_bad_errors_are_refused():
    with pytest.raises(OutOfRange):
        sequential(1.0, 0.0, 1.0)
    with pytest.raises(OutOfRange):
        sequential(1.0, 1.0, math.inf)
    with pytest.raises(NotFinite):
        sequential(math.nan, 1.0, 1.0)
