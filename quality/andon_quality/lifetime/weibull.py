"""The Weibull distribution fitted to lifetimes, some of them censored."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.inference.interval import Interval
from andon_quality.lifetime.fit import LifetimeFit, lifetimes, maximised


def fit_weibull(times: ArrayLike, failed: ArrayLike | None = None, confidence: float = 0.95) -> LifetimeFit:
    """Maximum likelihood of P(T > t) = exp(-(t / life)^shape) from times that are over and times that are not yet.

    times: shape (n,), positive, in any unit; failed: whether each is over, shape (n,), None: all; a case still open
    counts with its age so far. Intervals of shape and life: normal, on their logarithms, from the observed information.
    Assumes that what censors has nothing to do with the lifetime. shape below 1: the longer it lasts, the longer it
    will; 1: exponential; above: wear. Compare `fit_lognormal` by aic and by the plot; without censoring and with
    capability in mind, prefer `capability.by_fit`. Cost O(n). Raises TooFew for fewer than 2 failures, NotFinite,
    OutOfRange, Inconsistent, NoSpread.
    Source: Meeker and Escobar, Statistical Methods for Reliability Data (1998), ch. 8.

    >>> found = fit_weibull([5.0, 8.0, 12.0, 20.0, 20.0], [1, 1, 1, 0, 0])
    >>> round(found.first, 3), round(found.second, 3)
    (1.427, 19.488)
    """
    found = maximised(_smallest_extreme_value, *lifetimes(times, failed))
    of_location, of_scale = found.halves(confidence)
    shape, life = 1.0 / found.scale, math.exp(found.location)
    return found.fit(
        "weibull",
        shape,
        Interval(shape * math.exp(-of_scale), shape * math.exp(of_scale), confidence),
        life,
        Interval(life * math.exp(-of_location), life * math.exp(of_location), confidence),
    )


def _smallest_extreme_value(
    z: FloatArray,
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]:
    grown = np.exp(np.minimum(z, 700.0))
    return (z - grown, 1.0 - grown, -grown), (-grown, -grown, -grown)
