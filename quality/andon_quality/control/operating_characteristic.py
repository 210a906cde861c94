"""Operating characteristic: how likely a chart is to miss a change at the first point after it.

The probability to miss m points in a row is its m-th power and the mean delay 1 / (1 - missed), as long as only the
limits speak; with run rules, CUSUM or EWMA ask `arl` instead. Assumes known parameters and independent points. Source:
D. C. Montgomery, Introduction to Statistical Quality Control (7th ed., 2013), sections 6.2 and 7.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange


def mean_missed(shift: ArrayLike, size: ArrayLike = 1.0, width: float = 3.0) -> FloatArray:
    """Phi(width - shift sqrt(n)) - Phi(-width - shift sqrt(n)) for a mean of n values that moved by `shift` sigma.

    shift and size broadcast. Raises OutOfRange for a size or width that is not positive, NotFinite. Cost: O(1) each.

    >>> mean_missed([0.0, 1.0], 5).round(4)
    array([0.9973, 0.7775])
    """
    from scipy.special import ndtr

    n = _positive(size, width)
    moved = finite(shift) * np.sqrt(n)
    return np.asarray(ndtr(width - moved) - ndtr(-width - moved))


def proportion_missed(p: ArrayLike, centre: float, size: ArrayLike, width: float = 3.0) -> FloatArray:
    """Exact binomial probability that a share of `size` outcomes, each with probability p, stays within p-chart limits.

    Limits: centre +- width sqrt(centre (1 - centre) / size); a count on a limit is within it. p and size broadcast.
    Raises OutOfRange for p outside [0, 1] or a centre outside (0, 1), NotFinite. Cost: O(1) each.

    >>> proportion_missed([0.2, 0.4], 0.2, 50).round(4)
    array([0.9973, 0.3356])
    """
    from scipy.special import bdtr

    n, true = np.broadcast_arrays(_positive(size, width), finite(p))
    if not 0 < centre < 1 or (true < 0).any() or (true > 1).any():
        raise OutOfRange("probabilities must lie between 0 and 1")
    low, high = _counts_within(n * centre, np.sqrt(n * centre * (1 - centre)), width)
    high = np.minimum(high, n)
    below = np.where(low > 0, bdtr(np.maximum(low - 1, 0), n.astype(np.int64), true), 0.0)
    return np.asarray(bdtr(high, n.astype(np.int64), true) - below)


def rate_missed(rate: ArrayLike, centre: float, size: ArrayLike = 1.0, width: float = 3.0) -> FloatArray:
    """Exact Poisson probability that a count on `size` units with true rate per unit stays within u-chart limits.

    Limits: centre +- width sqrt(centre / size). rate and size broadcast. Raises OutOfRange for a negative rate or a
    centre that is not positive, NotFinite. Cost: O(1) each.

    >>> rate_missed([20.0, 40.0], 20.0).round(4)
    array([0.9971, 0.1514])
    """
    from scipy.special import pdtr

    n, true = np.broadcast_arrays(_positive(size, width), finite(rate))
    if not centre > 0 or (true < 0).any():
        raise OutOfRange("needs centre > 0 and rates >= 0")
    low, high = _counts_within(n * centre, np.sqrt(n * centre), width)
    below = np.where(low > 0, pdtr(np.maximum(low - 1, 0), n * true), 0.0)
    return np.asarray(pdtr(high, n * true) - below)


def _counts_within(middle: FloatArray, sigma: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest whole count that do not lie beyond the limits."""
    return np.maximum(np.ceil(middle - width * sigma), 0.0), np.floor(middle + width * sigma)


def _positive(size: ArrayLike, width: float) -> FloatArray:
    n = finite(size)
    if (n <= 0).any() or not width > 0:
        raise OutOfRange("size and width must be positive")
    return n
