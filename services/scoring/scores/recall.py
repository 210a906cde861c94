"""Which windows that have left memory a step needs, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from services.scoring.scores.book import ScoreBook
from services.scoring.scores.charts.trail import before
from services.scoring.scores.results import Score, Signal
from services.scoring.scores.statistics import PartStats, Place
from services.scoring.system.series import SeriesKey, series_key, series_name
from services.scoring.system.series_budget import SliceDimensions
from services.scoring.system.windows import EARLIEST_US, WindowId

NO_VALUES: Mapping[str, Collection[str]] = {}


@dataclass(frozen=True)
class Needs:
    """What a step reads besides its book.

    statistics: of windows that changed.
    scores: by series and start, signals of the same windows with them.
    charts: series with all scores and signals of windows that start at this instant or later.
    slices: all scores and signals of series of these slices.
    """

    statistics: frozenset[Place] = frozenset()
    scores: frozenset[tuple[SeriesKey, int]] = frozenset()
    charts: Mapping[SeriesKey, int] = field(default_factory=dict)
    slices: frozenset[SliceDimensions] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.statistics or self.scores or self.charts or self.slices)


@dataclass
class Recalled:
    """What Postgres holds of it, as of the last entry that the book holds. complete_since: as `Needs.charts`."""

    statistics: dict[Place, PartStats] = field(default_factory=dict)
    scores: dict[SeriesKey, dict[int, Score]] = field(default_factory=dict)
    signals: dict[Place, dict[str, Signal]] = field(default_factory=dict)
    complete_since: Mapping[SeriesKey, int] = field(default_factory=dict)

    def place_score(self, score: Score) -> None:
        self.scores.setdefault(score.series, {})[score.window.start_us] = score

    def place_signal(self, signal: Signal) -> None:
        self.signals.setdefault((signal.series, signal.window), {})[signal.name] = signal


NOTHING_RECALLED = Recalled()


def needs_of(
    book: ScoreBook,
    differences: Mapping[Place, PartStats],
    watermark_us: int | None,
    values: Mapping[str, Collection[str]] = NO_VALUES,
) -> Needs:
    """What `decide` will look for, given the same."""
    dropped = book.dropped_after(book.limit.fresh(book.values, values))
    if dropped:
        differences = {
            place: stats for place, stats in differences.items() if series_name(place[0]).dimensions not in dropped
        }
    away = [place for place in differences if place[1].end_us <= book.closed_us]
    if not book.switched:
        return Needs(statistics=frozenset(away))
    scores: set[tuple[SeriesKey, int]] = set()
    for series, window in away:
        scores.add((series, window.start_us))
        scores.update((one, window.start_us) for one in _rolled_up_with(book, series))
    charts = _restated(book, differences, watermark_us)
    return Needs(frozenset(away), frozenset(scores), charts, dropped - book.dropped)


def _rolled_up_with(book: ScoreBook, series: SeriesKey) -> Iterable[SeriesKey]:
    """The other indicators below the same composites, and these: their scores in a window follow from one another."""
    name = series_name(series)
    tree = book.trees.get(name.window) if name.whole else None
    return [] if tree is None else [series_key(book.system, node.name, name.window) for node in tree.nodes]


def _restated(
    book: ScoreBook, differences: Mapping[Place, PartStats], watermark_us: int | None
) -> dict[SeriesKey, int]:
    """Series of which a complete window changes that their chart has taken in, and from where on it is drawn again."""
    since: dict[SeriesKey, int] = {}
    passed_us = book.system.spec.passed_us(watermark_us)
    closing = [place for end_us, places in book.provisional.items() if end_us <= passed_us for place in places]
    for series, window in (*differences, *closing):
        if window.end_us <= passed_us and book.plan(series) is not None:
            trail = book.trail(series)
            if trail is None:
                since[series] = EARLIEST_US
            elif trail and (window.start_us < trail[-1].end.through_us or _was_silent(book, series, window)):
                base = before(trail, window.start_us)
                from_us = base[-1].end.through_us if base else EARLIEST_US
                since[series] = min(from_us, since.get(series, from_us))
    return since


def _was_silent(book: ScoreBook, series: SeriesKey, window: WindowId) -> bool:
    """Whether the chart of a sum may come to empty windows again of which it had taken back signals."""
    plan = book.plan(series)
    return plan is not None and plan.is_sum and window.end_us <= book.closed_us
