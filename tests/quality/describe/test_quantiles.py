"""The sketch keeps its stated error, does not know the order, and merges and subtracts exactly."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.describe import QuantileSketch, quantiles
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

# Below the smallest normal number a relative error cannot be kept.
value = st.floats(-1e15, 1e15, allow_subnormal=False)
samples = st.lists(value, min_size=1, max_size=60)
GRID = np.linspace(0.0, 1.0, 21)


@settings(max_examples=150, deadline=None)
@given(values=samples, error=st.sampled_from([0.1, 0.01, 0.001]))
def test_every_quantile_is_within_the_stated_relative_error(values: list[float], error: float) -> None:
    exact = np.quantile(values, GRID, method="lower")
    found = QuantileSketch(error).add(values).quantile(GRID)
    assert (np.abs(found - exact) <= error * np.abs(exact) * (1 + 1e-9)).all()


@settings(max_examples=80, deadline=None)
@given(first=samples, second=samples, third=samples)
def test_merging_is_associative_and_commutative_and_equals_the_batch(
    first: list[float], second: list[float], third: list[float]
) -> None:
    a, b, c = (QuantileSketch().add(part) for part in (first, second, third))
    batch = QuantileSketch().add(first + second + third)
    stream = QuantileSketch()
    for one in third + first + second:
        stream = stream.add([one])
    for merged in ((a + b) + c, a + (b + c), c + b + a, stream):
        assert (merged.buckets == batch.buckets).all()
        assert (merged.counts == batch.counts).all()
    rest = batch.subtract(second)
    assert (rest.quantile(GRID) == (a + c).quantile(GRID)).all()


@settings(max_examples=40, deadline=None)
@given(values=samples)
def test_turning_the_sign_turns_the_quantiles(values: list[float]) -> None:
    sketch, turned = QuantileSketch().add(values), QuantileSketch().add([-one for one in values])
    assert (turned.buckets[::-1] == -sketch.buckets).all()
    assert (turned.counts[::-1] == sketch.counts).all()
    assert turned.quantile(0.0) == -sketch.quantile(1.0)


def test_a_million_lognormal_values_fit_in_a_thousand_buckets() -> None:
    values = np.random.default_rng(5).lognormal(3.0, 1.0, 1_000_000)
    sketch = QuantileSketch(0.01).add(values)
    assert len(sketch.buckets) < 1000
    assert_allclose(sketch.quantile([0.5, 0.95, 0.999]), quantiles(values, [0.5, 0.95, 0.999]), rtol=0.0101)


def test_what_cannot_be_answered_is_refused() -> None:
    with pytest.raises(TooFew):
        QuantileSketch().quantile(0.5)
    with pytest.raises(OutOfRange):
        QuantileSketch().add([1.0]).quantile(1.1)
    with pytest.raises(NotFinite):
        QuantileSketch().add([float("nan")])
    with pytest.raises(Inconsistent):
        QuantileSketch().add([1.0]).subtract([2.0])
    with pytest.raises(Inconsistent):
        QuantileSketch(0.01).add([1.0]) + QuantileSketch(0.02).add([1.0])
    with pytest.raises(OutOfRange):
        QuantileSketch(0.0)
