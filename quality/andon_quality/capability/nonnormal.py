"""Capability without the normal: by percentiles of the sample, or by the best-fitting distribution.

Both put the central 99.73 % of the distribution in place of 6 sigma, and its median in place of the mean. Assumes a
stable, independent process. Source: J. A. Clements, Process capability calculations for non-normal distributions,
Quality Progress 22 (1989) 95-100; ISO 22514-2 (2017); R. J. Hyndman and Y. Fan, Sample quantiles in statistical
packages, The American Statistician 50 (1996) 361-365, for the quantile types.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.capability.distribution import FAMILIES, Family, fit, log_likelihood, quantile, survival
from andon_quality.capability.indices import Estimate, Specification
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange

# What a normal distribution has below mean - 3 sigma and above mean + 3 sigma.
_LOW, _HIGH = 0.0013498980316301, 0.9986501019683699
_TYPES = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
)


@dataclass(frozen=True)
class NonNormal:
    """Pp and Ppk of one sample; None where the specification does not define it.

    low, median, high: the 0.135 %, 50 % and 99.865 % points. method: "percentile, type 8" or "fit, gamma".
    is_extrapolated: the sample is too small to hold a 0.135 % point (n < 741), so its extremes stand in for it and the
    indices are too good; prefer `by_fit`. ppm_below, ppm_above: expected (fit) or counted (percentile).
    """

    pp: Estimate | None
    ppl: Estimate | None
    ppu: Estimate | None
    ppk: Estimate
    low: float
    median: float
    high: float
    ppm_below: float
    ppm_above: float
    method: str
    is_extrapolated: bool


def by_percentiles(
    values: ArrayLike,
    specification: Specification,
    quantile_type: int = 8,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int | np.random.Generator = 0,
) -> NonNormal:
    """Pp = (U - L) / (q.99865 - q.00135), Ppl = (q.5 - L) / (q.5 - q.00135), Ppu = (U - q.5) / (q.99865 - q.5).

    values: shape (n,). quantile_type: 1 to 9 of Hyndman and Fan; 8 is median-unbiased, 6 what Minitab and 7 what numpy
    and R take. Intervals by percentile bootstrap, the same for the same seed; they are too short where
    `is_extrapolated`. Cost: O(resamples n). Raises TooFew for n < 2, NoSpread when the percentiles coincide,
    OutOfRange for a type outside 1..9, NotFinite, Inconsistent for more than one axis.

    >>> found = by_percentiles(np.arange(1.0, 2001.0), Specification(-500.0, 2500.0))
    >>> round(float(found.pp.value), 3), found.method, found.is_extrapolated
    (1.504, 'percentile, type 8', False)
    """
    x = _sample(values)
    if not 1 <= quantile_type <= 9:
        raise OutOfRange(f"quantile types run from 1 to 9, got {quantile_type}")
    name = _TYPES[quantile_type - 1]

    def points_of(rows: FloatArray) -> FloatArray:
        return np.asarray(np.quantile(rows, (_LOW, 0.5, _HIGH), axis=-1, method=name))  # type: ignore[call-overload]

    below = 0.0 if specification.lower is None else 1e6 * float(np.mean(x < specification.lower))
    above = 0.0 if specification.upper is None else 1e6 * float(np.mean(x > specification.upper))
    indices, middle = _bootstrapped(x, points_of, specification, confidence, resamples, seed)
    label = f"percentile, type {quantile_type}"
    return NonNormal(*indices, *middle, below, above, label, is_extrapolated=x.size < math.ceil(1 / _LOW))


def by_fit(
    values: ArrayLike,
    specification: Specification,
    families: Sequence[Family] = FAMILIES,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int | np.random.Generator = 0,
) -> NonNormal:
    """The same indices from the quantiles of the family with the smallest AIC, fitted by maximum likelihood.

    values: shape (n,); positive families are tried only when every value is above 0. Intervals by bootstrap of the
    chosen family, the same for the same seed; they do not count the choice. Look at the fit before trusting tails far
    beyond the data. Cost: O(resamples n). Raises TooFew for n < 2, NoSpread for equal values, OutOfRange when no
    family fits the sign of the values, NotFinite, Inconsistent for more than one axis.

    >>> x = np.random.default_rng(1).lognormal(0.0, 0.5, size=200)
    >>> by_fit(x, Specification(upper=6.0), resamples=50).method
    'fit, lognormal'
    """
    x = _sample(values)
    tried = [family for family in families if family == "normal" or (x > 0).all()]
    if not tried:
        raise OutOfRange("no family given is defined for values at or below 0")
    fits = [fit(family, x) for family in tried]
    best = min(fits, key=lambda found: 2 * found.parameters - 2 * float(log_likelihood(found, x)))

    def points_of(rows: FloatArray) -> FloatArray:
        found = fit(best.family, rows)
        return np.stack([quantile(found, p) for p in (_LOW, 0.5, _HIGH)])

    lower, upper = specification.lower, specification.upper
    below = 0.0 if lower is None else 1e6 * (1 - float(survival(best, lower)))
    above = 0.0 if upper is None else 1e6 * float(survival(best, upper))
    indices, middle = _bootstrapped(x, points_of, specification, confidence, resamples, seed)
    return NonNormal(*indices, *middle, below, above, f"fit, {best.family}", is_extrapolated=False)


Indices = tuple[Estimate | None, Estimate | None, Estimate | None, Estimate]


def _bootstrapped(
    x: FloatArray,
    points_of: Callable[[FloatArray], FloatArray],
    specification: Specification,
    confidence: float,
    resamples: int,
    seed: int | np.random.Generator,
) -> tuple[Indices, tuple[float, float, float]]:
    if not (0 < confidence < 1 and resamples >= 1):
        raise OutOfRange("confidence must lie between 0 and 1, resamples be at least 1")
    here = points_of(x)
    if not here[0] < here[1] < here[2]:
        raise NoSpread("the percentiles of the values coincide")
    drawn = np.random.default_rng(seed).choice(x, size=(resamples, x.size))
    drawn = drawn[np.ptp(drawn, axis=-1) > 0]
    value, spread = _indices(here, specification), _indices(points_of(drawn), specification)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    estimates = [
        None if v is None or s is None else Estimate(v, *(np.asarray(np.nanquantile(s, t)) for t in tails))
        for v, s in zip(value, spread, strict=True)
    ]
    ppk = estimates[3]
    assert ppk is not None  # a specification has at least one limit
    return (estimates[0], estimates[1], estimates[2], ppk), (float(here[0]), float(here[1]), float(here[2]))


def _indices(q: FloatArray, specification: Specification) -> list[FloatArray | None]:
    low, middle, high = q
    lower, upper = specification.lower, specification.upper
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample may have a percentile on its median
        ppl = None if lower is None else np.asarray((middle - lower) / (middle - low))
        ppu = None if upper is None else np.asarray((upper - middle) / (high - middle))
        pp = None if lower is None or upper is None else np.asarray((upper - lower) / (high - low))
    known = [side for side in (ppl, ppu) if side is not None]
    return [pp, ppl, ppu, np.asarray(np.minimum(known[0], known[-1]))]


def _sample(values: ArrayLike) -> FloatArray:
    x = finite(values, at_least=2)
    if x.ndim != 1:
        raise Inconsistent(f"needs one sample of shape (n,), got {x.shape}")
    if np.ptp(x) == 0:
        raise NoSpread("every value is equal")
    return x
