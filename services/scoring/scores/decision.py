"""What a step of the fold changes about the scores of a system: gathered statistics in, a decision out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from services.scoring.scores.book import Decision as Decision
from services.scoring.scores.book import ScoreBook
from services.scoring.scores.book_codec import BookChange
from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.chart_state import START
from services.scoring.scores.charts.signals import signal_changes, signals_of
from services.scoring.scores.charts.trail import ChartMove, Landmarks, Trail, before, go_on
from services.scoring.scores.evaluation import Observed, composites_of, evaluate
from services.scoring.scores.recall import NO_VALUES, NOTHING_RECALLED, Recalled
from services.scoring.scores.results import Score, ScoreState, Signal
from services.scoring.scores.statistics import EMPTY, PartStats, Place, added
from services.scoring.system.hierarchy import Tree
from services.scoring.system.model import Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.series_budget import SliceDimensions
from services.scoring.system.windows import ALL_TIME, EARLIEST_US, LATEST_US, WindowId

LATE = "late events"
CORRECTED = "correction"
NEW_VERSION = "new system version"
OVER_BUDGET = "too many combinations of values"


def decide(
    book: ScoreBook,
    differences: Mapping[Place, PartStats],
    watermark_us: int | None,
    corrected: frozenset[Place] = frozenset(),
    recalled: Recalled = NOTHING_RECALLED,
    values: Mapping[str, Collection[str]] = NO_VALUES,
) -> Decision:
    """What follows from changes of statistics, and from a watermark that all partitions have passed.

    watermark_us None: some partition has seen nothing yet. corrected: places that changed by a correction.
    recalled: what `recall.needs_of` names for the same arguments. values: of dimensions, that events named.
    """
    fresh = book.limit.fresh(book.values, values)
    dropped = book.dropped_after(fresh)
    if dropped:
        differences = {
            place: stats for place, stats in differences.items() if series_name(place[0]).dimensions not in dropped
        }
    step = Step(book, differences, watermark_us, corrected, recalled, dropped)
    if book.switched:
        step.score_indicators()
        step.score_composites()
        step.draw_charts()
        step.withdraw_dropped()
    closed_us, left = step.leaving()
    return Decision(
        BookChange(differences, closed_us, step.charts, fresh),
        step.after,
        left,
        tuple(step.changed.values()),
        tuple(step.signals),
        step.landmarks,
    )


def draws(book: ScoreBook, differences: Mapping[Place, PartStats], watermark_us: int | None) -> bool:
    """Whether charts go on or are drawn again, which may mean to set limits: tens of milliseconds, not on a loop."""
    passed_us = book.system.spec.passed_us(watermark_us)
    if not book.plans:
        return False
    return any(end_us <= passed_us for end_us in (*book.provisional, *book.silent)) or any(
        window.end_us <= passed_us for _, window in differences
    )


class Step:
    """One decision in the making; the book stays as it is."""

    def __init__(
        self,
        book: ScoreBook,
        differences: Mapping[Place, PartStats],
        watermark_us: int | None,
        corrected: frozenset[Place],
        recalled: Recalled,
        dropped: frozenset[SliceDimensions],
    ) -> None:
        self.book = book
        self.dropped = dropped
        self.passed_us = book.system.spec.passed_us(watermark_us)
        self.corrected = corrected
        self.recalled = recalled
        self.after = {place: added(self.before(place), difference) for place, difference in differences.items()}
        self.changed: dict[Place, Score] = {}
        self.signals: list[Signal] = []
        self.charts: dict[SeriesKey, ChartMove] = {}
        self.landmarks: dict[SeriesKey, Landmarks] = {}

    def before(self, place: Place) -> PartStats:
        return self.book.statistics.get(place) or self.recalled.statistics.get(place, EMPTY)

    def current(self, place: Place) -> Score | None:
        """As it was published last."""
        series, window = place
        return self.book.score(series, window) or self.recalled.scores.get(series, {}).get(window.start_us)

    def leaving(self) -> tuple[int | None, dict[Place, PartStats]]:
        """Up to where windows leave memory (None: as before), and what is to be stored of those that lie there."""
        closed_us = max(self.book.closed_us, self.passed_us)
        ends = [end_us for end_us in self.book.by_end if end_us <= closed_us]
        left = {
            place: self.book.statistics[place]
            for end_us in ends
            for place in self.book.by_end[end_us]
            if place in self.book.statistics and not self.is_dropped(place[0])
        }
        behind = {place: stats for place, stats in self.after.items() if place[1].end_us <= closed_us}
        moves = bool(ends) or any(window.end_us > self.book.closed_us for _, window in behind)
        return (closed_us if moves else None), left | behind

    def score_indicators(self) -> None:
        observed: dict[str, list[Observed]] = {}
        for (series, window), stats in self.after.items():
            one = Observed(series, window, stats, self.is_complete(window))
            observed.setdefault(series_name(series).indicator, []).append(one)
        for name, some in observed.items():
            indicator = self.book.indicators.get(name)
            for score in evaluate(self.book.system, indicator, some) if indicator else ():
                self.publish(score)
        self.close_windows()

    def is_dropped(self, series: SeriesKey) -> bool:
        return bool(self.dropped) and series_name(series).dimensions in self.dropped

    def withdraw_dropped(self) -> None:
        """Whatever was published of slices that have had too many combinations of values since this step."""
        fresh = self.dropped - self.book.dropped
        if not fresh:
            return
        for scores in (self.recalled.scores, self.book.scores):
            for series, windows in scores.items():
                if series_name(series).dimensions in fresh:
                    self.landmarks[series] = Landmarks(kept_us=EARLIEST_US)
                    for score in windows.values():
                        if score.present:
                            gone = withdrawn(score, self.book.system.version)
                            self.changed[series, score.window] = replace(
                                gone, revision=score.revision + 1, reason=OVER_BUDGET
                            )
        for series, known in self.signals_by_series.items():
            if series_name(series).dimensions in fresh:
                self.signals += signal_changes(known, {}, OVER_BUDGET)

    def is_complete(self, window: WindowId) -> bool:
        return window != ALL_TIME and window.end_us <= self.passed_us

    def close_windows(self) -> None:
        """Indicators only: composites follow from them."""
        for end_us, places in self.book.provisional.items():
            if places and self.is_complete(WindowId(0, end_us)):
                for place in places:
                    score = self.latest(place)
                    own = series_name(place[0]).indicator in self.book.indicators and not self.is_dropped(place[0])
                    if score is not None and own:
                        self.publish(replace(score, complete=True, revision=1, reason=""))

    def latest(self, place: Place) -> Score | None:
        return self.changed.get(place) or self.current(place)

    def publish(self, score: Score) -> None:
        """Takes a score up as a change if it differs from the current one."""
        place = (score.series, score.window)
        current = self.current(place)
        if current is None:
            if score.present:
                self.changed[place] = score
        elif not current.says_the_same(score):
            self.changed[place] = replace(
                score, revision=current.revision + 1, reason=self.reason_for(place, current, score)
            )
        else:
            self.changed.pop(place, None)

    def reason_for(self, place: Place, current: Score, score: Score) -> str:
        if current.version != score.version:
            return NEW_VERSION
        if not current.complete:
            return ""
        return CORRECTED if place in self.corrected else LATE

    def score_composites(self) -> None:
        self.roll_up({(series_name(series).window, window) for series, window in self.changed if self.is_leaf(series)})

    def roll_up(self, touched: Iterable[tuple[Window, WindowId]]) -> None:
        """The composites of these windows."""
        for kind, window in touched:
            tree = self.book.trees.get(kind)
            if tree is None:
                continue
            leaves = self.leaf_scores(tree, kind, window)
            corrected = any((score.series, window) in self.corrected for score in leaves.values())
            for score in composites_of(self.book.system, tree, kind, window, leaves, self.is_complete(window)):
                if corrected:
                    self.corrected = self.corrected | {(score.series, window)}
                self.publish(score)

    def is_leaf(self, series: SeriesKey) -> bool:
        name = series_name(series)
        return name.whole and name.indicator in self.book.indicators

    def leaf_scores(self, tree: Tree, kind: Window, window: WindowId) -> dict[str, Score]:
        prefix = f"{self.book.system.process}/{self.book.system.system}"
        found = {
            leaf.name: self.latest((SeriesKey(f"{prefix}/{leaf.name}@{kind.value}"), window)) for leaf in tree.leaves
        }
        return {name: score for name, score in found.items() if score is not None}

    def draw_charts(self) -> None:
        changed: dict[SeriesKey, list[Score]] = defaultdict(list)
        for (series, _), score in self.changed.items():
            if self.book.plan(series) is not None and self.moves_chart(score):
                changed[series].append(score)
        for series in sorted(changed.keys() | self.book.silent_until(self.passed_us)):
            self.draw_chart(series, changed[series])

    def draw_chart(self, series: SeriesKey, changed: Sequence[Score]) -> None:
        plan = None if self.is_dropped(series) else self.book.plan(series)
        trail = self.book.trail(series)
        reason = self.reason_of(changed)
        if plan is None:
            self.signals += signal_changes(self.signals_known(series), {}, reason)
            self.landmarks[series] = Landmarks(kept_us=EARLIEST_US)
        elif trail is not None and (trail[-1] if trail else START).continues(changed):
            self.go_on(series, plan, trail, changed, reason)
        else:
            self.draw_again(series, plan, trail or (), changed, reason)

    def go_on(self, series: SeriesKey, plan: ChartPlan, trail: Trail, changed: Sequence[Score], reason: str) -> None:
        """New signals only: what was known before stays as it is."""
        moved = go_on(trail, changed, plan, series_name(series).window, self.passed_us)
        self.charts[series] = moved.move
        if moved.landmarks:
            self.landmarks[series] = Landmarks(moved.landmarks)
        raised = signals_of(self.book.system.process, series, moved.drawn, plan)
        known: dict[str, Signal] = {}
        for point in moved.drawn.points:
            known |= self.signals_at((series, point.window))
        self.signals += signal_changes(known, raised, reason)

    def draw_again(
        self, series: SeriesKey, plan: ChartPlan, trail: Trail, changed: Sequence[Score], reason: str
    ) -> None:
        """From the last state that what changes has no part in."""
        base = before(trail, min((score.window.start_us for score in changed if score.complete), default=EARLIEST_US))
        since_us = base[-1].end.through_us if base else EARLIEST_US
        if self.recalled.complete_since.get(series, LATEST_US) > since_us:
            raise LookupError(f"the windows of {series} were not recalled, and its chart has to be drawn from them")
        scores = [score for score in self.windows_of(series, changed) if score.window.start_us >= since_us]
        kind = series_name(series).window
        moved = go_on(base, scores, plan, kind, self.passed_us, with_trail=True)
        self.charts[series], self.landmarks[series] = moved.move, Landmarks(moved.landmarks, since_us)
        raised = signals_of(self.book.system.process, series, moved.drawn, plan)
        known = {
            name: signal for name, signal in self.signals_known(series).items() if signal.window.start_us >= since_us
        }
        self.signals += signal_changes(known, raised, reason)

    def moves_chart(self, score: Score) -> bool:
        current = self.current((score.series, score.window))
        return score.complete or (current is not None and current.complete)

    def signals_at(self, place: Place) -> dict[str, Signal]:
        return self.recalled.signals.get(place, {}) | self.book.signals.get(place, {})

    def signals_known(self, series: SeriesKey) -> Mapping[str, Signal]:
        return self.signals_by_series.get(series, {})

    @cached_property
    def signals_by_series(self) -> Mapping[SeriesKey, Mapping[str, Signal]]:
        found: dict[SeriesKey, dict[str, Signal]] = {}
        for signals in (self.recalled.signals, self.book.signals):
            for (series, _), known in signals.items():
                found.setdefault(series, {}).update(known)
        return found

    def windows_of(self, series: SeriesKey, changed: Sequence[Score]) -> list[Score]:
        fresh = {score.window.start_us: score for score in changed}
        known = self.recalled.scores.get(series, {}) | self.book.scores.get(series, {})
        return list((known | fresh).values())

    def reason_of(self, changed: Sequence[Score]) -> str:
        """Why what a signal rested on moved."""
        reasons = {score.reason for score in changed}
        return CORRECTED if CORRECTED in reasons else LATE


def withdrawn(score: Score, version: int) -> Score:
    return replace(
        score,
        value=None,
        count=0,
        unobserved=0,
        state=ScoreState.NOT_ENOUGH_DATA,
        points=None,
        points_low=None,
        points_high=None,
        total=None if score.total is None else 0,
        squares=None if score.squares is None else 0,
        version=version,
    )
