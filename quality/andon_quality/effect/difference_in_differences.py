"""An action compared with a group that did not have it."""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, by_series, plain
from andon_quality.effect.before_after import before_after
from andon_quality.effect.verdict import Direction, Effect
from andon_quality.errors import Inconsistent, OutOfRange


def gap(treated: ArrayLike, control: ArrayLike) -> FloatArray:
    """treated - control, period by period: what is common to both is gone.

    treated: shape (n,), or (series, n) for many; control: (n,), or (controls, n), whose mean is taken, the same
    for all; one unit. Feed its two parts to `always_valid` for a verdict under daily peeking; prefer
    `difference_in_differences` when looking once. Assumes parallel courses. O(values). Raises Inconsistent, NotFinite.
    Source: as `difference_in_differences`.

    >>> gap([5.0, 6.0], [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [3.0, 3.0]
    """
    first, second = by_series(treated), by_series(control)
    if second.ndim == 2:
        second = second.mean(axis=0)
    if first.shape[-1:] != second.shape:
        raise Inconsistent("treated and control need the same periods")
    result: FloatArray = first - second
    return result


@checked
def difference_in_differences(
    treated: ArrayLike,
    control: ArrayLike,
    start: int,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    season: int | None = None,
) -> Effect:
    """(treated after - before) - (control after - before), with an autocorrelation-robust interval.

    The difference series `gap` is compared before and after `start` by `before_after`, so the interval allows for
    dependence in time, which the usual two-by-two regression does not. `relative` is left None: a gap has no level.
    The check "steady before" tells whether the groups ran parallel before the action.

    treated: shape (n,), or (series, n) for many actions; control: (n,) or (controls, n), the same for all; start: index
    of the first period under the action. Assumes parallel courses without the action; prefer `structural` for controls
    that move alike but not in parallel. O(values). Raises as `before_after` and `gap`, and OutOfRange.
    Source: Card and Krueger, American Economic Review 84 (1994) 772; Bertrand, Duflo and Mullainathan, Quarterly
    Journal of Economics 119 (2004) 249, on why dependence must be allowed for.

    >>> control = [10.0, 11.0, 10.0, 9.0] * 6
    >>> treated = [c + 2.0 for c in control[:12]] + [c - 1.0 for c in control[12:]]
    >>> difference_in_differences(treated, control, 12).estimate
    -3.0
    """
    series = gap(treated, control)
    if not 0 < start < series.shape[-1]:
        raise OutOfRange("start must fall inside the series")
    effect = before_after(
        series[..., :start], series[..., start:], direction, expected, confidence, margin=margin, season=season
    )
    unnamed = replace(effect, relative=None, relative_lower=None, relative_upper=None)
    return replace(unnamed, method="difference in differences, AR(1)-robust Welch interval on the gap")


def two_by_two(treated: ArrayLike, control: ArrayLike, start: int) -> PerSeries:
    """The bare estimate, from the four means: (treated after - before) - (control after - before).

    Shapes, unit, assumption and source as `gap`; prefer `difference_in_differences`, which has an interval. O(values).
    Raises as `gap`, and OutOfRange.

    >>> two_by_two([1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 3.0, 3.0], 2)
    3.0
    """
    series = gap(treated, control)
    if not 0 < start < series.shape[-1]:
        raise OutOfRange("start must fall inside the series")
    return plain(series[..., start:].mean(axis=-1) - series[..., :start].mean(axis=-1))
