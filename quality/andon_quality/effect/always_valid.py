"""The effect of an action watched day by day: the verdict holds at whatever moment one looks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, PerSeries, by_series, finite, plain, refuse, side_by_side
from andon_quality.effect.autocorrelation import lag1
from andon_quality.effect.before_after import ratio_interval
from andon_quality.effect.boundary import Boundary
from andon_quality.effect.long_run import long_run_variance
from andon_quality.effect.phases import over_phases, phase_means
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew

# From here on so few points are independent that the long-run variance is a guess.
AUTOCORRELATION_MOST = 0.8


@dataclass(frozen=True)
class EffectBaseline:
    """What was learnt before the action: level, long-run variance with its degrees of freedom, and the season.

    `offsets` holds the phase effects, starting with the phase of the first point after the action. Numbers for one
    series, arrays of shape (series,) for many.
    """

    mean: PerSeries
    long_run_variance: PerSeries
    df: float
    points: int
    offsets: tuple[PerSeries, ...]
    lag1_autocorrelation: PerSeries = 0.0


@checked_fields
@dataclass(frozen=True)
class EffectWatch:
    """The state of a watched action, or of one a series; `look` takes it one point further."""

    baseline: EffectBaseline
    boundary: Boundary
    direction: Direction
    margin: PerSeries | None
    n: int = 0
    total: PerSeries = 0.0


def learn(before: ArrayLike, season: int | None = None) -> EffectBaseline:
    """The baseline from the points before an action, shape (n,) or (series, n), n >= 8 and at least two seasons.

    With a `season` the phase means are taken out; give whole seasons where possible. Assumes a level without trend.
    O(n^1.5) a series. Raises TooFew, NotFinite, OutOfRange, NoSpread. Source: as `long_run_variance`.

    >>> learn([1.0, 2.0] * 10, season=2).offsets
    Traceback (most recent call last):
    andon_quality.errors.NoSpread: a baseline without spread cannot tell a change from common-cause variation
    """
    values = by_series(before, 8)
    n, scale = values.shape[-1], np.square(np.abs(values).max(axis=-1))
    offsets: FloatArray = np.zeros((*values.shape[:-1], 1))
    if season is not None:
        if season >= 2 and n < 2 * season:
            raise TooFew("needs at least two whole seasons")
        effects = phase_means(values, season)
        values = values - over_phases(effects, n)
        offsets = np.roll(over_phases(effects, season), -(n % season), axis=-1)
    variance, df = long_run_variance(values, offsets.shape[-1])
    refuse(
        variance <= 1e-24 * scale,
        NoSpread,
        "a baseline without spread cannot tell a change from common-cause variation",
    )
    by_phase = tuple(plain(offsets[..., phase]) for phase in range(offsets.shape[-1]))
    return EffectBaseline(plain(values.mean(axis=-1)), variance, df, n, by_phase, lag1([values]))


@checked
def begin(
    before: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    season: int | None = None,
    planned: int = 60,
) -> EffectWatch:
    """Starts to watch an action: arguments as for `always_valid`, with the points after it to be given to `look`.

    Prefer `always_valid` once all the points are there. Assumptions, errors and source as there. O(n^1.5) a series.

    >>> begin([1.0, 3.0, 2.0, 2.0] * 5).baseline.mean
    2.0
    """
    if planned < 1:
        raise OutOfRange("needs at least one planned look")
    baseline = learn(before, season)
    boundary = Boundary(_information(baseline, planned), confidence, baseline.df)
    none_yet = plain(np.zeros(np.shape(baseline.mean)))
    return EffectWatch(baseline, boundary, direction, margin_from(expected, margin), total=none_yet)


def look(watch: EffectWatch, value: ArrayLike) -> tuple[EffectWatch, Effect]:
    """One more point (of every series: shape (series,)), and what may be said now. O(1) a series and point.

    Prefer `always_valid` for many points at once; it says the same to the last bit. Assumptions and source as there.
    Raises NotFinite, Inconsistent for a number of points that is not that of the series.

    >>> watch, effect = look(begin([1.0, 3.0, 2.0, 2.0] * 5), 1.5)
    >>> watch.n, effect.estimate
    (1, -0.5)
    """
    point = finite(value)
    if point.shape != np.shape(watch.total):
        raise Inconsistent(f"needs a point for each series, shape {np.shape(watch.total)}, got {point.shape}")
    offset = watch.baseline.offsets[watch.n % len(watch.baseline.offsets)]
    after = replace(watch, n=watch.n + 1, total=plain(watch.total + (point - offset)))
    return after, _effect(after)


@checked
def always_valid(
    before: ArrayLike,
    after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    season: int | None = None,
    planned: int = 60,
) -> Effect:
    """The change of the mean since an action, with an interval that holds at all looks together.

    estimate D(t) = mean of the first t points after - mean before; information I(t) = 1 / (v (1/t + 1/n)), v the
    long-run variance learnt before the action. I(t) D(t) is Brownian motion in I(t) when nothing changed, and
    `Boundary` bounds it: each end of the interval is right at every look with probability `confidence`, so
    "improved" is said wrongly, ever, with probability at most 1 - confidence. The p-value is one-sided, valid likewise.

    before: shape (n,), n >= 8, better 100 and more; after: shape (t,), t >= 1, directly following; same unit, one value
    per period; or (series, n) and (series, t) for many actions, each with its own error rate.
    planned: the looks within which a verdict is wanted; the interval is valid afterwards too, but wider.
    expected: effect hoped for; half of it is the `margin` of "no change". season: periods in a season.
    Assumes that only the action changes the level: against a common drift use it on the differences to a control
    (`difference_in_differences.gap`) or on `cuped.adjusted` values. Looking once, prefer `before_after`: it is shorter.
    O(n^1.5 + t) a series. Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread.
    Source: Jennison and Turnbull, Group Sequential Methods (2000) ch. 3; Siegmund (1985), as in `Boundary`.

    >>> effect = always_valid([9.0, 11.0, 10.0] * 30, [4.0, 6.0, 5.0] * 10)
    >>> effect.estimate, effect.verdict.value
    (-5.0, 'improved')
    """
    known, points = side_by_side(by_series(before, 8), by_series(after))
    watch = begin(known, direction, expected, confidence, margin=margin, season=season, planned=planned)
    offsets = np.stack(watch.baseline.offsets, axis=-1)
    n = points.shape[-1]
    # Added one by one, as `look` does, so that both agree to the last bit.
    total = np.cumsum(points - offsets[..., np.arange(n) % offsets.shape[-1]], axis=-1)[..., -1]
    return _effect(replace(watch, n=n, total=plain(total)))


def _information(baseline: EffectBaseline, n: int) -> PerSeries:
    return 1 / (baseline.long_run_variance * (1 / n + 1 / baseline.points))


def _effect(watch: EffectWatch) -> Effect:
    baseline, information = watch.baseline, _information(watch.baseline, watch.n)
    level = watch.total / watch.n
    estimate, reach = level - baseline.mean, watch.boundary.reach(information)
    t = reach * np.sqrt(information)
    per_point, checks = baseline.long_run_variance, _checks(watch)
    return Effect(
        estimate,
        estimate - reach,
        estimate + reach,
        *ratio_interval(baseline.mean, per_point / baseline.points, level, per_point / watch.n, t),
        watch.boundary.p_value(estimate, information),
        decide(estimate - reach, estimate + reach, watch.direction, watch.margin, checks),
        checks,
        "difference to the baseline mean, always-valid boundary",
        watch.boundary.confidence,
        watch.margin,
    )


def _checks(watch: EffectWatch) -> tuple[EffectCheck, ...]:
    baseline, phi = watch.baseline, watch.baseline.lag1_autocorrelation
    return (
        EffectCheck("baseline length", baseline.points >= 56, float(baseline.points), "points before the action"),
        EffectCheck(
            "autocorrelation", phi < AUTOCORRELATION_MOST, phi, "lag-1 autocorrelation before the action", True
        ),
        EffectCheck(
            "variance known",
            watch.boundary.critical < 2.3,
            baseline.df,
            "degrees of freedom of the long-run variance",
            True,
        ),
    )
