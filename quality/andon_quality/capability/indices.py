"""Capability indices of a normal process: Cp, Cpk, Cpm from short-term spread, Pp and Ppk from overall spread.

Assumes a stable (chart it first), independent, roughly normal process; for skewed values prefer `nonnormal`.
Source: V. E. Kane, Process capability indices, Journal of Quality Technology 18 (1986) 41-52; A. F. Bissell, How
reliable is your capability index?, Applied Statistics 39 (1990) 331-340; R. A. Boyles, The Taguchi capability index,
Journal of Quality Technology 23 (1991) 17-26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite, refuse
from andon_quality.control import xmr
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.result import Result

CpmInterval = Literal["boyles", "linear"]


@dataclass(frozen=True)
class Specification:
    """What the customer accepts, in the unit of the values; a side without a limit is None.

    target: the best value; None means the middle of a two-sided specification, and no target for a one-sided one.
    """

    lower: float | None = None
    upper: float | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        if any(limit is not None and not np.isfinite(limit) for limit in (self.lower, self.upper, self.target)):
            raise OutOfRange(f"limits and target must be finite, got {self.lower}, {self.upper}, {self.target}")
        if self.lower is None and self.upper is None:
            raise OutOfRange("a specification needs at least one limit")
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise OutOfRange(f"the lower limit {self.lower} must lie below the upper {self.upper}")
        low, high = (limit if limit is not None else self.target for limit in (self.lower, self.upper))
        if self.target is not None and low is not None and high is not None and not low <= self.target <= high:
            raise OutOfRange(f"the target {self.target} must lie within the limits {self.lower} and {self.upper}")

    @property
    def aim(self) -> float | None:
        """The target, or the middle of the specification; None when it has neither."""
        if self.target is not None or self.lower is None or self.upper is None:
            return self.target
        return (self.lower + self.upper) / 2


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval, each of shape (...)."""

    value: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class Capability(Result):
    """Indices of each series, shape (...). None means that the specification does not define it.

    cp: width of the specification in 6 sigma, needs both limits. cpl, cpu: distance from the mean to either limit in 3
    sigma. cpk: the smaller of them. cpm: cp with the distance from target counted as spread, needs a target and both
    limits. ppm_below, ppm_above: expected parts per million beyond either limit under the normal (one tail each).
    With overall sigma cp and cpk are what is called Pp and Ppk.
    """

    mean: FloatArray
    sigma: FloatArray
    cp: Estimate | None
    cpl: Estimate | None
    cpu: Estimate | None
    cpk: Estimate
    cpm: Estimate | None
    ppm_below: FloatArray
    ppm_above: FloatArray


@dataclass(frozen=True)
class Study(Result):
    """Both views of the same values: within (Cp, Cpk, Cpm; short-term sigma) and overall (Pp, Ppk; total sigma)."""

    within: Capability
    overall: Capability


def of(values: ArrayLike, specification: Specification, confidence: float = 0.95) -> Study:
    """Capability of individual values, shape (..., n) -> (...): within sigma = mean moving range / d2, overall = s.

    For subgroups prefer `from_moments` with the sigma of `xbar_s.baseline`, for skewed values `by_fit`. s is not
    divided by c4. Cost: O(values). Raises TooFew for n < 2, NoSpread when every value is equal, NotFinite for NaN or
    infinity.

    >>> study = of([9.0, 11.0, 10.0, 9.5, 10.5], Specification(7.0, 13.0))
    >>> round(float(study.overall.cpk.value), 3), round(float(study.within.cpk.value), 3)
    (1.265, 1.003)
    """
    x = np.ascontiguousarray(finite(values, at_least=2))
    mean, n = x.mean(axis=-1), float(x.shape[-1])
    overall = from_moments(mean, x.std(axis=-1, ddof=1), n, specification, confidence)
    return Study(from_moments(mean, xmr.baseline(x).sigma, n, specification, confidence), overall)


@checked
def from_moments(
    mean: ArrayLike,
    sigma: ArrayLike,
    n: ArrayLike,
    specification: Specification,
    confidence: float = 0.95,
    df: ArrayLike | None = None,
    cpm_interval: CpmInterval = "boyles",
) -> Capability:
    """Indices from a mean, a sigma and the number of values n behind them, each of shape (...).

    Cp = (U - L) / 6 sigma, interval by chi-square with `df` (n - 1 when None; pass sum(n_i - 1) for a sigma pooled
    within subgroups). Cpk = min(mean - L, U - mean) / 3 sigma, interval Cpk (1 +- z sqrt(1 / (9 n Cpk^2) + 1 / (2 f)))
    (Bissell), one-sided indices likewise. Cpm = Cp / sqrt(1 + d^2) with d = (mean - T) / sigma, interval by chi-square
    with n (1 + d^2)^2 / (1 + 2 d^2) degrees of freedom (Boyles); "linear" leaves out the square, as R's qcc does: the
    same on target and far too wide off it, only there to compare with such figures.
    Intervals are approximate below about 30 values. Prefer `of` where individual values are at hand. Cost: O(series).
    Raises TooFew for n < 2, NoSpread for sigma 0, OutOfRange for a confidence outside (0, 1), NotFinite.

    >>> centred = from_moments(10.0, 1.0, 100, Specification(7.0, 13.0))
    >>> float(centred.cp.value), round(float(centred.cp.lower), 3), round(float(centred.cp.upper), 3)
    (1.0, 0.861, 1.139)
    """
    m, s, count = np.broadcast_arrays(finite(mean), finite(sigma), finite(n))
    f = count - 1.0 if df is None else np.broadcast_to(finite(df), count.shape)
    refuse((count < 2) | (f <= 0), TooFew, "capability needs at least 2 values")
    refuse(~(s > 0), NoSpread, "capability is not defined without spread")
    if not 0 < confidence < 1:
        raise OutOfRange(f"confidence must lie between 0 and 1, got {confidence}")
    lower, upper, target = specification.lower, specification.upper, specification.aim
    low = None if lower is None else _bissell((m - lower) / (3 * s), count, f, confidence)
    high = None if upper is None else _bissell((upper - m) / (3 * s), count, f, confidence)
    cp = cpm = None
    if lower is not None and upper is not None:
        cp = _chi_square((upper - lower) / (6 * s), f, confidence)
        cpm = (
            None
            if target is None
            else _cpm((upper - lower) / (6 * s), (m - target) / s, count, confidence, cpm_interval)
        )
    below, above = _ppm(m, s, lower, upper)
    return Capability(m, s, cp, low, high, _nearer(low, high), cpm, below, above)


def _bissell(value: FloatArray, n: FloatArray, df: FloatArray, confidence: float) -> Estimate:
    from scipy.special import ndtri

    half = ndtri((1 + confidence) / 2) * np.sqrt(1 / (9 * n) + value**2 / (2 * df))
    return Estimate(np.asarray(value), np.asarray(value - half), np.asarray(value + half))


def _chi_square(value: FloatArray, df: FloatArray, confidence: float) -> Estimate:
    from scipy.special import chdtri

    low, high = (np.sqrt(chdtri(df, (1 + side * confidence) / 2) / df) for side in (1, -1))
    return Estimate(np.asarray(value), np.asarray(value * low), np.asarray(value * high))


def _cpm(cp: FloatArray, off_target: FloatArray, n: FloatArray, confidence: float, interval: CpmInterval) -> Estimate:
    square = off_target**2
    power = 2 if interval == "boyles" else 1
    return _chi_square(cp / np.sqrt(1 + square), n * np.power(1 + square, power) / (1 + 2 * square), confidence)


def _nearer(low: Estimate | None, high: Estimate | None) -> Estimate:
    if low is None or high is None:
        one = low or high
        assert one is not None  # a specification has at least one limit
        return one
    is_low = low.value <= high.value
    pairs = ((low.value, high.value), (low.lower, high.lower), (low.upper, high.upper))
    return Estimate(*(np.where(is_low, a, b) for a, b in pairs))


def _ppm(m: FloatArray, s: FloatArray, lower: float | None, upper: float | None) -> tuple[FloatArray, FloatArray]:
    from scipy.special import ndtr

    zero = np.zeros(m.shape)
    below = zero if lower is None else 1e6 * ndtr((lower - m) / s)
    above = zero if upper is None else 1e6 * ndtr((m - upper) / s)
    return np.asarray(below), np.asarray(above)
