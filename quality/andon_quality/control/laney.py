"""Spread between subgroups beyond what the count model explains: Laney's sigma_z, and the test for when it is needed.

Source: D. B. Laney, Improved control charts for attributes, Quality Engineering 14 (2002) 531-537;
R. A. Fisher, The significance of deviations from expectation in a Poisson series, Biometrics 6 (1950) 17-24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.control.constants import d2
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.result import Result


@dataclass(frozen=True)
class Dispersion(Result):
    """Chi-square dispersion of standardised counts; every field has shape (...), one per series.

    ratio is chi-square per degree of df: about 1 when the model holds, above it when subgroups differ.
    p_value is the upper tail (only overdispersion counts as evidence).
    """

    chi_square: FloatArray
    df: FloatArray
    ratio: FloatArray
    p_value: FloatArray


def sigma_z(z: FloatArray) -> FloatArray:
    """Laney's multiplier: mean |z_t - z_(t-1)| / d2(2) of the standardised points, shape (..., time) -> (...).

    Pairs with a missing point are left out. Raises TooFew without two adjacent points.

    >>> round(float(sigma_z(np.array([0.0, 1.0, 0.0]))), 4)
    0.8862
    """
    steps = np.abs(np.diff(z, axis=-1))
    if np.isnan(steps).all(axis=-1).any():
        raise TooFew("sigma_z needs two adjacent points")
    return np.asarray(np.nanmean(steps, axis=-1) / d2(2))


def dispersion(z: FloatArray) -> Dispersion:
    """sum(z^2) against chi-square with (points - 1) degrees of freedom, z shape (..., time), NaN = missing.

    The approximation needs expected counts of about 5 or more per point. Raises TooFew below 2 points.

    >>> round(float(dispersion(np.array([3.0, -3.0, 0.0])).p_value), 6)
    0.000123
    """
    from scipy.special import chdtrc

    df = (~np.isnan(z)).sum(axis=-1).astype(np.float64) - 1
    if (df < 1).any():
        raise TooFew("dispersion needs at least 2 points")
    total = np.nansum(z * z, axis=-1)
    return Dispersion(np.asarray(total), np.asarray(df), np.asarray(total / df), chdtrc(df, total))


def significant(found: Dispersion, alpha: float) -> BoolArray:
    """True where overdispersion is significant at `alpha`; raises OutOfRange unless 0 < alpha < 1.

    >>> bool(significant(dispersion(np.array([3.0, -3.0, 0.0])), 0.05))
    True
    """
    if not 0 < alpha < 1:
        raise OutOfRange(f"alpha must lie between 0 and 1, got {alpha}")
    return np.asarray(found.p_value < alpha)
