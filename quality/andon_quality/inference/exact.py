"""Two by two, exactly: for counts too small for chi-square."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import NoSpread, OutOfRange, TooFew
from andon_quality.inference.comparison import Comparison
from andon_quality.inference.interval import Interval, tail

TIE = 1.0 + 1e-7
"""Tables as likely as the one seen count as extreme although rounding sets them a hair apart."""
LOG_ODDS_MAX = 700.0


def fisher(table: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Fisher's exact test of a 2 x 2 table; effect: the conditional maximum-likelihood odds ratio and its interval.

    Given the margins, the first cell follows a (noncentral) hypergeometric distribution; p sums all tables at most as
    likely as the one seen, the interval inverts both one-sided tests, so it covers at least the nominal level.
    The odds ratio is 0 or infinite when a cell rules it so. table: integer counts, shape (2, 2), independent cases.
    Prefer `chi_square` when its check holds, `compare_proportions` for a difference of shares. Cost O(cases).
    Raises TooFew, NotFinite, OutOfRange, NoSpread for an empty row or column. statistic is the first cell.
    Source: Fisher, 1935, Journal of the Royal Statistical Society 98:39.

    >>> result = fisher([[8, 2], [1, 5]])
    >>> round(result.effect, 3), round(result.p_value, 4)
    (15.466, 0.035)
    """
    counts = finite(table)
    if counts.shape != (2, 2):
        raise TooFew("needs two rows and two columns")
    if (counts < 0.0).any() or (counts != np.floor(counts)).any():
        raise OutOfRange("counts are whole numbers from 0 on")
    if min(counts.sum(axis=0).min(), counts.sum(axis=1).min()) <= 0.0:
        raise NoSpread("a row or a column is empty")
    support, ways = _ways(counts)
    seen = float(counts[0, 0])
    mass = _masses(support, ways, 0.0)
    p = min(float(mass[mass <= mass[support == seen][0] * TIE].sum()), 1.0)
    interval = _odds_interval(support, ways, seen, confidence)
    return Comparison("odds ratio", _odds(support, ways, seen), interval, seen, None, p, ())


def _ways(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The values that the first cell can take, and the log of the number of tables with each."""
    from scipy.special import gammaln

    (first, second), column = counts.sum(axis=1), float(counts[:, 0].sum())
    support = np.arange(max(0.0, column - second), min(first, column) + 1.0)
    other = column - support
    inside = gammaln(support + 1) + gammaln(first - support + 1) + gammaln(other + 1) + gammaln(second - other + 1)
    return support, -np.asarray(inside, dtype=np.float64)


def _masses(support: FloatArray, ways: FloatArray, log_odds: float) -> FloatArray:
    logs = ways + support * log_odds
    weight = np.exp(logs - logs.max())
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _odds(support: FloatArray, ways: FloatArray, seen: float) -> float:
    if seen in (support[0], support[-1]):
        return 0.0 if seen == support[0] else math.inf
    return _solved(lambda log_odds: float(support @ _masses(support, ways, log_odds)) - seen)


def _odds_interval(support: FloatArray, ways: FloatArray, seen: float, confidence: float) -> Interval:
    outside = tail(confidence)

    def above(log_odds: float) -> float:
        return float(_masses(support, ways, log_odds)[support >= seen].sum()) - outside

    def below(log_odds: float) -> float:
        return outside - float(_masses(support, ways, log_odds)[support <= seen].sum())

    low = 0.0 if seen == support[0] else _solved(above)
    high = math.inf if seen == support[-1] else _solved(below)
    return Interval(low, high, confidence)


def _solved(rising: Callable[[float], float]) -> float:
    """The odds at whose logarithm a rising function is zero, by bisection."""
    low, high = -LOG_ODDS_MAX, LOG_ODDS_MAX
    while True:
        middle = (low + high) / 2.0
        if high - low < 1e-13 or middle in (low, high):
            return math.exp(middle)
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
