"""The test of Ryan and Joiner for normality: the correlation of the probability plot."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import plain
from andon_quality.normality.normality_test import NormalityTest, ordered

SIZE_MAX = 5000


def ryan_joiner(values: ArrayLike) -> NormalityTest:
    """The correlation of ordered values with normal scores of (i - 3/8) / (n + 1/4); 1 is a straight plot.

    p by Royston's approximation for the squared correlation (the W' of Shapiro and Francia is the same), where Minitab
    interpolates in a table and prints "> 0.100" and "< 0.010". values: shape (5 <= n <= 5000,), or (series, n) for
    many. Assumes independent values. Prefer it where the probability plot is shown: it is what the eye judges there.
    Cost O(n log n). Raises TooFew, NotFinite, NoSpread, OutOfRange.
    Sources: Ryan and Joiner, 1976, Normal Probability Plots and Tests for Normality (Pennsylvania State University);
    Royston, 1993, Statistics and Computing 3:117.

    >>> found = ryan_joiner([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236])
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (0.878, 0.007)
    """
    from scipy.special import ndtr, ndtri

    x = ordered(values, 5, SIZE_MAX)
    n = x.shape[-1]
    scores = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    away = x - x.mean(axis=-1, keepdims=True)
    squared = np.square((scores * away).sum(axis=-1)) / (np.square(scores).sum() * np.square(away).sum(axis=-1))
    u = math.log(n)
    v = math.log(u)
    z = (np.log1p(-np.minimum(squared, 1.0 - 1e-16)) + 1.2725 - 1.0521 * (v - u)) / (1.0308 - 0.26758 * (v + 2.0 / u))
    return NormalityTest("Ryan-Joiner", plain(np.sqrt(squared)), plain(ndtr(-z)), n)
