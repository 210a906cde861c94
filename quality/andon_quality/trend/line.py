"""A straight line through equally spaced points."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray


def straight(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Level at the first point and slope a point, by least squares. Shape (..., n), n >= 2, to (...) each. O(values).

    >>> [float(part) for part in straight(np.array([1.0, 3.0, 5.0]))]
    [1.0, 2.0]
    """
    n = values.shape[-1]
    time = np.arange(n) - (n - 1) / 2
    slope = np.asarray((time * values).sum(axis=-1) / (time * time).sum())
    return np.asarray(values.mean(axis=-1) - slope * (n - 1) / 2), slope
