"""The season of a series: which phase a window falls into, and how far each phase lies from the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.improvement.model import DAY_US, Reading

HOUR_US = DAY_US // 24
# Months are told apart by rounding, for which their mean length is close enough.
MONTH_US = round(365.2425 / 12 * DAY_US)
WINDOW_US: Mapping[str, int] = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US, "month": MONTH_US}
# Twelve weeks of hours, two years of days, and so on: more would tell of another process.
HISTORY_WINDOWS_MAX: Mapping[str, int] = {"hour": 2016, "day": 730, "week": 260, "month": 120}
# With fewer, the phase means would add more chance than the season they take away.
SEASONS_MIN = 4


@dataclass(frozen=True)
class Cycle:
    """What returns: `phases` windows of `step_us`."""

    name: str
    phases: int
    step_us: int


# The longest that the history can show comes first. Weeks of a year would need a decade.
CYCLES: Mapping[str, tuple[Cycle, ...]] = {
    "hour": (Cycle("week", 168, HOUR_US), Cycle("day", 24, HOUR_US)),
    "day": (Cycle("week", 7, DAY_US),),
    "month": (Cycle("year", 12, MONTH_US),),
}


@dataclass(frozen=True)
class Season:
    """`offsets`: mean of each phase less the mean of all. Without a cycle there is one phase, at 0."""

    name: str
    step_us: int
    anchor_us: int
    offsets: tuple[float, ...]
    fitted: int

    def without(self, readings: Sequence[Reading]) -> NDArray[np.float64]:
        """The values, each less what its phase adds."""
        values = np.array([reading.value for reading in readings], np.float64)
        added = np.array(self.offsets, np.float64)
        return np.subtract(values, added[_phases(readings, self.anchor_us, self.step_us, added.size)])


def window_of(series: str) -> str:
    """ "desk/main/rework@day{team=B}" -> "day"."""
    return series.partition("@")[2].partition("{")[0]


def reach_us(window: str) -> int:
    """How long the history may be. 0: no series of such windows is compared."""
    return HISTORY_WINDOWS_MAX.get(window, 0) * WINDOW_US.get(window, 0)


def has_season(window: str) -> bool:
    return window in CYCLES


def learn_season(window: str, readings: Sequence[Reading]) -> Season:
    """Phase means of the longest cycle that these windows hold `SEASONS_MIN` times."""
    span_us = readings[-1].end_us - readings[0].start_us
    for cycle in CYCLES.get(window, ()):
        # A part of a window is forgiven: clocks change.
        if span_us + cycle.step_us // 2 >= SEASONS_MIN * cycle.phases * cycle.step_us:
            return _fitted(cycle, readings)
    return Season("", DAY_US, 0, (0.0,), 1)


def _fitted(cycle: Cycle, readings: Sequence[Reading]) -> Season:
    # Counted from the first window, so that neither time zone nor summer time moves a window to its neighbour's phase.
    anchor_us = readings[0].start_us
    phase = _phases(readings, anchor_us, cycle.step_us, cycle.phases)
    values = np.array([reading.value for reading in readings])
    count = np.bincount(phase, minlength=cycle.phases)
    means = np.bincount(phase, values, cycle.phases) / np.maximum(count, 1)
    seen = count > 0
    offsets = np.where(seen, means - means[seen].mean(), 0.0)
    return Season(cycle.name, cycle.step_us, anchor_us, tuple(offsets.tolist()), int(seen.sum()))


def _phases(readings: Sequence[Reading], anchor_us: int, step_us: int, phases: int) -> NDArray[np.intp]:
    starts = np.array([reading.start_us - anchor_us for reading in readings], np.float64)
    return np.rint(starts / step_us).astype(np.intp) % phases
