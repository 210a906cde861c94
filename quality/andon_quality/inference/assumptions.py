"""The checks that stand beside a p value: tails, independence, equal spread."""

from __future__ import annotations

import math

from andon_quality.arrays import FloatArray
from andon_quality.inference.comparison import Check

TAIL_ERROR_MAX = 0.005
TAIL_Z = 1.959964


def near_normal(third_cumulant: float, standard_error: float) -> Check:
    """Whether skewness leaves each 2.5 % tail of a mean within half a point of what it should be.

    To first order a studentised mean misses its tail by (2 z^2 + 1) phi(z) |k3| / (6 se^3), with k3 the third
    cumulant of the mean. Source: Hall, 1987, Annals of Probability 15:920 (Edgeworth expansion of Student's t).

    >>> near_normal(0.0, 1.0).holds
    True
    """
    density = math.exp(-(TAIL_Z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    error = (2.0 * TAIL_Z**2 + 1.0) * density * abs(third_cumulant) / (6.0 * standard_error**3)
    return Check("the mean is close to normal", error <= TAIL_ERROR_MAX, f"tail off by {100.0 * error:.2g} points")


def third_cumulant_of_mean(values: FloatArray) -> float:
    """The third cumulant of the sample mean, estimated: n / ((n-1)(n-2)) sum (x - mean)^3 / n^2; 0 for n < 3.

    >>> import numpy as np
    >>> third_cumulant_of_mean(np.array([1.0, 2.0, 3.0]))
    0.0
    """
    n = len(values)
    if n < 3:
        return 0.0
    return float(((values - values.mean()) ** 3).sum()) / ((n - 1) * (n - 2) * n)


def independent(*samples: FloatArray) -> Check:
    """Whether neighbours, in the order given, are uncorrelated: |r1| <= 1.96 / sqrt(n) in the longest sample.

    Says something only when the values stand in the order of time. Source: Bartlett, 1946 (variance of r1).

    >>> import numpy as np
    >>> independent(np.arange(30.0)).holds
    False
    """
    values = max(samples, key=len)
    centred = values - values.mean()
    squares = float((centred**2).sum())
    r1 = float((centred[1:] * centred[:-1]).sum()) / squares if squares > 0.0 else 0.0
    return Check(
        "neighbours are independent", abs(r1) <= TAIL_Z / math.sqrt(len(values)), f"lag-1 correlation {r1:.3f}"
    )
