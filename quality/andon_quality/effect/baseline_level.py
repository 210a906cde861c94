"""The level an action is compared with, how far windows vary around it, and what the windows after it then prove."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.autocorrelation import MeanOfDependent, lag1, mean_of_dependent
from andon_quality.effect.boundary import Boundary
from andon_quality.effect.long_run import long_run_variance
from andon_quality.effect.sequential import sequential
from andon_quality.effect.student import quantile
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, Verdict, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.result import Result

# Eight weeks of days: from here on the spread is known well enough for the interval to be of use.
BASELINE_SIZE_GOOD = 56
AUTOCORRELATION_MAX = 0.8
STATIONARITY_CONFIDENCE = 0.99
SPREAD_RATIO_MAX = 2.0


@dataclass(frozen=True)
class ShareCounts:
    """`counts` among `sizes` cases of each window, both of shape (n,): what a window's share is made of."""

    counts: FloatArray
    sizes: FloatArray

    def sampling_variance(self) -> float:
        """p (1 - p) / n of a window, averaged over windows; p is (counts + 2) / (cases + 4), so 0 of n is no certainty.

        Source: Agresti and Coull, The American Statistician 52 (1998) 119, for the p.

        >>> ShareCounts(np.array([0.0, 0.0]), np.array([48.0, 48.0])).sampling_variance()
        0.0004083333333333333
        """
        share = (self.counts.sum() + 2) / (self.sizes.sum() + 4)
        return float(share * (1 - share) * (1 / np.maximum(self.sizes, 1)).sum() / len(self.sizes))


@dataclass(frozen=True)
class BaselineLevel(Result):
    """`level`: the mean of `points` windows before an action, season taken out, in the unit of the values.

    variance: of one window, such that a mean of n has variance / n whatever the autocorrelation; df: the degrees of
    freedom behind it. marginal: the plain variance of a window. lag1_autocorrelation: of neighbours. drift: second
    half less first half of the windows that the spread comes from, in standard errors. scale: how many times the
    variance is at this level of what it is where the spread comes from. spread_points: how many windows those are.
    """

    level: float
    points: int
    variance: float
    df: float
    marginal: float
    lag1_autocorrelation: float
    drift: float
    scale: float
    spread_points: int

    def error(self, after: ArrayLike) -> FloatArray:
        """The standard error of the mean of so many windows less the level: sqrt(v (1 / after + 1 / points))."""
        return np.sqrt(self.variance * (1 / np.asarray(after, dtype=np.float64) + 1 / self.points))


@checked_fields
@dataclass(frozen=True)
class Outlook(Result):
    """After so many more windows there is this verdict, if the change stays what it is.

    verdict None: not within the planned windows, of which so many are left.
    """

    windows: int
    verdict: Verdict | None


@checked
def baseline_level(
    before: ArrayLike,
    spread: ArrayLike,
    fitted: int = 1,
    before_counts: ShareCounts | None = None,
    spread_counts: ShareCounts | None = None,
) -> BaselineLevel:
    """The level of `before`, with a variance learnt from `spread`: two stretches before an action, or one given twice.

    Values vary differently at another level. So the variance of `spread` is taken times what the counts say,
    p (1 - p) / n against that of `spread`, where values are shares; else times what the windows of `before` show. It is
    never taken lower, and of shares never below p (1 - p) / n.

    before: shape (m,), m >= 1; spread: shape (n,), n >= 8, in time order, with the season taken out, of which `fitted`
    parameters were estimated (`fit_season`). before_counts, spread_counts: for shares, both or neither. Assumes that
    the process before the action is stationary. O(m + n^1.5). Raises TooFew, NoSpread where nothing varies, NotFinite,
    Inconsistent.

    >>> baseline_level([1.0, 3.0] * 4, [1.0, 3.0] * 20).level
    2.0
    """
    level, calm = finite(before, 1), finite(spread)
    if (before_counts is None) != (spread_counts is None):
        raise Inconsistent("either both stretches are of shares or neither is")
    per_window, df = long_run_variance(calm, fitted)
    marginal = float(calm.var()) * calm.size / (calm.size - fitted)
    phi = float(lag1([calm]))
    floor = 0.0 if before_counts is None else before_counts.sampling_variance()
    if before_counts is None or spread_counts is None:
        scale, scale_df = _shown(mean_of_dependent(level, phi), marginal)
    else:
        scale, scale_df = max(1.0, floor / spread_counts.sampling_variance()), math.inf
    variance = max(per_window * scale, floor)
    if variance <= 1e-24 * max(float(np.abs(calm).max()), abs(float(level.mean()))) ** 2:
        raise NoSpread("the windows before the action do not vary, so no change can be separated from their variation")
    return BaselineLevel(
        level=float(level.mean()),
        points=level.size,
        variance=variance,
        df=1 / (1 / df + 1 / scale_df),
        marginal=max(marginal * scale, floor),
        lag1_autocorrelation=phi,
        drift=_drift(calm, per_window),
        scale=scale,
        spread_points=calm.size,
    )


@checked
def level_change(
    baseline: BaselineLevel,
    after: ArrayLike,
    planned: int,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
) -> Effect:
    """The mean after less the level before, with an interval that holds however often one looks.

    Its information 1 / (v (1 / t + 1 / m)) grows as Brownian time, and the boundary around it (`Boundary`) was set
    before the action began. after: shape (t,), season taken out; planned: windows after which the interval is
    narrowest. The checks are those of `checks`. O(t). Raises TooFew, NotFinite, OutOfRange.

    >>> level_change(baseline_level([1.0, 3.0] * 20, [1.0, 3.0] * 20), [0.0] * 30, 60).verdict.value
    'improved'
    """
    values = finite(after, 1)
    if planned < 1:
        raise OutOfRange(f"needs at least one planned window, got {planned}")
    return sequential(
        float(values.mean()) - baseline.level,
        baseline.error(values.size),
        baseline.error(planned),
        direction,
        expected,
        confidence,
        df=baseline.df,
    )


def checks(baseline: BaselineLevel, after: ArrayLike) -> tuple[EffectCheck, ...]:
    """What `level_change` assumes, looked at one by one; after: shape (t,), season taken out. O(t). Raises NotFinite.

    baseline_size: windows behind the spread. autocorrelation: the interval allows for it up to about 0.8.
    stationarity: the drift within the 99 % of Student's T. spread: the variance after over the one expected.

    >>> [check.passed for check in checks(baseline_level([1.0, 3.0] * 40, [1.0, 3.0] * 40), [0.0, 4.0, 0.0])]
    [True, True, True, False]
    """
    values = finite(after)
    ratio = float(values.var(ddof=1)) / baseline.marginal if values.size > 1 else 1.0
    phi, drift, size = baseline.lag1_autocorrelation, baseline.drift, baseline.spread_points
    steady = abs(drift) <= quantile(STATIONARITY_CONFIDENCE, baseline.df)
    return (
        EffectCheck("baseline_size", size >= BASELINE_SIZE_GOOD, float(size), "windows that the spread comes from"),
        EffectCheck("autocorrelation", phi < AUTOCORRELATION_MAX, phi, "lag-1 autocorrelation of those windows"),
        EffectCheck("stationarity", steady, drift, "their second half less their first, in standard errors"),
        EffectCheck("spread", ratio <= SPREAD_RATIO_MAX, ratio, "variance after over the variance expected"),
    )


@checked
def outlook(
    baseline: BaselineLevel,
    estimate: float,
    after: int,
    planned: int,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
) -> Outlook:
    """How many more windows a `level_change` that is undecided after `after` windows needs, if its estimate stays.

    The estimate stays, the interval narrows with each window up to the planned ones. O(planned). Raises OutOfRange.

    >>> outlook(baseline_level([1.0, 3.0] * 20, [1.0, 3.0] * 20), -1.0, 8, 60)
    Outlook(windows=9, verdict=<Verdict.IMPROVED: 'improved'>)
    """
    if after < 1 or planned < 1:
        raise OutOfRange(f"needs at least one window after and one planned, got {after} and {planned}")
    counts = np.arange(after + 1, planned + 1)
    boundary = Boundary(float(1 / baseline.error(planned) ** 2), confidence, baseline.df)
    reach = boundary.reach(1 / baseline.error(counts) ** 2)
    verdicts = decide(estimate - reach, estimate + reach, direction, margin_from(expected, None))
    decided = [at for at, verdict in enumerate(verdicts) if verdict is not Verdict.UNDECIDED]
    return Outlook(decided[0] + 1, verdicts[decided[0]]) if decided else Outlook(counts.size, None)


def _shown(level: MeanOfDependent, marginal: float) -> tuple[float, float]:
    """How much more the windows of before vary than those of the spread, at least 1, and the df of that figure."""
    shown = float(level.variance * level.independent_points)
    if not 0.0 < marginal < shown:
        return 1.0, math.inf
    return shown / marginal, max(float(level.independent_points) - 1, 1.0)


def _drift(calm: FloatArray, per_window: float) -> float:
    half = calm.size // 2
    error = math.sqrt(4 * per_window / calm.size)
    return float(calm[half:].mean() - calm[:half].mean()) / error if error > 0 else 0.0
