"""Fisher's test and the conditional odds ratio against scipy."""

from __future__ import annotations

import math

import pytest
from andon_quality.errors import NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.inference import fisher
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

count = st.integers(0, 25)


def test_the_lady_tasting_tea_is_as_fisher_printed() -> None:
    """Three of four cups right, both ways: 34 of 70 two-sided."""
    assert fisher([[3, 1], [1, 3]]).p_value == pytest.approx(34 / 70)


@settings(max_examples=80, deadline=None)
@given(a=count, b=count, c=count, d=count)
def test_p_odds_ratio_and_interval_agree_with_scipy(a: int, b: int, c: int, d: int) -> None:
    table = [[a, b], [c, d]]
    if min(a + b, c + d, a + c, b + d) == 0:
        with pytest.raises(NoSpread):
            fisher(table)
        return
    ours, theirs = fisher(table), stats.contingency.odds_ratio(table)
    assert ours.p_value == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6)
    assert ours.interval.lower <= ours.effect <= ours.interval.upper
    assert_allclose(ours.effect, theirs.statistic, rtol=1e-6)
    known = theirs.confidence_interval(0.95)
    assert_allclose((ours.interval.lower, ours.interval.upper), (known.low, known.high), rtol=1e-6)


def test_swapping_the_rows_turns_the_odds_ratio_round() -> None:
    plain, turned = fisher([[8, 2], [1, 5]]), fisher([[1, 5], [8, 2]])
    assert plain.effect * turned.effect == pytest.approx(1.0)
    assert plain.p_value == pytest.approx(turned.p_value)
    assert fisher([[3, 0], [1, 4]]).effect == math.inf


def test_what_is_no_two_by_two_of_counts_is_refused() -> None:
    with pytest.raises(TooFew):
        fisher([[1, 2, 3], [1, 2, 3]])
    with pytest.raises(OutOfRange):
        fisher([[1.5, 2.0], [1.0, 2.0]])
    with pytest.raises(NotFinite):
        fisher([[float("nan"), 2.0], [1.0, 2.0]])
