"""Windows of a series in which nothing happened: which of them belong to its life, and what they say.

A series lives from its first window with cases on. A silence of at most `life_windows` windows is part of its life,
in the middle as at the end; then the life has ended, and what comes later begins a new one. A sum over a window
without cases is 0; a mean, a share or a quantile of nothing has no value.

Nobody publishes such a window: it follows from its neighbours and from how far the watermark has come. So lists work
it out where they are read, at the cost of what they show, and the chart of a sum takes it in as soon as the watermark
has passed it (`charts.points`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from services.scoring.scores.evaluation import UNDECIDED, is_met
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.calendar import Zone, windows_after
from services.scoring.system.hierarchy import OVERALL
from services.scoring.system.model import Aggregate, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import WindowId

UNPUBLISHED = 0
"""The revision of a score that follows from its neighbours."""


@dataclass(frozen=True)
class Silence:
    """windows: those that belong to the life of the series. is_over: the silence is longer, and ended that life."""

    windows: Sequence[WindowId]
    is_over: bool


def silence(zone: Zone, window: Window, from_us: int, to_us: int, life_windows: int) -> Silence:
    """The whole windows from the end of one with cases to the start of the next, or to where the watermark is."""
    if from_us >= to_us:
        return Silence((), is_over=False)
    found = [one for one in _windows_after(zone, window, from_us, life_windows + 1) if one.end_us <= to_us]
    return Silence(found[:life_windows], len(found) > life_windows)


@lru_cache(maxsize=4_096)
def _windows_after(zone: Zone, window: Window, from_us: int, count: int) -> tuple[WindowId, ...]:
    """Many series fall silent at the same few instants, and stay so for many steps."""
    return tuple(windows_after(zone, window, from_us, count))


class SilentSeries:
    """What the series of one system say while they are silent. passed_us: windows that end here are complete."""

    def __init__(self, system: IndicatorSystem, passed_us: int) -> None:
        self.passed_us = passed_us
        self._system = system
        self._zone = Zone(system.spec.time_zone)
        # Many series fall silent at the same few instants.
        self._known: dict[tuple[Window, int, int, int], Silence] = {}

    def between(self, series: SeriesKey, last: WindowId, next_us: int | None = None) -> Iterator[Score]:
        """Its empty complete windows after one with cases. next_us: where the next one starts; None: there is none."""
        name = series_name(series)
        indicator = self._system.spec.indicator_by_name.get(name.indicator)
        if name.window is Window.ALL or (indicator is None and name.indicator not in self._composites):
            return
        life_windows = self._life_windows if indicator is None else indicator.life_windows
        to_us = self.passed_us if next_us is None else min(next_us, self.passed_us)
        key = (name.window, last.end_us, to_us, life_windows)
        if key not in self._known:
            self._known[key] = silence(self._zone, *key)
        for window in self._known[key].windows:
            yield empty_score(self._system, indicator, series, window)

    @cached_property
    def _composites(self) -> frozenset[str]:
        return self._system.spec.composite_names or frozenset({OVERALL})

    @cached_property
    def _life_windows(self) -> int:
        """Of a composite: as long as anything below it."""
        return max(one.life_windows for one in self._system.spec.indicators)


def empty_score(system: IndicatorSystem, indicator: Indicator | None, series: SeriesKey, window: WindowId) -> Score:
    """Of a complete window without cases. indicator None: a composite.

    It has no points, since composites are rolled up from what was observed.
    """
    value, (state, (points, low, high)) = None, UNDECIDED
    if indicator is not None and indicator.aggregate is Aggregate.SUM:
        value, target, low, high = 0.0, indicator.target, None, None
        if target is None or not indicator.has_points:
            state = ScoreState.NO_TARGET
        else:
            state = ScoreState.MET if is_met(indicator.direction, target, value) else ScoreState.MISSED
    if indicator is not None and not indicator.has_points:
        low = high = None
    return Score(
        series=series,
        window=window,
        value=value,
        count=0,
        state=state,
        points=points,
        points_low=low,
        points_high=high,
        complete=True,
        version=system.version,
        total=None if value is None else 0,
        squares=None if value is None else 0,
        resolution=1.0 if indicator is None else system.spec.resolution(indicator),
        revision=UNPUBLISHED,
    )
