"""What of a point a watcher looks at: the value, the step to it, the spread around it, its distance to the season."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, assert_never

import numpy as np

from andon_quality.anomaly.log import SeriesLog
from andon_quality.anomaly.rolling_moments import Rolling, Sums
from andon_quality.arrays import FloatArray

# How fast the mean of a phase follows, and how many points a burst of spread takes.
PHASE_SMOOTHING = 0.3
BURST_POINTS = 50


class Aspect(Enum):
    """What a watcher looks at."""

    LEVEL = "level"
    JUMP = "jump"
    SPREAD = "spread"
    SEASON = "season"


@dataclass(frozen=True)
class LevelLens:
    """The value itself."""

    def follow(self, page: FloatArray) -> tuple[LevelLens, FloatArray]:
        return self, page


@dataclass(frozen=True)
class JumpLens:
    """The step from the value before, however long ago; 0 for the first. `last`: shape (series,), NaN before any."""

    last: FloatArray

    def follow(self, page: FloatArray) -> tuple[JumpLens, FloatArray]:
        known = np.concatenate([self.last[:, None], page], axis=-1)
        there = ~np.isnan(known)
        latest = np.maximum.accumulate(np.where(there, np.arange(known.shape[-1]), 0), axis=-1)
        filled = np.take_along_axis(known, latest, axis=-1)
        before = filled[:, :-1]
        return JumpLens(filled[:, -1]), np.where(np.isnan(before), page * 0.0, page - before)


@dataclass(frozen=True)
class SpreadLens:
    """The logarithm of the variance of the last points; missing while there is none."""

    burst: Rolling
    overall: Sums

    def follow(self, page: FloatArray) -> tuple[SpreadLens, FloatArray]:
        burst, _, near = self.burst.follow(page[None])
        overall, ever = self.overall.follow(page)
        spread = near.variance[0] + 1e-6 * ever.variance
        known = ~np.isnan(page) & (spread > 0)
        return SpreadLens(burst, overall), np.log(spread, out=np.full(page.shape, np.nan), where=known)


@dataclass(frozen=True)
class SeasonLens:
    """The distance to the mean of the phase, which follows slowly; 0 for the first of a phase."""

    phases: SeriesLog

    def follow(self, page: FloatArray) -> tuple[SeasonLens, FloatArray]:
        phases, season, rest = self.phases, self.phases.window, np.empty(page.shape)
        for at in range(0, page.shape[-1], season):
            values = page[:, at : at + season]
            before = phases.last(season)[:, : values.shape[-1]]
            rest[:, at : at + season] = np.where(np.isnan(before), values * 0.0, values - before)
            now = values - (1 - PHASE_SMOOTHING) * rest[:, at : at + season]
            phases = phases.appended(np.where(np.isnan(values), before, now))
        return SeasonLens(phases), rest


Lens: TypeAlias = LevelLens | JumpLens | SpreadLens | SeasonLens


def lens(aspect: Aspect, season: int, series: int) -> Lens:
    """The state behind an aspect, before any point.

    >>> lens(Aspect.JUMP, 2, 1).follow(np.array([[5.0, np.nan, 7.0]]))[1].tolist()
    [[0.0, nan, 2.0]]
    """
    match aspect:
        case Aspect.LEVEL:
            return LevelLens()
        case Aspect.JUMP:
            return JumpLens(np.full(series, np.nan))
        case Aspect.SPREAD:
            return SpreadLens(Rolling.empty(series, BURST_POINTS), Sums.nothing(series))
        case Aspect.SEASON:
            return SeasonLens(SeriesLog.empty(series, season))
        case _:
            assert_never(aspect)
