"""Mean and spread of the last points of many streams, or of all of them, in constant time a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.anomaly.log import SeriesLog
from andon_quality.arrays import FloatArray

# Sums over a window are rebuilt after so many points.
REBUILD_POINTS = 500


@dataclass(frozen=True)
class RollingMoments:
    """How many values there were, their mean and their variance; both 0 where there were none."""

    n: FloatArray
    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class Sums:
    """Moments of every point so far; missing points (NaN) count for nothing.

    origin: shape (..., series), the first value, NaN before any; parts: (3, ..., series), count, sum and sum of squares
    about the origin.

    >>> Sums.nothing(1).follow(np.array([[1.0, 3.0]]))[1].variance.tolist()
    [[0.0, 1.0]]
    """

    origin: FloatArray
    parts: FloatArray

    @classmethod
    def nothing(cls, *shape: int) -> Sums:
        return cls(np.full(shape, np.nan), np.zeros((3, *shape)))

    def follow(self, page: FloatArray) -> tuple[Sums, RollingMoments]:
        """The sums after `page`, shape (..., series, n), and the moments with each point, the same shape. O(1) each."""
        after, course = self.course(page)
        return after, after.moments(course[..., 1:])

    def course(self, come: FloatArray, gone: FloatArray | None = None) -> tuple[Sums, FloatArray]:
        """The sums after all points, and the parts before them and with each, shape (3, ..., n + 1).

        Added one by one, so that any split of the points gives the same bits.
        """
        origin = self.origin
        if come.shape[-1] and np.isnan(origin).any():
            origin = np.where(np.isnan(origin), _first(come), origin)
        course = np.empty((3, *come.shape[:-1], come.shape[-1] + 1))
        course[..., 0] = self.parts
        course[..., 1:] = _steps(come, origin)
        if gone is not None:
            course[..., 1:] -= _steps(gone, origin)
        course = np.cumsum(course, axis=-1)
        return Sums(origin, course[..., -1].copy()), course

    def moments(self, parts: FloatArray) -> RollingMoments:
        """The moments behind `parts`, shape (3, ..., n), about this origin."""
        count, total, squares = parts
        n, known = np.maximum(count, 1.0), count > 0
        about, raw = total / n, squares / n
        rest = raw - about * about
        # What is left of equal values is rounding.
        variance = np.where(known & (rest > 1e-12 * raw), rest, 0.0)
        return RollingMoments(count, np.where(known, self.origin[..., None] + about, 0.0), variance)


@dataclass(frozen=True)
class Rolling:
    """Moments of the last points of each series, in one window or in several side by side.

    Missing points (NaN) take their place in the window and count for nothing. logs: one a window; sums: shape
    (windows, series), about the mean of some time ago, and rebuilt from time to time: so rounding does not pile up.

    >>> _, _, moments = Rolling.empty(1, 2).follow(np.array([[[5.0, 1.0, 3.0]]]))
    >>> moments.mean.tolist(), moments.variance.tolist()
    ([[[5.0, 3.0, 2.0]]], [[[0.0, 4.0, 1.0]]])
    """

    logs: tuple[SeriesLog, ...]
    sums: Sums
    seen: int = 0

    @classmethod
    def empty(cls, series: int, *windows: int) -> Rolling:
        return cls(tuple(SeriesLog.empty(series, window) for window in windows), Sums.nothing(len(windows), series))

    def follow(self, page: FloatArray) -> tuple[Rolling, RollingMoments, RollingMoments]:
        """The state after `page`, shape (windows, series, n), and the moments before each point and with it, so too.

        O(1) a point, amortised.
        """
        state, before, after, at = self, [], [], 0
        while at < page.shape[-1]:
            points = min(page.shape[-1] - at, REBUILD_POINTS - state.seen % REBUILD_POINTS)
            state, parts, sums = state._chunk(page[..., at : at + points])
            before.append(sums.moments(parts[..., :-1]))
            after.append(sums.moments(parts[..., 1:]))
            at += points
        return state, _joined(before), _joined(after)

    def _chunk(self, page: FloatArray) -> tuple[Rolling, FloatArray, Sums]:
        points, seen = page.shape[-1], self.seen + page.shape[-1]
        logs = tuple(log.appended(some) for log, some in zip(self.logs, page, strict=True))
        sums, parts = self.sums.course(page, np.stack([log.last(points, before=log.window) for log in logs]))
        left = sums
        if seen % REBUILD_POINTS == 0:
            rebuilt = [_rebuilt(log.last(log.window), origin) for log, origin in zip(logs, sums.origin, strict=True)]
            left = Sums(np.stack([each.origin for each in rebuilt]), np.stack([each.parts for each in rebuilt], axis=1))
        return Rolling(logs, left, seen), parts, sums


def _first(page: FloatArray) -> FloatArray:
    """The first value of each series that is there; NaN where none is."""
    return np.asarray(np.take_along_axis(page, np.argmax(~np.isnan(page), axis=-1)[..., None], axis=-1)[..., 0])


def _steps(values: FloatArray, origin: FloatArray) -> FloatArray:
    here = ~np.isnan(values)
    away = np.where(here, values - origin[..., None], 0.0)
    return np.stack([here, away, away * away])


def _rebuilt(window: FloatArray, origin: FloatArray) -> Sums:
    count = (~np.isnan(window)).sum(axis=-1)
    mean = np.where(np.isnan(window), 0.0, window).sum(axis=-1) / np.maximum(count, 1)
    about = np.where(count > 0, mean, origin)
    return Sums(about, _steps(window, about).sum(axis=-1))


def _joined(found: list[RollingMoments]) -> RollingMoments:
    if len(found) == 1:
        return found[0]
    parts = (np.concatenate([getattr(each, part) for each in found], axis=-1) for part in ("n", "mean", "variance"))
    return RollingMoments(*parts)
