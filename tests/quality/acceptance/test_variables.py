"""Variables plans, against printed plans, a search, and simulated lots."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.acceptance import VariablesPlan, find_attributes_plan, find_variables_plan
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange
from scipy import stats


def test_a_plan_of_the_literature_is_found() -> None:
    """Kiermeier, 2008, Journal of Statistical Software 26:6: 95 % at 5 %, 7.5 % at 15 %, sd known: n 26, k 1.322."""
    found = find_variables_plan(0.05, 0.15, 0.05, 0.075, is_sd_known=True)
    assert found.n == 26
    assert found.k == pytest.approx(1.322, abs=2e-3)


def test_the_nomographs_plan_is_close_to_the_exact_one() -> None:
    """Montgomery, Introduction to Statistical Quality Control, 16.2: 95 % at 1 %, 10 % at 6 %: n 40, k 1.9."""
    found = find_variables_plan(0.01, 0.06)
    assert (found.n, round(found.k, 1)) == (42, 1.9)


@pytest.mark.parametrize("is_sd_known", [True, False])
@pytest.mark.parametrize(("aql", "ltpd"), [(0.01, 0.06), (0.05, 0.15), (0.001, 0.01), (0.1, 0.4)])
def test_both_risks_hold_and_one_unit_less_does_not_do(is_sd_known: bool, aql: float, ltpd: float) -> None:
    found = find_variables_plan(aql, ltpd, is_sd_known=is_sd_known)
    good, bad = found.acceptance([aql, ltpd])
    assert good >= 0.95 - 1e-9
    assert bad <= 0.1 + 1e-9
    if found.n > 2:
        for k in np.linspace(found.k - 0.3, found.k + 0.3, 301):
            good, bad = VariablesPlan(found.n - 1, float(k), is_sd_known).acceptance([aql, ltpd])
            assert good < 0.95 or bad > 0.1


def test_measuring_takes_fewer_units_than_counting_defective_ones() -> None:
    assert find_variables_plan(0.01, 0.06).n < find_attributes_plan(0.01, 0.06).n / 2


def test_simulated_lots_are_accepted_as_often_as_the_curve_says() -> None:
    plan, random = VariablesPlan(12, 1.4), np.random.default_rng(2)
    for share in (0.02, 0.1):
        z = stats.norm.isf(share)
        lots = random.normal(-z, 1.0, (2000, 12))
        accepted = np.mean([plan.accepts(lot, upper=0.0) for lot in lots])
        mirrored = np.mean([plan.accepts(-lot, lower=0.0) for lot in lots[:200]])
        assert accepted == pytest.approx(plan.acceptance(share).item(), abs=0.04)
        assert mirrored == np.mean([plan.accepts(lot, upper=0.0) for lot in lots[:200]])


def test_a_known_sd_is_used_and_an_unknown_one_is_not_asked_for() -> None:
    values = [9.0, 10.0, 11.0, 10.0]
    assert VariablesPlan(4, 1.9, True).accepts(values, upper=12.0, sd=1.0)
    assert not VariablesPlan(4, 1.9, True).accepts(values, upper=12.0, sd=1.1)
    with pytest.raises(Inconsistent, match="sd of the process"):
        VariablesPlan(4, 1.9).accepts(values, upper=12.0, sd=1.0)
    with pytest.raises(Inconsistent, match="sd of the process"):
        VariablesPlan(4, 1.9, True).accepts(values, upper=12.0)


def test_lots_without_and_with_nothing_but_defects_are_certain() -> None:
    for plan in (VariablesPlan(4, 1.9), VariablesPlan(4, 1.9, True)):
        assert plan.acceptance([0.0, 1.0]).tolist() == [1.0, 0.0]


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(OutOfRange):
        VariablesPlan(1, 1.0)
    with pytest.raises(OutOfRange):
        VariablesPlan(5, float("nan"))
    plan = VariablesPlan(3, 1.0)
    with pytest.raises(Inconsistent, match="measures 3 units"):
        plan.accepts([1.0, 2.0], upper=3.0)
    with pytest.raises(Inconsistent, match="one limit"):
        plan.accepts([1.0, 2.0, 3.0], 0.0, 4.0)
    with pytest.raises(NoSpread):
        plan.accepts([1.0, 1.0, 1.0], upper=3.0)
    with pytest.raises(NotFinite):
        plan.accepts([1.0, np.nan, 1.0], upper=3.0)
    with pytest.raises(OutOfRange):
        plan.acceptance(-0.1)


def test_the_curve_falls_from_one() -> None:
    heights = np.asarray(find_variables_plan(0.01, 0.06).plot().lines[0].get_ydata())
    assert heights[0] == 1.0
    assert (np.diff(heights) <= 1e-9).all()
    assert heights[-1] < 0.05
