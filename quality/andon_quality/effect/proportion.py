"""Two windows around an action, compared by their share of events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, IntArray, PerSeries, by_series, plain, refuse
from andon_quality.effect.autocorrelation import lag1, variance_inflation
from andon_quality.effect.before_after import ratio_interval
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from
from andon_quality.errors import Inconsistent, OutOfRange, TooFew

# Bisection of a quantile between 0 and 60 to the last bit.
STEPS = 60


@dataclass(frozen=True)
class _Window:
    """Events and opportunities, shape (..., periods)."""

    events: FloatArray
    opportunities: FloatArray

    @property
    def share(self) -> FloatArray:
        return np.asarray(self.events.sum(axis=-1) / self.opportunities.sum(axis=-1))

    def residuals(self, series: IntArray, periods: BoolArray) -> FloatArray:
        """Standardised, of these series in these periods, all of which have opportunities."""
        k, n = (np.atleast_2d(part)[series] for part in (self.events, self.opportunities))
        # Shrunk towards 1/2 by half an event, so that a window without events still has a scale.
        p = ((k.sum(axis=-1) + 0.5) / (n.sum(axis=-1) + 1.0))[:, None]
        share = (k.sum(axis=-1) / n.sum(axis=-1))[:, None]
        k, n = np.ascontiguousarray(k[:, periods]), np.ascontiguousarray(n[:, periods])
        return np.asarray((k - n * share) / np.sqrt(n * p * (1 - p)))


@checked
def before_after_proportion(
    counts_before: ArrayLike,
    sizes_before: ArrayLike,
    counts_after: ArrayLike,
    sizes_after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    overdispersion: float | None = None,
) -> Effect:
    """The change of a share of events between two windows, allowing for overdispersion and autocorrelation.

    estimate = share after - share before, over the window totals. Per window a Wilson interval on n / (d a) trials,
    combined by Newcombe's square-and-add; d = max(1, Pearson chi-square / df of the periods about their window's
    share), a the AR(1) variance inflation of the standardised residuals, and a Student quantile with the periods'
    degrees of freedom. Give `overdispersion` to state d yourself, which is what a single total per window needs.

    counts_*, sizes_*: events and opportunities per period, shape (periods,), or a scalar for the total, or (series,
    periods) for many actions at once, with periods 1 for totals; 0 <= counts <= sizes, sum of sizes > 0.
    expected, margin: in units of the share, one for all or one a series. Assumes periods that share one rate within a
    window; with a trend prefer `interrupted`. O(values). Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Newcombe, Statistics in Medicine 17 (1998) 873, method 10; McCullagh and Nelder, Generalized Linear Models,
    2nd ed. (1989) 4.5.

    >>> effect = before_after_proportion(56, 70, 48, 80, Direction.LOWER)
    >>> round(effect.estimate, 4), round(effect.lower, 4), round(effect.upper, 4)
    (-0.2, -0.3339, -0.0524)
    """
    first, second = _window(counts_before, sizes_before), _window(counts_after, sizes_after)
    if first.share.shape != second.share.shape:
        raise Inconsistent("needs as many series before as after")
    spread, phi, df = _dispersion(first, second, overdispersion)
    trials = [_worth(w, spread, phi) for w in (first, second)]
    was, now = first.share, second.share
    critical = quantile(confidence, df)
    lower, upper = (plain(end) for end in _newcombe(was, trials[0], now, trials[1], critical))
    stated, checks = margin_from(expected, margin), _checks(spread, phi, np.minimum(*trials), df)
    variances = was * (1 - was) / trials[0], now * (1 - now) / trials[1]
    return Effect(
        plain(now - was),
        lower,
        upper,
        *ratio_interval(was, variances[0], now, variances[1], critical),
        two_sided_p(_critical(was, trials[0], now, trials[1]), df),
        decide(lower, upper, direction, stated, checks),
        checks,
        "difference of shares, Newcombe interval with overdispersion",
        confidence,
        stated,
    )


def _window(events: ArrayLike, opportunities: ArrayLike) -> _Window:
    k, n = by_series(events), by_series(opportunities)
    if k.shape != n.shape:
        raise Inconsistent("events and opportunities need the same shape")
    refuse(((k < 0) | (k > n)).any(axis=-1), OutOfRange, "needs 0 <= events <= opportunities")
    refuse(n.sum(axis=-1) <= 0, TooFew, "a window without opportunities has no share")
    return _Window(k, n)


def _dispersion(first: _Window, second: _Window, stated: float | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Overdispersion, lag-1 autocorrelation and degrees of freedom of each series."""
    shape = first.share.shape
    if stated is not None:
        if stated < 1:
            raise OutOfRange("overdispersion is at least 1")
        return np.full(shape, stated), np.zeros(shape), np.full(shape, np.inf)
    used = np.atleast_2d(np.concatenate([first.opportunities > 0, second.opportunities > 0], axis=-1))
    found = np.empty((3, len(used)))
    # Series with opportunities in the same periods go together; mostly that is all of them.
    patterns, which = np.unique(used, axis=0, return_inverse=True)
    for place, pattern in enumerate(patterns):
        series = np.flatnonzero(which.reshape(-1) == place).astype(np.int64)
        cut = first.events.shape[-1]
        found[:, series] = _spread_of(first.residuals(series, pattern[:cut]), second.residuals(series, pattern[cut:]))
    spread, phi, df = found.reshape(3, *shape)
    return spread, phi, df


def _spread_of(*residuals: FloatArray) -> FloatArray:
    series, df = len(residuals[0]), sum(r.shape[-1] - 1 for r in residuals)
    if df < 4:
        return np.stack([np.ones(series), np.zeros(series), np.full(series, np.inf)])
    spread = np.asarray(sum((r * r).sum(axis=-1) for r in residuals)) / df
    phi = lag1([r for r in residuals if r.shape[-1] > 1])
    return np.stack([np.maximum(spread, 1.0), phi, np.maximum(df / variance_inflation(phi, df), 2.0)])


def _worth(window: _Window, spread: FloatArray, phi: FloatArray) -> FloatArray:
    inflation = variance_inflation(phi, window.events.shape[-1])
    return np.asarray(window.opportunities.sum(axis=-1) / (spread * inflation))


def _wilson(share: FloatArray, trials: FloatArray, z: PerSeries) -> tuple[FloatArray, FloatArray]:
    middle = share + z * z / (2 * trials)
    reach = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return np.maximum((middle - reach) / scale, 0.0), np.minimum((middle + reach) / scale, 1.0)


def _newcombe(
    was: FloatArray, was_trials: FloatArray, now: FloatArray, now_trials: FloatArray, z: PerSeries
) -> tuple[FloatArray, FloatArray]:
    was_lower, was_upper = _wilson(was, was_trials, z)
    now_lower, now_upper = _wilson(now, now_trials, z)
    change = now - was
    return change - np.hypot(now - now_lower, was_upper - was), change + np.hypot(now_upper - now, was - was_lower)


def _critical(was: FloatArray, was_trials: FloatArray, now: FloatArray, now_trials: FloatArray) -> FloatArray:
    """The quantile at which the interval just touches zero, so that p and interval never disagree."""
    low, high = np.zeros(was.shape), np.full(was.shape, 60.0)
    for _ in range(STEPS):
        middle = (low + high) / 2
        lower, upper = _newcombe(was, was_trials, now, now_trials, middle)
        inside = (lower <= 0) & (upper >= 0)
        low, high = np.where(inside, low, middle), np.where(inside, middle, high)
    return high


def _checks(spread: FloatArray, phi: FloatArray, fewest: FloatArray, df: FloatArray) -> tuple[EffectCheck, ...]:
    known = plain(~np.isinf(df) | (spread > 1))
    beyond = "spread beyond that of independent counts; 1 when it had to be assumed"
    worth = "the smaller window is worth this many trials"
    return (
        EffectCheck("overdispersion", known, plain(spread), beyond),
        EffectCheck("autocorrelation", plain(phi < 0.8), plain(phi), "lag-1 autocorrelation of the periods", True),
        EffectCheck("independent opportunities", plain(fewest >= 20), plain(fewest), worth, True),
    )
