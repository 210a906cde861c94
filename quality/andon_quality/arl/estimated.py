"""What is left of a run length when centre and sigma come from a baseline sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andon_quality.arl.quadrature import legendre
from andon_quality.arl.run_length import LARGEST
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

CENTRES, SPREADS = 24, 32
# Relative to the largest: what is left out of the integral, and what may lie beyond the ARL that can be computed.
NEGLIGIBLE, BEYOND = 1e-10, 1e-4


def averaged(arl_at: Callable[[FloatArray, FloatArray], FloatArray], phase1_size: int) -> float:
    """The mean of `arl_at(centre, spread)` over the baselines of `phase1_size` independent normal points.

    centre: the error of the sample mean in sigma, N(0, 1 / m); spread: the sample standard deviation (divisor m - 1)
    over sigma, chi with m - 1 degrees of freedom over its root; `arl_at` takes and gives shape (n,). The points of the
    future are one draw of the baseline away from the chart: this is the unconditional ARL, which a lucky few with wide
    limits inflate. Product Gauss-Legendre over where density times ARL matters, 24 x 32 charts, seven digits (four near
    the smallest samples).
    Raises OutOfRange when the mean does not exist or the sample is too small for it: the ARL grows like exp(c s^2).
    Sources: Quesenberry (1993), Journal of Quality Technology 25, 237-247; Jones, Champ and Rigdon (2001),
    Technometrics 43, 156-167; Jensen, Jones-Farmer, Champ and Woodall (2006), Journal of Quality Technology
    38, 349-364.

    >>> round(averaged(lambda centre, spread: spread**2 + centre, 30), 6)
    1.0
    """
    if phase1_size < 3:
        raise OutOfRange(f"a baseline needs at least 3 points, got {phase1_size}")
    low, high = _spread_range(arl_at, phase1_size)
    spreads, spread_weights = legendre(low, high, SPREADS)
    # A two-sided ARL has a sharp peak where the centre is right: nodes crowd there, as the hyperbolic sine does.
    bends, bend_weights = legendre(-3.33, 3.33, CENTRES)
    centres = 0.5 * np.sinh(bends) / phase1_size**0.5
    centre_weights = bend_weights * 0.5 * np.cosh(bends) / phase1_size**0.5
    mass = np.outer(
        centre_weights * np.exp(-0.5 * phase1_size * centres**2) * np.sqrt(phase1_size / (2.0 * np.pi)),
        spread_weights * np.exp(_log_density(spreads, phase1_size - 1)),
    )
    at = np.meshgrid(centres, spreads, indexing="ij")
    means = np.minimum(arl_at(at[0].ravel(), at[1].ravel()), LARGEST)
    return float(mass.ravel() @ means)


def _log_density(spread: FloatArray, df: int) -> FloatArray:
    from scipy.special import gammaln

    half = 0.5 * df
    return np.asarray(np.log(2.0) + half * np.log(half) - gammaln(half) + (df - 1) * np.log(spread) - half * spread**2)


def _spread_range(arl_at: Callable[[FloatArray, FloatArray], FloatArray], phase1_size: int) -> tuple[float, float]:
    sd = 1.0 / np.sqrt(2.0 * (phase1_size - 1))
    grid = np.linspace(max(0.02, 1.0 - 9.0 * sd), min(8.0, 1.0 + 14.0 * sd), 72)
    means = np.minimum(arl_at(np.zeros_like(grid), grid), LARGEST)
    weight = _log_density(grid, phase1_size - 1) + np.log(means)
    matters = np.flatnonzero(weight > weight.max() + np.log(NEGLIGIBLE))
    beyond = weight[means >= LARGEST]
    if len(beyond) and beyond.max() > weight.max() + np.log(BEYOND):
        raise OutOfRange(f"with limits from {phase1_size} points the mean run length has no finite value")
    return float(grid[max(matters[0] - 1, 0)]), float(grid[min(matters[-1] + 1, len(grid) - 1)])
