"""Common factors behind correlated items, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange
from andon_quality.result import Result
from andon_quality.structure.adequacy import degrees_of_fit, independent_correlations
from andon_quality.structure.rotation import promax, tidy, varimax
from andon_quality.structure.table import cases

UNIQUENESS_MIN = 0.005


class Rotation(Enum):
    """How the factors are turned for reading."""

    NONE = "none"
    VARIMAX = "varimax"
    PROMAX = "promax"


@dataclass(frozen=True)
class Factors(Result):
    """Loadings (items, factors) on standardised items (the pattern when oblique), uniqueness per item, correlations of
    the factors, share of all variance per factor, and the test that they are enough (p_value is None when df is 0)."""

    loadings: FloatArray
    uniqueness: FloatArray
    between: FloatArray
    variance_share: FloatArray
    chi_square: float
    df: int
    p_value: float | None


@checked
def factor_analysis(values: ArrayLike, factors: int, rotation: Rotation = Rotation.VARIMAX) -> Factors:
    """Maximum-likelihood factor analysis of the correlation matrix: R = L L' + diag(u).

    Minimises ln det S + tr(R S^-1) over u with the loadings in closed form (Joreskog); u >= .005 (a Heywood case sits
    at that bound). The test is Bartlett's: (n - 1 - (2p + 5) / 6 - 2k / 3) times the minimum. values: shape (n > p, p),
    complete cases, assumed roughly normal; 1 <= factors with ((p - k)^2 - p - k) / 2 >= 0. See `adequacy` for whether
    and `parallel_analysis` for how many. Factors come largest first, with positive sums. Prefer `cluster` to group
    cases in place of items. Cost: tens of p x p eigen-decompositions; scipy is imported on use. Raises TooFew,
    NotFinite, NoSpread, Inconsistent for dependent items, OutOfRange for too many factors.
    Source: Joreskog, 1967, Psychometrika 32:443; Lawley and Maxwell, 1971.

    >>> random = np.random.default_rng(1)
    >>> common = random.normal(size=(500, 1))
    >>> found = factor_analysis(common * [0.9, 0.8, 0.7, 0.6] + 0.5 * random.normal(size=(500, 4)), 1)
    >>> found.loadings.ravel().round(1).tolist()
    [0.8, 0.9, 0.7, 0.8]
    """
    from scipy.special import chdtrc

    table = cases(values, rows_min=3, columns_min=3)
    n, items = table.shape
    df = degrees_of_fit(items, factors)
    if factors < 1 or df < 0:
        raise OutOfRange(f"{factors} factors cannot be estimated from {items} items")
    r = independent_correlations(table)
    uniqueness, minimum = _best_uniqueness(r, factors)
    start = tidy(_loadings(r, uniqueness, factors))
    loadings, between = _rotated(start, rotation)
    chi = max(n - 1 - (2 * items + 5) / 6.0 - 2.0 * factors / 3.0, 0.0) * minimum
    p = float(chdtrc(df, chi)) if df > 0 else None
    share = np.diag(between @ loadings.T @ loadings) / items
    return Factors(loadings, uniqueness, between, np.asarray(share), chi, df, p)


def _rotated(loadings: FloatArray, rotation: Rotation) -> tuple[FloatArray, FloatArray]:
    if rotation is Rotation.NONE:
        return loadings, np.eye(loadings.shape[1])
    if rotation is Rotation.VARIMAX:
        return varimax(loadings), np.eye(loadings.shape[1])
    if rotation is Rotation.PROMAX:
        return promax(loadings)
    assert_never(rotation)


def _scaled_spectrum(r: FloatArray, uniqueness: FloatArray) -> tuple[FloatArray, FloatArray]:
    root = np.sqrt(uniqueness)
    values, vectors = np.linalg.eigh(r / np.outer(root, root))
    return values[::-1], vectors[:, ::-1]


def _loadings(r: FloatArray, uniqueness: FloatArray, factors: int) -> FloatArray:
    values, vectors = _scaled_spectrum(r, uniqueness)
    size = np.sqrt(np.maximum(values[:factors] - 1.0, 0.0))
    return np.asarray(np.sqrt(uniqueness)[:, None] * vectors[:, :factors] * size, dtype=np.float64)


def _best_uniqueness(r: FloatArray, factors: int) -> tuple[FloatArray, float]:
    from scipy.optimize import minimize

    def misfit(uniqueness: FloatArray) -> tuple[float, FloatArray]:
        rest = _scaled_spectrum(r, uniqueness)[0][factors:]
        loadings = _loadings(r, uniqueness, factors)
        slope = np.diag(loadings @ loadings.T + np.diag(uniqueness) - r) / uniqueness**2
        return float((rest - np.log(rest) - 1.0).sum()), slope

    start = (1.0 - 0.5 * factors / len(r)) / np.diag(np.linalg.inv(r))
    bounds = [(UNIQUENESS_MIN, 1.0)] * len(r)
    options = {"maxiter": 5000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-10}
    best = minimize(misfit, np.clip(start, 0.01, 0.99), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(best.x, dtype=np.float64), float(best.fun)
