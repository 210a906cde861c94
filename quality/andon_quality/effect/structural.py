"""What would have been without the action: a structural time series learnt before it and carried on past it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, finite, plain, refuse
from andon_quality.effect.local_level import fit_level
from andon_quality.effect.mixture import Mixture
from andon_quality.effect.student import quantile
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Wander of the level per period over the noise, as variances; the posterior is summed over these.
WANDER = np.array([10.0 ** (k / 4) for k in range(-24, 5)])
# How many periods' worth of belief is behind `prior_level_sd`.
PRIOR_PERIODS = 4
STILL = "wander of the level per period over the noise, as variances"


@dataclass(frozen=True)
class Counterfactual(Result):
    """The course without the action, and the effect on the mean over all periods under it.

    expected, lower, upper: per period, shape (m,) or (series, m); effect: on the mean; total: effect times the number
    of periods. wander: the posterior mean of the level's share, var(step) / var(noise).
    """

    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    effect: Effect
    total: PerSeries
    wander: PerSeries

    def plot(self, axes: Axes | None = None) -> Axes:
        """The course without the action, of one series. Raises Inconsistent, MissingExtra."""
        return plot.band(axes, self.expected, self.lower, self.upper)


@checked
def structural(
    values: ArrayLike,
    start: int,
    controls: ArrayLike | None = None,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    season: int | None = None,
    prior_level_sd: float | None = 0.01,
) -> Counterfactual:
    """Actual minus what a local level with regression, learnt on the periods before `start`, foretells.

    y_t = mu_t + x_t beta (+ a fixed effect per phase of the season) + e_t, mu_t a random walk with steps of variance
    w s^2, e_t noise of variance s^2. beta, mu_0 and s have flat priors and are integrated exactly (a Student posterior
    by generalised least squares on the filter's innovations); w is summed over the grid `WANDER` with its restricted
    likelihood as weight, so the interval holds the doubt about how much the level wanders, which a maximum would drop.
    prior_level_sd: the step one believes in beforehand, as a share of the standard deviation of the values, worth 4
    periods (inverse gamma); None for no belief: the interval is then much wider, and right if the level does wander.

    values: shape (n,), or (series, n) for many actions that start together; controls: (n,) or (n, p), series that the
    action does not reach, the same for all, or (series, n, p) for controls of each; start: index of the first
    period under the action, with at least p + season + 4 periods before it. expected, margin: in the unit of `values`,
    one for all or one a series. p_value is two-sided.
    Assumes that the relation to the controls goes on as it was. O(n p^2) for each of 29 wanders, and O(n p) of them for
    each series besides; O(n p^2) of them where each has controls of its own. Prefer
    `difference_in_differences` for one control that moves in parallel. Raises TooFew, NotFinite, OutOfRange,
    Inconsistent. Source: Brodersen et al., Annals of Applied Statistics 9 (2015) 247; Harvey, Forecasting, Structural
    Time Series Models and the Kalman Filter (1989) 3.4; without spike and slab, and on a grid in place of sampling.

    >>> x = np.sin(np.arange(60.0))
    >>> noise = np.cos(np.arange(60.0) ** 2) / 10
    >>> result = structural(10 + 2 * x + noise - 3.0 * (np.arange(60) >= 40), 40, x)
    >>> round(result.effect.estimate, 1), result.effect.verdict.value
    (-3.0, 'improved')
    """
    y = by_series(values)
    columns = _columns(y, controls, start, season)
    p, n = columns.shape[-2:]
    # About the mean before the action, so that a level far from zero costs no digits.
    level = np.ascontiguousarray(y[..., :start]).mean(axis=-1, keepdims=True)
    flat, own = np.atleast_2d(y - level), columns.ndim == 3
    # What a block holds: innovations of the values, those of its own controls, and the weights of the periods to come.
    numbers = WANDER.size * n * (1 + 3 * p if own else 2) + (n - start) * (n - start + 4 * WANDER.size)
    parts = [
        _predicted(flat[part], columns[part] if own else columns, start, confidence, prior_level_sd)
        for part in blocks(len(flat), numbers)
    ]
    course, mean, wander = (np.concatenate(each) for each in zip(*parts, strict=True))
    if y.ndim == 1:
        course, mean, wander = course[0], mean[0], wander[0]
    checks = (
        EffectCheck("level holds still", plain(wander < 0.1), plain(wander), STILL, True),
        EffectCheck("long enough", start - p >= 20, float(start - p), "periods before less fitted terms", True),
    )
    seen = (y - level)[..., start:].mean(axis=-1)
    stated = margin_from(expected, margin)
    effect = _effect(seen, np.moveaxis(mean, -1, 0), level[..., 0], direction, stated, confidence, checks)
    without, lower, upper = (course[..., side, :] + level for side in range(3))
    return Counterfactual(without, lower, upper, effect, effect.estimate * (n - start), plain(wander))


def _columns(values: FloatArray, controls: ArrayLike | None, start: int, season: int | None) -> FloatArray:
    """The design, shape (p, n), or (series, p, n) where the controls are of each series."""
    n = values.shape[-1]
    if not 0 < start < n:
        raise OutOfRange("needs the start inside the series")
    columns = [np.ones((1, n))]
    if controls is not None:
        columns.append(_controls(controls, values.shape, start))
    if season is not None:
        if season < 2:
            raise OutOfRange("a season has at least two phases")
        columns.append(np.eye(season)[1:, np.arange(n) % season])
    shape = columns[1].shape[:-2] if len(columns) > 1 else ()
    design = np.concatenate([np.broadcast_to(each, (*shape, *each.shape[-2:])) for each in columns], axis=-2)
    if start < design.shape[-2] + 4:
        raise TooFew("needs more periods before the action than terms, by four")
    dependent = np.linalg.matrix_rank(design[..., :start]) < design.shape[-2]
    refuse(dependent, Inconsistent, "the controls repeat each other or do not vary before the action")
    return np.ascontiguousarray(design)


def _controls(controls: ArrayLike, shape: tuple[int, ...], start: int) -> FloatArray:
    """Control series in rows, each less its mean before the start."""
    known = finite(controls)
    known = known[:, None] if known.ndim == 1 else known
    if known.ndim == 3 and known.shape[:1] != shape[:-1]:
        raise Inconsistent("controls of shape (series, n, p) need as many series as there are values")
    rows = np.ascontiguousarray(np.swapaxes(known, -1, -2))
    if rows.shape[-1] != shape[-1]:
        raise Inconsistent("controls need a row for each period")
    return np.asarray(rows - np.ascontiguousarray(rows[..., :start]).mean(axis=-1, keepdims=True))


def _predicted(
    values: FloatArray, columns: FloatArray, start: int, confidence: float, prior_level_sd: float | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each series the course without the action with its interval, shape (series, 3, m); the mean of that course
    with its interval and the two-sided tail at what was seen, (series, 4); and the wander, (series,)."""
    before, after = np.ascontiguousarray(values[:, :start]), np.ascontiguousarray(values[:, start:])
    fit, periods = fit_level(before, columns[..., :start], WANDER), after.shape[-1]
    step = None if prior_level_sd is None else prior_level_sd * before.std(axis=-1)
    weights = _weights(fit.log_likelihood + _belief(fit.wander * fit.scale, step))
    sums = np.vstack([np.eye(periods), np.full(periods, 1 / periods)])
    means, spreads = fit.predicted(sums, columns[..., start:])
    df = start - columns.shape[-2]
    each = Mixture(means[:, :-1], spreads[:, :-1], weights[:, None], df)
    middle, reach = each.middle(), quantile(confidence, df) * each.spread()
    whole = Mixture(means[:, -1], spreads[:, -1], weights, df)
    below = whole.below(after.mean(axis=-1))
    ends = (whole.quantile(share) for share in ((1 - confidence) / 2, (1 + confidence) / 2))
    return (
        np.stack([middle, middle - reach, middle + reach], axis=-2),
        np.stack([whole.middle(), *ends, 2 * np.minimum(below, 1 - below)], axis=-1),
        (weights * WANDER).sum(axis=-1),
    )


def _belief(variance: FloatArray, step: FloatArray | None) -> FloatArray:
    """Log density of the variances of a step, (series, wanders), per unit of their logarithm, up to a constant."""
    if step is None:
        return np.zeros(variance.shape)
    return np.asarray(-PRIOR_PERIODS / 2 * (np.log(variance) + np.square(step)[:, None] / variance))


def _weights(log_weights: FloatArray) -> FloatArray:
    relative = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    return np.asarray(relative / relative.sum(axis=-1, keepdims=True))


def _effect(
    seen: FloatArray,
    predicted: FloatArray,
    level: FloatArray,
    direction: Direction,
    margin: PerSeries | None,
    confidence: float,
    checks: tuple[EffectCheck, ...],
) -> Effect:
    """What was seen against what was predicted, both given as what they are above `level`."""
    middle, lower, upper, p_value = predicted
    estimate, low, high = plain(seen - middle), plain(seen - upper), plain(seen - lower)
    return Effect(
        estimate,
        low,
        high,
        *_relative(seen + level, middle + level, lower + level, upper + level),
        plain(p_value),
        decide(low, high, direction, margin, checks),
        checks,
        "structural time series: local level with regression, wander integrated",
        confidence,
        margin,
    )


def _relative(
    seen: FloatArray, middle: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[PerSeries | None, PerSeries | None, PerSeries | None]:
    """seen over each of the three, less one; None, or NaN among many, unless all of it is above zero."""
    clear = (lower > 0) & (seen > 0)
    if clear.ndim == 0 and not clear:
        return None, None, None
    change, most, least = (
        plain(np.divide(seen, level, out=np.full(np.shape(seen), np.nan), where=clear) - 1)
        for level in (middle, upper, lower)
    )
    return change, most, least
