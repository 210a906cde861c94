"""What a version that has caught up publishes in place of the one before it, piece by piece.

Theory of operation
===================

A switch rewrites every score of a system. It goes through them in the order of series and window: first indicators, a
piece of so many windows after the other, then composites, window after window, from the scores of the indicators.
A piece is a pure function of the statistics and the published scores and signals of its windows and of one state of a
chart, that of the series in which the piece before ended. So it costs what its windows cost, whatever came before, and
any cut into pieces gives the same: a chart only goes on (`charts.chart`).

What is invariant. While a switch is under way, neither the statistics of the version nor what is published changes
(`replica.version_switch`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.scoring.scores.book import ScoreBook, open_book
from services.scoring.scores.charts.chart_state import START, ControlChartState
from services.scoring.scores.charts.signals import signal_changes, signals_of
from services.scoring.scores.charts.trail import ChartMove, Landmarks, go_on
from services.scoring.scores.decision import NEW_VERSION, Step, withdrawn
from services.scoring.scores.recall import Recalled
from services.scoring.scores.results import Score, Signal
from services.scoring.scores.statistics import Place
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_key, series_name
from services.scoring.system.windows import EARLIEST_US


@dataclass(frozen=True)
class OpenChart:
    """The chart of a series of which windows are still to come."""

    series: SeriesKey
    state: ControlChartState


@dataclass(frozen=True)
class Piece:
    """Some windows in a row, with everything known of them. goes_on: the series that may have windows behind them."""

    known: Recalled
    chart: OpenChart | None = None
    goes_on: SeriesKey | None = None


@dataclass(frozen=True)
class PieceDecision:
    """What a piece publishes. charts: what other replicas apply to their books. chart: of the series that goes on."""

    scores: tuple[Score, ...]
    signals: tuple[Signal, ...] = ()
    charts: Mapping[SeriesKey, ChartMove] = field(default_factory=dict)
    landmarks: Mapping[SeriesKey, Landmarks] = field(default_factory=dict)
    chart: OpenChart | None = None


def decide_piece(book: ScoreBook, piece: Piece, watermark_us: int | None) -> PieceDecision:
    """Scores of indicators, charts, and the withdrawal of what this version does not publish; composites come later."""
    statistics = {place: stats for place, stats in piece.known.statistics.items() if not book.is_dropped(place[0])}
    published = Recalled(scores=piece.known.scores, signals=piece.known.signals)
    step = Step(_without_windows(book), statistics, watermark_us, frozenset(), published, book.dropped)
    step.score_indicators()
    own = {(series, window.start_us) for series, window in statistics if _indicator(series) in book.indicators}
    composites = composites_of_system(book)
    for series, windows in piece.known.scores.items():
        for start_us, score in windows.items():
            if (series, start_us) not in own and series not in composites:
                step.publish(withdrawn(score, book.system.version))
    return _with_charts(book, piece, step)


def _with_charts(book: ScoreBook, piece: Piece, step: Step) -> PieceDecision:
    changed: dict[SeriesKey, dict[int, Score]] = {}
    for (series, window), score in step.changed.items():
        changed.setdefault(series, {})[window.start_us] = score
    signals: dict[SeriesKey, dict[str, Signal]] = {}
    for (series, _), some in piece.known.signals.items():
        signals.setdefault(series, {}).update(some)
    said: list[Signal] = []
    charts: dict[SeriesKey, ChartMove] = {}
    landmarks: dict[SeriesKey, Landmarks] = {}
    chart: OpenChart | None = None
    carried = {piece.chart.series: piece.chart.state} if piece.chart else {}
    for series in sorted({*carried, *piece.known.scores, *changed, *signals}):
        known, plan = signals.get(series, {}), None if book.is_dropped(series) else book.plan(series)
        if plan is None:
            said += signal_changes(known, {}, NEW_VERSION)
            continue
        base = (carried[series],) if series in carried else ()
        scores = piece.known.scores.get(series, {}) | changed.get(series, {})
        is_open = series == piece.goes_on
        passed_us = EARLIEST_US if is_open else step.passed_us
        moved = go_on(base, scores.values(), plan, series_name(series).window, passed_us, with_trail=True)
        charts[series] = moved.move
        landmarks[series] = Landmarks(moved.landmarks)
        raised = signals_of(book.system.process, series, moved.drawn, plan)
        said += signal_changes(known, raised, NEW_VERSION)
        if is_open:
            chart = OpenChart(series, (*base, *moved.move.states)[-1] if base or moved.move.states else START)
    return PieceDecision(tuple(step.changed.values()), tuple(said), charts, landmarks, chart)


def decide_composites(
    book: ScoreBook, staged: Sequence[Score], published: Recalled, watermark_us: int | None
) -> PieceDecision:
    """Of some windows, from the scores of their indicators: staged ones, and published ones that say the same."""
    step = Step(_without_windows(book), {}, watermark_us, frozenset(), published, book.dropped)
    leaves: dict[Place, Score] = {(score.series, score.window): score for score in staged}
    step.changed.update(leaves)
    composites = composites_of_system(book)
    for series in published.scores.keys() & composites:
        for score in published.scores[series].values():
            step.publish(withdrawn(score, book.system.version))
    at = [*leaves, *((score.series, score.window) for some in published.scores.values() for score in some.values())]
    step.roll_up({(series_name(series).window, window) for series, window in at if step.is_leaf(series)})
    return PieceDecision(tuple(score for place, score in step.changed.items() if place not in leaves))


def composites_of_system(book: ScoreBook) -> Collection[SeriesKey]:
    return {series for kind in book.trees for series in composites_at(book, kind)}


def composites_at(book: ScoreBook, kind: Window) -> list[SeriesKey]:
    return [series_key(book.system, node.name, kind) for _, node in book.trees[kind].composites]


def nodes_at(book: ScoreBook, kind: Window) -> list[SeriesKey]:
    """Composites and the indicators below them."""
    return [series_key(book.system, node.name, kind) for node in book.trees[kind].nodes]


def series_span(system: IndicatorSystem) -> tuple[str, str]:
    """Every series of the system lies behind the first and before the second."""
    prefix = f"{system.process}/{system.system}"
    return f"{prefix}/", f"{prefix}0"


def _without_windows(book: ScoreBook) -> ScoreBook:
    """The rules of a book; its windows come as a piece."""
    return replace(open_book(book.system, True), dropped=book.dropped)


def _indicator(series: SeriesKey) -> str:
    return series_name(series).indicator
