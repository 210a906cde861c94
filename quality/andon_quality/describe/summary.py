"""A sample in a dozen numbers, with intervals for its mean and its median."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import TooFew
from andon_quality.inference.interval import Interval, tail
from andon_quality.result import Result


@dataclass(frozen=True)
class Summary(Result):
    """All in the unit of the values, except n and the two shapes; sd with n - 1, quartiles of type 7."""

    n: int
    mean: float
    mean_interval: Interval
    sd: float
    minimum: float
    quartile_low: float
    median: float
    median_interval: Interval
    quartile_high: float
    maximum: float
    deviation_median: float
    skewness: float
    kurtosis_excess: float


def summary(values: ArrayLike, confidence: float = 0.95) -> Summary:
    """Location, spread and shape of one sample.

    mean +- t(n - 1) sd / sqrt(n); the median's interval is between the order statistics that cover at least the
    confidence, whatever the distribution (its `confidence` is the one attained; the whole range when n is too small).
    deviation_median is the median of |x - median|, not scaled. skewness g1 and kurtosis g2 are the moment ratios
    (0 for a normal; 0 where there is no spread). values: n >= 2, any shape, independent. Sorted first, so the
    order of the values does not matter, to the last bit. Cost O(n log n); scipy is imported on use.
    Prefer `Moments` and `QuantileSketch` for streams. Raises TooFew, NotFinite, OutOfRange.
    Source: Conover, 1999, Practical Nonparametric Statistics, section 3.2 (median); Hyndman and Fan, 1996 (type 7).

    >>> result = summary([2.0, 4.0, 6.0, 8.0])
    >>> result.mean, round(result.sd, 4), result.median, result.median_interval.confidence
    (5.0, 2.582, 5.0, 0.875)
    """
    from scipy.special import stdtrit

    x = np.sort(finite(values, at_least=2).ravel())
    mean, sd = float(x.mean()), float(x.std(ddof=1))
    half = float(stdtrit(len(x) - 1, 1.0 - tail(confidence))) * sd / math.sqrt(len(x))
    low, median, high = (float(value) for value in np.quantile(x, [0.25, 0.5, 0.75]))
    skewness, kurtosis = shape(x)
    return Summary(
        n=len(x),
        mean=mean,
        mean_interval=Interval(mean - half, mean + half, confidence),
        sd=sd,
        minimum=float(x[0]),
        quartile_low=low,
        median=median,
        median_interval=median_interval(x, confidence),
        quartile_high=high,
        maximum=float(x[-1]),
        deviation_median=float(np.median(np.abs(x - median))),
        skewness=skewness,
        kurtosis_excess=kurtosis,
    )


def shape(values: FloatArray) -> tuple[float, float]:
    """Skewness m3 / m2^1.5 and excess kurtosis m4 / m2^2 - 3 from central moments; (0, 0) without spread.

    >>> shape(np.array([1.0, 2.0, 3.0]))[0]
    0.0
    """
    centred = values - values.mean()
    if values.min() == values.max() or not centred.any():
        return 0.0, 0.0
    # A power of two changes no digit, and keeps the fourth power of any number from vanishing or overflowing.
    centred = np.ldexp(centred, -int(np.frexp(np.abs(centred).max())[1]))
    second = float((centred**2).mean())
    return float((centred**3).mean()) / second**1.5, float((centred**4).mean()) / second**2 - 3.0


def median_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Between two order statistics, free of the distribution; `confidence` of the answer is the one attained.

    x_(k) .. x_(n+1-k) with the largest k such that 1 - 2 P(Binomial(n, 1/2) < k) >= confidence; k = 1 when none is.
    values: n >= 2, independent. Prefer `one_mean` where the mean itself matters and tails are light. Cost O(n log n).
    Raises TooFew, NotFinite, OutOfRange. Source: Conover, 1999, Practical Nonparametric Statistics, section 3.2.

    >>> interval = median_interval(range(1, 11))
    >>> interval.lower, interval.upper, round(interval.confidence, 4)
    (2.0, 9.0, 0.9785)
    """
    from scipy.special import bdtr

    x = np.sort(finite(values, at_least=2).ravel())
    below = bdtr(np.arange(len(x) // 2), len(x), 0.5)
    k = max(int((below <= tail(confidence)).sum()), 1)
    return Interval(float(x[k - 1]), float(x[len(x) - k]), 1.0 - 2.0 * float(below[k - 1]))


def quantiles(values: ArrayLike, q: ArrayLike) -> FloatArray:
    """Sample quantiles of type 7 (linear between order statistics): the exact batch answer.

    values: n >= 1, any shape, all of it one sample; q: any shape, in 0..1, and so is the answer. Prefer
    `QuantileSketch` for streams and for what does not fit in memory. Cost O(n). Raises TooFew, NotFinite.
    Source: Hyndman and Fan, 1996, The American Statistician 50:361.

    >>> quantiles([1.0, 2.0, 4.0], [0.5, 0.75]).tolist()
    [2.0, 3.0]
    """
    sample = finite(values)
    if sample.size < 1:
        raise TooFew("the quantile of nothing")
    return np.asarray(np.quantile(sample, finite(q)), dtype=np.float64)
