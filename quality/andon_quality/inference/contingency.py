"""Whether two classifications of the same cases have to do with each other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import finite
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.inference.comparison import Check, Comparison
from andon_quality.inference.interval import Interval
from andon_quality.inference.noncentral import chi_square_range


def chi_square(table: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Pearson's test of independence; effect Cramer's V = sqrt(chi^2 / (n (min(rows, columns) - 1))), 0..1.

    chi^2 = sum (observed - expected)^2 / expected, without Yates' correction. The interval inverts the noncentral
    chi-square: V = sqrt(nc / (n k)). table: counts, shape (rows >= 2, columns >= 2), independent cases.
    Checked (Cochran): four fifths of the expected counts at least 5, all at least 1. Prefer `compare_proportions`
    for a 2 x 2 where the difference matters, `fisher` where counts are small, `kruskal` when the classes are ordered.
    Cost O(cells). Raises TooFew, NotFinite, OutOfRange for a negative count, NoSpread for an empty row or column.
    Sources: Pearson, 1900; Cramer, 1946, Mathematical Methods of Statistics, section 21.9; Smithson, 2003.

    >>> result = chi_square([[30, 10], [15, 25]])
    >>> round(result.statistic, 4), round(result.effect, 4), round(result.p, 6)
    (11.4286, 0.378, 0.000723)
    """
    from scipy.special import chdtrc

    counts = finite(table)
    if counts.ndim != 2 or min(counts.shape) < 2:
        raise TooFew("needs at least two rows and two columns")
    if (counts < 0.0).any():
        raise OutOfRange("a count is never negative")
    rows, columns, total = counts.sum(axis=1), counts.sum(axis=0), float(counts.sum())
    if min(rows.min(), columns.min()) <= 0.0:
        raise NoSpread("a row or a column is empty")
    expected = np.outer(rows, columns) / total
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = float((counts.shape[0] - 1) * (counts.shape[1] - 1))
    largest = total * (min(counts.shape) - 1)
    effect = math.sqrt(statistic / largest)
    low, high = (min(math.sqrt(size / largest), 1.0) for size in chi_square_range(statistic, freedom, confidence))
    interval = Interval(low, max(high, effect), confidence)
    return Comparison(
        "Cramer's V", effect, interval, statistic, freedom, float(chdtrc(freedom, statistic)), (_cochran(expected),)
    )


def _cochran(expected: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Check:
    small = float((expected < 5.0).mean())
    evidence = f"smallest expected count {expected.min():.3g}, {100.0 * small:.0f} % below 5"
    return Check("expected counts are large enough", bool(small <= 0.2 and expected.min() >= 1.0), evidence)
