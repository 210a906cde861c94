"""When a source that has not come would be silent: as it declares, or by the rhythm in which it came before.

What is learned ends with the source's last arrival, so a silence does not become its rhythm, and the moment is the same
however long one waits. It is the same in every process, since it is computed from what is stored.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from andon_quality.errors import TooFew
from andon_quality.silence import HOURS, Rhythm, hours_until, learn, limit

from services.ingest.model import SECOND_US
from services.ingest.registry.data_quality import SourceHours

HOUR_US = 3_600 * SECOND_US
WEEKS = 8
# What lies further before the last arrival is not needed.
HOURS_STORED = (WEEKS + 1) * HOURS


class Basis(IntEnum):
    UNKNOWN = 0
    DECLARED = 1
    LEARNED = 2


@dataclass(frozen=True)
class SourceActivity:
    """It is silent if nothing came before `due_us`; absent: that is not known. `weekly`: what its rhythm expects."""

    source: str
    last_us: int
    basis: Basis
    due_us: int | None
    weekly: float | None = None

    def is_silent(self, now_us: int) -> bool:
        return self.due_us is not None and now_us >= self.due_us


def activity(seen: SourceHours, silent_after_us: int | None, alarms_per_week: float) -> SourceActivity:
    """Pure. alarms_per_week: false alarms that are requested of a learned rhythm."""
    if silent_after_us is not None:
        return SourceActivity(seen.source, seen.last_us, Basis.DECLARED, seen.last_us + silent_after_us)
    rhythm = _learned(seen)
    if rhythm is None:
        return SourceActivity(seen.source, seen.last_us, Basis.UNKNOWN, None)
    first = seen.hours[-1] + 1
    hours = hours_until(rhythm, first % HOURS, limit(rhythm, alarms_per_week))
    weekly = float(rhythm.mean.sum())
    if np.isinf(hours):
        return SourceActivity(seen.source, seen.last_us, Basis.UNKNOWN, None, weekly)
    return SourceActivity(seen.source, seen.last_us, Basis.LEARNED, (first + int(hours)) * HOUR_US, weekly)


def _learned(seen: SourceHours) -> Rhythm | None:
    """None: too little was seen."""
    end = seen.hours[-1] + 1
    # Of the first hour nobody knows how much was seen.
    begin = max(end - WEEKS * HOURS, seen.hours[0] + 1)
    if end - begin < HOURS:
        return None
    weeks = -(-(end - begin) // HOURS)
    counts = np.full(weeks * HOURS, np.nan)
    base = end - weeks * HOURS
    counts[begin - base :] = 0.0
    for hour, count in zip(seen.hours, seen.counts, strict=True):
        if hour >= begin:
            counts[hour - base] = count
    # The first column is an hour of the week like any other.
    by_hour = np.roll(counts.reshape(weeks, HOURS), base % HOURS, axis=1)
    try:
        return learn(by_hour)
    except TooFew:
        return None
