"""The last values of many series, appended to in constant time and never changed for holders of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray


@dataclass(frozen=True)
class SeriesLog:
    """At least `window` values of each series up to column `end` of `columns`, NaN for those that never were.

    Logs that follow each other share their columns: each sees what lies before its own end. `used` is how far the
    columns are written, by whichever came there first; a second successor of the same log gets columns of its own.
    So appending is O(1) a value, amortised, and a log given away stays as it was. Not to be appended to from two
    threads at once.

    >>> log = SeriesLog.empty(1, 2).appended(np.array([[1.0, 2.0, 3.0]]))
    >>> log.last(2).tolist(), log.appended(np.array([[4.0]])).last(2).tolist(), log.last(2).tolist()
    ([[2.0, 3.0]], [[3.0, 4.0]], [[2.0, 3.0]])
    """

    window: int
    columns: FloatArray
    end: int
    used: list[int]

    @classmethod
    def empty(cls, series: int, window: int) -> SeriesLog:
        return cls(window, np.full((series, 2 * window), np.nan), window, [window])

    def appended(self, page: FloatArray) -> SeriesLog:
        """The log with `page`, shape (series, n), after it."""
        columns, end, used, points = self.columns, self.end, self.used, page.shape[-1]
        if used[0] != end or end + points > columns.shape[-1]:
            columns = np.empty((len(page), self.window + max(self.window, points)))
            columns[:, : self.window] = self.last(self.window)
            end, used = self.window, [self.window]
        columns[:, end : end + points] = page
        used[0] = end + points
        return SeriesLog(self.window, columns, end + points, used)

    def last(self, points: int, before: int = 0) -> FloatArray:
        """The `points` values before the last `before`, shape (series, points)."""
        return self.columns[:, self.end - before - points : self.end - before]
