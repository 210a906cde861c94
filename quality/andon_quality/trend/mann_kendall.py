"""Is there a monotone trend, whatever its shape: the Mann-Kendall test and its relatives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, plain, refuse
from andon_quality.effect.autocorrelation import lag1
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.inference.ties import midranks, tie_sizes
from andon_quality.result import Result
from andon_quality.trend.theil_sen import median_slope


class Correction(Enum):
    """What is done about autocorrelation."""

    NONE = "none"
    HAMED_RAO = "hamed-rao"
    FIRST_ORDER = "first order"


@dataclass(frozen=True)
class MonotoneTrend(Result):
    """statistic: concordant less discordant pairs; tau: over all pairs; z, p_value: two-sided normal, with continuity.

    inflation: the variance over that of independent points. Numbers, or arrays of shape (series,) for many series.
    """

    statistic: PerSeries
    tau: PerSeries
    variance: PerSeries
    z: PerSeries
    p_value: PerSeries
    inflation: PerSeries


@checked
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

    values: shape (n,), n >= 4, equally spaced, in time order; or (series, n) for many at once. Assumes nothing of the
    distribution; for a season prefer `seasonal_mann_kendall`, for how steep `theil_sen`. O(n^2) a series.
    Raises TooFew, NotFinite, Inconsistent, NoSpread.
    Source: Kendall, Rank Correlation Methods (1975); Hamed and Rao, Journal of Hydrology 204 (1998) 182.

    >>> trend = mann_kendall([1.0, 2.0, 4.0, 3.0, 5.0, 6.0], Correction.NONE)
    >>> trend.statistic, round(trend.tau, 4), round(trend.p_value, 4)
    (13.0, 0.8667, 0.0242)
    >>> mann_kendall([[1.0, 2.0, 4.0, 3.0, 5.0], [3.0, 2.0, 1.0, 0.0, 0.0]], Correction.NONE).statistic.tolist()
    [8.0, -9.0]
    """
    series = by_series(values, 4)
    n, variance = series.shape[-1], _variance(series)
    refuse(variance <= 0, NoSpread, "every value is equal")
    inflation = np.maximum(_inflation(series, correction, alpha), 1.0)
    return _trend(_score(series), variance * inflation, n * (n - 1) / 2, inflation)


@checked
def seasonal_mann_kendall(values: ArrayLike, season: int) -> MonotoneTrend:
    """The same within each phase of a season, summed over the phases: a trend that the season can not feign.

    S = sum of the phases' S, Var S = sum of their variances. values: shape (n,) or (series, n), at least two points in
    each phase. Assumes phases independent of each other; without a season prefer `mann_kendall`. O(n^2 / season) a
    series. Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread.
    Source: Hirsch, Slack and Smith, Water Resources Research 18 (1982) 107.

    >>> seasonal_mann_kendall([1.0, 9.0, 2.0, 10.0, 3.0, 11.0], 2).statistic
    6.0
    """
    series = by_series(values)
    if season < 2:
        raise OutOfRange("needs a season of at least two phases")
    if series.shape[-1] < 2 * season:
        raise TooFew("needs at least two points in each phase")
    phases = [np.ascontiguousarray(series[..., phase::season]) for phase in range(season)]
    variance = np.asarray(sum(_variance(phase) for phase in phases))
    refuse(variance <= 0, NoSpread, "every value is equal within its phase")
    pairs = sum(phase.shape[-1] * (phase.shape[-1] - 1) / 2 for phase in phases)
    score = np.asarray(sum(_score(phase) for phase in phases))
    return _trend(score, variance, pairs, np.ones(score.shape))


def _score(series: FloatArray) -> FloatArray:
    n, flat = series.shape[-1], series.reshape(-1, series.shape[-1])
    score = np.zeros(len(flat))
    for part in blocks(len(flat), n):
        some = flat[part]
        for lag in range(1, n):
            later, earlier = some[:, lag:], some[:, :-lag]
            score[part] += np.count_nonzero(later > earlier, axis=-1) - np.count_nonzero(later < earlier, axis=-1)
    return score.reshape(series.shape[:-1])


def _variance(series: FloatArray) -> FloatArray:
    n, ties = series.shape[-1], tie_sizes(series)
    return np.asarray((n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum(axis=-1)) / 18)


def _inflation(series: FloatArray, correction: Correction, alpha: float) -> FloatArray:
    match correction:
        case Correction.NONE:
            return np.ones(series.shape[:-1])
        case Correction.HAMED_RAO:
            return _from_correlations(_significant(_detrended_ranks(series), alpha))
        case Correction.FIRST_ORDER:
            lags = np.arange(1, series.shape[-1], dtype=np.float64)
            first = np.asarray(lag1([_detrended_ranks(series)]))
            return _from_correlations(np.power(first[..., None], lags))
        case _:
            assert_never(correction)


def _detrended_ranks(series: FloatArray) -> FloatArray:
    slope = np.asarray(median_slope(series))[..., None]
    return midranks(series - slope * np.arange(1, series.shape[-1] + 1))


def _significant(ranks: FloatArray, alpha: float) -> FloatArray:
    from scipy.special import ndtri

    n = ranks.shape[-1]
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    squares = (centred * centred).sum(axis=-1)
    lagged = [(centred[..., k:] * centred[..., :-k]).sum(axis=-1) for k in range(1, n)]
    correlations = np.stack(lagged, axis=-1) / np.where(squares > 0, squares, 1.0)[..., None]
    return np.where(np.abs(correlations) <= float(ndtri(1 - alpha / 2)) / np.sqrt(n), 0.0, correlations)


def _from_correlations(correlations: FloatArray) -> FloatArray:
    n = correlations.shape[-1] + 1
    lags = np.arange(1, n)
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return np.asarray(1 + 2 / (n * (n - 1) * (n - 2)) * (weights * correlations).sum(axis=-1))


def _trend(score: FloatArray, variance: FloatArray, pairs: float, inflation: FloatArray) -> MonotoneTrend:
    from scipy.special import ndtr

    z = (score - np.sign(score)) / np.sqrt(variance)
    p = 2 * ndtr(-np.abs(z))
    return MonotoneTrend(plain(score), plain(score / pairs), plain(variance), plain(z), plain(p), plain(inflation))
