"""Capability without the normal: by percentiles of the sample, or by the best-fitting distribution.

Both put the central 99.73 % of the distribution in place of 6 sigma, and its median in place of the mean. Assumes a
stable, independent process. Source: J. A. Clements, Process capability calculations for non-normal distributions,
Quality Progress 22 (1989) 95-100; ISO 22514-2 (2017); R. J. Hyndman and Y. Fan, Sample quantiles in statistical
packages, The American Statistician 50 (1996) 361-365, for the quantile types.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray, PerSeries, blocks, by_series, plain, refuse
from andon_quality.capability.distribution import FAMILIES, Family, fit, log_likelihood, quantile, survival
from andon_quality.capability.indices import Estimate, Specification
from andon_quality.errors import NoSpread, OutOfRange
from andon_quality.result import Result

# What a normal distribution has below mean - 3 sigma, below its mean, and below mean + 3 sigma.
_SHARES = (0.0013498980316301, 0.5, 0.9986501019683699)
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
class NonNormal(Result):
    """Pp and Ppk of one sample, or of many in arrays of shape (series,); None where the specification lacks a limit.

    low, median, high: the 0.135 %, 50 % and 99.865 % points. method: "percentile, type 8" or "fit, gamma".
    is_extrapolated: the sample is too small to hold a 0.135 % point (n < 741), so its extremes take its place and the
    indices are too good; prefer `by_fit`. ppm_below, ppm_above: expected (fit) or counted (percentile).
    """

    pp: Estimate | None
    ppl: Estimate | None
    ppu: Estimate | None
    ppk: Estimate
    low: PerSeries
    median: PerSeries
    high: PerSeries
    ppm_below: PerSeries
    ppm_above: PerSeries
    method: PerSeries
    is_extrapolated: bool


@checked
def by_percentiles(
    values: ArrayLike,
    specification: Specification,
    quantile_type: int = 8,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int | np.random.Generator = 0,
) -> NonNormal:
    """Pp = (U - L) / (q.99865 - q.00135), Ppl = (q.5 - L) / (q.5 - q.00135), Ppu = (U - q.5) / (q.99865 - q.5).

    values: shape (n,), or (series, n) for many at once. quantile_type: 1 to 9 of Hyndman and Fan; 8 is median-unbiased,
    6 what Minitab and 7 what numpy and R take. Intervals by percentile bootstrap, the same for the same seed, and the
    same resamples for every series; they are too short where `is_extrapolated`. The order of the values does not
    matter. Cost: O(n log n + resamples) a series, O(resamples n log n) once. Raises TooFew for n < 2, NoSpread when the
    percentiles coincide, OutOfRange for a type outside 1..9, NotFinite, Inconsistent for more than two axes.

    >>> found = by_percentiles(np.arange(1.0, 2001.0), Specification(-500.0, 2500.0))
    >>> round(float(found.pp.value), 3), found.method, found.is_extrapolated
    (1.504, 'percentile, type 8', False)
    """
    x = np.sort(_varied(values), axis=-1)
    if not 1 <= quantile_type <= 9:
        raise OutOfRange(f"quantile types run from 1 to 9, got {quantile_type}")
    n = x.shape[-1]
    name = _TYPES[quantile_type - 1]
    places = np.quantile(np.arange(n), _SHARES, method=name)  # type: ignore[call-overload]
    # A resample of sorted values is sorted when its indices are: only the order statistics that count are looked up.
    drawn = np.sort(_drawn(n, confidence, resamples, seed), axis=-1)
    flat = x.reshape(-1, n)
    spread = np.stack([_at(flat[:, drawn[:, low : low + 2]], place - low) for low, place in _split(places, n)])
    spread[:, flat[:, drawn[:, 0]] == flat[:, drawn[:, -1]]] = np.nan
    points = np.stack([_at(x[..., low : low + 2], place - low) for low, place in _split(places, n)])
    below, above = _shares_beyond(x, specification)
    label = plain(np.full(x.shape[:-1], f"percentile, type {quantile_type}", dtype=object))
    is_extrapolated = n < math.ceil(1 / _SHARES[0])
    return _judged(points, spread, specification, confidence, (below, above), label, is_extrapolated=is_extrapolated)


@checked
def by_fit(
    values: ArrayLike,
    specification: Specification,
    families: Sequence[Family] = FAMILIES,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int | np.random.Generator = 0,
) -> NonNormal:
    """The same indices from the quantiles of the family with the smallest AIC, fitted by maximum likelihood.

    values: shape (n,), or (series, n) for many at once, each with a family of its own; positive families are tried only
    when every value of a series is above 0. Intervals by bootstrap of the chosen family, the same for the same seed,
    and the same resamples for every series; they do not count the choice. Look at the fit before trusting tails far
    beyond the data; prefer `by_percentiles` from some thousand values on. Cost: O(resamples n) a series.
    Raises TooFew for n < 2, NoSpread for equal values, OutOfRange when no family fits the sign of the values,
    NotFinite, Inconsistent for more than two axes.

    >>> x = np.random.default_rng(1).lognormal(0.0, 0.5, size=200)
    >>> by_fit(x, Specification(upper=6.0), resamples=50).method
    'fit, lognormal'
    """
    x = _varied(values)
    flat = x.reshape(-1, x.shape[-1])
    drawn = _drawn(x.shape[-1], confidence, resamples, seed)
    chosen = _best_families(flat, families)
    refuse((chosen < 0).reshape(x.shape[:-1]), OutOfRange, "no family given is defined for values at or below 0")
    points, beyond = np.empty((3, len(flat))), np.zeros((2, len(flat)))
    spread = np.empty((3, len(flat), resamples))
    for place in np.unique(chosen).tolist():
        which = np.flatnonzero(chosen == place)
        family = families[place]
        points[:, which], beyond[:, which] = _fitted(family, flat[which], specification)
        for part in blocks(which.size, drawn.size):
            spread[:, which[part]] = _refitted(family, flat[which[part]], drawn)
    label = plain(np.array([f"fit, {families[place]}" for place in chosen], dtype=object).reshape(x.shape[:-1]))
    shaped, outside = points.reshape(3, *x.shape[:-1]), beyond.reshape(2, *x.shape[:-1])
    return _judged(shaped, spread, specification, confidence, (outside[0], outside[1]), label, is_extrapolated=False)


def _varied(values: ArrayLike) -> FloatArray:
    x = by_series(values, at_least=2)
    refuse(np.ptp(x, axis=-1) == 0, NoSpread, "every value is equal")
    return x


def _drawn(n: int, confidence: float, resamples: int, seed: int | np.random.Generator) -> IntArray:
    """Which values each resample takes, shape (resamples, n)."""
    if not (0 < confidence < 1 and resamples >= 1):
        raise OutOfRange("confidence must lie between 0 and 1, resamples be at least 1")
    return np.random.default_rng(seed).integers(0, n, size=(resamples, n))


def _split(places: FloatArray, n: int) -> list[tuple[int, float]]:
    """Each place between order statistics, after the lower of the two that it lies between."""
    return [(min(int(place), n - 2), float(place)) for place in places]


def _at(pair: FloatArray, share: float) -> FloatArray:
    """Between two neighbouring order statistics, shape (..., 2)."""
    return np.asarray(pair[..., 0] + share * (pair[..., 1] - pair[..., 0]))


def _shares_beyond(x: FloatArray, specification: Specification) -> tuple[FloatArray, FloatArray]:
    lower, upper, none = specification.lower, specification.upper, np.zeros(x.shape[:-1])
    below = none if lower is None else 1e6 * (x < lower).mean(axis=-1)
    above = none if upper is None else 1e6 * (x > upper).mean(axis=-1)
    return below, above


def _best_families(rows: FloatArray, families: Sequence[Family]) -> IntArray:
    """The place in `families` of the one with the smallest AIC for each row; -1 where none is defined."""
    positive = (rows > 0).all(axis=-1)
    scores = np.full((len(families), len(rows)), np.inf)
    for place, family in enumerate(families):
        which = np.flatnonzero(positive | (family == "normal"))
        if which.size:
            found = fit(family, rows[which])
            scores[place, which] = 2 * found.parameters - 2 * log_likelihood(found, rows[which])
    return np.where(np.isinf(scores).all(axis=0), -1, np.argmin(scores, axis=0))


def _fitted(family: Family, rows: FloatArray, specification: Specification) -> tuple[FloatArray, FloatArray]:
    """The three points of each row, and the parts per million below and above the limits."""
    found = fit(family, rows)
    lower, upper, none = specification.lower, specification.upper, np.zeros(len(rows))
    below = none if lower is None else 1e6 * (1 - survival(found, lower))
    above = none if upper is None else 1e6 * survival(found, upper)
    return np.stack([quantile(found, share) for share in _SHARES]), np.stack([below, above])


def _refitted(family: Family, rows: FloatArray, drawn: IntArray) -> FloatArray:
    """The three points of every resample, shape (3, rows, resamples); NaN for resamples of equal values."""
    taken = np.take(rows, drawn, axis=-1)
    equal = np.ptp(taken, axis=-1) == 0
    taken = np.where(equal[..., None], rows[:, None, :], taken)
    found = fit(family, taken)
    return np.stack([np.where(equal, np.nan, quantile(found, share)) for share in _SHARES])


def _judged(
    points: FloatArray,
    spread: FloatArray,
    specification: Specification,
    confidence: float,
    beyond: tuple[FloatArray, FloatArray],
    method: PerSeries,
    *,
    is_extrapolated: bool,
) -> NonNormal:
    """Points of shape (3, ...) and those of their resamples, (3, series, resamples), as indices with intervals."""
    refuse(~((points[0] < points[1]) & (points[1] < points[2])), NoSpread, "the percentiles of the values coincide")
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    shape = points.shape[1:]

    def estimate(value: FloatArray | None, resampled: FloatArray | None) -> Estimate | None:
        if value is None or resampled is None:
            return None
        with np.errstate(invalid="ignore"):  # between two infinite ones
            low, high = np.nanquantile(resampled, tails, axis=-1)
        return Estimate(value, low.reshape(shape), high.reshape(shape))

    pairs = zip(_indices(points, specification), _indices(spread, specification), strict=True)
    pp, ppl, ppu, ppk = (estimate(value, resampled) for value, resampled in pairs)
    assert ppk is not None  # a specification has at least one limit
    low, middle, high = (plain(point) for point in points)
    below, above = (plain(share) for share in beyond)
    return NonNormal(pp, ppl, ppu, ppk, low, middle, high, below, above, method, is_extrapolated)


def _indices(q: FloatArray, specification: Specification) -> list[FloatArray | None]:
    low, middle, high = q
    lower, upper = specification.lower, specification.upper
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample may have a percentile on its median
        ppl = None if lower is None else np.asarray((middle - lower) / (middle - low))
        ppu = None if upper is None else np.asarray((upper - middle) / (high - middle))
        pp = None if lower is None or upper is None else np.asarray((upper - lower) / (high - low))
    known = [side for side in (ppl, ppu) if side is not None]
    return [pp, ppl, ppu, np.asarray(np.minimum(known[0], known[-1]))]
