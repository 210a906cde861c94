"""Funnel plot: units of different size against one target, with limits that narrow as units grow.

Assumes that units differ only by chance unless overdispersion is allowed for; ranking units in a table instead mistakes
small ones for the best and the worst. Source: D. J. Spiegelhalter, Funnel plots for comparing institutional
performance, Statistics in Medicine 24 (2005) 1185-1202, with its exact limits and its two forms of overdispersion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import BoolArray, FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange

Overdispersion = Literal["none", "multiplicative", "additive"]
LEVELS = (0.95, 0.998)
# Mean square of a standard normal winsorised by a tenth on either side: what chance alone leaves of phi.
_WINSORISED_SQUARE = 0.6786546


@dataclass(frozen=True)
class Funnel:
    """One point per unit. Arrays have shape (units,), limits (levels, units).

    z is the distance from target in standard errors, overdispersion included. phi is the dispersion around the target,
    winsorised and scaled to be 1 under chance alone, tau the standard deviation between units "additive" allows for.
    """

    estimates: FloatArray
    target: float
    levels: tuple[float, ...]
    lower: FloatArray
    upper: FloatArray
    z: FloatArray
    phi: float
    tau: float

    @property
    def beyond(self) -> BoolArray:
        """True where a unit lies outside the limits of a level; shape (levels, units)."""
        return np.asarray((self.estimates < self.lower) | (self.estimates > self.upper))


def proportions(
    counts: ArrayLike,
    sizes: ArrayLike,
    target: float | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """counts / sizes against `target` (None: their pooled proportion), limits at each two-sided coverage of `levels`.

    Without overdispersion the limits are exact: binomial quantiles interpolated so that they fall smoothly with size.
    "multiplicative" widens normal limits by sqrt(phi), "additive" adds tau^2 to the variance of each unit; both only
    where phi exceeds what chance allows, 1 + 2 sqrt(2 / units). Prefer additive when large units differ too.
    counts, sizes: shape (units,). Raises OutOfRange for counts beyond sizes, a target or level outside (0, 1),
    Inconsistent for shapes that differ, NoSpread when the target is 0 or 1, NotFinite. Cost: O(units levels).

    >>> found = proportions([30, 12], [100, 100], target=0.2)
    >>> found.beyond.tolist()
    [[True, False], [False, False]]
    """
    from scipy.stats import binom

    x, n = _pair(counts, sizes)
    if (x > n).any():
        raise OutOfRange("a count cannot exceed its size")
    p = float(x.sum() / n.sum()) if target is None else float(target)
    if not 0 < p < 1:
        raise NoSpread(f"a target of {p} leaves no room for chance")
    error = np.sqrt(p * (1 - p) / n)

    def exact(q: float) -> FloatArray:
        return _interpolated(q, lambda r: binom.cdf(r, n, p), binom.ppf(q, n, p)) / n

    return _funnel(x / n, p, error, levels, overdispersion, exact, (0.0, 1.0))


def rates(
    counts: ArrayLike,
    sizes: ArrayLike,
    target: float | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """Events per unit of exposure against `target` (None: their pooled rate); Poisson, exact as in `proportions`.

    With expected counts as sizes and target 1 these are standardised ratios (observed / expected), the form to prefer
    when units serve different customers. counts, sizes: shape (units,). Cost: O(units levels). Raises as `proportions`,
    with counts free to exceed sizes.

    >>> rates([30, 18], [20.0, 20.0], target=1.0).beyond.tolist()
    [[True, False], [False, False]]
    """
    from scipy.stats import poisson

    x, n = _pair(counts, sizes)
    u = float(x.sum() / n.sum()) if target is None else float(target)
    if not u > 0:
        raise NoSpread(f"a target of {u} leaves no room for chance")

    def exact(q: float) -> FloatArray:
        return _interpolated(q, lambda r: poisson.cdf(r, n * u), poisson.ppf(q, n * u)) / n

    return _funnel(x / n, u, np.sqrt(u / n), levels, overdispersion, exact, (0.0, np.inf))


def means(
    values: ArrayLike,
    sizes: ArrayLike,
    sigma: float,
    target: float | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """Means of `sizes` values against `target` (None: their weighted mean), normal limits at sigma / sqrt(size).

    values, sizes: shape (units,); sigma: standard deviation of a single value, the same for all units. Prefer
    `proportions` or `rates` for counts, whose limits are exact. Cost: O(units levels). Raises as `proportions`, and
    OutOfRange for sigma <= 0.

    >>> means([11.0, 10.1], [100, 100], sigma=3.0, target=10.0).beyond.tolist()
    [[True, False], [True, False]]
    """
    from scipy.special import ndtri

    x, n = np.broadcast_arrays(finite(values, at_least=1), finite(sizes))
    if (n <= 0).any() or not sigma > 0:
        raise OutOfRange("sizes and sigma must be positive")
    middle = float((n * x).sum() / n.sum()) if target is None else float(target)
    error = sigma / np.sqrt(n)
    return _funnel(
        x, middle, error, levels, overdispersion, lambda q: middle + float(ndtri(q)) * error, (-np.inf, np.inf)
    )


def _funnel(
    estimates: FloatArray,
    target: float,
    error: FloatArray,
    levels: Sequence[float],
    overdispersion: Overdispersion,
    exact: Callable[[float], FloatArray],
    bounds: tuple[float, float],
) -> Funnel:
    from scipy.special import ndtri

    if not levels or not all(0 < level < 1 for level in levels):
        raise OutOfRange(f"levels must lie between 0 and 1, got {tuple(levels)}")
    z = (estimates - target) / error
    phi = float(np.mean(_winsorised(z) ** 2)) / _WINSORISED_SQUARE
    tau = _tau(phi, error)
    is_more = overdispersion != "none" and phi > 1 + 2 * np.sqrt(2 / z.size)
    spread = _widened(error, phi, tau, overdispersion) if is_more else error
    tails = [((1 - level) / 2, (1 + level) / 2) for level in levels]

    def limit(q: float) -> FloatArray:
        return np.clip(target + float(ndtri(q)) * spread if is_more else exact(q), *bounds)

    lower, upper = (np.stack([limit(pair[side]) for pair in tails]) for side in (0, 1))
    return Funnel(estimates, target, tuple(levels), lower, upper, z * error / spread, phi, tau)


def _widened(error: FloatArray, phi: float, tau: float, overdispersion: Overdispersion) -> FloatArray:
    match overdispersion:
        case "multiplicative":
            return np.asarray(error * np.sqrt(phi))
        case "additive":
            return np.asarray(np.sqrt(error**2 + tau**2))
        case "none":
            return error
        case _:
            assert_never(overdispersion)


def _winsorised(z: FloatArray, share: float = 0.1) -> FloatArray:
    """The outer tenth on either side pulled in to the next value, so that true outliers do not hide themselves."""
    low, high = np.quantile(z, (share, 1 - share))
    return np.clip(z, low, high)


def _tau(phi: float, error: FloatArray) -> float:
    """Moment estimate of the standard deviation between units (DerSimonian and Laird) from the winsorised phi."""
    weight, units = error**-2.0, error.size
    room = weight.sum() - (weight**2).sum() / weight.sum()
    return float(np.sqrt(max(0.0, (units * phi - (units - 1)) / room))) if units > 1 else 0.0


def _interpolated(q: float, cdf: Callable[[FloatArray], FloatArray], r: FloatArray) -> FloatArray:
    """The count at which the distribution function reaches q, between r - 1 and r, its smallest whole one."""
    at, before = cdf(r), cdf(r - 1)
    return np.asarray(r - (at - q) / (at - before))


def _pair(counts: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, n = finite(counts, at_least=1), finite(sizes)
    if x.ndim != 1 or x.shape != n.shape:
        raise Inconsistent(f"needs counts and sizes of one shape (units,), got {x.shape} and {n.shape}")
    if (x < 0).any() or (n <= 0).any():
        raise OutOfRange("counts cannot be negative and sizes must be positive")
    return x, n
