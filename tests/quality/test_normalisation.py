"""Scores against targets, and scales that can be turned back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.normalisation import fit_min_max, fit_z, target_score, target_value
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

number = st.floats(-1e6, 1e6)
gap = st.floats(1e-3, 1e6)


def test_lower_is_better_when_worst_lies_above_the_target() -> None:
    assert target_score([10.0, 30.0, 45.0, 60.0, 70.0], 30.0, 60.0).tolist() == [100.0, 100.0, 50.0, 0.0, 0.0]


def test_higher_is_better_when_worst_lies_below_the_target() -> None:
    assert target_score([70.0, 90.0, 95.0, 99.0], 90.0, 70.0).tolist() == [0.0, 100.0, 100.0, 100.0]


def test_a_value_at_the_target_scores_best_when_worst_lies_on_both_sides() -> None:
    assert target_score([15.0, 20.0, 22.5, 25.0], 20.0, (10.0, 25.0)).tolist() == [50.0, 100.0, 50.0, 0.0]


def test_every_value_in_a_target_range_scores_best() -> None:
    assert target_score([20.0, 22.0, 24.0, 26.0], (20.0, 24.0), (16.0, 28.0)).tolist() == [100.0, 100.0, 100.0, 50.0]


def test_a_missing_value_stays_missing_and_infinity_is_refused() -> None:
    assert np.isnan(target_score([np.nan, 1.0], 1.0, 2.0)).tolist() == [True, False]
    with pytest.raises(NotFinite):
        target_score([np.inf], 1.0, 2.0)


@pytest.mark.parametrize(
    ("target", "worst"), [(1.0, 1.0), ((1.0, 3.0), 2.0), ((3.0, 1.0), 5.0), (1.0, (1.0, 2.0)), (1.0, (0.0, 0.5))]
)
def test_a_worst_that_is_not_beyond_the_target_is_refused(target: float, worst: float) -> None:
    with pytest.raises(OutOfRange):
        target_score([1.0], target, worst)


def test_a_goal_that_is_not_finite_is_refused() -> None:
    with pytest.raises(NotFinite):
        target_score([1.0], float("nan"), 2.0)
    with pytest.raises(NotFinite):
        target_score([1.0], 1.0, float("inf"))


@given(value=number, target=number, distance=gap, factor=st.floats(0.01, 100.0), shift=number)
def test_a_change_of_unit_leaves_the_score_as_it_is(
    value: float, target: float, distance: float, factor: float, shift: float
) -> None:
    worst = target + distance
    moved = target_score(value * factor + shift, target * factor + shift, worst * factor + shift)
    # The subtraction worst - value loses as many digits as the offset is larger than the distance.
    lost = 1e-13 * (abs(value) + abs(target) + distance + abs(shift / factor)) / distance
    assert_allclose(moved, target_score(value, target, worst), atol=100.0 * lost + 1e-9)


@given(score=st.floats(0.0, 100.0), target=st.floats(-1e3, 1e3), distance=st.floats(0.1, 1e3))
def test_the_value_of_a_score_has_that_score(score: float, target: float, distance: float) -> None:
    below, above = target_value(score, target, (target - distance, target + 2 * distance))
    assert below is not None
    assert above is not None
    both = target_score([float(below), float(above)], target, (target - distance, target + 2 * distance))
    assert_allclose(both, [score, score], atol=1e-7)


def test_a_score_outside_its_range_has_no_value() -> None:
    with pytest.raises(OutOfRange):
        target_value(101.0, 1.0, 2.0)


@given(st.lists(number, min_size=2, max_size=20, unique=True))
def test_scales_turn_back_and_do_not_depend_on_order(values: list[float]) -> None:
    spread = max(values) - min(values)
    if spread < 1e-6:
        return
    for fit in (fit_min_max, fit_z):
        scale = fit(values)
        assert_allclose(scale.invert(scale.apply(values)), values, atol=1e-9 * (1.0 + np.abs(values).max()))
    assert fit_min_max(values) == fit_min_max(values[::-1])
    assert fit_min_max(values).apply([min(values), max(values)]).tolist() == [0.0, 1.0]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), series=st.integers(1, 8), n=st.integers(2, 40))
def test_each_of_many_series_has_the_scale_that_it_has_alone(
    each_the_same: Any, seed: int, series: int, n: int
) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(random.normal(0, 9, (series, 1)), 3.0, (series, n))
    for fit in (fit_min_max, fit_z):
        many, ones = fit(values), [fit(one) for one in values]
        each_the_same(many, ones)
        assert np.array_equal(many.apply(values), [one.apply(each) for one, each in zip(ones, values, strict=True)])
        assert np.array_equal(many.apply(values[:, 0]), many.apply(values)[:, 0])
        assert_allclose(many.invert(many.apply(values)), values, atol=1e-9)


def test_scales_belong_to_their_series() -> None:
    with pytest.raises(NoSpread, match="series 1"):
        fit_z([[1.0, 2.0], [3.0, 3.0]])
    with pytest.raises(Inconsistent):
        fit_z([[1.0, 2.0], [3.0, 4.0]]).apply([1.0, 2.0, 3.0])


def test_values_without_spread_or_number_have_no_scale() -> None:
    for fit in (fit_min_max, fit_z):
        with pytest.raises(NoSpread):
            fit([0.1, 0.1, 0.1])
        with pytest.raises(TooFew):
            fit([1.0])
