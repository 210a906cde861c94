"""The effect of an action watched day by day: the verdict holds at whatever moment one looks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.before_after import ratio_interval
from andon_quality.effect.boundary import Boundary
from andon_quality.effect.long_run import long_run_variance
from andon_quality.effect.student import quantile
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import NoSpread, OutOfRange, TooFew


@dataclass(frozen=True)
class Baseline:
    """What was learnt before the action: level, long-run variance with its degrees of freedom, and the season.

    `offsets` holds the phase effects, starting with the phase of the first point after the action.
    """

    mean: float
    long_run_variance: float
    degrees: float
    points: int
    offsets: tuple[float, ...]


@dataclass(frozen=True)
class EffectWatch:
    """The state of a watched action; `look` takes it one point further."""

    baseline: Baseline
    boundary: Boundary
    direction: Direction
    margin: float | None
    count: int = 0
    total: float = 0.0


def learn(before: ArrayLike, season: int | None = None) -> Baseline:
    """The baseline from the points before an action, shape (n,), n >= 8 and at least two seasons. O(n^1.5).

    With a `season` the phase means are taken out; give whole seasons where possible. Raises TooFew, NotFinite,
    OutOfRange, NoSpread.

    >>> learn([1.0, 2.0] * 10, season=2).offsets
    Traceback (most recent call last):
    andon_quality.errors.NoSpread: a baseline without spread can not tell a change from chance
    """
    values = finite(before, 8)
    offsets: FloatArray = np.zeros(1)
    if season is not None:
        if season < 2:
            raise OutOfRange("a season has at least two phases")
        if values.size < 2 * season:
            raise TooFew("needs at least two whole seasons")
        phase = np.arange(values.size) % season
        means = np.bincount(phase, values) / np.bincount(phase)
        values = values - (means - means.mean())[phase]
        offsets = np.roll(means - means.mean(), -(values.size % season))
    variance, degrees = long_run_variance(values, offsets.size)
    if variance <= 1e-24 * max(1.0, float(np.abs(values).max()) ** 2):
        raise NoSpread("a baseline without spread can not tell a change from chance")
    return Baseline(float(values.mean()), variance, degrees, values.size, tuple(offsets.tolist()))


def begin(
    before: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    season: int | None = None,
    planned: int = 60,
) -> EffectWatch:
    """Starts to watch an action: arguments as for `always_valid`, with the points after it to be given to `look`.

    >>> begin([1.0, 3.0, 2.0, 2.0] * 5).baseline.mean
    2.0
    """
    if planned < 1:
        raise OutOfRange("needs at least one planned look")
    baseline = learn(before, season)
    information = _information(baseline, planned)
    boundary = Boundary(information, confidence, baseline.degrees)
    return EffectWatch(baseline, boundary, direction, margin_from(expected, margin))


def look(watch: EffectWatch, value: float) -> tuple[EffectWatch, Effect]:
    """One more point, and what may be said now. O(1). Raises NotFinite.

    >>> watch, effect = look(begin([1.0, 3.0, 2.0, 2.0] * 5), 1.5)
    >>> watch.count, effect.estimate
    (1, -0.5)
    """
    point = float(finite(value))
    offset = watch.baseline.offsets[watch.count % len(watch.baseline.offsets)]
    after = replace(watch, count=watch.count + 1, total=watch.total + (point - offset))
    return after, _effect(after)


def always_valid(
    before: ArrayLike,
    after: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    season: int | None = None,
    planned: int = 60,
) -> Effect:
    """The change of the mean since an action, with an interval that holds at all looks together.

    estimate D(t) = mean of the first t points after - mean before; information I(t) = 1 / (v (1/t + 1/n)), v the
    long-run variance learnt before the action. I(t) D(t) is Brownian motion in I(t) when nothing changed, and
    `Boundary` bounds it: each end of the interval is right at every look with probability `confidence`, so
    "improved" is said wrongly, ever, with probability at most 1 - confidence. The p-value is one-sided, valid likewise.

    before: shape (n,), n >= 8, better 100 and more; after: shape (t,), t >= 1, directly following; same unit, one value
    per period. planned: the looks within which a verdict is wanted; the interval is valid afterwards too, but wider.
    expected: effect hoped for; half of it is the `margin` of "no change". season: periods in a season.
    Assumes that only the action changes the level: against a common drift use it on the differences to a control
    (`difference_in_differences.gap`) or on `cuped.adjusted` values. Looking once, `before_after` is shorter.
    O(n^1.5 + t). Raises TooFew, NotFinite, OutOfRange, NoSpread.
    Source: Jennison and Turnbull, Group Sequential Methods (2000) ch. 3; Siegmund (1985), as in `Boundary`.

    >>> effect = always_valid([9.0, 11.0, 10.0] * 30, [4.0, 6.0, 5.0] * 10)
    >>> effect.estimate, effect.verdict.value
    (-5.0, 'improved')
    """
    watch = begin(before, direction, expected, confidence, margin=margin, season=season, planned=planned)
    points = np.atleast_1d(finite(after, 1))
    offsets = np.array(watch.baseline.offsets)[np.arange(points.size) % len(watch.baseline.offsets)]
    # Added one by one, as `look` does, so that both agree to the last bit.
    total = float(np.cumsum(points - offsets)[-1])
    return _effect(replace(watch, count=points.size, total=total))


def _information(baseline: Baseline, count: int) -> float:
    return 1 / (baseline.long_run_variance * (1 / count + 1 / baseline.points))


def _effect(watch: EffectWatch) -> Effect:
    baseline, information = watch.baseline, _information(watch.baseline, watch.count)
    level = watch.total / watch.count
    estimate, reach = level - baseline.mean, watch.boundary.reach(information)
    t = reach * math.sqrt(information)
    per_point = baseline.long_run_variance
    return Effect(
        estimate,
        estimate - reach,
        estimate + reach,
        *ratio_interval(baseline.mean, per_point / baseline.points, level, per_point / watch.count, t),
        watch.boundary.p_value(estimate, information),
        decide(estimate - reach, estimate + reach, watch.direction, watch.margin),
        _checks(watch),
        "difference to the baseline mean, always-valid boundary",
        watch.boundary.confidence,
        watch.margin,
    )


def _checks(watch: EffectWatch) -> tuple[Check, ...]:
    baseline = watch.baseline
    critical = quantile(watch.boundary.confidence, baseline.degrees)
    return (
        Check("baseline length", baseline.points >= 56, float(baseline.points), "points before the action"),
        Check("variance known", critical < 2.3, baseline.degrees, "degrees of freedom of the long-run variance"),
    )
