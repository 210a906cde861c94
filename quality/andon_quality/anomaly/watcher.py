"""The ways in which points can be strange, and when they are strange enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.anomaly.aspects import Aspect, Lens, lens
from andon_quality.anomaly.rolling_moments import Rolling, Sums
from andon_quality.arguments import checked_fields
from andon_quality.arrays import BoolArray, FloatArray

# A score beyond this says no more than "never seen"; a higher one would leave its watcher deaf.
SCORE_MAX = 1000.0
# The spread of a quiet window counts as at least this share of the spread of all values so far.
SPREAD_FLOOR = 1e-3


@checked_fields
@dataclass(frozen=True)
class AspectWatch:
    """How one watcher is set: its aspect, the points it compares with, and when a score is a record.

    A record is a score above `ratio` times the highest so far, which fades by 1 / `fading_points` with each point.
    """

    aspect: Aspect
    window: int
    ratio: float
    fading_points: int


@dataclass(frozen=True)
class Watchers:
    """The state of all watchers over many series: what each sees, its window, all that it saw, and its records.

    record: shape (watchers, series).
    """

    watches: tuple[AspectWatch, ...]
    lenses: tuple[Lens, ...]
    past: Rolling
    overall: Sums
    record: FloatArray

    @classmethod
    def begin(cls, watches: tuple[AspectWatch, ...], season: int, series: int) -> Watchers:
        lenses = tuple(lens(watch.aspect, season, series) for watch in watches)
        past = Rolling.empty(series, *(watch.window for watch in watches))
        return cls(watches, lenses, past, Sums.nothing(len(watches), series), np.zeros((len(watches), series)))

    def follow(self, page: FloatArray, learning: BoolArray) -> tuple[Watchers, FloatArray]:
        """The state after `page`, shape (series, n), and how far each point is above a record: (watchers, series, n).

        Points that are `learning`, shape (n,), set no record. O(1) a point, amortised.
        """
        looks = [own.follow(page) for own in self.lenses]
        seen = np.stack([sight for _, sight in looks])
        score, past, overall = self._scores(seen)
        fading_points = np.array([watch.fading_points for watch in self.watches])[:, None, None]
        ratio = np.array([watch.ratio for watch in self.watches])[:, None, None]
        fades = np.where(np.isnan(page), 1.0, 1 - 1 / fading_points)
        record, before = _records(self.record, fades, np.where(learning, 0.0, score))
        over = np.divide(score, ratio * before, out=np.zeros(score.shape), where=before > 0)
        return Watchers(self.watches, tuple(own for own, _ in looks), past, overall, record), over

    def _scores(self, seen: FloatArray) -> tuple[FloatArray, Rolling, Sums]:
        """How far each point is from the mean of those before it, in deviations; 0 for missing and for first points."""
        past, near, _ = self.past.follow(seen)
        overall, parts = self.overall.course(seen)
        share = np.array([0.0 if watch.aspect is Aspect.SPREAD else SPREAD_FLOOR for watch in self.watches])
        floor = share[:, None, None] * np.sqrt(overall.moments(parts[..., :-1]).variance)
        away, spread = np.abs(seen - near.mean), np.sqrt(near.variance) + floor
        known = (near.n > 0) & (away > 0)
        score = np.divide(away, spread, out=np.full(away.shape, SCORE_MAX), where=known & (spread > 0))
        return np.where(known, np.minimum(score, SCORE_MAX), 0.0), past, overall


def _records(record: FloatArray, fades: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The records after the last point, shape (watchers, series), and before each point, (watchers, series, n)."""
    every = np.empty((*record.shape, scores.shape[-1] + 1))
    every[..., 0] = record
    if record.shape[-1] == 1:
        for own, fade, score in zip(every[:, 0], fades[:, 0].tolist(), scores[:, 0].tolist(), strict=True):
            own[:] = _course(float(own[0]), fade, score)
    else:
        # The same steps as for one series, side by side.
        for point in range(scores.shape[-1]):
            record = np.maximum(record * fades[..., point], scores[..., point])
            every[..., point + 1] = record
    return every[..., -1].copy(), every[..., :-1]


def _course(high: float, fades: list[float], scores: list[float]) -> list[float]:
    course = [high]
    for fade, score in zip(fades, scores, strict=True):
        high *= fade
        if score > high:
            high = score
        course.append(high)
    return course
