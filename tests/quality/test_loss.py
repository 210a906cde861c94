"""Quality loss in money agrees with the printed examples and splits exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.loss import (
    coefficient,
    coefficient_larger,
    larger,
    larger_of,
    nominal,
    nominal_of,
    smaller,
    smaller_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("mean", "sd", "printed", "digits"), [(115.0, 2.0, 1.78, 2), (124.0, 0.33, 36.01, 2), (115.0, 0.33, 0.048, 3)]
)
def test_nominal_loss_around_115_with_k_0444(mean: float, sd: float, printed: float, digits: int) -> None:
    """As found, steadied but off target, steadied and recentred; the sd is the overall one."""
    assert round(float(nominal(mean, sd, 115.0, 0.444).per_unit), digits) == printed


def test_k_spreads_the_cost_at_the_tolerance() -> None:
    k = coefficient(100.0, 15.0)
    assert float(nominal(130.0, 0.0, 115.0, k).per_unit) == pytest.approx(100.0)
    assert float(larger(3.0, 0.0, coefficient_larger(2.0, 3.0)).per_unit) == pytest.approx(2.0)


values = st.lists(st.floats(0.1, 100), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(x=values, target=st.floats(-50, 150), k=st.floats(0, 10))
def test_the_loss_of_values_is_the_mean_of_their_losses_and_its_parts_add_up(
    x: list[float], target: float, k: float
) -> None:
    y = np.array(x)
    for found, oracle in (
        (nominal_of(y, target, k), np.mean(k * (y - target) ** 2)),
        (smaller_of(y, k), np.mean(k * y**2)),
        (larger_of(y, k), np.mean(k / y**2)),
    ):
        assert float(found.per_unit) == pytest.approx(oracle, rel=1e-9, abs=1e-9)
        assert float(found.off_target + found.spread) == pytest.approx(float(found.per_unit), rel=1e-9, abs=1e-12)
        assert float(found.spread) >= -1e-12 * float(found.per_unit)


def test_the_second_order_form_of_larger_is_close_for_little_spread() -> None:
    y = np.random.default_rng(1).normal(100, 10, size=200_000)
    assert float(larger(100.0, 10.0, 1e4).per_unit) == pytest.approx(float(larger_of(y, 1e4).per_unit), rel=0.01)


def test_many_series_and_the_total_of_units() -> None:
    found = smaller([1.0, 2.0], [0.0, 1.0], 3.0)
    assert found.per_unit.tolist() == [3.0, 15.0]
    assert found.total([10, 100]).tolist() == [30.0, 1500.0]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), series=st.integers(1, 8), n=st.integers(1, 40))
def test_each_of_many_series_has_the_loss_that_it_has_alone(each_the_same: Any, seed: int, series: int, n: int) -> None:
    y = np.random.default_rng(seed).gamma(4.0, 2.0, (series, n))
    for call in (lambda x: nominal_of(x, 7.0, 2.0), lambda x: smaller_of(x, 2.0), lambda x: larger_of(x, 2.0)):
        each_the_same(call(y), [call(one) for one in y])
    mean, sd = y.mean(axis=-1), y.std(axis=-1)
    each_the_same(larger(mean, sd, 3.0), [larger(m, s, 3.0) for m, s in zip(mean, sd, strict=True)])


def test_what_has_no_loss_is_refused() -> None:
    with pytest.raises(OutOfRange):
        larger_of([1.0, 0.0], 1.0)
    with pytest.raises(OutOfRange):
        nominal(1.0, -1.0, 0.0, 1.0)
    with pytest.raises(OutOfRange):
        coefficient(1.0, 0.0)
    with pytest.raises(TooFew):
        nominal_of([], 1.0, 1.0)
    with pytest.raises(NotFinite):
        smaller(np.nan, 1.0, 1.0)
