"""Two windows around an action, compared by their means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.autocorrelation import MeanOfDependent, lag1, mean_of_dependent, welch_degrees
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import OutOfRange, TooFew


def before_after(
    before: ArrayLike,
    after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    season: int | None = None,
) -> Effect:
    """The change of the mean between two windows, with an interval that allows for autocorrelation.

    estimate = mean(after) - mean(before); the variance of each mean is sigma_i^2 / m_i with
    m_i = n_i / (1 + 2 sum (1 - k/n_i) phi^k), phi the bias-corrected lag-1 autocorrelation pooled within the windows;
    the interval is estimate +- t * sqrt(v_before + v_after) with Welch-Satterthwaite degrees of freedom from the m_i.
    With `season` s the s phase means are fitted first (the points of `after` directly continue `before`) and taken out.

    before, after: shape (n,), one value per period in time order, same unit; n >= 4 each (>= 2 s with a season).
    expected: the effect hoped for, same unit; half of it is the `margin` within which a change counts as none.
    Assumes stationary windows without trend and roughly AR(1) dependence: with a trend prefer `interrupted`, with a
    comparison group `difference_in_differences`, when looking more than once `always_valid`. O(n).
    Raises TooFew, NotFinite, OutOfRange.
    Source: Welch, Biometrika 34 (1947) 28; Zwiers and von Storch, Journal of Climate 8 (1995) 336.

    >>> effect = before_after([9.0, 11.0] * 10, [5.0, 7.0] * 10, Direction.LOWER)
    >>> effect.estimate, effect.verdict.value
    (-4.0, 'improved')
    """
    least = 4 if season is None else 2 * season
    first, second = finite(before, least), finite(after, least)
    if first.ndim != 1 or second.ndim != 1 or first.size < least or second.size < least:
        raise TooFew(f"needs at least {least} points in each window")
    lost = 0.0
    if season is not None:
        first, second = _without_season(first, second, season)
        lost = (season - 1) / 2
    phi = lag1([first, second])
    was, now = mean_of_dependent(first, phi, lost), mean_of_dependent(second, phi, lost)
    degrees = welch_degrees(was, now)
    checks = (*_window_checks(first, second, phi, was, now),)
    return _effect(was, now, degrees, direction, margin_from(expected, margin), confidence, checks)


def _effect(
    was: MeanOfDependent,
    now: MeanOfDependent,
    degrees: float,
    direction: Direction,
    margin: float | None,
    confidence: float,
    checks: tuple[Check, ...],
) -> Effect:
    estimate, error = now.mean - was.mean, math.sqrt(was.variance + now.variance)
    reach = quantile(confidence, degrees) * error
    relative = ratio_interval(was.mean, was.variance, now.mean, now.variance, quantile(confidence, degrees))
    return Effect(
        estimate,
        estimate - reach,
        estimate + reach,
        *relative,
        two_sided_p(estimate / error, degrees) if error > 0 else float(estimate == 0),
        decide(estimate - reach, estimate + reach, direction, margin),
        checks,
        "difference of window means, AR(1)-robust Welch interval",
        confidence,
        margin,
    )


def ratio_interval(
    was: float, was_variance: float, now: float, now_variance: float, t: float
) -> tuple[float | None, float | None, float | None]:
    """(now - was) / was with Fieller's interval; all None unless `was` is clearly positive (g = (t se / was)^2 < 1).

    O(1). Source: Fieller, Journal of the Royal Statistical Society B 16 (1954) 175.

    >>> ratio_interval(10.0, 0.0, 5.0, 0.0, 2.0)
    (-0.5, -0.5, -0.5)
    """
    if was <= 0:
        return None, None, None
    doubt = t * math.sqrt(was_variance) / was
    if not doubt < 1:
        return None, None, None
    g = doubt * doubt
    ratio = now / was
    spread = t / was * math.sqrt(max(now_variance * (1 - g) + ratio * ratio * was_variance, 0.0))
    return ratio - 1, (ratio - spread) / (1 - g) - 1, (ratio + spread) / (1 - g) - 1


def _without_season(first: FloatArray, second: FloatArray, season: int) -> tuple[FloatArray, FloatArray]:
    if season < 2:
        raise OutOfRange("a season has at least two phases")
    values = np.concatenate([first, second])
    phase = np.arange(values.size) % season
    design = np.zeros((values.size, season + 1))
    design[np.arange(values.size), phase] = 1.0
    design[first.size :, season] = 1.0
    fitted = np.linalg.lstsq(design, values, rcond=None)[0][:season]
    adjusted = values - (fitted - fitted.mean())[phase]
    return adjusted[: first.size], adjusted[first.size :]


def _window_checks(
    first: FloatArray, second: FloatArray, phi: float, was: MeanOfDependent, now: MeanOfDependent
) -> tuple[Check, ...]:
    fewest = min(was.independent_points, now.independent_points)
    drift = _drift(first, phi)
    ratio = _spread_ratio(first, second)
    return (
        Check("independent points", fewest >= 6, fewest, "the smaller window is worth this many independent points"),
        Check(
            "steady before", abs(drift) < 2.5, drift, "slope before the action, in standard errors; else use a trend"
        ),
        Check("autocorrelation", phi < 0.8, phi, "lag-1 autocorrelation within the windows; near 1 nothing is settled"),
        Check("similar spread", 0.4 < ratio < 2.5, ratio, "standard deviation after divided by before"),
    )


def _drift(values: FloatArray, phi: float) -> float:
    time = np.arange(values.size) - (values.size - 1) / 2
    slope = float(time @ values) / float(time @ time)
    rest = values - values.mean() - slope * time
    inflation = (1 + phi) / (1 - phi)
    error = math.sqrt(float(rest @ rest) / max(values.size - 2, 1) / float(time @ time) * inflation)
    return slope / error if error > 0 else (0.0 if abs(slope) < 1e-12 else math.copysign(99.0, slope))


def _spread_ratio(first: FloatArray, second: FloatArray) -> float:
    was, now = float(first.std(ddof=1)), float(second.std(ddof=1))
    if was == 0:
        return 1.0 if now == 0 else 99.0
    return now / was
