"""Satisfaction indices: by hand, their coverage, and too few answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from andon_quality.inference.proportion import wilson
from andon_quality.satisfaction import Index, ces, csat, nps, servqual
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats


def test_csat_is_the_share_of_the_top_boxes_with_wilsons_interval() -> None:
    result = csat([5] * 30 + [4] * 30 + [3] * 20 + [1] * 20)
    assert result.value == 60.0
    assert_allclose((result.interval.lower, result.interval.upper), np.array(wilson(60, 100)) * 100)


def test_nps_is_promoters_minus_detractors() -> None:
    result = nps([10] * 40 + [9] * 10 + [8] * 15 + [7] * 15 + [6] * 10 + [0] * 10)
    assert (result.value, result.n) == (30.0, 100)
    assert result.interval.contains(30.0)


@pytest.mark.parametrize(("promoters", "detractors"), [(0.5, 0.2), (0.7, 0.1), (0.2, 0.5), (0.34, 0.33), (0.9, 0.02)])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_the_interval_of_nps_covers_close_to_95_percent(promoters: float, detractors: float, n: int) -> None:
    """Exact, by summing over all outcomes."""
    covered = 0.0
    for p in range(n + 1):
        d = np.arange(n - p + 1)
        passive = 1.0 - promoters - detractors
        chance = stats.multinomial.pmf(
            np.stack([np.full_like(d, p), d, n - p - d], axis=1), n, [promoters, detractors, passive]
        )
        for detracting in d[chance > 1e-9]:
            answers = [10] * p + [0] * int(detracting) + [8] * (n - p - int(detracting))
            covered += chance[detracting] * nps(answers).interval.contains(100 * (promoters - detractors))
    assert 0.93 < covered < 0.99


def test_ces_is_the_mean_within_the_scale() -> None:
    result = ces([7.0] * 20 + [6.0])
    assert result.value == pytest.approx(146 / 21)
    assert result.interval.upper == 7.0
    with pytest.raises(OutOfRange):
        ces([8.0] * 20)


@pytest.mark.parametrize("index", [csat, nps, ces])
@settings(max_examples=30, deadline=None)
@given(answers=st.lists(st.integers(1, 7), min_size=10, max_size=40))
def test_an_index_does_not_know_the_order_and_lies_in_its_interval(
    index: Callable[[list[int]], Index], answers: list[int]
) -> None:
    result = index(answers)
    other = index(answers[::-1])
    assert other.n == result.n
    assert other.value == pytest.approx(result.value)
    assert result.interval.lower - 1e-9 <= result.value <= result.interval.upper + 1e-9


@pytest.mark.parametrize("index", [csat, nps, ces])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), groups=st.integers(1, 9), n=st.integers(10, 60))
def test_many_groups_are_as_one_by_one(
    each_the_same: Any, index: Callable[[Any], Index], seed: int, groups: int, n: int
) -> None:
    answers = np.random.default_rng(seed).integers(1, 8, (groups, n))
    each_the_same(index(answers), [index(one) for one in answers])


def test_servqual_gaps_equal_student_on_each_dimension() -> None:
    random = np.random.default_rng(2)
    before, after = random.integers(4, 8, (30, 5)), random.integers(2, 8, (30, 5))
    place = np.array([0, 0, 1, 1, 1])
    found = servqual(before, after, place, importance=[3, 1])
    for dimension in (0, 1):
        gaps = (after - before)[:, place == dimension].mean(axis=1)
        theirs = stats.ttest_1samp(gaps, 0.0)
        low, high = theirs.confidence_interval(0.95)
        assert found.dimension_gap[dimension] == pytest.approx(gaps.mean())
        assert_allclose((found.dimension_lower[dimension], found.dimension_upper[dimension]), (low, high))
        assert found.dimension_p_value[dimension] >= theirs.pvalue
    assert found.overall.value == pytest.approx(found.dimension_gap @ [0.75, 0.25])
    assert_allclose(found.item_gap, (after - before).mean(axis=0))


def test_equal_gaps_are_certain_and_no_gap_is_not() -> None:
    found = servqual(np.full((12, 2), 5), np.tile([5, 4], (12, 1)), [0, 1])
    assert found.dimension_gap.tolist() == [0.0, -1.0]
    assert found.dimension_p_value.tolist() == [1.0, 0.0]


def test_too_few_answers_are_not_enough_data() -> None:
    for index in (csat, nps, ces):
        with pytest.raises(TooFew, match="not enough data"):
            index([5.0] * 9)
    with pytest.raises(TooFew, match="not enough data"):
        servqual([[1, 2]], [[1, 2]], [0, 1])


def test_malformed_answers_are_refused() -> None:
    with pytest.raises(OutOfRange):
        nps([11] * 10)
    with pytest.raises(OutOfRange):
        nps([9.5] * 10)
    with pytest.raises(OutOfRange, match="series 1"):
        nps([[9] * 10, [9] * 9 + [12]])
    with pytest.raises(OutOfRange, match="series 1"):
        ces([[7] * 10, [7] * 9 + [8]])
    with pytest.raises(NotFinite):
        csat([float("nan")] * 10)
    with pytest.raises(Inconsistent):
        servqual(np.ones((10, 2)), np.ones((10, 2)), [0, 2])
    with pytest.raises(OutOfRange):
        servqual(np.ones((10, 2)), np.ones((10, 2)), [0, 1], importance=[0, 0])
