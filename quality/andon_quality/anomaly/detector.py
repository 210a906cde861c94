"""A streaming detector: a point is anomalous when some watcher has not seen its like for a long time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.anomaly.watcher import Aspect, Watch, Watcher
from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.errors import NotFinite, OutOfRange

WATCHES = (
    Watch(Aspect.SPREAD, window=1000, ratio=1.0, memory=10_000),
    Watch(Aspect.LEVEL, window=1000, ratio=1.6, memory=300),
    Watch(Aspect.JUMP, window=200, ratio=2.0, memory=1000),
    Watch(Aspect.SEASON, window=4000, ratio=1.3, memory=1000),
    Watch(Aspect.LEVEL, window=50, ratio=1.3, memory=10_000),
)
WARM_UP_POINTS = 150
QUIET_POINTS = 100


@dataclass(frozen=True)
class Detection:
    """What was found, one entry per point given.

    flags: alarms, at most one per quiet period; strength: the strongest score over what an alarm needs (above 1 is
    strange, also when kept quiet; 0 for missing points and while warming up); aspect: index into `watches` of the
    watcher with that score.
    """

    flags: BoolArray
    strength: FloatArray
    watcher: IntArray


@dataclass(frozen=True)
class DetectorState:
    """Everything the detector remembers; never changed in place. `alarm_at` is the index of the last alarm."""

    watchers: tuple[Watcher, ...]
    seen: int
    alarm_at: int | None
    warm_up: int
    quiet: int


def start(
    season: int | None = None,
    *,
    watches: tuple[Watch, ...] = WATCHES,
    warm_up: int = WARM_UP_POINTS,
    quiet: int = QUIET_POINTS,
) -> DetectorState:
    """A detector that has seen nothing. season: points in a season (a day, say); None for none.

    warm_up: points before the first alarm; quiet: points without another alarm after one. Raises OutOfRange.

    >>> start(season=288).seen
    0
    """
    if warm_up < 4 or quiet < 0 or (season is not None and season < 2) or not watches:
        raise OutOfRange("needs a warm-up of 4 or more, quiet >= 0, a season of 2 or more and a watcher")
    return DetectorState(tuple(Watcher(watch, season) for watch in watches), 0, None, warm_up, quiet)


def advance(state: DetectorState, points: ArrayLike) -> tuple[DetectorState, Detection]:
    """Takes `points`, shape (n,), in time order; returns the new state and one verdict per point.

    Each watcher looks at one aspect of a point - level, jump, spread of the last 50, distance to the season's phase -
    and scores it as |aspect - mean| / deviation over its window of earlier points. An alarm needs a score above `ratio`
    times the watcher's own record, which fades by 1 / memory a point: no distribution is assumed, and a stream that is
    often strange has to be stranger still. NaN is a missing point: it counts for the season and is never flagged.
    Any split of a stream into calls gives the same result to the last bit. The state given is left as it was.

    Assumes equally spaced points. O(1) a point, plus O(memory of the state, about 7,000 numbers) a call: prefer to
    pass points in batches. For limits with a promised false-alarm rate prefer a control chart. Raises NotFinite for
    infinity, OutOfRange unless one-dimensional.
    Source: own; its parts are moving z-scores, and records as in Glick, American Mathematical Monthly 85 (1978) 2.

    >>> import math
    >>> calm = [math.sin(i * i) for i in range(400)]
    >>> state, found = advance(start(), [*calm, 30.0])
    >>> bool(found.flags[400])
    True
    """
    values = np.atleast_1d(np.asarray(points, dtype=np.float64))
    if values.ndim != 1:
        raise OutOfRange("points come in one dimension")
    if np.isinf(values).any():
        raise NotFinite("points must not be infinite")
    watchers = tuple(watcher.copy() for watcher in state.watchers)
    strength, watcher = np.zeros(values.size), np.zeros(values.size, dtype=np.int64)
    for i, value in enumerate(values.tolist()):
        strength[i], watcher[i] = _strongest(watchers, value, state.seen + i, state.warm_up)
    flags, alarm_at = _with_quiet(strength > 1.0, state)
    after = DetectorState(watchers, state.seen + values.size, alarm_at, state.warm_up, state.quiet)
    return after, Detection(flags, strength, watcher)


def detect(values: ArrayLike, season: int | None = None) -> Detection:
    """All of a series at once: `advance` from a fresh `start(season)`; same arguments, cost and errors.

    >>> bool(detect([1.0] * 500).flags.any())
    False
    """
    return advance(start(season), values)[1]


def _strongest(watchers: tuple[Watcher, ...], value: float, index: int, warm_up: int) -> tuple[float, int]:
    if value != value:
        return 0.0, 0
    learning = index < warm_up // 4
    scores = [watcher.score(value, index, learning) for watcher in watchers]
    if index < warm_up:
        return 0.0, 0
    best = max(range(len(scores)), key=scores.__getitem__)
    return scores[best], best


def _with_quiet(strange: BoolArray, state: DetectorState) -> tuple[BoolArray, int | None]:
    flags = np.zeros(strange.size, dtype=np.bool_)
    alarm_at = state.alarm_at
    for i in np.flatnonzero(strange).tolist():
        if alarm_at is None or state.seen + i - alarm_at > state.quiet:
            flags[i], alarm_at = True, state.seen + i
    return flags, alarm_at
