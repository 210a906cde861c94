"""Funnel plot: units of different size against one target, with limits that narrow as units grow.

Assumes that units differ only by common-cause variation unless overdispersion is allowed for; ranking units in a table
instead mistakes small ones for the best and the worst. Source: D. J. Spiegelhalter, Funnel plots for comparing
institutional performance, Statistics in Medicine 24 (2005) 1185-1202, with its exact limits and its two forms of
overdispersion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, PerSeries, by_series, finite, plain, refuse, side_by_side
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Overdispersion = Literal["none", "multiplicative", "additive"]
LEVELS = (0.95, 0.998)
# Mean square of a standard normal winsorised by a tenth on either side: phi under common-cause variation alone.
_WINSORISED_SQUARE = 0.6786546


@dataclass(frozen=True)
class Funnel(Result):
    """One point per unit. Arrays have shape (units,), limits (levels, units); of many funnels in one call they are
    (series, units) and (series, levels, units), and target, phi and tau are (series,).

    z is the distance from target in standard errors, overdispersion included. phi is the dispersion around the target,
    winsorised and scaled to be 1 under common-cause variation alone, tau the standard deviation between units
    "additive" allows for.
    """

    estimates: FloatArray
    target: PerSeries
    levels: tuple[float, ...]
    lower: FloatArray
    upper: FloatArray
    z: FloatArray
    phi: PerSeries
    tau: PerSeries

    @property
    def beyond(self) -> BoolArray:
        """True where a unit lies outside the limits of a level; the shape of the limits."""
        units = self.estimates[..., None, :]
        return np.asarray((units < self.lower) | (units > self.upper))

    def plot(self, sizes: ArrayLike, axes: Axes | None = None) -> Axes:
        """Units against their sizes, shape (units,), with all limits. Raises Inconsistent, MissingExtra."""
        limits = np.concatenate([self.lower, self.upper])
        return plot.funnel(axes, np.asarray(sizes, dtype=np.float64), self.estimates, limits, self.target)


@checked
def proportions(
    counts: ArrayLike,
    sizes: ArrayLike,
    target: PerSeries | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """counts / sizes against `target` (None: their pooled proportion), limits at each two-sided coverage of `levels`.

    Without overdispersion the limits are exact: binomial quantiles interpolated so that they fall smoothly with size.
    "multiplicative" widens normal limits by sqrt(phi), "additive" adds tau^2 to the variance of each unit; both only
    where phi exceeds what common-cause variation allows, 1 + 2 sqrt(2 / units). Prefer additive when large units differ
    too. counts, sizes: shape (units,), or (series, units) for as many funnels, say one a month; one row of sizes with
    many serves all. target: a share, one for all or one a series. Assumes independent cases. Raises TooFew without
    units, OutOfRange for counts beyond sizes or a level outside (0, 1), Inconsistent for shapes that differ, NoSpread
    when the target is not within (0, 1), NotFinite. Cost: O(units levels) a funnel; scipy is imported on use. Source:
    Spiegelhalter (2005), section 3 and appendix; DerSimonian and Laird, Controlled Clinical Trials 7 (1986) 177.

    >>> found = proportions([30, 12], [100, 100], target=0.2)
    >>> found.beyond.tolist()
    [[True, False], [False, False]]
    """
    from scipy.stats import binom

    x, n = _pair(counts, sizes)
    refuse((x > n).any(axis=-1), OutOfRange, "a count cannot exceed its size")
    middle = _target(target, x.sum(axis=-1) / n.sum(axis=-1))
    refuse(~((middle > 0) & (middle < 1)), NoSpread, "a target that is not between 0 and 1 leaves no variation")
    p = middle[..., None]
    error = np.sqrt(p * (1 - p) / n)

    def exact(q: float) -> FloatArray:
        return _interpolated(q, lambda r: binom.cdf(r, n, p), binom.ppf(q, n, p)) / n

    return _funnel(x / n, middle, error, levels, overdispersion, exact, (0.0, 1.0))


@checked
def rates(
    counts: ArrayLike,
    sizes: ArrayLike,
    target: PerSeries | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """Events per unit of exposure against `target` (None: their pooled rate); Poisson, exact as in `proportions`.

    With expected counts as sizes and target 1 these are standardised ratios (observed / expected), the form to prefer
    when units serve different customers. counts, sizes: shape (units,), or (series, units), as `proportions` takes
    them; sizes in units of exposure, the target in events for each. Assumes independent events. Cost: O(units levels) a
    funnel; scipy is imported on use. Raises as `proportions`, with counts free to exceed sizes. Sources as there.

    >>> rates([30, 18], [20.0, 20.0], target=1.0).beyond.tolist()
    [[True, False], [False, False]]
    """
    from scipy.stats import poisson

    x, n = _pair(counts, sizes)
    middle = _target(target, x.sum(axis=-1) / n.sum(axis=-1))
    refuse(~(middle > 0), NoSpread, "a target that is not above 0 leaves no variation")
    u = middle[..., None]

    def exact(q: float) -> FloatArray:
        return _interpolated(q, lambda r: poisson.cdf(r, n * u), poisson.ppf(q, n * u)) / n

    return _funnel(x / n, middle, np.sqrt(u / n), levels, overdispersion, exact, (0.0, np.inf))


@checked
def means(
    values: ArrayLike,
    sizes: ArrayLike,
    sigma: PerSeries,
    target: PerSeries | None = None,
    levels: Sequence[float] = LEVELS,
    overdispersion: Overdispersion = "none",
) -> Funnel:
    """Means of `sizes` values against `target` (None: their weighted mean), normal limits at sigma / sqrt(size).

    values, sizes: shape (units,), or (series, units) for as many funnels, one row with many serving all; sigma:
    standard deviation of a single value in the unit of the values, the same for all units; sigma, target: one for all
    or one a series. Assumes roughly normal means. Prefer `proportions` or `rates` for counts, whose limits are exact.
    Cost: O(units levels) a funnel; scipy is imported on use. Raises as `proportions`, and OutOfRange for sigma <= 0.
    Sources as there.

    >>> means([11.0, 10.1], [100, 100], sigma=3.0, target=10.0).beyond.tolist()
    [[True, False], [True, False]]
    """
    from scipy.special import ndtri

    x, n = side_by_side(by_series(values), by_series(sizes))
    if n.shape[-1] not in (1, x.shape[-1]):
        raise Inconsistent(f"needs a size for each value, or one for all, got {x.shape} and {n.shape}")
    n = np.ascontiguousarray(np.broadcast_to(n, x.shape))
    scale = np.asarray(sigma, dtype=np.float64)
    refuse((n <= 0).any(axis=-1) | ~(scale > 0), OutOfRange, "sizes and sigma must be positive")
    middle = _target(target, (n * x).sum(axis=-1) / n.sum(axis=-1))
    error = scale[..., None] / np.sqrt(n)

    def exact(q: float) -> FloatArray:
        return np.asarray(middle[..., None] + float(ndtri(q)) * error)

    return _funnel(x, middle, error, levels, overdispersion, exact, (-np.inf, np.inf))


def _target(stated: PerSeries | None, pooled: FloatArray) -> FloatArray:
    """The target of each funnel."""
    return np.asarray(pooled if stated is None else np.broadcast_to(finite(stated), np.shape(pooled)))


def _funnel(
    estimates: FloatArray,
    target: FloatArray,
    error: FloatArray,
    levels: Sequence[float],
    overdispersion: Overdispersion,
    exact: Callable[[float], FloatArray],
    bounds: tuple[float, float],
) -> Funnel:
    from scipy.special import ndtri

    if not levels or not all(0 < level < 1 for level in levels):
        raise OutOfRange(f"levels must lie between 0 and 1, got {tuple(levels)}")
    middle = target[..., None]
    z = (estimates - middle) / error
    phi = np.square(_winsorised(z)).mean(axis=-1) / _WINSORISED_SQUARE
    tau = _tau(phi, error)
    is_more = np.asarray((overdispersion != "none") & (phi > 1 + 2 * np.sqrt(2 / z.shape[-1])))[..., None]
    spread = np.where(is_more, _widened(error, phi, tau, overdispersion), error)
    tails = [((1 - level) / 2, (1 + level) / 2) for level in levels]

    def limit(q: float) -> FloatArray:
        wide = middle + float(ndtri(q)) * spread
        return np.clip(wide if is_more.all() else np.where(is_more, wide, exact(q)), *bounds)

    lower, upper = (np.stack([limit(pair[side]) for pair in tails], axis=-2) for side in (0, 1))
    return Funnel(estimates, plain(target), tuple(levels), lower, upper, z * error / spread, plain(phi), plain(tau))


def _widened(error: FloatArray, phi: FloatArray, tau: FloatArray, overdispersion: Overdispersion) -> FloatArray:
    match overdispersion:
        case "multiplicative":
            return np.asarray(error * np.sqrt(phi)[..., None])
        case "additive":
            return np.asarray(np.sqrt(error**2 + np.square(tau)[..., None]))
        case "none":
            return error
        case _:
            assert_never(overdispersion)


def _winsorised(z: FloatArray, share: float = 0.1) -> FloatArray:
    """The outer tenth on either side pulled in to the next value, so that true outliers do not hide themselves."""
    low, high = np.quantile(z, (share, 1 - share), axis=-1)[..., None]
    return np.clip(z, low, high)


def _tau(phi: FloatArray, error: FloatArray) -> FloatArray:
    """Moment estimate of the standard deviation between units (DerSimonian and Laird) from the winsorised phi."""
    weight, units = 1 / np.square(error), error.shape[-1]
    if units == 1:
        return np.zeros(np.shape(phi))
    total = weight.sum(axis=-1)
    spare = total - np.square(weight).sum(axis=-1) / total
    return np.asarray(np.sqrt(np.maximum(0.0, (units * phi - (units - 1)) / spare)))


def _interpolated(q: float, cdf: Callable[[FloatArray], FloatArray], r: FloatArray) -> FloatArray:
    """The count at which the distribution function reaches q, between r - 1 and r, its smallest whole one."""
    at, before = cdf(r), cdf(r - 1)
    return np.asarray(r - (at - q) / (at - before))


def _pair(counts: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, n = side_by_side(by_series(counts), by_series(sizes))
    if x.shape != n.shape:
        raise Inconsistent(f"needs counts and sizes of as many units, got {x.shape} and {n.shape}")
    refuse(((x < 0) | (n <= 0)).any(axis=-1), OutOfRange, "counts cannot be negative and sizes must be positive")
    return x, n
