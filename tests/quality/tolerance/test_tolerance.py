"""Tolerance intervals, against printed factors, an independent integration, simulation, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from andon_quality.errors import NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.tolerance import Sided, distribution_free, distribution_free_size, normal, normal_factor
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

SIDES: tuple[Sided, ...] = ("two", "upper", "lower")


@pytest.mark.parametrize(
    ("n", "two", "one"),
    [
        (2, 36.519, 26.260),
        (3, 9.789, 7.656),
        (5, 5.077, 4.203),
        (10, 3.393, 2.911),
        (20, 2.760, 2.396),
        (30, 2.555, 2.220),
    ],
)
def test_the_factors_are_the_printed_ones(n: int, two: float, one: float) -> None:
    """95 % of the population with 95 % confidence; Krishnamoorthy and Mathew (2009), tables B1 and B2 (Odeh-Owen)."""
    assert normal_factor(n, 0.95, 0.95) == pytest.approx(two, abs=5.1e-4)
    assert normal_factor(n, 0.95, 0.95, "upper") == pytest.approx(one, abs=5.1e-4)


def test_the_worked_example_of_nist_has_its_factors() -> None:
    """NIST/SEMATECH handbook 7.2.6.3, wafers, n 43, 90 % with 99 %: one-sided 1.8740; two-sided 2.2 by Howe (2.217)."""
    assert normal_factor(43, 0.9, 0.99, "lower") == pytest.approx(1.8740, abs=5e-5)
    howe = stats.norm.ppf(0.95) * math.sqrt(42 * (1 + 1 / 43) / stats.chi2.ppf(0.01, 42))
    assert howe == pytest.approx(2.217, abs=5e-4)
    assert normal_factor(43, 0.9, 0.99) == pytest.approx(howe, rel=4e-3)


@pytest.mark.parametrize(
    ("n", "coverage", "confidence"), [(2, 0.9, 0.99), (7, 0.5, 0.9), (40, 0.999, 0.95), (900, 0.9, 0.6)]
)
def test_the_confidence_integrated_another_way_is_what_was_asked_for(
    n: int, coverage: float, confidence: float
) -> None:
    k = normal_factor(n, coverage, confidence)

    def density(z: float) -> float:
        squared = stats.ncx2.ppf(coverage, 1, z * z / n) if z else stats.chi2.ppf(coverage, 1)
        return float(2.0 * stats.norm.pdf(z) * stats.chi2.sf((n - 1) * squared / k**2, n - 1))

    assert integrate.quad(density, 0.0, 9.0, limit=200)[0] == pytest.approx(confidence, abs=1e-8)


def test_intervals_cover_the_share_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    x = random.normal(3.0, 2.0, (4000, 12))
    for sided in SIDES:
        found = normal(x, 0.9, 0.95, sided)
        share = stats.norm.cdf(found.upper, 3.0, 2.0) - stats.norm.cdf(found.lower, 3.0, 2.0)
        assert (share >= 0.9).mean() == pytest.approx(0.95, abs=0.012)
    x = random.exponential(size=(2000, 80))
    for sided in SIDES:
        free = distribution_free(x, 0.9, 0.95, sided)
        share = stats.expon.cdf(free.upper) - stats.expon.cdf(free.lower)
        assert (share >= 0.9).mean() == pytest.approx(free.confidence, abs=0.015)
        assert free.confidence >= 0.95


def test_wilkss_sizes_are_the_printed_ones() -> None:
    """Wilks: 93 and 59 values for 95 % with 95 %, 473 and 299 for 99 %, 29 for 90 %; 130 for 95 % with 99 %."""
    assert [distribution_free_size(p) for p in (0.95, 0.99)] == [93, 473]
    assert [distribution_free_size(p, 0.95, "lower") for p in (0.9, 0.95, 0.99)] == [29, 59, 299]
    assert distribution_free_size(0.95, 0.99) == 130


@settings(deadline=None, max_examples=40)
@given(st.floats(0.5, 0.99), st.floats(0.5, 0.99), st.sampled_from(SIDES))
def test_the_size_is_just_enough_and_one_less_is_refused(coverage: float, confidence: float, sided: Sided) -> None:
    n = distribution_free_size(coverage, confidence, sided)
    found = distribution_free(range(n), coverage, confidence, sided)
    ends = [end for end in (found.lower, found.upper) if math.isfinite(end)]
    assert set(ends) <= {0.0, float(n - 1)}
    if n > 1:
        with pytest.raises(TooFew, match=f"at least {n} values, got {n - 1}"):
            distribution_free(range(n - 1), coverage, confidence, sided)


def test_many_series_are_as_one_by_one(each_the_same: Callable[[Any, Sequence[Any]], None]) -> None:
    x = np.random.default_rng(6).normal(size=(5, 70))
    for method in (normal, distribution_free):
        for sided in SIDES:
            each_the_same(method(x, 0.9, 0.95, sided), [method(one, 0.9, 0.95, sided) for one in x])


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(TooFew):
        normal([1.0])
    with pytest.raises(NoSpread):
        normal([0.3, 0.1 + 0.2])
    with pytest.raises(NotFinite):
        normal([1.0, math.nan])
    with pytest.raises(NotFinite):
        distribution_free([1.0, math.inf] * 300)
    with pytest.raises(OutOfRange, match="coverage and confidence"):
        normal([1.0, 2.0], coverage=1.0)
    with pytest.raises(OutOfRange, match="sided must be one of"):
        normal([1.0, 2.0], sided="both")  # type: ignore[arg-type]
    with pytest.raises(OutOfRange, match="more than 10,000,000"):
        distribution_free_size(1.0 - 1e-9)
