"""Whether a set of items is worth a factor analysis, and how many factors it carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.result import Result
from andon_quality.structure.table import cases, correlations


@dataclass(frozen=True)
class Adequacy(Result):
    """Kaiser's measure over all items and per item (below .5 unacceptable, above .8 good), and Bartlett's test."""

    kmo: float
    kmo_items: FloatArray
    chi_square: float
    df: int
    p_value: float


def adequacy(values: ArrayLike) -> Adequacy:
    """Kaiser-Meyer-Olkin measure and Bartlett's test of sphericity.

    KMO = sum r^2 / (sum r^2 + sum q^2) over the pairs, q the partial correlation given all other items;
    chi^2 = -(n - 1 - (2p + 5) / 6) ln det R with p (p - 1) / 2 degrees of freedom.
    values: shape (n > p, p >= 2), complete cases, assumed roughly normal for the test. A KMO below .5 says not to look
    for factors: prefer `correlation_matrix` then. Cost O(n p^2 + p^3). Raises TooFew, NotFinite, NoSpread, Inconsistent
    when items are linearly dependent.
    Sources: Kaiser, 1974, Psychometrika 39:31; Bartlett, 1951, Biometrika 38:337.

    >>> result = adequacy([[1, 2, 1], [2, 1, 3], [3, 4, 2], [4, 3, 5], [5, 5, 4]])
    >>> round(result.kmo, 4), round(result.chi_square, 4), result.df
    (0.328, 9.2488, 3)
    """
    from scipy.special import chdtrc

    table = cases(values, rows_min=3, columns_min=2)
    r = independent_correlations(table)
    n, items = table.shape
    inverse = np.linalg.inv(r)
    scale = np.sqrt(np.diag(inverse))
    off = ~np.eye(items, dtype=bool)
    plain, partial = (r * off) ** 2, (inverse / np.outer(scale, scale) * off) ** 2
    per_item = plain.sum(axis=0) / (plain.sum(axis=0) + partial.sum(axis=0))
    chi = -(n - 1 - (2 * items + 5) / 6.0) * float(np.linalg.slogdet(r)[1])
    df = items * (items - 1) // 2
    kmo = float(plain.sum() / (plain.sum() + partial.sum()))
    return Adequacy(kmo, per_item, chi, df, float(chdtrc(df, max(chi, 0.0))))


def independent_correlations(table: FloatArray) -> FloatArray:
    """Correlations of columns that are not linearly dependent; raises Inconsistent when they are, NoSpread.

    >>> independent_correlations(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])).round(2).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    r = correlations(table)
    if np.linalg.eigvalsh(r)[0] < 1e-10:
        raise Inconsistent("items are linearly dependent: one of them says nothing that the others do not")
    return r


def eigenvalues(values: ArrayLike) -> FloatArray:
    """Eigenvalues of the correlation matrix, largest first; as many factors as exceed 1 is Kaiser's rule of thumb.

    values: shape (n >= 3, p), each column in a unit of its own. Assumes straight lines between items. Cost O(n p^2 +
    p^3). Raises TooFew, NotFinite, NoSpread. Prefer `parallel_analysis` for the number of factors. Source: Kaiser,
    1960, Educational and Psychological Measurement 20:141.

    >>> eigenvalues([[1, 1], [2, 2], [3, 3]]).round(6).tolist()
    [2.0, 0.0]
    """
    return np.asarray(np.linalg.eigvalsh(correlations(cases(values, rows_min=3)))[::-1], dtype=np.float64)


@checked
def parallel_analysis(values: ArrayLike, draws: int = 200, quantile: float = 0.95, seed: int = 0) -> int:
    """The number of leading eigenvalues above those of noise of the same shape: how many factors to extract.

    Counts eigenvalues, from the largest on, that exceed the `quantile` of the same eigenvalue over `draws` tables of
    independent normal values. values: shape (n > p, p >= 2), assumed roughly normal too. Prefer it to eigenvalues above
    1, which take out too many. Deterministic for a seed. Cost draws * O(n p^2 + p^3). Raises TooFew, NotFinite,
    NoSpread, OutOfRange. Source: Horn, 1965, Psychometrika 30:179.

    >>> x = np.random.default_rng(1).normal(size=(100, 1))
    >>> parallel_analysis(np.hstack([x, x + 0.1 * x**2, -x + 0.2 * x**3]), draws=20)
    1
    """
    if draws < 1 or not 0.0 < quantile < 1.0:
        raise OutOfRange("draws must be at least 1 and the quantile lie between 0 and 1")
    table = cases(values, rows_min=3)
    random = np.random.default_rng(seed)
    noise = np.stack([eigenvalues(random.normal(size=table.shape)) for _ in range(draws)])
    above = eigenvalues(table) > np.quantile(noise, quantile, axis=0)
    return int(np.argmin(above)) if not above.all() else len(above)


def degrees_of_fit(items: int, factors: int) -> int:
    """Degrees of freedom of a model with `factors` factors: ((p - k)^2 - p - k) / 2; negative when there are too many.

    >>> degrees_of_fit(6, 2)
    4
    """
    return math.floor(((items - factors) ** 2 - items - factors) / 2)
