"""A streaming detector: a point is anomalous when some watcher has not seen its like for a long time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.anomaly.aspects import Aspect
from andon_quality.anomaly.watcher import AspectWatch, Watchers
from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from andon_quality.result import Result

WATCHES = (
    AspectWatch(Aspect.SPREAD, window=1000, ratio=1.0, fading_points=10_000),
    AspectWatch(Aspect.LEVEL, window=1000, ratio=1.6, fading_points=300),
    AspectWatch(Aspect.JUMP, window=200, ratio=2.0, fading_points=1000),
    AspectWatch(Aspect.SEASON, window=4000, ratio=1.3, fading_points=1000),
    AspectWatch(Aspect.LEVEL, window=50, ratio=1.3, fading_points=10_000),
)
WARM_UP_POINTS = 150
QUIET_POINTS = 100


@dataclass(frozen=True)
class Detection(Result):
    """What was found, one entry per point given: shape (n,), or (series, n).

    flags: alarms, at most one per quiet period; strength: the strongest score over what an alarm needs (above 1 is
    strange, also when kept quiet; 0 for missing points and while warming up); watcher: index into `watches` of the
    watcher with that score.
    """

    flags: BoolArray
    strength: FloatArray
    watcher: IntArray


@dataclass(frozen=True)
class DetectorState:
    """The state of the detector; never changed in place.

    places: of the watchers, among the watches given; alarm_at: the index of the last alarm of each series, -1 for none;
    is_single: points come in one dimension.
    """

    watchers: Watchers
    places: IntArray
    seen: int
    alarm_at: IntArray
    warm_up: int
    quiet: int
    is_single: bool


@checked
def start(
    season: int | None = None,
    series: int | None = None,
    *,
    watches: tuple[AspectWatch, ...] = WATCHES,
    warm_up: int = WARM_UP_POINTS,
    quiet: int = QUIET_POINTS,
) -> DetectorState:
    """A detector that has seen nothing. season: points in a season (a day, say); None for none.

    series: how many series it watches side by side, with points of shape (series, n); None for one, with points of
    shape (n,). warm_up: points before the first alarm; quiet: points without another alarm after one.
    Raises OutOfRange.

    >>> start(season=288).seen
    0
    """
    if warm_up < 4 or quiet < 0 or (season is not None and season < 2) or not watches:
        raise OutOfRange("needs a warm-up of 4 or more, quiet >= 0, a season of 2 or more and a watcher")
    if series is not None and series < 1:
        raise OutOfRange("needs a series to watch")
    count = 1 if series is None else series
    # Without a season nothing is ever off its phase.
    used = [i for i, watch in enumerate(watches) if season is not None or watch.aspect is not Aspect.SEASON]
    if not used:
        raise OutOfRange("a watcher of the season needs one")
    watchers = Watchers.begin(tuple(watches[i] for i in used), season or 0, count)
    return DetectorState(watchers, np.array(used), 0, np.full(count, -1), warm_up, quiet, series is None)


def advance(state: DetectorState, points: ArrayLike) -> tuple[DetectorState, Detection]:
    """Takes `points`, shape (n,) or (series, n), in time order; returns the new state and one verdict per point.

    Each watcher looks at one aspect of a point - level, jump, spread of the last 50, distance to the season's phase -
    and scores it as |aspect - mean| / deviation over its window of earlier points. An alarm needs a score above `ratio`
    times the watcher's own record, which fades by 1 / memory a point: no distribution is assumed, and a stream that is
    often strange has to be stranger still. NaN is a missing point: it takes its place in window and season and is never
    flagged. Any split of a stream into calls gives the same result to the last bit, and many series the result of each
    by itself. The state given is left as it was.

    Assumes equally spaced points. O(1) a point, however long the stream and however it is cut (amortised; the state is
    some 15,000 numbers a series): but a call has its own cost, so prefer pages of points, or many series, to single
    points. For limits with a stated false-alarm rate prefer a control chart. Raises NotFinite for infinity,
    OutOfRange for more than two dimensions, Inconsistent for another number of series than at the start.
    Source: own; its parts are moving z-scores, and records as in Glick, American Mathematical Monthly 85 (1978) 2.

    >>> import math
    >>> calm = [math.sin(i * i) for i in range(400)]
    >>> state, found = advance(start(), [*calm, 30.0])
    >>> bool(found.flags[400])
    True
    """
    values = _checked(state, points)
    index = state.seen + np.arange(values.shape[-1])
    learning = index < state.warm_up // 4
    if values.size == 0:
        return state, _shaped(state, np.zeros(values.shape, dtype=np.bool_), values, values.astype(np.int64))
    watchers, over = state.watchers.follow(values, learning)
    judged = ~np.isnan(values) & (index >= state.warm_up)
    strength = np.where(judged, over.max(axis=0), 0.0)
    strongest = np.where(judged, state.places[np.argmax(over, axis=0)], 0)
    flags, alarm_at = _with_quiet(strength > 1.0, state)
    after = replace(state, watchers=watchers, seen=state.seen + values.shape[-1], alarm_at=alarm_at)
    return after, _shaped(state, flags, strength, strongest)


@checked
def detect(values: ArrayLike, season: int | None = None) -> Detection:
    """All of a series at once, or of many: `advance` from a fresh `start(season)`; same shapes, cost and errors.

    >>> bool(detect([1.0] * 500).flags.any())
    False
    """
    given = np.asarray(values, dtype=np.float64)
    return advance(start(season, len(given) if given.ndim > 1 else None), given)[1]


def _checked(state: DetectorState, points: ArrayLike) -> FloatArray:
    """The points as (series, n)."""
    given = np.atleast_1d(np.asarray(points, dtype=np.float64))
    if given.ndim > 2:
        raise OutOfRange("points come in one or two dimensions")
    if (given.ndim == 1) != state.is_single or (given.ndim == 2 and len(given) != state.alarm_at.size):
        raise Inconsistent(f"the state is of {state.alarm_at.size} series, the points have shape {given.shape}")
    if np.isinf(given).any():
        raise NotFinite("points must not be infinite")
    return np.atleast_2d(given)


def _shaped(state: DetectorState, flags: BoolArray, strength: FloatArray, strongest: IntArray) -> Detection:
    if state.is_single:
        return Detection(flags[0], strength[0], strongest[0])
    return Detection(flags, strength, strongest)


def _with_quiet(strange: BoolArray, state: DetectorState) -> tuple[BoolArray, IntArray]:
    flags, alarm_at = np.zeros(strange.shape, dtype=np.bool_), state.alarm_at.copy()
    for series, point in np.argwhere(strange).tolist():
        index = state.seen + point
        if alarm_at[series] < 0 or index - alarm_at[series] > state.quiet:
            flags[series, point], alarm_at[series] = True, index
    return flags, alarm_at
