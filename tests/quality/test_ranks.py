"""Rank intervals against closed forms, and what a ranking of equal units says."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality import ranks
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from scipy.integrate import quad
from scipy.stats import beta, gamma, norm


def test_who_of_two_is_first_is_the_integral_of_their_distributions():
    found = ranks.rank_proportions([12, 17], [80, 90], draws=100_000)
    one, other = beta(12.5, 68.5), beta(17.5, 73.5)
    expected = quad(lambda p: one.pdf(p) * other.sf(p), 0, 1)[0]
    assert found.first[0] == pytest.approx(expected, abs=0.01)
    found = ranks.rank_rates([12, 17], [8.0, 9.0], draws=100_000)
    one, other = gamma(12.5, scale=1 / 8.0), gamma(17.5, scale=1 / 9.0)
    assert found.first[0] == pytest.approx(quad(lambda p: one.pdf(p) * other.sf(p), 0, 9)[0], abs=0.01)
    found = ranks.rank_means([1.0, 1.5], [0.3, 0.4], draws=100_000)
    assert found.first[0] == pytest.approx(norm.cdf(0.5 / 0.5), abs=0.01)


def test_ranks_of_equal_units_say_nothing_and_far_ones_are_sure():
    alike = ranks.rank_proportions(np.full(20, 10), np.full(20, 100))
    assert (alike.ranks == 1).all()
    assert (alike.upper - alike.lower >= 17).all()
    far = ranks.rank_proportions(np.arange(5) * 1_000, np.full(5, 10_000))
    assert far.lower.tolist() == far.ranks.tolist() == far.upper.tolist() == [1, 2, 3, 4, 5]


def test_intervals_cover_true_ranks_of_units_that_differ():
    rng, covered = np.random.default_rng(2), []
    for _ in range(60):
        true = rng.uniform(0.05, 0.4, 15)
        counts = rng.binomial(200, true)
        found = ranks.rank_proportions(counts, np.full(15, 200), draws=1_000, seed=1)
        place = true.argsort().argsort() + 1
        covered.append(((found.lower <= place) & (place <= found.upper)).mean())
    assert np.mean(covered) > 0.93


def test_thousands_of_units_take_fewer_draws():
    assert ranks.rank_rates(np.arange(10_000), np.full(10_000, 9.0)).draws == 400


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(TooFew):
        ranks.rank_proportions([1], [2])
    with pytest.raises(OutOfRange):
        ranks.rank_proportions([3, 1], [2, 2])
    with pytest.raises(Inconsistent):
        ranks.rank_rates([3, 1], [2.0])
    with pytest.raises(NotFinite):
        ranks.rank_means([np.nan, 1.0], [1.0, 1.0])
