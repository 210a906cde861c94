"""What scoring is asked: signals to follow, sums of slices, windows of a goal, and the working behind a signal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from andon.scoring.v1 import score_pb2, scoring_pb2
from andon.scoring.v1.scoring_pb2_grpc import ScoringServiceStub
from andon_client.follow import follow
from google.protobuf.duration_pb2 import Duration
from grpc.aio import Channel

from services.improvement.causes import Evidence, SliceSums
from services.improvement.model import Reading, Text
from services.improvement.occurrences import Occurrence
from services.improvement.wire.scalars import micros, stamp, text_of
from services.improvement.wire.signals import window_number

PAGE = 10_000
CALL_S_MAX = 60.0
HEARTBEAT = Duration(nanos=500_000_000)


class UnknownSeries(Exception):
    """Scoring has no such series."""


@dataclass(frozen=True)
class SignalChanges:
    """Changes of signals of whole commits; without changes a heartbeat: nothing more has come through here."""

    signals: Sequence[score_pb2.Signal]
    through: str
    traceparent: str


class ScoringClient:
    def __init__(self, channel: Channel) -> None:
        self._scoring = ScoringServiceStub(channel)

    async def signals(self, after: str) -> AsyncIterator[SignalChanges]:
        """For ever, from `after` on; empty: from the oldest signal that scoring retains."""
        if not after:
            bounds = await self._scoring.GetWatchBounds(
                scoring_pb2.GetWatchBoundsRequest(), timeout=CALL_S_MAX, wait_for_ready=True
            )
            after = bounds.oldest

        def stream(cursor: str) -> AsyncIterator[scoring_pb2.WatchSignalsResponse]:
            request = scoring_pb2.WatchSignalsRequest(after=cursor, heartbeat=HEARTBEAT)
            return self._scoring.WatchSignals(request).__aiter__()

        async for response in follow(stream, after):
            yield SignalChanges(response.signals, response.through, response.traceparent)

    async def evidence(self, occurrence: Occurrence) -> Evidence:
        """Sums per value of every single dimension, over phase I and over the windows that alarmed."""
        first, family = occurrence.own[0], occurrence.family
        wanted = scoring_pb2.SeriesFilter(
            process=family.process,
            system=family.system,
            indicators=[family.indicator],
            windows=[window_number(first.window)],
        )
        series = {one.key: one for one in await self._list_series(wanted)}
        request = scoring_pb2.ListScoresRequest(filter=wanted)
        request.interval.start.CopyFrom(stamp(first.baseline_start_us))
        request.interval.end.CopyFrom(stamp(occurrence.end_us))
        alarmed = {signal.start_us for signal in occurrence.own}
        sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0] * 4))
        async for score in self._scores(request):
            slice_ = series[score.series].slice if score.series in series else {}
            start_us = micros(score.interval.start)
            if len(slice_) != 1 or not (start_us in alarmed or start_us < first.baseline_end_us):
                continue
            ((dimension, value),) = slice_.items()
            place = 2 if start_us in alarmed else 0
            sums[dimension][value][place] += int(score.moments.total or 0) * score.moments.resolution
            sums[dimension][value][place + 1] += score.count
        title = next((text_of(one.title) for one in series.values() if not one.slice), Text())
        return Evidence(
            title, {name: {value: SliceSums(*four) for value, four in by.items()} for name, by in sums.items()}
        )

    async def readings(self, series: str, since_us: int) -> list[Reading]:
        """Complete windows of a series with data, in time order."""
        request = scoring_pb2.ListScoresRequest(filter=scoring_pb2.SeriesFilter(series=[series]))
        request.interval.start.CopyFrom(stamp(since_us))
        found = [
            Reading(
                micros(score.interval.start),
                micros(score.interval.end),
                score.value,
                score.count,
                int(score.moments.total or 0),
                int(score.moments.squares or 0),
            )
            async for score in self._scores(request)
            if score.complete and score.HasField("value")
        ]
        return sorted(found, key=lambda reading: reading.start_us)

    async def direction(self, series: str) -> int:
        """The contract's Direction of a series. Raises UnknownSeries."""
        found = await self._list_series(scoring_pb2.SeriesFilter(series=[series]))
        if not found:
            raise UnknownSeries(series)
        return int(found[0].direction)

    async def explain(self, series: str, start_us: int, cases: int) -> scoring_pb2.ExplainScoreResponse:
        request = scoring_pb2.ExplainScoreRequest(series=series, time=stamp(start_us), page_size=cases)
        return await self._scoring.ExplainScore(request, timeout=CALL_S_MAX)

    async def _list_series(self, wanted: scoring_pb2.SeriesFilter) -> list[score_pb2.Series]:
        found: list[score_pb2.Series] = []
        request = scoring_pb2.ListSeriesRequest(filter=wanted, page_size=PAGE)
        while True:
            page = await self._scoring.ListSeries(request, timeout=CALL_S_MAX)
            found += page.series
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _scores(self, request: scoring_pb2.ListScoresRequest) -> AsyncIterator[score_pb2.Score]:
        request.page_size = PAGE
        while True:
            page = await self._scoring.ListScores(request, timeout=CALL_S_MAX)
            for score in page.scores:
                yield score
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
