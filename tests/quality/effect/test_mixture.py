"""Mixtures of Student distributions: their quantiles hold their share, each found as it is alone."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.effect.mixture import Mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

MANY = settings(max_examples=40, deadline=None)


@MANY
@given(seed=st.integers(0, 999), series=st.integers(1, 5), df=st.integers(1, 60), share=st.floats(0.001, 0.999))
def test_a_quantile_of_a_mixture_has_its_share_below_it(seed: int, series: int, df: int, share: float) -> None:
    random = np.random.default_rng(seed)
    means, spreads = random.normal(0, 3, (series, 7)), np.exp(random.normal(0, 3, (series, 7)))
    weights = random.dirichlet(np.full(7, 0.3), series)
    mixture = Mixture(means, spreads, weights, float(df))
    points = mixture.quantile(share)
    assert mixture.below(points) == pytest.approx(np.full(series, share), abs=1e-9)
    alone = [Mixture(means[i : i + 1], spreads[i : i + 1], weights[i : i + 1], float(df)) for i in range(series)]
    assert points.tolist() == [float(one.quantile(share)[0]) for one in alone]


@pytest.mark.parametrize("share", [0.001, 0.025, 0.5, 0.9, 0.9999])
def test_a_mixture_of_one_is_that_distribution(share: float) -> None:
    one = Mixture(np.array([[3.0]]), np.array([[0.5]]), np.array([[1.0]]), 7.0)
    assert one.quantile(share) == pytest.approx([stats.t.ppf(share, 7.0, 3.0, 0.5)], rel=1e-10)
    assert one.below(np.array([3.4])) == pytest.approx([stats.t.cdf(3.4, 7.0, 3.0, 0.5)])


def test_middle_and_spread_are_the_moments_of_the_components() -> None:
    two = Mixture(np.array([[0.0, 4.0]]), np.array([[1.0, 2.0]]), np.array([[0.75, 0.25]]), 9.0)
    assert two.middle().tolist() == [1.0]
    assert two.spread() == pytest.approx([np.sqrt(0.75 * (1 + 1) + 0.25 * (4 + 9))])


def test_two_that_stand_far_apart_have_their_quantiles_in_the_right_one() -> None:
    apart = Mixture(np.array([[0.0, 1e9]]), np.array([[1e-6, 1e-6]]), np.array([[0.5, 0.5]]), 30.0)
    assert apart.quantile(0.25) == pytest.approx([0.0], abs=1e-3)
    assert apart.quantile(0.75) == pytest.approx([1e9], abs=1e-3)
