"""Shares of events around an action."""

import numpy as np
import pytest
from andon_quality.effect import Direction, Verdict, before_after_proportion
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("table", "lower", "upper"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table II, method 10, 95 %, two-sided
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_the_interval_of_two_totals_is_newcombes(table, lower, upper):
    k1, n1, k2, n2 = table
    effect = before_after_proportion(k2, n2, k1, n1)
    assert (effect.lower, effect.upper) == pytest.approx((lower, upper), abs=6e-5)


def test_overdispersed_days_do_not_look_like_an_improvement():
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(300):
        rates = rng.beta(4, 16, 60)
        events = rng.binomial(200, rates)
        effect = before_after_proportion(events[:30], [200] * 30, events[30:], [200] * 30)
        wrong += effect.verdict is Verdict.IMPROVED
    assert wrong / 300 < 0.05


def test_a_halved_rate_is_improved_when_lower_is_better_and_worse_otherwise():
    rng = np.random.default_rng(4)
    before, after = rng.binomial(200, 0.2, 30), rng.binomial(200, 0.1, 30)
    n = [200] * 30
    assert before_after_proportion(before, n, after, n).verdict is Verdict.IMPROVED
    assert before_after_proportion(before, n, after, n, Direction.HIGHER).verdict is Verdict.WORSE


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 90)), min_size=2, max_size=20), st.integers(1, 19))
def test_interval_and_p_value_agree(days, cut):
    cut = min(cut, len(days) - 1)
    k, n = np.array(days).T
    effect = before_after_proportion(k[:cut], n[:cut], k[cut:], n[cut:])
    assert -1 <= effect.lower <= effect.estimate <= effect.upper <= 1
    assert (effect.p_value <= 0.05) == (not effect.lower <= 0 <= effect.upper) or abs(effect.p_value - 0.05) < 1e-9


def test_bad_counts_are_refused():
    with pytest.raises(OutOfRange):
        before_after_proportion(5, 4, 1, 4)
    with pytest.raises(TooFew):
        before_after_proportion(0, 0, 1, 4)
    with pytest.raises(Inconsistent):
        before_after_proportion([1, 2], [4], 1, 4)
    with pytest.raises(OutOfRange):
        before_after_proportion(1, 4, 1, 4, overdispersion=0.5)
