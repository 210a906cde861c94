"""The current scores of one indicator system, and what a step of the fold changes about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.results import Score, Signal
from services.scoring.scores.statistics import PartChange, PartStats, Place
from services.scoring.system.hierarchy import Tree, tree_of
from services.scoring.system.model import Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import ALL_TIME, WindowId


@dataclass(frozen=True)
class Decision:
    """What a step changes. `parts` by partition; `switches`: from here on this version is the one that is scored by."""

    parts: Mapping[int, Sequence[PartChange]]
    scores: tuple[Score, ...] = ()
    signals: tuple[Signal, ...] = ()
    switches: bool = False

    @property
    def empty(self) -> bool:
        return not (self.parts or self.scores or self.signals or self.switches)


@dataclass
class ScoreBook:
    """Everything that deciding needs, in memory. `decide` reads it; `apply` is what a committed decision does to it."""

    system: IndicatorSystem
    partition_count: int
    switched: bool
    parts: dict[Place, dict[int, PartStats]] = field(default_factory=dict)
    scores: dict[SeriesKey, dict[int, Score]] = field(default_factory=dict)
    signals: dict[SeriesKey, dict[str, Signal]] = field(default_factory=dict)
    provisional: dict[int, set[Place]] = field(default_factory=lambda: defaultdict(set))
    trees: Mapping[Window, Tree] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    plans: Mapping[str, ChartPlan] = field(default_factory=dict)

    def score(self, series: SeriesKey, window: WindowId) -> Score | None:
        return self.scores.get(series, {}).get(window.start_us)

    def part(self, place: Place, partition: int) -> PartStats | None:
        return self.parts.get(place, {}).get(partition)

    def apply(self, decision: Decision) -> None:
        self.apply_parts(decision.parts)
        for score in decision.scores:
            self.place_score(score)
        for signal in decision.signals:
            self.signals.setdefault(signal.series, {})[signal.name] = signal
        self.switched = self.switched or decision.switches

    def apply_parts(self, parts: Mapping[int, Sequence[PartChange]]) -> None:
        for partition, changes in parts.items():
            for change in changes:
                here = self.parts.setdefault((change.series, change.window), {})
                if change.stats.case_count:
                    here[partition] = change.stats
                else:
                    here.pop(partition, None)

    def place_score(self, score: Score) -> None:
        place = (score.series, score.window)
        self.scores.setdefault(score.series, {})[score.window.start_us] = score
        if not score.complete and score.window != ALL_TIME:
            self.provisional[score.window.end_us].add(place)
        elif score.window.end_us in self.provisional:
            self.provisional[score.window.end_us].discard(place)
            if not self.provisional[score.window.end_us]:
                del self.provisional[score.window.end_us]


def open_book(system: IndicatorSystem, partition_count: int, switched: bool) -> ScoreBook:
    indicators = {indicator.name: indicator for indicator in system.spec.indicators}
    planned = {one.name: plan_of(system.spec, one) for one in system.spec.indicators}
    plans = {name: plan for name, plan in planned.items() if plan is not None}
    trees = {window: tree for window in Window if (tree := tree_of(system, window)) is not None}
    return ScoreBook(system, partition_count, switched, trees=trees, indicators=indicators, plans=plans)
