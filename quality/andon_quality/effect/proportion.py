"""Two windows around an action, compared by their share of events."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.autocorrelation import lag1, variance_inflation
from andon_quality.effect.before_after import ratio_interval
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import Inconsistent, OutOfRange, TooFew


@dataclass(frozen=True)
class _Window:
    events: FloatArray
    opportunities: FloatArray

    @property
    def share(self) -> float:
        return float(self.events.sum() / self.opportunities.sum())

    def residuals(self) -> FloatArray:
        # Shrunk towards 1/2 by half an event, so that a window without events still has a scale.
        p = (self.events.sum() + 0.5) / (self.opportunities.sum() + 1.0)
        used = self.opportunities > 0
        n = self.opportunities[used]
        residuals: FloatArray = (self.events[used] - n * self.share) / np.sqrt(n * p * (1 - p))
        return residuals


def before_after_proportion(
    k_before: ArrayLike,
    n_before: ArrayLike,
    k_after: ArrayLike,
    n_after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    overdispersion: float | None = None,
) -> Effect:
    """The change of a share of events between two windows, allowing for overdispersion and autocorrelation.

    estimate = k2/n2 - k1/n1 over the window totals. Per window a Wilson interval on n / (d a) trials, combined by
    Newcombe's square-and-add; d = max(1, Pearson chi-square / df of the periods about their window's share),
    a the AR(1) variance inflation of the standardised residuals, and a Student quantile with the periods' degrees of
    freedom. Give `overdispersion` to state d yourself, which is what a single total per window needs.

    k_*, n_*: events and opportunities per period, shape (periods,) or a scalar for the total; 0 <= k <= n, sum n > 0.
    expected, margin: in units of the share. Assumes periods that share one rate within a window; with a trend prefer
    `interrupted`. O(periods). Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Newcombe, Statistics in Medicine 17 (1998) 873, method 10; McCullagh and Nelder, Generalized Linear Models,
    2nd ed. (1989) 4.5.

    >>> effect = before_after_proportion(56, 70, 48, 80, Direction.LOWER)
    >>> round(effect.estimate, 4), round(effect.lower, 4), round(effect.upper, 4)
    (-0.2, -0.3339, -0.0524)
    """
    first, second = _window(k_before, n_before), _window(k_after, n_after)
    spread, phi, degrees = _dispersion(first, second, overdispersion)
    trials = [_worth(w, spread, phi) for w in (first, second)]
    was, now = first.share, second.share
    lower, upper = _newcombe(was, trials[0], now, trials[1], quantile(confidence, degrees))
    stated = margin_from(expected, margin)
    variances = [w.share * (1 - w.share) / n for w, n in zip((first, second), trials, strict=True)]
    relative = ratio_interval(was, variances[0], now, variances[1], quantile(confidence, degrees))
    return Effect(
        now - was,
        lower,
        upper,
        *relative,
        two_sided_p(_critical(was, trials[0], now, trials[1]), degrees),
        decide(lower, upper, direction, stated),
        _checks(spread, phi, trials, degrees),
        "difference of shares, Newcombe interval with overdispersion",
        confidence,
        stated,
    )


def _window(events: ArrayLike, opportunities: ArrayLike) -> _Window:
    k, n = np.atleast_1d(finite(events, 1)), np.atleast_1d(finite(opportunities, 1))
    if k.shape != n.shape or k.ndim != 1:
        raise Inconsistent("events and opportunities need the same one-dimensional shape")
    if (k < 0).any() or (k > n).any():
        raise OutOfRange("needs 0 <= events <= opportunities")
    if n.sum() <= 0:
        raise TooFew("a window without opportunities has no share")
    return _Window(k, n)


def _dispersion(first: _Window, second: _Window, stated: float | None) -> tuple[float, float, float]:
    residuals = [first.residuals(), second.residuals()]
    degrees = sum(r.size - 1 for r in residuals)
    if stated is not None:
        if stated < 1:
            raise OutOfRange("overdispersion is at least 1")
        return stated, 0.0, math.inf
    if degrees < 4:
        return 1.0, 0.0, math.inf
    spread = sum(float(r @ r) for r in residuals) / degrees
    phi = lag1([r for r in residuals if r.size > 1])
    return max(1.0, spread), phi, max(degrees / variance_inflation(phi, degrees), 2.0)


def _worth(window: _Window, spread: float, phi: float) -> float:
    return float(window.opportunities.sum()) / (spread * variance_inflation(phi, window.events.size))


def _wilson(share: float, trials: float, z: float) -> tuple[float, float]:
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


def _newcombe(was: float, was_trials: float, now: float, now_trials: float, z: float) -> tuple[float, float]:
    was_lower, was_upper = _wilson(was, was_trials, z)
    now_lower, now_upper = _wilson(now, now_trials, z)
    change = now - was
    return change - math.hypot(now - now_lower, was_upper - was), change + math.hypot(now_upper - now, was - was_lower)


def _critical(was: float, was_trials: float, now: float, now_trials: float) -> float:
    """The quantile at which the interval just touches zero, so that p and interval never disagree."""
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        lower, upper = _newcombe(was, was_trials, now, now_trials, middle)
        low, high = (low, middle) if lower <= 0 <= upper else (middle, high)
    return high


def _checks(spread: float, phi: float, trials: list[float], degrees: float) -> tuple[Check, ...]:
    known = not math.isinf(degrees)
    return (
        Check(
            "overdispersion", known or spread > 1, spread, "spread beyond counting chance; 1 when it had to be assumed"
        ),
        Check("autocorrelation", phi < 0.8, phi, "lag-1 autocorrelation of the periods"),
        Check(
            "independent opportunities", min(trials) >= 20, min(trials), "the smaller window is worth this many trials"
        ),
    )
