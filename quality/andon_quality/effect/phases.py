"""What belongs to the phase of a season, and what does not."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange


def phase_means(values: FloatArray, season: int) -> FloatArray:
    """The mean of each phase of a season, shape (..., n) to (..., season), n >= season. O(values).

    Raises OutOfRange for a season of fewer than two phases.

    >>> phase_means(np.array([1.0, 5.0, 3.0]), 2).tolist()
    [2.0, 5.0]
    """
    if season < 2:
        raise OutOfRange("a season has at least two phases")
    return np.stack([values[..., phase::season].mean(axis=-1) for phase in range(season)], axis=-1)


def over_phases(effects: FloatArray, points: int) -> FloatArray:
    """The effects of the phases, shape (..., season), less their mean, laid over `points` periods: (..., points).

    >>> over_phases(np.array([1.0, 3.0]), 3).tolist()
    [-1.0, 1.0, -1.0]
    """
    season = effects.shape[-1]
    balanced: FloatArray = (effects - effects.mean(axis=-1, keepdims=True))[..., np.arange(points) % season]
    return balanced
