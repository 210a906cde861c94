"""Hotelling's T2 has its distribution in both phases, and says which measure broke the pattern."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.control import hotelling
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from scipy import stats


def test_t2_is_the_squared_mahalanobis_distance() -> None:
    x = np.random.default_rng(1).normal(size=(40, 3))
    frozen = hotelling.baseline(x)
    inverse = np.linalg.inv(np.cov(x.T))
    oracle = [(row - x.mean(axis=0)) @ inverse @ (row - x.mean(axis=0)) for row in x]
    assert hotelling.chart(frozen, x).statistic == pytest.approx(oracle)


def test_limits_of_individuals_are_those_of_tracy_young_and_mason() -> None:
    m, p, alpha = 30, 3, 2 * stats.norm.sf(3)
    frozen = hotelling.baseline(np.random.default_rng(1).normal(size=(m, p)))
    beta = (m - 1) ** 2 / m * stats.beta.ppf(1 - alpha, p / 2, (m - p - 1) / 2)
    f = p * (m + 1) * (m - 1) / (m * (m - p)) * stats.f.ppf(1 - alpha, p, m - p)
    assert hotelling.chart(frozen, np.zeros((1, p)), phase="I").upper[0] == pytest.approx(beta)
    assert hotelling.chart(frozen, np.zeros((1, p)), phase="II").upper[0] == pytest.approx(f)


@pytest.mark.parametrize("phase", ["I", "II"])
def test_false_alarms_come_at_the_promised_rate(phase: hotelling.Phase) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 25, 2)) @ rng.normal(size=(2, 2))
    later = x if phase == "I" else rng.normal(size=(3000, 25, 2)) @ np.linalg.cholesky(np.cov(x.reshape(-1, 2).T)).T
    width = hotelling.width_for(0.02)
    share = hotelling.chart(hotelling.baseline(x), later, width=width, phase=phase).beyond.mean()
    assert share == pytest.approx(0.02, abs=0.003)


def test_successive_differences_see_past_a_shift_within_the_baseline() -> None:
    x = np.random.default_rng(2).normal(size=(60, 2))
    x[30:] += 3.0
    sample, successive = hotelling.baseline(x), hotelling.baseline(x, "successive")
    assert np.linalg.det(successive.covariance) < np.linalg.det(sample.covariance) / 2


def test_subgroups_of_varying_size_with_missing_vectors() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(500, 20, 6, 2))
    x[rng.random(x.shape[:-1]) < 0.3] = np.nan
    frozen = hotelling.baseline_of_subgroups(x)
    means, sizes = hotelling.subgroup_means(x)
    chart = hotelling.chart(frozen, means, sizes, width=hotelling.width_for(0.02), phase="I")
    assert chart.beyond.sum() / (sizes > 0).sum() == pytest.approx(0.02, abs=0.004)
    assert np.mean(frozen.covariance[:, 0, 0]) == pytest.approx(1.0, abs=0.03)


def test_the_measure_that_moved_contributes_most() -> None:
    rng = np.random.default_rng(9)
    x = rng.multivariate_normal(np.zeros(3), np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]), size=200)
    parts = hotelling.contributions(hotelling.baseline(x), [[0.0, 0.0, 5.0]])
    assert int(np.argmax(parts[0])) == 2


def test_a_contribution_is_what_t2_loses_without_the_measure() -> None:
    x = np.random.default_rng(9).normal(size=(50, 3))
    whole = hotelling.chart(hotelling.baseline(x), x).statistic
    without = hotelling.chart(hotelling.baseline(x[:, [0, 2]]), x[:, [0, 2]]).statistic
    assert hotelling.contributions(hotelling.baseline(x), x)[:, 1] == pytest.approx(whole - without)


def test_measures_that_cannot_be_judged_are_refused() -> None:
    x = np.random.default_rng(9).normal(size=(30, 2))
    with pytest.raises(NoSpread):
        hotelling.baseline(np.column_stack((x, x[:, 0] + x[:, 1])))
    with pytest.raises(NoSpread):
        hotelling.baseline(np.column_stack((x, np.ones(30))))
    with pytest.raises(TooFew):
        hotelling.baseline(x[:2])
    with pytest.raises(Inconsistent):
        hotelling.chart(hotelling.baseline(x), np.zeros((1, 3)))
    with pytest.raises(OutOfRange):
        hotelling.width_for(0.0)
