"""What is decided, as the rows that are stored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.scoring.scores.book_codec import encode_stats
from services.scoring.scores.charts.chart_state import encode_state
from services.scoring.scores.charts.trail import Landmarks
from services.scoring.scores.results import Score, Signal, score_digest, signal_digest
from services.scoring.scores.statistics import PartStats, Place
from services.scoring.store.statements import WINDOW_NUMBERS
from services.scoring.store.steps import ChartStateRow, NewEntry, ScoreRow, SignalRow, StatisticsRow
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.wire.entries import Said
from services.scoring.wire.scores import pack_scores, pack_signals


def entry_rows(entries: Sequence[Said], change: bytes) -> list[NewEntry]:
    """What is changed about books goes with the first entry."""
    return [
        NewEntry(pack_scores(scored), pack_signals(signalled), b"" if number else change)
        for number, (scored, signalled) in enumerate(entries)
    ]


def statistics_row(place: Place, stats: PartStats) -> StatisticsRow:
    series, window = place
    return StatisticsRow(
        series, window.start_us, window.end_us, encode_stats(stats) if stats.changes_anything else None
    )


def score_row(score: Score, body: bytes) -> ScoreRow:
    name, window = series_name(score.series), score.window
    return ScoreRow(
        series=score.series,
        window_start=window.start_us,
        window_end=window.end_us,
        indicator=name.indicator,
        window_kind=WINDOW_NUMBERS[name.window],
        whole=name.whole,
        present=score.present,
        complete=score.complete,
        body=body,
        digest=score_digest(score),
        revision=score.revision,
    )


def signal_row(signal: Signal, body: bytes) -> SignalRow:
    name, window = series_name(signal.series), signal.window
    return SignalRow(
        name=signal.name,
        series=signal.series,
        window_start=window.start_us,
        window_end=window.end_us,
        indicator=name.indicator,
        window_kind=WINDOW_NUMBERS[name.window],
        whole=name.whole,
        standing=signal.active,
        body=body,
        digest=signal_digest(signal),
    )


def chart_state_rows(landmarks: Mapping[SeriesKey, Landmarks]) -> list[ChartStateRow]:
    return [
        ChartStateRow(series, state.end.through_us, state.is_judged, encode_state(state))
        for series, some in landmarks.items()
        for state in some.states
    ]
