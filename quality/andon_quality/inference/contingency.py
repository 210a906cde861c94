"""Whether two classifications of the same cases have to do with each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite, plain, refuse
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.interval import Interval
from andon_quality.inference.noncentral import chi_square_range


def chi_square(table: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Pearson's test of independence; effect Cramer's V = sqrt(chi^2 / (n (min(rows, columns) - 1))), 0..1.

    chi^2 = sum (observed - expected)^2 / expected, without Yates' correction. The interval inverts the noncentral
    chi-square: V = sqrt(nc / (n k)). table: counts, shape (rows >= 2, columns >= 2), or (tables, rows, columns) for
    many at once; independent cases. Checked (Cochran): four fifths of the expected counts at least 5, all at least 1.
    Prefer `compare_proportions` for a 2 x 2 where the difference matters, `fisher` where counts are small, `kruskal`
    when the classes are ordered. Cost O(cells), and a hundred evaluations of the noncentral chi-square a table.
    Raises TooFew, NotFinite, OutOfRange for a negative count, NoSpread for an empty row or column.
    Sources: Pearson, 1900, Philosophical Magazine 50:157; Cramer, 1946, Mathematical Methods of Statistics, section
    21.9; Smithson, 2003, Confidence Intervals.

    >>> result = chi_square([[30, 10], [15, 25]])
    >>> round(result.statistic, 4), round(result.effect, 4), round(result.p_value, 6)
    (11.4286, 0.378, 0.000723)
    """
    from scipy.special import chdtrc

    counts = np.ascontiguousarray(finite(table))
    if counts.ndim not in (2, 3) or min(counts.shape[-2:]) < 2:
        raise TooFew("needs at least two rows and two columns")
    refuse((counts < 0.0).any(axis=(-2, -1)), OutOfRange, "a count is never negative")
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    refuse(np.minimum(rows.min(axis=-1), columns.min(axis=-1)) <= 0.0, NoSpread, "a row or a column is empty")
    total = rows.sum(axis=-1)
    expected = rows[..., :, None] * columns[..., None, :] / total[..., None, None]
    statistic = ((counts - expected) ** 2 / expected).reshape(*total.shape, -1).sum(axis=-1)
    df = float((counts.shape[-2] - 1) * (counts.shape[-1] - 1))
    largest = total * (min(counts.shape[-2:]) - 1)
    effect = np.sqrt(statistic / largest)
    ends = chi_square_range(statistic, df, confidence)
    low, high = (np.minimum(np.sqrt(size / largest), 1.0) for size in ends)
    interval = Interval(plain(low), plain(np.maximum(high, effect)), confidence)
    p = plain(chdtrc(df, statistic))
    return Comparison("Cramer's V", plain(effect), interval, plain(statistic), df, p, (_cochran(expected),))


def _cochran(expected: FloatArray) -> AssumptionCheck:
    smallest, small = expected.min(axis=(-2, -1)), (expected < 5.0).mean(axis=(-2, -1))
    holds = plain((small <= 0.2) & (smallest >= 1.0))
    says = "smallest expected count {:.3g}, {:.0f} % below 5"
    return AssumptionCheck("expected counts are large enough", holds, says, (plain(smallest), plain(100.0 * small)))
