"""Intervals for the size of an effect that is tested by F or chi-square, by inverting the noncentral distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.inference.interval import tail

STEPS = 200
CHECK_STEPS = 8
SIZE_MAX = 1e12


def chi_square_range(statistic: ArrayLike, df: float, confidence: float) -> tuple[FloatArray, FloatArray]:
    """The noncentralities at which `statistic` is the upper and the lower tail point; 0 where there is none.

    statistic: any shape, the answers alike. Cost: about a hundred evaluations of the distribution for each.
    Source: Steiger and Fouladi, 1997, in What If There Were No Significance Tests?

    >>> [round(float(end), 3) for end in chi_square_range(15.0, 2, 0.95)]
    [2.958, 32.794]
    """
    from scipy.special import chndtr

    seen = np.asarray(statistic, dtype=np.float64)
    return _inverted(lambda size: np.asarray(chndtr(seen, df, size)), seen, confidence)


def f_range(statistic: ArrayLike, between: float, within: float, confidence: float) -> tuple[FloatArray, FloatArray]:
    """The same for an F statistic with `between` and `within` degrees of freedom.

    >>> float(f_range(0.5, 3, 40, 0.95)[0])
    0.0
    """
    from scipy.special import ncfdtr

    seen = np.asarray(statistic, dtype=np.float64)
    return _inverted(lambda size: np.asarray(ncfdtr(between, within, size, seen)), seen * between, confidence)


def _inverted(
    below: Callable[[FloatArray], FloatArray], scale: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Where `below`, which falls as its size grows, is 1 - tail and where it is tail: doubled past, then halved to."""
    outside = tail(confidence)
    share = np.array([1.0 - outside, outside]).reshape(2, *(1 for _ in scale.shape))
    low = np.zeros((2, *scale.shape))
    high = np.where(below(low) <= share, 0.0, np.maximum(scale, 1.0))
    while (short := (below(high) > share) & (high < SIZE_MAX)).any():
        low, high = np.where(short, high, low), np.where(short, high * 2.0, high)
    for step in range(STEPS):
        middle = (low + high) / 2.0
        # Halving on where there is nothing left between the ends does not move them apart.
        if step % CHECK_STEPS == 0 and ((middle == low) | (middle == high)).all():
            break
        under = below(middle) > share
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    ends = (low + high) / 2.0
    return ends[0], ends[1]
