"""Is there a monotone trend, whatever its shape: the Mann-Kendall test and its relatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.autocorrelation import lag1
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.trend.theil_sen import median_slope


class Correction(Enum):
    """What is done about autocorrelation."""

    NONE = "none"
    HAMED_RAO = "hamed-rao"
    FIRST_ORDER = "first order"


@dataclass(frozen=True)
class MonotoneTrend:
    """statistic: concordant less discordant pairs; tau: over all pairs; z, p_value: two-sided normal, with continuity.

    inflation: the variance over that of independent points.
    """

    statistic: float
    tau: float
    variance: float
    z: float
    p_value: float
    inflation: float


def mann_kendall(
    values: ArrayLike, correction: Correction = Correction.FIRST_ORDER, alpha: float = 0.05
) -> MonotoneTrend:
    """The Mann-Kendall test for a monotone trend, its variance corrected for autocorrelation.

    S = sum over i < j of sign(y_j - y_i); Var S = (n(n-1)(2n+5) - sum t(t-1)(2t+5)) / 18 over tied groups of size t;
    z = (S - sign S) / sqrt(Var S). Dependence multiplies Var S by
    1 + 2 / (n(n-1)(n-2)) sum_k (n-k)(n-k-1)(n-k-2) r_k, r_k the autocorrelations of the ranks of the series less its
    Theil-Sen line: FIRST_ORDER takes r_k = r_1^k, r_1 corrected for bias; HAMED_RAO the measured r_k that are
    significant at `alpha`, which is the usual form but corrects too little when dependence is strong.
    The factor is never below 1 here, so that no trend is made by negative dependence.

    values: shape (n,), n >= 4, equally spaced, in time order. Assumes nothing of the distribution; for a season use
    `seasonal_mann_kendall`. O(n^2). Raises TooFew, NotFinite, NoSpread.
    Source: Kendall, Rank Correlation Methods (1975); Hamed and Rao, Journal of Hydrology 204 (1998) 182.

    >>> trend = mann_kendall([1.0, 2.0, 4.0, 3.0, 5.0, 6.0], Correction.NONE)
    >>> trend.statistic, round(trend.tau, 4), round(trend.p_value, 4)
    (13.0, 0.8667, 0.0242)
    """
    series = finite(values, 4)
    if series.ndim != 1:
        raise OutOfRange("needs a one-dimensional series")
    score, variance = _score(series), _variance(series)
    if variance <= 0:
        raise NoSpread("every value is equal")
    inflation = max(_inflation(series, correction, alpha), 1.0)
    return _trend(score, variance * inflation, series.size * (series.size - 1) / 2, inflation)


def seasonal_mann_kendall(values: ArrayLike, season: int) -> MonotoneTrend:
    """The same within each phase of a season, summed over the phases: a trend that the season can not feign.

    S = sum of the phases' S, Var S = sum of their variances. values: shape (n,), at least two points in each phase.
    Assumes phases independent of each other. O(n^2 / season). Raises TooFew, NotFinite, OutOfRange, NoSpread.
    Source: Hirsch, Slack and Smith, Water Resources Research 18 (1982) 107.

    >>> seasonal_mann_kendall([1.0, 9.0, 2.0, 10.0, 3.0, 11.0], 2).statistic
    6.0
    """
    series = finite(values)
    if series.ndim != 1 or season < 2:
        raise OutOfRange("needs a one-dimensional series and a season of at least two phases")
    if series.size < 2 * season:
        raise TooFew("needs at least two points in each phase")
    phases = [series[phase::season] for phase in range(season)]
    variance = sum(_variance(phase) for phase in phases)
    if variance <= 0:
        raise NoSpread("every value is equal within its phase")
    pairs = sum(phase.size * (phase.size - 1) / 2 for phase in phases)
    return _trend(sum(_score(phase) for phase in phases), variance, pairs, 1.0)


def _score(series: FloatArray) -> float:
    return float(sum(np.sign(series[i + 1 :] - series[i]).sum() for i in range(series.size - 1)))


def _variance(series: FloatArray) -> float:
    n = series.size
    ties = np.unique(series, return_counts=True)[1].astype(np.float64)
    return (n * (n - 1) * (2 * n + 5) - float(np.sum(ties * (ties - 1) * (2 * ties + 5)))) / 18


def _inflation(series: FloatArray, correction: Correction, alpha: float) -> float:
    match correction:
        case Correction.NONE:
            return 1.0
        case Correction.HAMED_RAO:
            ranks = _detrended_ranks(series)
            return _from_correlations(_significant(ranks, alpha), series.size)
        case Correction.FIRST_ORDER:
            lags = np.arange(1, series.size, dtype=np.float64)
            return _from_correlations(lag1([_detrended_ranks(series)]) ** lags, series.size)
        case _:
            assert_never(correction)


def _detrended_ranks(series: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    ranks: FloatArray = rankdata(series - median_slope(series) * np.arange(1, series.size + 1)).astype(np.float64)
    return ranks


def _significant(ranks: FloatArray, alpha: float) -> FloatArray:
    from scipy.special import ndtri

    centred = ranks - ranks.mean()
    squares = float(centred @ centred)
    if squares == 0:
        return np.zeros(ranks.size - 1)
    correlations = np.array([float(centred[k:] @ centred[:-k]) for k in range(1, ranks.size)]) / squares
    correlations[np.abs(correlations) <= float(ndtri(1 - alpha / 2)) / math.sqrt(ranks.size)] = 0.0
    return correlations


def _from_correlations(correlations: FloatArray, n: int) -> float:
    lags = np.arange(1, n)
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * float(weights @ correlations)


def _trend(score: float, variance: float, pairs: float, inflation: float) -> MonotoneTrend:
    from scipy.special import ndtr

    z = (score - math.copysign(1.0, score)) / math.sqrt(variance) if score else 0.0
    return MonotoneTrend(score, score / pairs, variance, z, float(2 * ndtr(-abs(z))), inflation)
