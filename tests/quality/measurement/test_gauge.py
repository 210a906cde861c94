"""Gauge studies, against the worked examples of AIAG, Minitab's manual, JASP and Montgomery, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.measurement import GaugeGrade, arranged, crossed, nested
from hypothesis import given, settings
from hypothesis import strategies as st

# AIAG, Measurement Systems Analysis, 4th ed. (2010), table III-B 1: 3 appraisers x 3 trials, a row for each trial.
AIAG = """
 0.29 -0.56 1.34 0.47 -0.80  0.02 0.59 -0.31 2.26 -1.36
 0.41 -0.68 1.17 0.50 -0.92 -0.11 0.75 -0.20 1.99 -1.25
 0.64 -0.58 1.27 0.64 -0.84 -0.21 0.66 -0.17 2.01 -1.31
 0.08 -0.47 1.19 0.01 -0.56 -0.20 0.47 -0.63 1.80 -1.68
 0.25 -1.22 0.94 1.03 -1.20  0.22 0.55  0.08 2.12 -1.62
 0.07 -0.68 1.34 0.20 -1.28  0.06 0.83 -0.34 2.19 -1.50
 0.04 -1.38 0.88 0.14 -1.46 -0.29 0.02 -0.46 1.77 -1.49
-0.11 -1.13 1.09 0.20 -1.07 -0.67 0.01 -0.56 1.45 -1.77
-0.15 -0.96 0.67 0.11 -1.45 -0.49 0.21 -0.49 1.87 -2.16
"""
PARTS = np.array(AIAG.split(), dtype=float).reshape(3, 3, 10).transpose(2, 0, 1)
# Montgomery, Design and Analysis of Experiments, table 14.3: purity, 3 suppliers x 4 batches x 3 samples.
PURITY = np.array(
    [
        [[1, -1, 0], [-2, -3, -4], [-2, 0, 1], [1, 4, 0]],
        [[1, -2, -3], [0, 4, 2], [-1, 0, -2], [0, 3, 2]],
        [[2, 4, 0], [-2, 0, 2], [1, -1, 2], [3, 2, 1]],
    ],
    dtype=float,
)
# Batches measured by destructive test, as in Minitab's example of a nested study; figures as JASP 0.19 prints them.
BATCHES = np.array(
    [
        [[33.4, 33.2], [32.4, 31.7], [34.4, 34.5], [33.9, 34.5], [34.5, 34.7]],
        [[32.5, 32.1], [32.1, 32.3], [35.1, 34.7], [32.4, 33.1], [34.8, 34.9]],
        [[32.6, 32.7], [32.3, 32.1], [34.9, 34.7], [33.0, 33.2], [31.6, 30.9]],
    ]
)


def test_the_aiag_study_has_the_printed_table_with_its_interaction() -> None:
    """AIAG table III-B 8: sums of squares 88.3619, 3.1673, 0.3590, 2.7589; F of part x operator 0.434."""
    parts, operators, both, repeats = crossed(PARTS, alpha=1.0).anova
    assert [round(row.sum_of_squares, 4) for row in (parts, operators, both, repeats)] == [
        88.3619,
        3.1673,
        0.3590,
        2.7589,
    ]
    assert [row.df for row in (parts, operators, both, repeats)] == [9, 2, 18, 60]
    assert [row.f for row in (parts, operators, both)] == pytest.approx([492.291, 79.406, 0.434], abs=6e-4)
    assert both.p_value == pytest.approx(0.974, abs=6e-4)


def test_the_aiag_study_has_the_printed_components_without_its_interaction() -> None:
    """Minitab and AIAG: contribution 7.76 %, study variation 27.86 %, 4 distinct categories, tolerance 8: 22.68 %."""
    found = crossed(PARTS, tolerance=8.0)
    rows = (found.gauge, found.repeatability, found.reproducibility, found.part, found.total)
    assert found.interaction is None
    assert [round(row.variance, 5) for row in rows] == [0.09143, 0.03997, 0.05146, 1.08645, 1.17788]
    assert [round(100.0 * row.contribution_share, 2) for row in rows] == [7.76, 3.39, 4.37, 92.24, 100.0]
    assert [round(row.study_variation, 5) for row in rows] == [1.81423, 1.1996, 1.36103, 6.25396, 6.5118]
    assert [round(100.0 * row.study_share, 2) for row in rows] == [27.86, 18.42, 20.90, 96.04, 100.0]
    assert [row.tolerance_share for row in rows] == pytest.approx([0.2268, 0.1499, 0.1701, 0.7817, 0.8140], abs=6e-5)
    assert (found.distinct_categories, found.grade) == (4, GaugeGrade.CONDITIONAL)
    assert [row.f for row in found.anova[:2]] == pytest.approx([245.614, 39.617], abs=6e-4)


def test_older_manuals_take_5_15_sigmas_and_the_shares_stay() -> None:
    six, older = crossed(PARTS), crossed(PARTS, study_sigmas=5.15)
    assert older.gauge.study_variation == pytest.approx(six.gauge.study_variation * 5.15 / 6.0)
    assert older.gauge.study_share == six.gauge.study_share


def test_the_nested_study_has_the_printed_figures() -> None:
    found = nested(BATCHES, tolerance=15.0)
    operators, parts, repeats = found.anova
    assert (operators.f, operators.p_value) == pytest.approx((0.696059139499009, 0.517597080688394), rel=1e-9)
    assert (parts.f, parts.p_value) == pytest.approx((38.8491735537192, 4.46224072581371e-09), rel=1e-9)
    assert repeats.mean_square == pytest.approx(0.0806666666666664, rel=1e-9)
    assert found.gauge.contribution_share == pytest.approx(0.0501892466428162, rel=1e-9)
    assert found.gauge.study_share == pytest.approx(0.22402956644786, rel=1e-9)
    assert found.part.tolerance_share == pytest.approx(0.494219924055408, rel=1e-9)
    assert (found.operator.variance, found.distinct_categories) == (0.0, 6)


def test_nested_batches_have_montgomerys_analysis_of_variance() -> None:
    """Printed: mean squares 7.53, 7.77, 2.64; F .97 and 2.94; component of batches 1.71."""
    found = nested(PURITY)
    assert [round(row.mean_square, 2) for row in found.anova] == [7.53, 7.77, 2.64]
    assert [row.f for row in found.anova[:2]] == pytest.approx([0.97, 2.94], abs=6e-3)
    assert (round(found.part.variance, 2), found.operator.variance) == (1.71, 0.0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0), st.floats(-1e3, 1e3))
def test_the_unit_and_the_order_of_parts_and_operators_do_not_matter(seed: int, scale: float, origin: float) -> None:
    values = np.random.default_rng(seed).normal(size=(4, 3, 2))
    one, other = crossed(values), crossed(origin + scale * values[::-1, ::-1])
    for name in ("gauge", "operator", "part"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert theirs.contribution_share == pytest.approx(mine.contribution_share, abs=1e-6)
    assert other.total.sd == pytest.approx(scale * one.total.sd, rel=1e-6)
    assert one.gauge.variance + one.part.variance == pytest.approx(one.total.variance)


def test_intervals_of_the_gauge_hold_the_truth_as_often_as_they_say() -> None:
    """Parts sd 1, operators .2, interaction .1, repeats .3: the gauge's sd is .374."""
    random, inside, draws = np.random.default_rng(3), np.zeros(2), 200
    truth, share = np.sqrt(0.14), np.sqrt(0.14 / 1.14)
    for _ in range(draws):
        values = random.normal(0.0, 1.0, (10, 1, 1)) + random.normal(0.0, 0.2, (1, 4, 1))
        values = values + random.normal(0.0, 0.1, (10, 4, 1)) + random.normal(0.0, 0.3, (10, 4, 3))
        found = crossed(values, alpha=1.0)
        inside += found.gauge_sd.contains(truth), found.gauge_study_share.contains(share)
    assert ((inside / draws > 0.9) & (inside / draws < 1.0)).all()


def test_a_list_of_measurements_becomes_the_table() -> None:
    listed = [(f"part {p}", f"operator {o}", PARTS[p, o, r]) for r in range(3) for p in range(10) for o in range(3)]
    parts, operators, values = zip(*listed, strict=True)
    assert arranged(parts, operators, values).tolist() == PARTS.tolist()
    with pytest.raises(Inconsistent, match="equally often"):
        arranged(parts[:-1], operators[:-1], values[:-1])
    with pytest.raises(Inconsistent, match="a part and an operator for every value"):
        arranged(parts, operators, values[:-1])


def test_what_is_no_study_is_refused() -> None:
    bad = PARTS.copy()
    bad[0, 0, 0] = np.nan
    for study in (crossed, nested):
        with pytest.raises(NotFinite):
            study(bad)
        with pytest.raises(TooFew):
            study(PARTS[:, :, :1])
        with pytest.raises(NoSpread):
            study(np.ones((3, 3, 3)))
        with pytest.raises(OutOfRange):
            study(PARTS, tolerance=0.0)
    with pytest.raises(OutOfRange):
        crossed(PARTS, alpha=1.5)


def test_a_study_prints_its_table_and_draws_its_shares() -> None:
    found = crossed(PARTS)
    lines = [line.split() for line in str(found).splitlines()]
    assert next(line for line in lines if line[:1] == ["gauge"])[1:4] == ["0.0914285", "0.302372", "0.0776216"]
    axes = found.plot()
    assert next(iter(axes.containers[1])).get_height() == pytest.approx(0.278607, abs=1e-6)
