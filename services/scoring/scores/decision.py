"""What a step of the fold changes about the scores of a system: gathered statistics in, a decision out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.scoring.scores.book import Decision as Decision
from services.scoring.scores.book import ScoreBook
from services.scoring.scores.charts.chart import draw
from services.scoring.scores.charts.signals import signal_changes, signals_of
from services.scoring.scores.evaluation import Observed, composites_of, evaluate
from services.scoring.scores.results import Score, ScoreState, Signal
from services.scoring.scores.statistics import EMPTY, PartChange, PartStats, Place, merge_parts
from services.scoring.system.hierarchy import Tree
from services.scoring.system.model import Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import ALL_TIME, WindowId

LATE = "late events"
CORRECTED = "correction"
NEW_VERSION = "new system version"


def decide(
    book: ScoreBook,
    parts: Mapping[int, Sequence[PartChange]],
    watermark_us: int | None,
    corrected: frozenset[Place] = frozenset(),
    caught_up: bool = True,
) -> Decision:
    """What follows from new statistics of some partitions, and from a watermark that all partitions have passed.

    watermark_us None: some partition has seen nothing yet. corrected: places that changed by a correction.
    caught_up: the version has reached the place in the log from which it may replace its predecessor.
    """
    if not book.switched and not caught_up:
        return Decision(parts)
    step = _Step(book, parts, watermark_us, corrected, switching=not book.switched)
    step.score_indicators()
    step.score_composites()
    step.draw_charts()
    return Decision(parts, tuple(step.changed.values()), tuple(step.signals), switches=not book.switched)


def redraws(book: ScoreBook, parts: Mapping[int, Sequence[PartChange]], watermark_us: int | None) -> bool:
    """Whether charts are drawn again, which may mean to set limits: tens of milliseconds a series, not on a loop."""
    if watermark_us is None or not book.plans:
        return False
    passed_us = watermark_us - book.system.spec.lateness_us
    closing = any(end_us <= passed_us for end_us in book.provisional)
    return closing or any(change.window.end_us <= passed_us for changes in parts.values() for change in changes)


class _Step:
    """One decision in the making; the book stays as it is."""

    def __init__(
        self,
        book: ScoreBook,
        parts: Mapping[int, Sequence[PartChange]],
        watermark_us: int | None,
        corrected: frozenset[Place],
        switching: bool,
    ) -> None:
        self.book = book
        self.watermark_us = watermark_us
        self.corrected = corrected
        self.switching = switching
        self.fresh: dict[Place, dict[int, PartStats]] = {}
        for partition, changes in parts.items():
            for change in changes:
                self.fresh.setdefault((change.series, change.window), {})[partition] = change.stats
        self.changed: dict[Place, Score] = {}
        self.signals: list[Signal] = []

    def score_indicators(self) -> None:
        places: Iterable[Place] = self.fresh
        if self.switching:
            places = dict.fromkeys([*self.fresh, *self.book.parts])
        observed: dict[str, list[Observed]] = {}
        for series, window in places:
            stats = self.statistics((series, window))
            one = Observed(series, window, stats, self.is_complete(window))
            observed.setdefault(series_name(series).indicator, []).append(one)
        for name, some in observed.items():
            indicator = self.book.indicators.get(name)
            for score in evaluate(self.book.system, indicator, some) if indicator else ():
                self.publish(score)
        self.close_windows()
        if self.switching:
            self.withdraw_the_rest()

    def statistics(self, place: Place) -> PartStats:
        parts = {**self.book.parts.get(place, {}), **self.fresh.get(place, {})}
        return merge_parts([part for part in parts.values() if part.case_count]) if parts else EMPTY

    def is_complete(self, window: WindowId) -> bool:
        if self.watermark_us is None or window == ALL_TIME:
            return False
        return window.end_us + self.book.system.spec.lateness_us <= self.watermark_us

    def close_windows(self) -> None:
        """Indicators only: composites follow from them."""
        for end_us, places in self.book.provisional.items():
            if places and self.is_complete(WindowId(0, end_us)):
                for place in places:
                    score = self.latest(place)
                    if score is not None and series_name(place[0]).indicator in self.book.indicators:
                        self.publish(replace(score, complete=True, revision=1, reason=""))

    def withdraw_the_rest(self) -> None:
        """Scores of the version before that this one does not publish."""
        for series, windows in self.book.scores.items():
            for score in windows.values():
                if not self.publishes(series, score.window):
                    self.publish(_withdrawn(score, self.book.system.version))

    def publishes(self, series: SeriesKey, window: WindowId) -> bool:
        indicator = series_name(series).indicator
        if indicator in self.book.indicators:
            return (series, window) in self.book.parts or (series, window) in self.fresh
        return False

    def latest(self, place: Place) -> Score | None:
        return self.changed.get(place) or self.book.score(*place)

    def publish(self, score: Score) -> None:
        """Takes a score up as a change if it differs from the current one."""
        place = (score.series, score.window)
        current = self.book.score(*place)
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
        touched = {(series_name(series).window, window) for series, window in self.changed if self.is_leaf(series)}
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
            if self.bears_on_chart(series) and (self.switching or self.moves_chart(score)):
                changed[series].append(score)
        touched = set(changed) | (set(self.book.signals) if self.switching else set())
        for series in sorted(touched):
            self.draw_chart(series, changed[series])

    def bears_on_chart(self, series: SeriesKey) -> bool:
        name = series_name(series)
        return name.indicator in self.book.plans and name.window is not Window.ALL

    def draw_chart(self, series: SeriesKey, changed: Sequence[Score]) -> None:
        plan = self.book.plans.get(series_name(series).indicator)
        current = self.book.signals.get(series, {})
        raised: dict[str, Signal] = {}
        if plan is not None:
            drawn = draw(self.windows_of(series, changed), plan, series_name(series).window)
            raised = signals_of(self.book.system.process, series, drawn, plan)
        self.signals += signal_changes(current, raised, self.reason_of(changed))

    def moves_chart(self, score: Score) -> bool:
        current = self.book.score(score.series, score.window)
        return score.complete or (current is not None and current.complete)

    def windows_of(self, series: SeriesKey, changed: Sequence[Score]) -> list[Score]:
        fresh = {score.window.start_us: score for score in changed}
        return list({**self.book.scores.get(series, {}), **fresh}.values())

    def reason_of(self, changed: Sequence[Score]) -> str:
        """Why what a signal rested on moved."""
        if self.switching:
            return NEW_VERSION
        reasons = {score.reason for score in changed}
        return CORRECTED if CORRECTED in reasons else LATE


def _withdrawn(score: Score, version: int) -> Score:
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
