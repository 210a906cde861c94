"""The checks that belong to a p value: tails, independence, equal spread."""

from __future__ import annotations

import math

import numpy as np

from andon_quality.arrays import FloatArray, PerSeries, plain
from andon_quality.inference.comparison import AssumptionCheck

TAIL_ERROR_MAX = 0.005
TAIL_Z = 1.959964


def near_normal(third_cumulant: PerSeries, standard_error: PerSeries) -> AssumptionCheck:
    """Whether skewness leaves each 2.5 % tail of a mean within half a point of what it should be.

    To first order a studentised mean misses its tail by (2 z^2 + 1) phi(z) |k3| / (6 se^3), with k3 the third
    cumulant of the mean. O(series). Source: Hall, 1987, Annals of Probability 15:920 (Edgeworth expansion of
    Student's t).

    >>> near_normal(0.0, 1.0).holds
    True
    """
    density = math.exp(-(TAIL_Z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    error = (2.0 * TAIL_Z**2 + 1.0) * density * abs(third_cumulant) / (6.0 * np.power(standard_error, 3))
    holds = plain(np.asarray(error) <= TAIL_ERROR_MAX)
    return AssumptionCheck("the mean is close to normal", holds, "tail off by {:.2g} points", (100.0 * error,))


def third_cumulant_of_mean(values: FloatArray) -> PerSeries:
    """The third cumulant of the sample mean, estimated: n / ((n-1)(n-2)) sum (x - mean)^3 / n^2; 0 for n < 3.

    values: shape (n,) or (series, n). O(values).

    >>> third_cumulant_of_mean(np.array([1.0, 2.0, 3.0]))
    0.0
    """
    n = values.shape[-1]
    if n < 3:
        return plain(np.zeros(values.shape[:-1]))
    centred = values - values.mean(axis=-1, keepdims=True)
    return plain((centred**3).sum(axis=-1) / ((n - 1) * (n - 2) * n))


def independent(*samples: FloatArray) -> AssumptionCheck:
    """Whether neighbours, in the order given, are uncorrelated: |r1| <= 1.96 / sqrt(n) in the longest sample.

    samples: shape (n,) or (series, n). Says something only when the values are in the order of time. O(values).
    Source: Bartlett, 1946, Journal of the Royal Statistical Society (Supplement) 8:27 (variance of r1).

    >>> independent(np.arange(30.0)).holds
    False
    """
    values = max(samples, key=lambda sample: sample.shape[-1])
    centred = values - values.mean(axis=-1, keepdims=True)
    squares = (centred**2).sum(axis=-1)
    products = (centred[..., 1:] * centred[..., :-1]).sum(axis=-1)
    r1 = np.divide(products, squares, out=np.zeros(squares.shape), where=squares > 0.0)
    holds = plain(np.abs(r1) <= TAIL_Z / math.sqrt(values.shape[-1]))
    return AssumptionCheck("neighbours are independent", holds, "lag-1 correlation {:.3f}", (plain(r1),))
