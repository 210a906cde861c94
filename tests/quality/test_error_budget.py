"""Error budgets against the binomial tail of scipy, and their false alarms at low traffic."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality import error_budget
from andon_quality.errors import NotFinite, OutOfRange
from scipy.stats import binom, binomtest


@pytest.mark.parametrize(
    ("failures", "cases", "allowed"), [(0, 10, 0.01), (1, 1, 0.05), (3, 40, 0.02), (50, 900, 0.04)]
)
def test_p_and_bound_are_those_of_an_exact_test(failures, cases, allowed):
    found = error_budget.burn_rate(failures, cases, allowed, alpha=0.01)
    test = binomtest(failures, cases, allowed, alternative="greater")
    assert float(found.p_value) == pytest.approx(test.pvalue, rel=1e-9)
    assert float(found.lower) * allowed == pytest.approx(test.proportion_ci(0.99, "exact").low, abs=1e-9)
    assert float(found.rate) == pytest.approx(failures / cases / allowed)


@pytest.mark.parametrize("traffic", [0.5, 3.0, 20.0, 400.0])
def test_false_alarms_stay_within_what_is_wanted_at_any_traffic_where_fixed_thresholds_do_not(traffic):
    rng, allowed, windows = np.random.default_rng(7), 0.01, 50_000
    cases = rng.poisson(traffic, windows)
    failures = rng.binomial(cases, allowed)
    alpha = error_budget.level(0.5, 100)
    found = error_budget.burn_rate(failures, cases, allowed, threshold=2.0, alpha=alpha)
    assert found.is_burning.mean() <= alpha * 1.1
    if traffic == 3.0:
        # A fixed threshold takes a single failure for a fire.
        assert (found.rate >= 14.4).mean() > 3 * alpha


def test_a_real_burn_is_shown():
    failures, cases = binom.ppf(0.2, 500, 0.08), 500
    assert bool(error_budget.burn_rate(failures, cases, 0.01, threshold=6.0).is_burning)


def test_a_budget_is_used_up_by_as_many_failures_as_it_allows():
    found = error_budget.budget([0, 5, 10], [500, 500, 500], 0.01)
    assert found.consumed.tolist() == [0.0, 1.0, 2.0]
    assert found.left.tolist() == [5.0, 0.0, -5.0]


def test_what_makes_no_sense_is_refused():
    for bad in ((3, 2, 0.1), (-1, 2, 0.1), (1, 2, 0.0), (1, 2, 1.0)):
        with pytest.raises(OutOfRange):
            error_budget.burn_rate(*bad)
    with pytest.raises(NotFinite):
        error_budget.burn_rate(float("nan"), 2, 0.1)
    with pytest.raises(OutOfRange):
        error_budget.burn_rate(1, 2, 0.1, threshold=0.5)
    with pytest.raises(OutOfRange):
        error_budget.level(2, 1)
