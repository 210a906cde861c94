"""The test of Shapiro and Wilk for normality."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import plain
from andon_quality.normality.normality_test import NormalityTest, ordered

# Royston's approximation of p reaches no further.
SIZE_MAX = 5000


def shapiro_wilk(values: ArrayLike) -> NormalityTest:
    """W: the squared best linear estimate of sigma from ordered values over their sum of squares; 1 is perfect.

    values: shape (3 <= n <= 5000,), or (series, n) for many; scipy computes it (Royston's AS R94). The most powerful
    of these tests for small samples. Assumes independent values. Cost O(n log n) a series.
    Raises TooFew, NotFinite, NoSpread, OutOfRange.
    Sources: Shapiro and Wilk, 1965, Biometrika 52:591; Royston, 1995, Applied Statistics 44:547.

    >>> found = shapiro_wilk([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236])
    >>> round(found.statistic, 2), round(found.p_value, 4)
    (0.79, 0.0067)
    """
    from scipy.stats import shapiro

    x = ordered(values, 3, SIZE_MAX)
    found = np.array([shapiro(one) for one in x.reshape(-1, x.shape[-1])]).reshape(*x.shape[:-1], 2)
    return NormalityTest("Shapiro-Wilk", plain(found[..., 0]), plain(found[..., 1]), x.shape[-1])
