"""Less noise for the same data: what was known before the action is taken out of what came after."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread, TooFew


@dataclass(frozen=True)
class Adjustment:
    """theta: what one unit of the covariate is worth; kept: share of the variance that remains, 1 - correlation^2."""

    theta: float
    kept: float


def adjustment(outcome: ArrayLike, covariate: ArrayLike) -> Adjustment:
    """theta = cov(y, x) / var(x), and the share of variance it leaves. Shapes (n,), n >= 3. O(n).

    Raises TooFew, NotFinite, Inconsistent, NoSpread (constant covariate). Source: as `cuped`.

    >>> adjustment([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    Adjustment(theta=2.0, kept=0.0)
    """
    y, x = finite(outcome, 3), finite(covariate, 3)
    if y.shape != x.shape or y.ndim != 1:
        raise Inconsistent("outcome and covariate need the same one-dimensional shape")
    dx, dy = x - x.mean(), y - y.mean()
    if not float(dx @ dx) > 0:
        raise NoSpread("a constant covariate explains nothing")
    theta = float(dx @ dy) / float(dx @ dx)
    total = float(dy @ dy)
    return Adjustment(theta, max(1 - theta * float(dx @ dy) / total, 0.0) if total > 0 else 1.0)


def adjusted(outcome: ArrayLike, covariate: ArrayLike, known: Adjustment, centre: float) -> FloatArray:
    """outcome - theta (covariate - centre): feed it to `before_after` or, day by day, to `always_valid`.

    Learn `known` and `centre` (the covariate's mean) from the periods before the action alone, and use a covariate that
    the action cannot reach: weather, volume, the same hour elsewhere. O(n). Raises Inconsistent, NotFinite.

    >>> adjusted([5.0, 7.0], [1.0, 2.0], Adjustment(2.0, 0.0), 1.0).tolist()
    [5.0, 5.0]
    """
    y, x = finite(outcome), finite(covariate)
    if y.shape != x.shape:
        raise Inconsistent("outcome and covariate need the same shape")
    result: FloatArray = y - known.theta * (x - centre)
    return result


def cuped(
    treated: ArrayLike,
    treated_before: ArrayLike,
    control: ArrayLike,
    control_before: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
) -> Effect:
    """The mean difference of two groups of units, each unit's own history taken out (CUPED).

    Y' = Y - theta (X - mean of X over all), theta pooled within the groups; then Welch's interval on Y'. The
    interval is about sqrt(1 - correlation^2) times as wide as without. `relative` is None.

    treated, control: outcome per unit, shapes (n,), (m,), n, m >= 3; *_before: the same units before the action.
    Assumes independent units, assigned by chance. O(n + m). Prefer `difference_in_differences` for two time series.
    Raises TooFew, NotFinite, Inconsistent, NoSpread.
    Source: Deng, Xu, Kohavi and Walker, WSDM (2013) 123.

    >>> effect = cuped([4.1, 5.0, 6.1, 7.0], [5.0, 6.0, 7.0, 8.0], [5.0, 6.1, 7.0, 8.1], [5.0, 6.0, 7.0, 8.0])
    >>> round(effect.estimate, 6), effect.verdict.value
    (-1.0, 'improved')
    """
    y1, x1, y0, x0 = (finite(v, 3) for v in (treated, treated_before, control, control_before))
    if y1.shape != x1.shape or y0.shape != x0.shape:
        raise Inconsistent("every unit needs an outcome and a history")
    within = adjustment(
        np.concatenate([y1 - y1.mean(), y0 - y0.mean()]), np.concatenate([x1 - x1.mean(), x0 - x0.mean()])
    )
    centre = float(np.concatenate([x1, x0]).mean())
    after, before = adjusted(y1, x1, within, centre), adjusted(y0, x0, within, centre)
    effect = _welch(before, after, confidence)
    stated = margin_from(expected, margin)
    balance = _balance(x1, x0)
    checks = (
        Check("history explains", within.kept < 0.95, 1 - within.kept, "variance taken out by the history"),
        Check("balance before", abs(balance) < 3, balance, "difference of the histories, in standard errors"),
    )
    return replace(effect, verdict=decide(effect.lower, effect.upper, direction, stated), checks=checks, margin=stated)


def _welch(before: FloatArray, after: FloatArray, confidence: float) -> Effect:
    if before.size < 3 or after.size < 3:
        raise TooFew("needs at least three units in each group")
    first, second = float(before.var(ddof=1)) / before.size, float(after.var(ddof=1)) / after.size
    total = first + second
    estimate = float(after.mean() - before.mean())
    if total <= 0:
        raise NoSpread("no variance is left in either group")
    degrees = 1 / ((first / total) ** 2 / (before.size - 1) + (second / total) ** 2 / (after.size - 1))
    reach = quantile(confidence, degrees) * total**0.5
    lower, upper = estimate - reach, estimate + reach
    return Effect(
        estimate,
        lower,
        upper,
        None,
        None,
        None,
        two_sided_p(estimate / total**0.5, degrees),
        decide(lower, upper, Direction.LOWER),
        (),
        "CUPED-adjusted difference of means, Welch interval",
        confidence,
        None,
    )


def _balance(first: FloatArray, second: FloatArray) -> float:
    error = (float(first.var(ddof=1)) / first.size + float(second.var(ddof=1)) / second.size) ** 0.5
    return float(first.mean() - second.mean()) / error if error > 0 else 0.0
