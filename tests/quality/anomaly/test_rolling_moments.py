"""Rolling and running moments equal numpy's, however the points come."""

import numpy as np
import pytest
from andon_quality.anomaly.log import SeriesLog
from andon_quality.anomaly.rolling_moments import REBUILD_POINTS, Rolling, Sums
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=80)


@settings(deadline=None)
@given(VALUES, st.integers(1, 20))
def test_rolling_moments_are_those_of_the_last_values(values, window):
    _, before, moments = Rolling.empty(1, window).follow(np.array([[values]]))
    assert before.mean[0, 0, 1:].tolist() == moments.mean[0, 0, :-1].tolist()
    for end in range(1, len(values) + 1):
        kept = np.array(values[max(end - window, 0) : end])
        assert moments.mean[0, 0, end - 1] == pytest.approx(kept.mean(), abs=1e-8)
        assert moments.variance[0, 0, end - 1] == pytest.approx(kept.var(), abs=1e-5)


@settings(deadline=None)
@given(VALUES)
def test_running_moments_are_those_of_all_values(values):
    _, moments = Sums.nothing(1).follow(np.array([values]))
    assert moments.mean[0, -1] == pytest.approx(np.mean(values), abs=1e-8)
    assert moments.variance[0, -1] == pytest.approx(np.var(values), abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), cuts=st.lists(st.integers(0, 1300), max_size=8), window=st.sampled_from([3, 50, 700]))
def test_any_split_gives_the_same_bits_with_missing_points_and_across_rebuilding(seed, cuts, window):
    rng = np.random.default_rng(seed)
    values = rng.normal(1e6, 1.0, (3, 1300))
    values[rng.integers(0, 3, 200), rng.integers(0, 1300, 200)] = np.nan
    assert values.shape[1] > 2 * REBUILD_POINTS
    pages = np.stack([values, values * 2.0])
    whole, state, means = Rolling.empty(3, window, 20).follow(pages)[1], Rolling.empty(3, window, 20), []
    for page in np.split(pages, sorted(cuts), axis=-1):
        if page.size:
            state, before, moments = state.follow(page)
            means.append(before.mean)
    assert np.array_equal(np.concatenate(means, axis=-1), whole.mean)
    kept = values[:, -window:]
    assert moments.n[0, :, -1].tolist() == (~np.isnan(kept)).sum(axis=1).tolist()
    assert moments.variance[0, :, -1] == pytest.approx(np.nanvar(kept, axis=1), rel=1e-6)


def test_a_large_level_does_not_swallow_the_spread_and_equal_values_have_none():
    noisy = 1e9 + np.random.default_rng(1).normal(size=(1, 1, 1000))
    assert Rolling.empty(1, 100).follow(noisy)[1].variance[0, 0, -1] == pytest.approx(1.0, rel=0.4)
    assert Rolling.empty(1, 100).follow(np.full((1, 1, 1000), 0.1))[1].variance[0, 0, -1] == 0.0


def test_both_successors_of_a_log_keep_what_is_theirs_and_it_grows_without_copying():
    log = SeriesLog.empty(2, 4)
    first, second = log.appended(np.ones((2, 1))), log.appended(np.zeros((2, 1)))
    assert (first.last(1).tolist(), second.last(1).tolist()) == ([[1.0], [1.0]], [[0.0], [0.0]])
    buffers = set()
    for value in range(1000):
        first = first.appended(np.full((2, 1), float(value)))
        buffers.add(id(first.columns))
    assert first.last(4).tolist() == [[996.0, 997.0, 998.0, 999.0]] * 2
    assert first.columns.shape[1] == 8
