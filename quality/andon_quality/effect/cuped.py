"""Less noise for the same data: what was known before the action is taken out of what came after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, by_series, plain, refuse, side_by_side
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread
from andon_quality.inference.means import satterthwaite


@dataclass(frozen=True)
class CovariateAdjustment:
    """theta: what one unit of the covariate is worth; kept: share of the variance that remains, 1 - correlation^2.

    Numbers for one series, arrays of shape (series,) for many.
    """

    theta: PerSeries
    kept: PerSeries


def adjustment(outcome: ArrayLike, covariate: ArrayLike) -> CovariateAdjustment:
    """theta = cov(y, x) / var(x), and the share of variance it leaves.

    outcome, covariate: shape (n,), n >= 3, or (series, n) for many; a single covariate with many outcomes serves all
    of them. theta is in units of the outcome per unit of the covariate. Assumes a straight line between the two; prefer
    `cuped` for two groups of units, whose levels differ. O(values).
    Raises TooFew, NotFinite, Inconsistent, NoSpread (constant covariate). Source: as `cuped`.

    >>> adjustment([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    CovariateAdjustment(theta=2.0, kept=0.0)
    """
    y, x = side_by_side(by_series(outcome, 3), by_series(covariate, 3))
    if y.shape != x.shape:
        raise Inconsistent("outcome and covariate need the same periods or units")
    return _explained(y - y.mean(axis=-1, keepdims=True), x - x.mean(axis=-1, keepdims=True))


def adjusted(outcome: ArrayLike, covariate: ArrayLike, known: CovariateAdjustment, centre: PerSeries) -> FloatArray:
    """outcome - theta (covariate - centre): feed it to `before_after` or, day by day, to `always_valid`.

    outcome, covariate: shape (n,) or (series, n), the answer likewise, in the unit of the outcome. Learn `known` and
    `centre` (the covariate's mean; one, or one a series) from the periods before the action alone, and use a covariate
    that the action cannot reach: weather, volume, the same hour elsewhere. Assumes that theta goes on as it was; prefer
    `structural` where a level wanders besides. O(values). Raises Inconsistent, NotFinite. Source: as `cuped`.

    >>> adjusted([5.0, 7.0], [1.0, 2.0], CovariateAdjustment(2.0, 0.0), 1.0).tolist()
    [5.0, 5.0]
    """
    y, x = side_by_side(by_series(outcome), by_series(covariate))
    if y.shape != x.shape:
        raise Inconsistent("outcome and covariate need the same periods or units")
    result: FloatArray = y - _beside(known.theta) * (x - _beside(centre))
    return result


@checked
def cuped(
    treated: ArrayLike,
    treated_before: ArrayLike,
    control: ArrayLike,
    control_before: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
) -> Effect:
    """The mean difference of two groups of units, each unit's own history taken out (CUPED).

    Y' = Y - theta (X - mean of X over all), theta pooled within the groups; then Welch's interval on Y'. The
    interval is about sqrt(1 - correlation^2) times as wide as without. `relative` is None.

    treated, control: outcome per unit, shapes (n,), (m,), n, m >= 3; or (series, n), (series, m) for many actions or
    many figures of the same units at once; *_before: the same units before the action. All in one unit; expected,
    margin: likewise, one for all or one a series. Assumes independent units, assigned at random. O(n + m) a series.
    Prefer `difference_in_differences` for two time series. Raises TooFew, NotFinite, Inconsistent, NoSpread.
    Source: Deng, Xu, Kohavi and Walker, WSDM (2013) 123.

    >>> effect = cuped([4.1, 5.0, 6.1, 7.0], [5.0, 6.0, 7.0, 8.0], [5.0, 6.1, 7.0, 8.1], [5.0, 6.0, 7.0, 8.0])
    >>> round(effect.estimate, 6), effect.verdict.value
    (-1.0, 'improved')
    """
    y1, x1, y0, x0 = side_by_side(*(by_series(v, 3) for v in (treated, treated_before, control, control_before)))
    if y1.shape != x1.shape or y0.shape != x0.shape:
        raise Inconsistent("every unit needs an outcome and a history")
    within = _explained(*(_within(first, second) for first, second in ((y1, y0), (x1, x0))))
    centre = np.concatenate([x1, x0], axis=-1).mean(axis=-1)
    now, was = adjusted(y1, x1, within, centre), adjusted(y0, x0, within, centre)
    balance = plain(_in_errors(x1, x0))
    checks = (
        EffectCheck("covariate explains", within.kept < 0.95, 1 - within.kept, "variance taken out by the history"),
        EffectCheck(
            "balance before",
            plain(np.abs(balance) < 3),
            balance,
            "difference of the histories, in standard errors",
            True,
        ),
    )
    return _effect(was, now, direction, margin_from(expected, margin), confidence, checks)


def _beside(figure: PerSeries) -> FloatArray:
    """A figure of each series, laid out to be taken together with its values."""
    return np.asarray(figure, dtype=np.float64)[..., None]


def _within(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.concatenate([each - each.mean(axis=-1, keepdims=True) for each in (first, second)], axis=-1)


def _explained(dy: FloatArray, dx: FloatArray) -> CovariateAdjustment:
    """The adjustment from values that are centred already."""
    squares, together, total = ((a * b).sum(axis=-1) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    refuse(~(squares > 0), NoSpread, "a constant covariate explains nothing")
    theta = together / squares
    share = np.divide(theta * together, total, out=np.zeros(np.shape(total)), where=total > 0)
    return CovariateAdjustment(plain(theta), plain(np.maximum(1 - share, 0.0)))


def _effect(
    was: FloatArray,
    now: FloatArray,
    direction: Direction,
    margin: PerSeries | None,
    confidence: float,
    checks: tuple[EffectCheck, ...],
) -> Effect:
    """Welch's interval on adjusted values."""
    n, m = was.shape[-1], now.shape[-1]
    first, second = was.var(axis=-1, ddof=1) / n, now.var(axis=-1, ddof=1) / m
    refuse(first + second <= 0, NoSpread, "no variance is left in either group")
    error = np.sqrt(first + second)
    estimate = now.mean(axis=-1) - was.mean(axis=-1)
    # Of shares, since squares of tiny variances would vanish.
    df = satterthwaite(first / (first + second), second / (first + second), n - 1, m - 1)
    reach = quantile(confidence, df) * error
    lower, upper = plain(estimate - reach), plain(estimate + reach)
    return Effect(
        plain(estimate),
        lower,
        upper,
        None,
        None,
        None,
        plain(two_sided_p(estimate / error, df)),
        decide(lower, upper, direction, margin, checks),
        checks,
        "CUPED-adjusted difference of means, Welch interval",
        confidence,
        margin,
    )


def _in_errors(first: FloatArray, second: FloatArray) -> FloatArray:
    """The difference of two means in standard errors; 0 where nothing varies."""
    error = np.sqrt(first.var(axis=-1, ddof=1) / first.shape[-1] + second.var(axis=-1, ddof=1) / second.shape[-1])
    apart = first.mean(axis=-1) - second.mean(axis=-1)
    return np.asarray(np.divide(apart, error, out=np.zeros(np.shape(error)), where=error > 0))
