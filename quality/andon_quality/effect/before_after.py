"""Two windows around an action, compared by their means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, beyond_rounding, by_series, plain, side_by_side
from andon_quality.effect.autocorrelation import MeanOfDependent, lag1, mean_of_dependent, welch_df
from andon_quality.effect.phases import over_phases, phase_means
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from


@checked
def before_after(
    before: ArrayLike,
    after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    season: int | None = None,
) -> Effect:
    """The change of the mean between two windows, with an interval that allows for autocorrelation.

    estimate = mean(after) - mean(before); the variance of each mean is sigma_i^2 / m_i with
    m_i = n_i / (1 + 2 sum (1 - k/n_i) phi^k), phi the bias-corrected lag-1 autocorrelation pooled within the windows;
    the interval is estimate +- t * sqrt(v_before + v_after) with Welch-Satterthwaite degrees of freedom from the m_i.
    With `season` s the s phase means are fitted first (the points of `after` directly continue `before`) and taken out.

    before, after: shape (n,), one value per period in time order, same unit; n >= 4 each (>= 2 s with a season); or
    (series, n) for many actions at once. expected: the effect hoped for, same unit, one for all or one a series; half
    of it is the `margin` within which a change counts as none.
    Assumes stationary windows without trend and roughly AR(1) dependence: with a trend prefer `interrupted`, with a
    comparison group `difference_in_differences`, when looking more than once `always_valid`. O(values).
    Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Welch, Biometrika 34 (1947) 28; Zwiers and von Storch, Journal of Climate 8 (1995) 336.

    >>> effect = before_after([9.0, 11.0] * 10, [5.0, 7.0] * 10, Direction.LOWER)
    >>> effect.estimate, effect.verdict.value
    (-4.0, 'improved')
    >>> many = before_after([[9.0, 11.0] * 10, [4.0, 6.0] * 10], [5.0, 7.0] * 10)
    >>> many.estimate.tolist(), [verdict.value for verdict in many.verdict]
    ([-4.0, 1.0], ['improved', 'worse'])
    """
    least = 4 if season is None else 2 * season
    first, second = side_by_side(by_series(before, least), by_series(after, least))
    lost = 0.0
    if season is not None:
        first, second = _without_season(first, second, season)
        lost = (season - 1) / 2
    phi = lag1([first, second])
    was, now = mean_of_dependent(first, phi, lost), mean_of_dependent(second, phi, lost)
    checks = _window_checks(first, second, phi, was, now)
    return _effect(was, now, direction, margin_from(expected, margin), confidence, checks)


def _effect(
    was: MeanOfDependent,
    now: MeanOfDependent,
    direction: Direction,
    margin: PerSeries | None,
    confidence: float,
    checks: tuple[EffectCheck, ...],
) -> Effect:
    means = np.stack(np.broadcast_arrays(was.mean, now.mean), axis=-1)
    estimate, error = plain(beyond_rounding(now.mean - was.mean, means)), np.sqrt(was.variance + now.variance)
    df = welch_df(was, now)
    critical = quantile(confidence, df)
    lower, upper = estimate - critical * error, estimate + critical * error
    known = np.asarray(error) > 0
    p = two_sided_p(np.divide(estimate, error, out=np.zeros(known.shape), where=known), df)
    return Effect(
        plain(estimate),
        plain(lower),
        plain(upper),
        *ratio_interval(was.mean, was.variance, now.mean, now.variance, critical),
        plain(np.where(known, p, np.asarray(estimate) == 0)),
        decide(lower, upper, direction, margin, checks),
        checks,
        "difference of window means, AR(1)-robust Welch interval",
        confidence,
        margin,
    )


def ratio_interval(
    was: PerSeries, was_variance: PerSeries, now: PerSeries, now_variance: PerSeries, t: PerSeries
) -> tuple[PerSeries | None, PerSeries | None, PerSeries | None]:
    """(now - was) / was with Fieller's interval; None unless `was` is clearly positive (g = (t se / was)^2 < 1).

    Numbers, or arrays of shape (series,) with NaN in place of None. O(1) each.
    Source: Fieller, Journal of the Royal Statistical Society B 16 (1954) 175.

    >>> ratio_interval(10.0, 0.0, 5.0, 0.0, 2.0)
    (-0.5, -0.5, -0.5)
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        doubt = np.divide(t * np.sqrt(was_variance), was)
        clear = (np.asarray(was) > 0) & (doubt < 1)
        g = np.square(doubt)
        ratio = np.divide(now, was)
        spread = np.divide(t, was) * np.sqrt(np.maximum(now_variance * (1 - g) + np.square(ratio) * was_variance, 0.0))
        ends = ratio - 1, (ratio - spread) / (1 - g) - 1, (ratio + spread) / (1 - g) - 1
    if clear.ndim == 0 and not clear:
        return None, None, None
    change, lower, upper = (plain(np.where(clear, end, np.nan)) for end in ends)
    return change, lower, upper


def _without_season(first: FloatArray, second: FloatArray, season: int) -> tuple[FloatArray, FloatArray]:
    """The windows less the phase effects of a least-squares fit of phases and one step between the windows."""
    values = np.concatenate([first, second], axis=-1)
    n = values.shape[-1]
    step = (np.arange(n) >= first.shape[-1]).astype(np.float64)
    # The step is fitted on what the phases leave of it, and the phases then on what the step leaves.
    share = phase_means(step, season)
    own = step - share[np.arange(n) % season]
    height = (own * values).sum(axis=-1, keepdims=True) / (own * own).sum()
    adjusted = values - over_phases(phase_means(values, season) - height * share, n)
    return adjusted[..., : first.shape[-1]], adjusted[..., first.shape[-1] :]


def _window_checks(
    first: FloatArray, second: FloatArray, phi: PerSeries, was: MeanOfDependent, now: MeanOfDependent
) -> tuple[EffectCheck, ...]:
    fewest = plain(np.minimum(was.independent_points, now.independent_points))
    drift, ratio = _drift(first, phi), _spread_ratio(first, second)
    steady, similar = plain(np.abs(drift) < 2.5), plain((np.asarray(ratio) > 0.4) & (np.asarray(ratio) < 2.5))
    return (
        EffectCheck(
            "independent points", fewest >= 6, fewest, "the smaller window is worth this many independent points", True
        ),
        EffectCheck(
            "steady before", steady, drift, "slope before the action, in standard errors; else use a trend", True
        ),
        EffectCheck(
            "autocorrelation",
            phi < 0.8,
            phi,
            "lag-1 autocorrelation within the windows; near 1 nothing is settled",
            True,
        ),
        EffectCheck("similar spread", similar, ratio, "standard deviation after divided by before"),
    )


def _drift(values: FloatArray, phi: PerSeries) -> PerSeries:
    n = values.shape[-1]
    time = np.arange(n) - (n - 1) / 2
    squares = float((time * time).sum())
    slope = (time * values).sum(axis=-1) / squares
    rest = values - values.mean(axis=-1, keepdims=True) - slope[..., None] * time
    inflation = (1 + phi) / (1 - phi)
    error = np.sqrt((rest * rest).sum(axis=-1) / max(n - 2, 1) / squares * inflation)
    # From end to end; what is left of an exact line, or of a constant, is rounding.
    slope = np.where(beyond_rounding(slope * n, values) == 0.0, 0.0, slope)
    known = beyond_rounding(error * n, values) > 0.0
    exact = np.where(slope == 0.0, 0.0, np.copysign(99.0, slope))
    return plain(np.divide(slope, error, out=np.asarray(exact, dtype=np.float64), where=known))


def _spread_ratio(first: FloatArray, second: FloatArray) -> PerSeries:
    was, now = (beyond_rounding(each.std(axis=-1, ddof=1), first, second) for each in (first, second))
    unknown = np.where(now == 0, 1.0, 99.0)
    return plain(np.divide(now, was, out=unknown, where=was != 0))
