"""Every comparison against scipy, against certified values, and against what must hold for any data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.inference import (
    Comparison,
    anova,
    brown_forsythe,
    chi_square,
    compare_spread,
    hodges_lehmann,
    kruskal,
    mann_whitney,
    one_mean,
    paired,
    welch,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

SPC = Path(__file__).parents[3] / ".." / "shared" / "data" / "spc"
TWO_SAMPLES = (welch, mann_whitney, compare_spread)


def two(seed: int, n: int = 12, m: int = 17) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    return random.normal(1.0, 1.0, n), random.normal(0.3, 2.0, m)


@pytest.mark.parametrize("seed", range(4))
def test_welch_agrees_with_scipy(seed: int) -> None:
    x, y = two(seed)
    ours, theirs = welch(x, y), stats.ttest_ind(x, y, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert_allclose((ours.statistic, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-10)
    assert ours.df == pytest.approx(theirs.df, rel=1e-10)
    assert_allclose((ours.interval.lower, ours.interval.upper), (interval.low, interval.high), rtol=1e-9)


def test_paired_and_one_mean_agree_with_scipy() -> None:
    x, y = two(1, 12, 12)
    assert paired(x, y).p_value == pytest.approx(stats.ttest_rel(x, y).pvalue, rel=1e-10)
    assert one_mean(x, 0.4).p_value == pytest.approx(stats.ttest_1samp(x, 0.4).pvalue, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 8), (12, 17), (25, 25)])
def test_mann_whitney_is_exact_without_ties(n: int, m: int) -> None:
    x, y = two(n, n, m)
    ours, theirs = mann_whitney(x, y), stats.mannwhitneyu(x, y, method="exact")
    assert_allclose((ours.statistic, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_mann_whitney_with_ties_agrees_with_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(1, 6, 30).astype(float), random.integers(2, 6, 41).astype(float)
    ours, theirs = mann_whitney(x, y), stats.mannwhitneyu(x, y, method="asymptotic")
    assert_allclose((ours.statistic, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-10)
    assert ours.effect == pytest.approx((x[:, None] > y).mean() + (x[:, None] == y).mean() / 2)


def test_samples_that_do_not_overlap_still_have_an_interval_of_some_width() -> None:
    result = mann_whitney([5, 6, 7, 8], [1, 2, 3])
    assert result.effect == result.interval.upper == 1.0
    assert 0.3 < result.interval.lower < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_groups_agree_with_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = [random.normal(shift, 1.0 + shift, 8 + 3 * shift) for shift in range(4)]
    for ours, theirs in (
        (anova(groups), stats.f_oneway(*groups)),
        (kruskal(groups), stats.kruskal(*groups)),
        (brown_forsythe(groups), stats.levene(*groups, center="median")),
        (kruskal([g.round() for g in groups]), stats.kruskal(*[g.round() for g in groups])),
    ):
        assert_allclose((ours.statistic, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-9)
        assert ours.interval.lower <= ours.effect <= ours.interval.upper


@pytest.mark.parametrize(("name", "expected"), [("SiRstv", 1.18046237440255), ("SmLs01", 21.0)])
def test_the_certified_f_of_nist_holds(name: str, expected: float) -> None:
    path = SPC / f"nist_{name}.dat"
    if not path.exists():
        pytest.skip("the shared data set is not here")
    rows = np.array([line.split() for line in path.read_text().splitlines()[60:] if line.strip()], dtype=float)
    groups = [rows[rows[:, 0] == group, 1] for group in np.unique(rows[:, 0])]
    assert anova(groups).statistic == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_chi_square_and_cramers_v_agree_with_scipy(seed: int) -> None:
    table = np.random.default_rng(seed).integers(3, 40, (2 + seed, 3))
    ours = chi_square(table)
    theirs = stats.chi2_contingency(table, correction=False)
    assert_allclose((ours.statistic, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-10)
    assert ours.df == theirs.dof
    assert ours.effect == pytest.approx(stats.contingency.association(table, method="cramer"))
    assert ours.interval.lower <= ours.effect <= ours.interval.upper


def test_noncentral_ends_are_where_the_statistic_is_a_tail_point() -> None:
    table = [[30, 10, 12], [15, 25, 20]]
    result, n = chi_square(table), 112
    for end, share in ((result.interval.lower, 0.975), (result.interval.upper, 0.025)):
        assert stats.ncx2.cdf(result.statistic, 2, end**2 * n) == pytest.approx(share, abs=1e-8)


def test_assumptions_that_do_not_hold_are_said() -> None:
    random = np.random.default_rng(3)
    assert not welch(np.arange(30.0), random.normal(0, 1, 20)).sound
    assert not welch(random.lognormal(0, 2, 30), random.normal(0, 0.1, 20)).checks[0].holds
    assert not chi_square([[3, 1], [1, 3]]).sound
    assert not anova([random.normal(0, 1, 40), random.normal(0, 9, 40)]).sound
    assert not kruskal([[1, 2, 3], [2, 3, 5]]).sound


@pytest.mark.parametrize("method", TWO_SAMPLES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500))
def test_p_does_not_know_the_order_the_shift_or_the_unit(
    method: Callable[[FloatArray, FloatArray], Comparison], seed: int
) -> None:
    x, y = two(seed)
    plain = method(x, y)
    assert 0.0 <= plain.p_value <= 1.0
    assert plain.interval.lower <= plain.effect <= plain.interval.upper
    for a, b in ((x[::-1], y[::-1]), (x + 8.0, y + 8.0), (x * 4.0, y * 4.0), (y, x)):
        assert method(a, b).p_value == pytest.approx(plain.p_value, rel=1e-7, abs=1e-12)
    if method is welch:
        assert (plain.p_value < 0.05) != plain.interval.contains(0.0)


def test_the_shift_of_hodges_and_lehmann_is_found() -> None:
    x, _ = two(3, 60, 60)
    shift, interval = hodges_lehmann(x + 5.0, x[::-1].copy())
    assert abs(shift - 5.0) < 0.5
    assert interval.contains(5.0)


def test_intervals_of_95_percent_cover_95_percent_within_half_a_point() -> None:
    """20,000 draws: the standard error of a coverage is 0.15 points."""
    random, draws = np.random.default_rng(1), 20_000
    x, y = random.normal(1, 1, (draws, 20)), random.normal(0, 3, (draws, 30))
    assert abs(welch(x, y).interval.contains(1.0).mean() - 0.95) < 0.005
    assert abs(one_mean(random.normal(5, 2, (draws, 15)), 5.0).interval.contains(0.0).mean() - 0.95) < 0.005


def test_approximate_intervals_cover_between_93_and_98_percent() -> None:
    random, draws = np.random.default_rng(5), 4000
    superior = float(stats.norm.cdf(1.0 / np.sqrt(10.0)))
    groups = [random.normal(mean, 1, (draws, 20)) for mean in (0.0, 0.5, 1.0)]
    joint = np.array([[0.2, 0.1, 0.1], [0.1, 0.2, 0.3]])
    expected = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    v = float(np.sqrt(((joint - expected) ** 2 / expected).sum()))
    laplace = random.laplace(0, 2, (draws, 40)), random.laplace(0, 1, (draws, 40))
    for result, truth in (
        (mann_whitney(random.normal(1, 1, (draws, 20)), random.normal(0, 3, (draws, 30))), superior),
        (compare_spread(*laplace), 2.0),
        (anova(groups), 10 / 70),
        (chi_square(random.multinomial(200, joint.ravel(), draws).reshape(draws, 2, 3)), v),
    ):
        assert 0.93 < result.interval.contains(truth).mean() < 0.98, result.effect_is


def test_impossible_samples_are_refused() -> None:
    for method in TWO_SAMPLES:
        with pytest.raises(NoSpread):
            method([1.0] * 6, [1.0] * 6)
        with pytest.raises(NotFinite):
            method([1.0, np.nan, 1, 1, 1], [1.0] * 6)
        with pytest.raises(TooFew):
            method([1.0], [1.0, 2.0])
    with pytest.raises(Inconsistent):
        paired([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(TooFew):
        anova([[1.0, 2.0]])
    with pytest.raises(NoSpread):
        anova([[1.0, 1.0], [2.0, 2.0]])
    with pytest.raises(NoSpread):
        kruskal([[1.0, 1.0], [1.0, 1.0]])
    with pytest.raises(OutOfRange):
        chi_square([[1, -1], [1, 1]])
    with pytest.raises(NoSpread):
        chi_square([[0, 0], [1, 1]])
    with pytest.raises(TooFew):
        chi_square([[1, 2, 3]])
