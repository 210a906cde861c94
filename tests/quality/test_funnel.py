"""Funnel limits hold their nominal share of units, and widen only for true overdispersion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.funnel import Overdispersion, means, proportions, rates
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

RNG = np.random.default_rng(14)
SIZES = RNG.integers(20, 2000, size=4000).astype(float)


def test_exact_proportion_limits_hold_their_share_of_units_even_small_ones() -> None:
    counts = RNG.binomial(SIZES.astype(int), 0.12).astype(float)
    beyond = proportions(counts, SIZES, target=0.12).beyond.mean(axis=1)
    assert beyond[0] == pytest.approx(0.05, abs=0.012)
    assert beyond[1] == pytest.approx(0.002, abs=0.002)


def test_exact_rate_limits_hold_their_share_of_units() -> None:
    counts = RNG.poisson(SIZES * 0.05).astype(float)
    beyond = rates(counts, SIZES, target=0.05).beyond.mean(axis=1)
    assert beyond[0] == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("n", [10.0, 47.0, 300.0])
def test_interpolated_limits_lie_within_a_count_of_the_binomial_quantiles(n: float) -> None:
    found = proportions([1.0], [n], target=0.2)
    for row, level in enumerate(found.levels):
        for limit, q in ((found.lower, (1 - level) / 2), (found.upper, (1 + level) / 2)):
            whole = stats.binom.ppf(q, n, 0.2)
            assert max(whole - 1, 0) <= limit[row, 0] * n + 1e-9
            assert limit[row, 0] * n <= whole + 1e-9


def test_limits_narrow_as_units_grow() -> None:
    sizes = np.arange(50.0, 2000.0, 50.0)
    found = proportions(sizes * 0.2, sizes, target=0.2)
    assert (np.diff(found.upper[1]) < 0).all()
    assert (np.diff(found.lower[1]) > 0).all()


def test_mean_limits_are_the_normal_ones() -> None:
    found = means([10.0], [25], sigma=5.0, target=10.0, levels=(0.95,))
    assert found.upper[0, 0] == pytest.approx(10 + stats.norm.ppf(0.975))


@pytest.mark.parametrize("form", ["multiplicative", "additive"])
def test_overdispersed_units_are_out_without_and_in_with_allowance(form: str) -> None:
    p = np.clip(RNG.normal(0.2, 0.04, size=SIZES.size), 0.01, 0.99)
    counts = RNG.binomial(SIZES.astype(int), p).astype(float)
    plain = proportions(counts, SIZES)
    allowed = proportions(counts, SIZES, overdispersion="multiplicative" if form == "multiplicative" else "additive")
    assert plain.beyond[1].mean() > 0.2
    assert allowed.beyond[1].mean() < 0.02
    assert allowed.phi > 3
    if form == "additive":
        assert allowed.tau == pytest.approx(0.04, rel=0.2)


def test_allowance_changes_nothing_where_chance_explains_the_spread() -> None:
    counts = RNG.binomial(SIZES[:200].astype(int), 0.2).astype(float)
    plain = proportions(counts, SIZES[:200])
    allowed = proportions(counts, SIZES[:200], overdispersion="additive")
    assert plain.phi == pytest.approx(1.0, abs=0.25)
    assert allowed.upper.tolist() == plain.upper.tolist()


def test_standardised_ratios_are_rates_with_expected_counts() -> None:
    found = rates([12.0, 8.0], [10.0, 10.0], target=1.0)
    assert found.estimates.tolist() == [1.2, 0.8]
    assert found.z == pytest.approx([0.2 * np.sqrt(10), -0.2 * np.sqrt(10)])


@pytest.mark.parametrize("form", get_args(Overdispersion))
@pytest.mark.parametrize("stated", [False, True])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), series=st.integers(1, 6), units=st.integers(1, 30), shared=st.booleans())
def test_many_funnels_are_as_one_by_one(
    each_the_same: Any, form: Overdispersion, stated: bool, seed: int, series: int, units: int, shared: bool
) -> None:
    random = np.random.default_rng(seed)
    sizes = random.integers(20, 400, (series, units)).astype(float)
    sizes = np.repeat(sizes[:1], series, axis=0) if shared else sizes
    counts = random.binomial(sizes.astype(int), random.uniform(0.05, 0.6, (series, units))).astype(float)
    counts[:, 0] = 1.0
    given_sizes = sizes[0] if shared else sizes
    aims = random.uniform(0.1, 0.5, series)
    for call in (proportions, rates):
        many = call(counts, given_sizes, aims if stated else None, overdispersion=form)
        one_by_one = [
            call(k, n, aim if stated else None, overdispersion=form)
            for k, n, aim in zip(counts, sizes, aims.tolist(), strict=True)
        ]
        each_the_same(replace(many, levels=()), [replace(one, levels=()) for one in one_by_one])
        assert np.array_equal(many.beyond, [one.beyond for one in one_by_one])
    values, sigmas = random.normal(5.0, 1.0, (series, units)), random.uniform(0.5, 3.0, series)
    alone = [means(x, n, s, overdispersion=form) for x, n, s in zip(values, sizes, sigmas.tolist(), strict=True)]
    many = means(values, given_sizes, sigmas, overdispersion=form)
    each_the_same(replace(many, levels=()), [replace(one, levels=()) for one in alone])


def test_what_has_no_funnel_is_refused() -> None:
    with pytest.raises(OutOfRange, match="series 1"):
        proportions([[1.0, 2.0], [5.0, 1.0]], [4.0, 4.0])
    with pytest.raises(NoSpread, match="series 0"):
        rates([[0.0], [1.0]], [[4.0], [4.0]])
    with pytest.raises(Inconsistent):
        means([1.0, 2.0, 3.0], [4.0, 5.0], sigma=1.0)
    with pytest.raises(OutOfRange):
        proportions([5.0], [4.0])
    with pytest.raises(NoSpread):
        proportions([0.0], [4.0])
    with pytest.raises(Inconsistent):
        rates([1.0, 2.0], [4.0])
    with pytest.raises(OutOfRange):
        rates([1.0], [4.0], levels=(1.0,))
    with pytest.raises(OutOfRange):
        means([1.0], [4.0], sigma=0.0)
