"""Capability of what is counted: defective units, defects per opportunity, and the sigma level that goes with them.

A sigma level is the normal quantile of ONE tail, and by long custom adds a shift of 1.5 sigma for the drift of a
process over time; every function here says which tail and whether shifted.
Source: M. J. Harry, Six Sigma: a breakthrough strategy for profitability, Quality Progress 31 (1998) 60-64; C. J.
Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413; F. Garwood, Biometrika 28 (1936) 437-442, for exact intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.capability.indices import Estimate
from andon_quality.errors import OutOfRange
from andon_quality.result import Result

Tail = Literal["one", "two"]
SHIFT = 1.5


@dataclass(frozen=True)
class Defectives(Result):
    """Binomial capability of each series, shape (...).

    p: share of defective units. ppm: the same in parts per million. z: long-term sigma level -Phi^-1(p), one tail, not
    shifted. ppk: z / 3, the index a normal process with that share beyond one limit would have.
    """

    p: Estimate
    ppm: Estimate
    z: Estimate
    ppk: Estimate


@dataclass(frozen=True)
class Defects(Result):
    """Poisson capability of each series, shape (...).

    dpu: defects per unit. dpmo: per million opportunities. first_pass_yield: share of units without any, exp(-dpu).
    sigma_level: one tail of dpmo / 1e6, with the shift named in `shift` added (0 for none).
    """

    dpu: Estimate
    dpmo: Estimate
    first_pass_yield: Estimate
    sigma_level: Estimate
    shift: float


def defectives(count: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Defectives:
    """Capability from `count` defective units of n, exact (Clopper-Pearson) intervals; shapes broadcast to (...).

    Assumes a stable, independent process: chart it with `control.proportion` first; prefer `defects` where a unit can
    have several. z is infinite at p 0, minus
    infinity at p 1. Cost: O(series). Raises OutOfRange unless 0 <= count <= n and n > 0, NotFinite.

    >>> found = defectives(3, 1000)
    >>> float(found.ppm.value), round(float(found.z.value), 3), round(float(found.p.upper), 5)
    (3000.0, 2.748, 0.00874)
    """
    from scipy.special import betaincinv, ndtri

    x, units = np.broadcast_arrays(finite(count), finite(n))
    _confidence(confidence)
    if (units <= 0).any() or (x < 0).any() or (x > units).any():
        raise OutOfRange("needs 0 <= count <= n and n > 0")
    alpha = 1 - confidence
    low = np.where(x > 0, betaincinv(np.maximum(x, 1), units - x + 1, alpha / 2), 0.0)
    high = np.where(x < units, betaincinv(x + 1, np.maximum(units - x, 1), 1 - alpha / 2), 1.0)
    p = Estimate(np.asarray(x / units), low, high)
    z = Estimate(np.asarray(-ndtri(p.value)), np.asarray(-ndtri(high)), np.asarray(-ndtri(low)))
    return Defectives(p, _times(p, 1e6), z, _times(z, 1 / 3))


def defects(
    count: ArrayLike, units: ArrayLike, opportunities: float = 1.0, confidence: float = 0.95, shift: float = SHIFT
) -> Defects:
    """Capability from `count` defects on `units`, each with so many opportunities; exact (Garwood) intervals.

    count, units: shapes that broadcast to (...). Assumes a stable Poisson process; prefer `defectives` where a unit is
    good or bad; there may be more defects than units, but dpmo above a million has no sigma level
    (minus infinity). Cost: O(series). Raises OutOfRange for a negative count, units or opportunities <= 0, NotFinite.

    >>> found = defects(34, 1000, opportunities=10)
    >>> round(float(found.dpmo.value)), round(float(found.sigma_level.value), 2)
    (3400, 4.21)
    """
    from scipy.special import gammaincinv

    x, n = np.broadcast_arrays(finite(count), finite(units))
    _confidence(confidence)
    if (x < 0).any() or (n <= 0).any() or not opportunities > 0:
        raise OutOfRange("needs count >= 0, units > 0 and opportunities > 0")
    alpha = 1 - confidence
    low = np.where(x > 0, gammaincinv(np.maximum(x, 1), alpha / 2), 0.0) / n
    dpu = Estimate(np.asarray(x / n), np.asarray(low), np.asarray(gammaincinv(x + 1, 1 - alpha / 2) / n))
    dpmo = _times(dpu, 1e6 / opportunities)
    clean = Estimate(np.exp(-dpu.value), np.exp(-dpu.upper), np.exp(-dpu.lower))
    levels = (sigma_level(np.minimum(v, 1e6), shift) for v in (dpmo.value, dpmo.upper, dpmo.lower))
    return Defects(dpu, dpmo, clean, Estimate(*levels), shift)


@checked
def dpmo_of_sigma_level(level: ArrayLike, shift: float = SHIFT, tail: Tail = "one") -> FloatArray:
    """Defects per million at a sigma level: 1e6 P(Z > level - shift), with P(Z > level + shift) added for both tails.

    level: any shape. Prefer one tail with the shift to compare with printed tables. Cost: O(levels). Raises NotFinite.

    >>> dpmo_of_sigma_level([3.0, 6.0]).round(4)
    array([6.68072013e+04, 3.39770000e+00])
    """
    from scipy.special import ndtr

    s = finite(level)
    match tail:
        case "one":
            return np.asarray(1e6 * ndtr(shift - s))
        case "two":
            return np.asarray(1e6 * (ndtr(shift - s) + ndtr(-shift - s)))
        case _:
            assert_never(tail)


def sigma_level(dpmo: ArrayLike, shift: float = SHIFT) -> FloatArray:
    """Sigma level of defects per million: Phi^-1(1 - dpmo / 1e6) + shift, one tail; shift 0 for the unshifted level.

    dpmo: any shape. Prefer `defects` where the counts are known: it has an interval. Cost: O(values). Raises OutOfRange
    unless 0 <= dpmo <= 1e6; 0 gives infinity.

    >>> round(float(sigma_level(3.4)), 2)
    6.0
    """
    from scipy.special import ndtri

    share = finite(dpmo) / 1e6
    if (share < 0).any() or (share > 1).any():
        raise OutOfRange("dpmo must lie between 0 and a million")
    return np.asarray(shift - ndtri(share))


def _times(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.lower * factor, estimate.upper * factor)


def _confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise OutOfRange(f"confidence must lie between 0 and 1, got {confidence}")
