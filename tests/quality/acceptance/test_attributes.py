"""Attributes plans, against Montgomery's tables, ISO 2859 figures, and a search of every plan."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.acceptance import AttributesPlan, find_attributes_plan
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from scipy import stats


def test_the_operating_characteristic_is_montgomerys_table() -> None:
    """Introduction to Statistical Quality Control, table 15.2: n 89, c 2."""
    shares = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
    printed = [0.9897, 0.9397, 0.7366, 0.4985, 0.3042, 0.1721, 0.0919, 0.0468, 0.0230, 0.0109]
    assert AttributesPlan(89, 2).acceptance(shares).round(4).tolist() == printed


def test_screening_rejected_lots_has_montgomerys_figures() -> None:
    """Lots of 10,000: at 1 % defective 687 units are inspected and .93 % leave; the limit is near .0155 (read off)."""
    plan = AttributesPlan(89, 2)
    assert round(plan.inspected(0.01, 10_000).item()) == 687
    assert plan.outgoing(0.01, 10_000).item() == pytest.approx(0.0093, abs=5e-5)
    shares = np.linspace(0.0, 1.0, 100_001)
    assert plan.outgoing_limit(10_000) == pytest.approx(plan.outgoing(shares, 10_000).max(), rel=1e-6)
    assert plan.outgoing_limit(10_000) == pytest.approx(0.0155, abs=4e-4)


def test_code_letter_k_has_the_printed_qualities() -> None:
    """ISO 2859-1, table 10-K, AQL 1.0: n 125, c 3; 95 % at 1.10 %, 50 % at 2.93 %, 10 % at 5.35 % (Poisson printed)."""
    assert AttributesPlan(125, 3, law="poisson").acceptance([0.0109, 0.0294, 0.0534]) == pytest.approx(
        [0.95, 0.5, 0.1], abs=5e-3
    )


@pytest.mark.parametrize(("lot", "law"), [(None, "binomial"), (None, "poisson"), (100, "binomial"), (337, "binomial")])
@pytest.mark.parametrize(("aql", "ltpd"), [(0.05, 0.15), (0.02, 0.12)])
def test_no_smaller_plan_meets_both_risks(lot: int | None, law: str, aql: float, ltpd: float) -> None:
    plan = find_attributes_plan(aql, ltpd, 0.05, 0.075, lot, law)  # type: ignore[arg-type]

    def accepted(n: int, c: int, share: float, up: bool) -> float:
        if lot is not None:
            bad = np.ceil(share * lot - 1e-9) if up else np.floor(share * lot + 1e-9)
            return float(stats.hypergeom.cdf(c, lot, int(bad), n))
        return float(stats.poisson.cdf(c, n * share) if law == "poisson" else stats.binom.cdf(c, n, share))

    def holds(n: int, c: int) -> bool:
        return accepted(n, c, aql, False) >= 0.95 and accepted(n, c, ltpd, True) <= 0.075

    assert holds(plan.n, plan.acceptance_number)
    assert not any(holds(n, c) for n in range(1, plan.n) for c in range(min(n, 20)))


def test_a_plan_of_the_literature_is_found() -> None:
    """Kiermeier, 2008, Journal of Statistical Software 26:6: 95 % at 5 %, 7.5 % at 15 %: n 80, c 7."""
    plan = find_attributes_plan(0.05, 0.15, 0.05, 0.075)
    assert (plan.n, plan.acceptance_number) == (80, 7)


def test_a_lot_is_drawn_from_without_replacement() -> None:
    plan = AttributesPlan(20, 1, lot=50)
    assert plan.acceptance([0.0, 0.1, 1.0]).tolist() == pytest.approx([1.0, stats.hypergeom.cdf(1, 50, 5, 20), 0.0])


def test_what_is_no_plan_is_refused() -> None:
    for n, accepted, lot in ((0, 0, None), (5, 5, None), (5, -1, None), (20, 1, 10)):
        with pytest.raises(OutOfRange):
            AttributesPlan(n, accepted, lot)
    with pytest.raises(OutOfRange, match="n must be a whole number"):
        AttributesPlan(2.5, 1)  # type: ignore[arg-type]
    with pytest.raises(NotFinite):
        AttributesPlan(5, 1).acceptance(np.nan)
    with pytest.raises(OutOfRange):
        AttributesPlan(5, 1).acceptance(1.5)
    with pytest.raises(Inconsistent, match="below ltpd"):
        find_attributes_plan(0.06, 0.01)
    with pytest.raises(Inconsistent, match="less than 1"):
        find_attributes_plan(0.01, 0.06, 0.6, 0.5)
    with pytest.raises(OutOfRange, match="inspect every unit"):
        find_attributes_plan(0.01, 0.0100001)


def test_the_curve_falls_from_one() -> None:
    heights = np.asarray(AttributesPlan(89, 2).plot().lines[0].get_ydata())
    assert heights[0] == 1.0
    assert (np.diff(heights) <= 0.0).all()
    assert heights[-1] < 0.01
