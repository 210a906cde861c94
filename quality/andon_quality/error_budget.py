"""Error budgets: how much of what may fail has failed, and whether it fails faster than it may, at any traffic.

A burn rate is the share that fails over the share that may. Fixed thresholds on it (14.4 in an hour, say) alarm on a
single failure among few cases; here a burn rate counts as shown only where an exact binomial test says that the share
lies above the objective, at a level that follows from the false alarms wanted. So the rate of false alarms is bounded
whatever the traffic is; the price is that few cases show little.
Source: B. Beyer et al., The Site Reliability Workbook (2018), ch. 5, for burn rates over several windows; C. J. Clopper
and E. S. Pearson, Biometrika 26 (1934) 404-413, for the bounds; the test is the binomial tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, finite
from andon_quality.errors import OutOfRange
from andon_quality.inference.proportion import counts_checked
from andon_quality.result import Result


@dataclass(frozen=True)
class ErrorBudget(Result):
    """Of each series, shape (...). allowed: failures that the objective leaves room for among the cases so far.

    consumed: failures over `allowed`; above 1 the budget is spent. left: allowed failures not yet used, below 0
    beyond.
    """

    allowed: FloatArray
    consumed: FloatArray
    left: FloatArray


@dataclass(frozen=True)
class BurnRate(Result):
    """Of each window, shape (...). rate: share of failures over the share allowed, with its one-sided lower bound.

    p_value: how often as many failures come by chance where the share is exactly what is allowed. is_burning: the rate
    is at least the threshold, and p_value at most alpha.
    """

    rate: FloatArray
    lower: FloatArray
    p_value: FloatArray
    is_burning: BoolArray


@checked
def budget(failures: ArrayLike, cases: ArrayLike, allowed: float) -> ErrorBudget:
    """What is used of the failures that a share of `allowed` (0 to 1) permits; shapes broadcast to (...).

    Assumes that every case counts alike; prefer `burn_rate` for whether it is used too fast. Cost: O(series). Raises
    OutOfRange unless 0 < allowed < 1 and 0 <= failures <= cases, TooFew for no cases, NotFinite.

    >>> found = budget(3, 1_000, 0.01)
    >>> float(found.allowed), float(found.consumed), float(found.left)
    (10.0, 0.3, 7.0)
    """
    x, n = counts_checked(failures, cases)
    _share(allowed)
    room = n * allowed
    return ErrorBudget(np.asarray(room), np.asarray(x / room), np.asarray(room - x))


@checked
def burn_rate(
    failures: ArrayLike, cases: ArrayLike, allowed: float, threshold: float = 1.0, alpha: float = 0.001
) -> BurnRate:
    """Whether failures come faster than allowed in a window; shapes broadcast to (...), windows without cases are 0.

    threshold: the burn rate from which on a shown excess counts. alpha: level of the exact binomial test, and of the
    Clopper-Pearson bound of `lower`; from `level` where false alarms a month are wanted. Assumes independent cases;
    where they cluster, widen by the factor that a p' chart has. Cost: O(windows); scipy is imported on use. Raises
    OutOfRange unless 0 < allowed < 1, 0 < alpha < 1, threshold >= 1 and 0 <= failures <= cases, NotFinite.

    >>> one = burn_rate([1, 9], [2, 100], 0.01, threshold=2.0)
    >>> one.rate.round(1).tolist(), one.is_burning.tolist()
    ([50.0, 9.0], [False, True])
    """
    from scipy.special import betainc, betaincinv

    x, n = np.broadcast_arrays(finite(failures), finite(cases))
    _share(allowed)
    if not 0 < alpha < 1 or not threshold >= 1:
        raise OutOfRange("needs 0 < alpha < 1 and a threshold of at least 1")
    if (x < 0).any() or (x > n).any():
        raise OutOfRange("needs 0 <= failures <= cases")
    some = x > 0
    rest = np.where(some, n - x + 1.0, 1.0)
    hits = np.where(some, x, 1.0)
    # P(X >= x) of a binomial is a regularised incomplete beta function.
    p_value = np.where(some, betainc(hits, rest, allowed), 1.0)
    lower = np.where(some, betaincinv(hits, rest, alpha), 0.0) / allowed
    rate = np.divide(x, n, out=np.zeros(x.shape), where=n > 0) / allowed
    burning = (rate >= threshold) & (p_value <= alpha)
    return BurnRate(np.asarray(rate), np.asarray(lower), np.asarray(p_value), np.asarray(burning))


def level(false_alarms: float, looks: float) -> float:
    """alpha that bounds the expected number of false alarms of so many looks: false_alarms / looks.

    By the union bound, so it holds for overlapping windows too. Assumes that every look is one test; prefer it over a
    level by habit. Cost: O(1). Raises OutOfRange unless 0 < false_alarms < looks.

    >>> round(level(0.5, 60), 5)
    0.00833
    """
    if not 0 < false_alarms < looks:
        raise OutOfRange("needs 0 < false_alarms < looks")
    return false_alarms / looks


def _share(allowed: float) -> None:
    if not 0 < allowed < 1:
        raise OutOfRange(f"the share allowed must lie between 0 and 1, got {allowed}")
