"""Rules equal brute force and mlxtend, to the last count."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.structure import association_rules, frequent_sets
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxtend.frequent_patterns import apriori
from mlxtend.frequent_patterns import association_rules as mlxtend_rules

baskets_of = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=20)


def brute_force(baskets: list[frozenset[str]], support_min: float, size_max: int) -> dict[frozenset[str], int]:
    items = sorted(set().union(*baskets))
    every = (frozenset(c) for size in range(1, size_max + 1) for c in combinations(items, size))
    counts = {chosen: sum(chosen <= basket for basket in baskets) for chosen in every}
    return {chosen: n for chosen, n in counts.items() if n > 0 and n / len(baskets) >= support_min - 1e-12}


@settings(max_examples=80, deadline=None)
@given(baskets=baskets_of, support=st.sampled_from([0.1, 0.25, 0.3, 0.5, 1.0]), size=st.integers(1, 5))
def test_frequent_sets_equal_brute_force(baskets: list[frozenset[str]], support: float, size: int) -> None:
    found = frequent_sets(baskets, support, size)
    assert found == brute_force(baskets, support, size)
    assert found == frequent_sets(baskets[::-1], support, size)


@settings(max_examples=60, deadline=None)
@given(baskets=baskets_of, support=st.sampled_from([0.1, 0.3]), confidence=st.sampled_from([0.0, 0.5, 0.8]))
def test_rules_equal_brute_force(baskets: list[frozenset[str]], support: float, confidence: float) -> None:
    n, counts = len(baskets), brute_force(baskets, support, 4)
    expected = {
        (frozenset(given), whole - frozenset(given)): (counts[whole] / n, counts[whole] / counts[frozenset(given)])
        for whole in counts
        for size in range(1, len(whole))
        for given in combinations(sorted(whole), size)
        if counts[whole] / counts[frozenset(given)] >= confidence
    }
    rules = association_rules(baskets, support, confidence)
    assert {(rule.given, rule.then): (rule.support, rule.confidence) for rule in rules} == expected
    for rule in rules:
        assert rule.lift == pytest.approx(rule.confidence / (counts[rule.then] / n))
    assert rules == association_rules(baskets[::-1], support, confidence)


def test_every_figure_of_a_rule_agrees_with_mlxtend() -> None:
    baskets = [frozenset(basket) for basket in ("abc", "ab", "acd", "bcd", "abcd", "ad", "bc", "abd", "c", "abc")]
    table = pd.DataFrame([{item: item in basket for item in "abcd"} for basket in baskets])
    theirs = mlxtend_rules(apriori(table, min_support=0.2, use_colnames=True, max_len=4), min_threshold=0.4)
    ours = {(rule.given, rule.then): rule for rule in association_rules(baskets, 0.2, 0.4)}
    assert len(ours) == len(theirs) > 10
    for row in theirs.itertuples():
        rule = ours[row.antecedents, row.consequents]
        figures = (rule.support, rule.confidence, rule.lift, rule.leverage, rule.conviction)
        assert figures == pytest.approx((row.support, row.confidence, row.lift, row.leverage, row.conviction))


def test_a_share_that_meets_the_minimum_exactly_counts() -> None:
    assert frequent_sets([{"a"}, {"a"}, {"a"}] + [{"b"}] * 7, 0.3) == {frozenset("a"): 3, frozenset("b"): 7}


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(TooFew):
        frequent_sets([], 0.5)
    with pytest.raises(OutOfRange):
        frequent_sets([{"a"}], 0.0)
    with pytest.raises(OutOfRange):
        association_rules([{"a"}], 0.5, confidence_min=1.1)
