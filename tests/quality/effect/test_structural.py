"""The structural counterfactual, against published analyses and its nominal coverage."""

import csv
from pathlib import Path

import numpy as np
import pytest
from andon_quality.effect.structural import structural
from andon_quality.effect.verdict import Direction, Verdict
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew

PUBLISHED = Path(__file__).parent / "published"
CAUSAL = Path(__file__).parents[3] / ".." / "shared" / "data" / "causal"
needs_data = pytest.mark.skipif(not CAUSAL.exists(), reason="the intervention series are not in ../shared/data")


def columns(path, *names):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[name]) for row in rows]) for name in names], rows


def test_the_arma_series_with_a_step_of_5_has_the_published_effect():
    (x, y), _ = columns(PUBLISHED / "arma_with_step.csv", "X", "y")
    y[70:] += 5
    result = structural(y, 70, x, Direction.HIGHER)
    assert y[70:].mean() == pytest.approx(125.23, abs=0.005)
    assert result.effect.estimate == pytest.approx(4.89, abs=0.1)
    assert (result.effect.lower, result.effect.upper) == pytest.approx((4.26, 5.47), abs=0.15)
    assert result.effect.verdict is Verdict.IMPROVED


@needs_data
def test_the_google_series_has_about_the_published_effect_and_is_decided():
    (y, x1, x2), rows = columns(CAUSAL / "google_data.csv", "y", "x1", "x2")
    start = next(i for i, row in enumerate(rows) if row["date"] == "2020-03-02")
    effect = structural(y, start, np.column_stack([x1, x2]), Direction.HIGHER).effect
    assert y[start:].mean() == pytest.approx(156.2333, abs=1e-4)
    assert effect.relative == pytest.approx(0.21, abs=0.01)  # published 21 % [14 %, 28 %]
    assert effect.relative_lower == pytest.approx(0.14, abs=0.05)
    assert effect.relative_upper == pytest.approx(0.28, abs=0.06)
    assert effect.verdict is Verdict.IMPROVED


@needs_data
def test_the_comparison_series_stays_undecided_as_published():
    names = ("CHANGED", "NOT_CHANGED_1", "NOT_CHANGED_2", "NOT_CHANGED_3")
    (y, *controls), rows = columns(CAUSAL / "comparison_data.csv", *names)
    start = next(i for i, row in enumerate(rows) if row["DATE"] == "2019-07-15")
    effect = structural(y, start, np.column_stack(controls), Direction.LOWER).effect
    assert y[start:].mean() == pytest.approx(78574.4, abs=0.1)
    assert effect.relative == pytest.approx(-0.0083, abs=0.008)  # published -0.83 % [-2.6 %, 1 %]
    assert effect.lower < 0 < effect.upper
    assert effect.verdict is Verdict.UNDECIDED


def test_null_actions_are_rarely_decided():
    rng = np.random.default_rng(12)
    wrong = 0
    for _ in range(60):
        x = rng.normal(size=110).cumsum() * 0.3
        y = 20 + 1.5 * x + rng.normal(size=110)
        wrong += structural(y, 80, x).effect.verdict is not Verdict.UNDECIDED
    assert wrong <= 7


def test_without_belief_the_interval_is_wider_on_a_wandering_level():
    rng = np.random.default_rng(2)
    values = rng.normal(size=90).cumsum()
    believing, open_minded = structural(values, 60), structural(values, 60, prior_level_sd=None)
    widths = [r.effect.upper - r.effect.lower for r in (believing, open_minded)]
    assert widths[1] > widths[0]
    assert open_minded.wander > 1


def test_a_season_is_carried_on():
    rng = np.random.default_rng(4)
    values = np.resize([0.0, 5, 10, 5, 0, -5, -10], 120) + rng.normal(0, 0.5, 120)
    result = structural(values, 100, season=7)
    assert result.expected == pytest.approx(np.resize([0.0, 5, 10, 5, 0, -5, -10], 120)[100:], abs=1.0)
    assert result.total == pytest.approx(result.effect.estimate * 20)


def test_scale_and_shift_of_the_values_carry_over():
    rng = np.random.default_rng(6)
    x = rng.normal(size=60)
    y = 3 * x + rng.normal(size=60)
    first, second = structural(y, 40, x).effect, structural(10 * y + 7, 40, 3 * x + 1).effect
    assert (second.estimate, second.lower, second.upper) == pytest.approx(
        (10 * first.estimate, 10 * first.lower, 10 * first.upper), rel=1e-6
    )


def test_bad_input_is_refused():
    with pytest.raises(OutOfRange):
        structural([1.0, 2.0, 3.0], 3)
    with pytest.raises(TooFew):
        structural([1.0, 2.0, 3.0, 4.0], 2)
    with pytest.raises(NotFinite):
        structural([1.0, np.nan] * 10, 10)
    with pytest.raises(Inconsistent):
        structural([1.0, 2.0] * 10, 10, [1.0] * 20)
    with pytest.raises(Inconsistent):
        structural([1.0, 2.0] * 10, 10, [1.0] * 19)
