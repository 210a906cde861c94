"""The lognormal distribution fitted to lifetimes, some of them censored."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.inference.interval import Interval
from andon_quality.lifetime.fit import LifetimeFit, lifetimes, maximised


def fit_lognormal(times: ArrayLike, failed: ArrayLike | None = None, confidence: float = 0.95) -> LifetimeFit:
    """Maximum likelihood of log(T) ~ N(mean, sd^2) from times that are over and times that are not yet.

    Arguments, assumptions, cost and errors as `fit_weibull`, which to compare by aic and by the plot: service and
    repair times are lognormal more often than not. Intervals: normal, of the mean, and of the sd on its logarithm.
    Source: Meeker and Escobar, Statistical Methods for Reliability Data (1998), ch. 8.

    >>> found = fit_lognormal([5.0, 8.0, 12.0, 20.0, 20.0], [1, 1, 1, 0, 0])
    >>> round(found.first, 3), round(found.second, 3)
    (2.653, 0.829)
    """
    found = maximised(_normal, *lifetimes(times, failed))
    of_location, of_scale = found.halves(confidence)
    return found.fit(
        "lognormal",
        found.location,
        Interval(found.location - of_location, found.location + of_location, confidence),
        found.scale,
        Interval(found.scale * math.exp(-of_scale), found.scale * math.exp(of_scale), confidence),
    )


def _normal(
    z: FloatArray,
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]:
    from scipy.special import log_ndtr

    density = -np.square(z) / 2.0 - math.log(2.0 * math.pi) / 2.0
    beyond = np.asarray(log_ndtr(-z))
    # The hazard: density over survival.
    hazard = np.exp(density - beyond)
    return (density, -z, np.full(z.shape, -1.0)), (beyond, -hazard, -hazard * (hazard - z))
