"""What deciding needs of the present of one indicator system: its open windows, and the state of each chart.

Theory of operation
===================

A book holds the windows that end after `closed_us`: their statistics, scores and signals. What lies behind has left
memory. It is in Postgres, exactly as it was after the last entry of the score log, and comes back for one step where
that step names it (`scores.recall`). `closed_us` moves with the log's entries and never back, so every replica of a
version knows the same windows after the same entry. A chart is a few of
its states (`charts.trail`), however long it is.

What is invariant. A window behind `closed_us` is never in memory; a window after it that is not in memory has no
statistics. So a place that a book does not know is either new or has to be recalled, and its end says which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from services.scoring.scores.book_codec import BookChange
from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.charts.chart_state import Watching
from services.scoring.scores.charts.points import next_silent_end_us
from services.scoring.scores.charts.trail import Landmarks, Trail
from services.scoring.scores.results import Score, Signal
from services.scoring.scores.statistics import EMPTY, PartStats, Place, added
from services.scoring.system.hierarchy import Tree, tree_of
from services.scoring.system.model import Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.series_budget import SliceDimensions, SliceLimit, slice_limit
from services.scoring.system.windows import ALL_TIME, EARLIEST_US, WindowId


@dataclass(frozen=True)
class Decision:
    """What a step changes.

    change: what other replicas apply to their books. after: statistics of the changed windows after it.
    left: statistics to be stored, of windows behind `change.closed_us` and of those that were there before and changed.
    landmarks: states of charts to be stored.
    """

    change: BookChange
    after: Mapping[Place, PartStats] = field(default_factory=dict)
    left: Mapping[Place, PartStats] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    signals: tuple[Signal, ...] = ()
    landmarks: Mapping[SeriesKey, Landmarks] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        change = self.change
        changes = change.differences or change.charts or change.values or change.closed_us is not None
        return not (changes or self.scores or self.signals)


@dataclass
class ScoreBook:
    """`decide` reads it; `apply` is what a committed decision does to it, `take` what an entry of another replica does.

    undrawn: series whose chart has to be drawn from all its windows when it moves next.
    silent: charted sums by the end of the next window that would be empty.
    values: what events have named, by dimension. dropped: slices that have too many combinations of them; the book
    holds nothing of their series.
    """

    system: IndicatorSystem
    switched: bool
    closed_us: int = EARLIEST_US
    statistics: dict[Place, PartStats] = field(default_factory=dict)
    scores: dict[SeriesKey, dict[int, Score]] = field(default_factory=dict)
    signals: dict[Place, dict[str, Signal]] = field(default_factory=dict)
    charts: dict[SeriesKey, Trail] = field(default_factory=dict)
    undrawn: set[SeriesKey] = field(default_factory=set)
    silent: dict[int, set[SeriesKey]] = field(default_factory=lambda: defaultdict(set))
    values: dict[str, set[str]] = field(default_factory=dict)
    dropped: frozenset[SliceDimensions] = frozenset()
    provisional: dict[int, set[Place]] = field(default_factory=lambda: defaultdict(set))
    by_end: dict[int, set[Place]] = field(default_factory=lambda: defaultdict(set))
    trees: Mapping[Window, Tree] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    plans: Mapping[str, ChartPlan] = field(default_factory=dict)
    limit: SliceLimit = field(default_factory=lambda: SliceLimit(frozenset(), 0))

    def score(self, series: SeriesKey, window: WindowId) -> Score | None:
        return self.scores.get(series, {}).get(window.start_us)

    def plan(self, series: SeriesKey) -> ChartPlan | None:
        """None: the series is not charted."""
        name = series_name(series)
        return None if name.window is Window.ALL else self.plans.get(name.indicator)

    def trail(self, series: SeriesKey) -> Trail | None:
        """None: nothing is known of its chart. Empty: no window of it is complete."""
        return None if series in self.undrawn else self.charts.get(series, ())

    def silent_until(self, passed_us: int) -> set[SeriesKey]:
        """Charted sums that have an empty window which ends here or earlier, and is no point yet."""
        due = [series for end_us, series in self.silent.items() if end_us <= passed_us]
        return set().union(*due)

    def is_dropped(self, series: SeriesKey) -> bool:
        return bool(self.dropped) and series_name(series).dimensions in self.dropped

    def dropped_after(self, fresh: Mapping[str, Collection[str]]) -> frozenset[SliceDimensions]:
        """Slices that have too many combinations once events have named these values too."""
        if not fresh:
            return self.dropped
        names = self.values.keys() | fresh.keys()
        return self.limit.over({name: len(self.values.get(name, ())) + len(fresh.get(name, ())) for name in names})

    def apply(self, decision: Decision) -> None:
        for place, stats in decision.after.items():
            self._place_statistics(place, stats)
        self._apply(decision.change, decision.scores, decision.signals)

    def take(self, change: BookChange, scores: Iterable[Score] = (), signals: Iterable[Signal] = ()) -> None:
        for place, difference in change.differences.items():
            if place[1].end_us > self.closed_us:
                self._place_statistics(place, added(self.statistics.get(place, EMPTY), difference))
        self._apply(change, scores, signals)

    def _apply(self, change: BookChange, scores: Iterable[Score], signals: Iterable[Signal]) -> None:
        for score in scores:
            self.place_score(score)
        for signal in signals:
            self.place_signal(signal)
        for series, move in change.charts.items():
            if self.is_dropped(series):
                continue
            self._place_silent(series, gone=True)
            if move is None:
                self.undrawn.add(series)
            else:
                self.charts[series] = move.of(self.charts.get(series, ()), series_name(series).window)
                self.undrawn.discard(series)
                self._place_silent(series)
        if change.closed_us is not None:
            self._close(change.closed_us)
        if change.values:
            dropped = self.dropped_after(change.values)
            for name, values in change.values.items():
                self.values.setdefault(name, set()).update(values)
            self._drop(dropped)

    def _place_silent(self, series: SeriesKey, gone: bool = False) -> None:
        trail, plan = self.trail(series), self.plan(series)
        if not trail or plan is None or not isinstance(trail[-1].phase, Watching):
            return
        end_us = next_silent_end_us(trail[-1].end, plan, series_name(series).window)
        if end_us is None:
            return
        if not gone:
            self.silent[end_us].add(series)
        elif end_us in self.silent:
            self.silent[end_us].discard(series)
            if not self.silent[end_us]:
                del self.silent[end_us]

    def _place_statistics(self, place: Place, stats: PartStats) -> None:
        if place[1].end_us <= self.closed_us or self.is_dropped(place[0]):
            return
        if stats.case_count:
            self.statistics[place] = stats
            self.by_end[place[1].end_us].add(place)
        else:
            self.statistics.pop(place, None)

    def place_score(self, score: Score) -> None:
        place, end_us = (score.series, score.window), score.window.end_us
        if end_us <= self.closed_us or self.is_dropped(score.series):
            return
        self.scores.setdefault(score.series, {})[score.window.start_us] = score
        self.by_end[end_us].add(place)
        if not score.complete and score.window != ALL_TIME:
            self.provisional[end_us].add(place)
        elif end_us in self.provisional:
            self.provisional[end_us].discard(place)
            if not self.provisional[end_us]:
                del self.provisional[end_us]

    def place_signal(self, signal: Signal) -> None:
        place = (signal.series, signal.window)
        if signal.window.end_us > self.closed_us and not self.is_dropped(signal.series):
            self.signals.setdefault(place, {})[signal.name] = signal
            self.by_end[signal.window.end_us].add(place)

    def _drop(self, slices: frozenset[SliceDimensions]) -> None:
        """Series of these slices leave memory for good."""
        if slices <= self.dropped:
            return
        self.dropped |= slices
        for series in [series for series in self.charts if self.is_dropped(series)]:
            self._place_silent(series, gone=True)
            del self.charts[series]
        self.undrawn = {series for series in self.undrawn if not self.is_dropped(series)}
        for series in [series for series in self.scores if self.is_dropped(series)]:
            del self.scores[series]
        for places in (self.statistics, self.signals):
            for place in [place for place in places if self.is_dropped(place[0])]:
                del places[place]
        for ends in (self.by_end, self.provisional):
            for end_us, at in list(ends.items()):
                at.difference_update([place for place in at if self.is_dropped(place[0])])
                if not at:
                    del ends[end_us]

    def _close(self, closed_us: int) -> None:
        """Windows that end here or earlier leave memory."""
        self.closed_us = closed_us
        for end_us in [end_us for end_us in self.by_end if end_us <= closed_us]:
            self.provisional.pop(end_us, None)
            for place in self.by_end.pop(end_us):
                series, window = place
                self.statistics.pop(place, None)
                self.signals.pop(place, None)
                windows = self.scores.get(series)
                if windows is not None:
                    windows.pop(window.start_us, None)
                    if not windows:
                        del self.scores[series]


def open_book(system: IndicatorSystem, switched: bool) -> ScoreBook:
    indicators = {indicator.name: indicator for indicator in system.spec.indicators}
    planned = {one.name: plan_of(system.spec, one) for one in system.spec.indicators}
    plans = {name: plan for name, plan in planned.items() if plan is not None}
    trees = {window: tree for window in Window if (tree := tree_of(system, window)) is not None}
    return ScoreBook(system, switched, trees=trees, indicators=indicators, plans=plans, limit=slice_limit(system.spec))
