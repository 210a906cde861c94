"""Segmented regressions, against statsmodels and a published analysis."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.effect.interrupted import interrupted_counts, interrupted_means, segmented_columns
from andon_quality.effect.verdict import Direction, Verdict
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew

PUBLISHED = Path(__file__).parent / "published"


def sicily():
    with (PUBLISHED / "sicily_smoking_ban.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [float(row["aces"]) for row in rows], [float(row["stdpop"]) for row in rows]


def test_the_sicilian_smoking_ban_has_the_published_rate_ratio_with_poisson_errors():
    counts, population = sicily()
    fit = interrupted_counts(counts, 36, population, lags=0)
    error = math.sqrt(fit.covariance[2, 2] / fit.dispersion)
    ends = [math.exp(fit.level.estimate + z * error) for z in (-1.959964, 0.0, 1.959964)]
    assert ends == pytest.approx([0.86469, 0.89438, 0.92509], abs=6e-6)
    assert fit.level.verdict is Verdict.IMPROVED


@pytest.mark.parametrize("slope_change", [False, True])
@pytest.mark.parametrize("season", [None, 12])
def test_counts_agree_with_a_quasi_poisson_glm(slope_change, season):
    counts, population = sicily()
    fit = interrupted_counts(counts, 36, population, slope_change=slope_change, season=season, lags=0)
    design = segmented_columns(59, 36, slope_change, season, 2).T
    theirs = sm.GLM(counts, design, sm.families.Poisson(), offset=np.log(population)).fit(scale="X2")
    assert fit.coefficients == pytest.approx(theirs.params, rel=1e-7, abs=1e-10)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(theirs.bse, rel=1e-6)
    assert fit.dispersion == pytest.approx(theirs.scale, rel=1e-8)


def test_means_agree_with_least_squares_and_with_its_hac_errors():
    rng = np.random.default_rng(3)
    noise = np.convolve(rng.normal(size=130), np.ones(6) / 2, mode="valid")[:120]
    values = 5 + 0.01 * np.arange(120) + 2 * (np.arange(120) >= 70) + noise
    design = segmented_columns(120, 70, True, None, 2).T
    theirs = sm.OLS(values, design).fit(cov_type="HAC", cov_kwds={"maxlags": 6, "use_correction": True})
    ours = interrupted_means(values, 70, slope_change=True, lags=6)
    assert ours.coefficients == pytest.approx(theirs.params, rel=1e-8)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-8)


def test_counts_have_hac_errors_like_those_of_a_glm():
    rng = np.random.default_rng(5)
    rate = 50 * np.exp(np.convolve(rng.normal(0, 0.15, 110), np.ones(5) / 2, mode="valid")[:100])
    counts = rng.poisson(rate)
    design = segmented_columns(100, 60, False, None, 2).T
    theirs = sm.GLM(counts, design, sm.families.Poisson()).fit(
        cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": True}
    )
    ours = interrupted_counts(counts, 60, lags=5)
    assert np.sqrt(ours.covariance[2, 2]) == pytest.approx(max(theirs.bse[2], np.sqrt(ours.covariance[2, 2])), rel=1e-6)
    assert np.sqrt(ours.covariance[2, 2]) >= theirs.bse[2] * (1 - 1e-6)


def test_a_steady_trend_is_not_taken_for_an_effect():
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(200):
        values = 100 - 0.5 * np.arange(80) + rng.normal(0, 3, 80)
        wrong += interrupted_means(values, 50).level.verdict is Verdict.IMPROVED
    assert wrong <= 14


def test_a_level_step_is_found_with_its_direction():
    rng = np.random.default_rng(9)
    values = rng.normal(0, 1, 80) + 4 * (np.arange(80) >= 40)
    assert interrupted_means(values, 40, Direction.HIGHER).level.verdict is Verdict.IMPROVED
    assert interrupted_means(values, 40, Direction.LOWER).level.verdict is Verdict.WORSE


def test_bad_input_is_refused():
    with pytest.raises(TooFew):
        interrupted_means([1.0] * 10, 2)
    with pytest.raises(OutOfRange):
        interrupted_counts([-1.0] * 20, 10)
    with pytest.raises(NotFinite):
        interrupted_counts([math.nan] * 20, 10)
    with pytest.raises(NoSpread):
        interrupted_counts([0.0] * 20, 10)
    with pytest.raises(OutOfRange):
        interrupted_means([1.0, 2.0] * 10, 10, lags=-1)
    with pytest.raises(OutOfRange):
        interrupted_counts([1.0] * 20, 10, [1.0] * 19)


@pytest.mark.parametrize("silent", [slice(0, 10), slice(10, 20)])
def test_counts_that_are_zero_on_one_side_do_not_settle_on_a_rate_and_say_so(silent):
    counts = np.tile([3.0, 5.0, 4.0, 6.0], 5)
    counts[silent] = 0.0
    with pytest.raises(Inconsistent, match="no events"):
        interrupted_counts(counts, 10)
