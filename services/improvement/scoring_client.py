"""What scoring is asked: signals to follow, sums of slices, windows of a goal, and the working behind a signal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from andon.scoring.v1 import score_pb2, scoring_pb2
from andon.scoring.v1.scoring_pb2_grpc import ScoringServiceStub
from andon_client.follow import follow
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode
from grpc.aio import AioRpcError, Channel, UnaryStreamCall

from services.improvement.causes import Evidence
from services.improvement.model import ActiveSignal, ChangedScore, Family, ProblemName, Reading, SeriesScale, family_of
from services.improvement.occurrences import Occurrence
from services.improvement.wire.scalars import interval, micros, stamp
from services.improvement.wire.scores import slice_evidence
from services.improvement.wire.signals import active_signal, is_active, window_number
from services.runtime.cursors import foreign_position

PAGE = 10_000
CALL_S_MAX = 60.0
# A change of the tenant waits for these.
LISTING_S_MAX = 10.0
SIGNAL_PAGE = 1000
HEARTBEAT = Duration(nanos=500_000_000)
# The shortest that scoring beats: a catch-up ends with the first beat that is far enough.
CATCH_UP_HEARTBEAT = Duration(nanos=100_000_000)
EVIDENCE_AT_ONCE = 8


class CursorExpired(Exception):
    """Scoring's log no longer reaches back to the cursor."""


class UnknownSeries(Exception):
    """Scoring has no such series."""


@dataclass(frozen=True)
class BaselineEvidence:
    """What occurrences of one phase I have in common."""

    filter: scoring_pb2.SeriesFilter
    series: Mapping[str, score_pb2.Series]
    scores: Sequence[score_pb2.Score]


@dataclass(frozen=True)
class SignalChanges:
    """Changes of signals of whole commits; without changes a heartbeat: nothing more has come through here.

    `signals`: by name, None where one is not, or no longer, an adverse alarm. `bodies`: of the others, as they came.
    """

    signals: Mapping[str, ActiveSignal | None]
    bodies: Mapping[str, bytes]
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
            yield SignalChanges(
                {one.name: active_signal(one) if is_active(one) else None for one in response.signals},
                {one.name: one.SerializeToString() for one in response.signals if is_active(one)},
                response.through,
                response.traceparent,
            )

    async def evidence(self, occurrences: Sequence[Occurrence]) -> dict[ProblemName, Evidence]:
        """Per occurrence: sums per value of every single dimension, over phase I and over the windows that alarmed.

        Occurrences of one family share what is read of phase I.
        """
        room = asyncio.Semaphore(EVIDENCE_AT_ONCE)
        baselines: dict[tuple[Family, str, int, int], asyncio.Task[BaselineEvidence]] = {}

        async def baseline(first: ActiveSignal) -> BaselineEvidence:
            async with room:
                wanted = scoring_pb2.SeriesFilter(
                    process=first.family.process,
                    system=first.family.system,
                    indicators=[first.family.indicator],
                    windows=[window_number(first.window)],
                )
                series = {one.key: one for one in await self._list_series(wanted)}
                scores = [one async for one in self._within(wanted, first.baseline_start_us, first.baseline_end_us)]
                return BaselineEvidence(wanted, series, scores)

        async def evidence(occurrence: Occurrence) -> tuple[ProblemName, Evidence]:
            first = occurrence.own[0]
            key = first.family, first.window, first.baseline_start_us, first.baseline_end_us
            if key not in baselines:
                baselines[key] = asyncio.create_task(baseline(first))
            before = await baselines[key]
            async with room:
                during = [one async for one in self._within(before.filter, occurrence.start_us, occurrence.end_us)]
            alarmed = {signal.start_us for signal in occurrence.own if signal.window == first.window}
            return occurrence.name, slice_evidence(before.series, before.scores, during, alarmed)

        return dict(await asyncio.gather(*(evidence(one) for one in occurrences)))

    async def active_signals(self, families: Sequence[Family], start_us: int, end_us: int) -> SignalChanges:
        """The adverse alarms of these indicators between two times, as they are now."""
        found: list[score_pb2.Signal] = []
        for family in families:
            wanted = scoring_pb2.SeriesFilter(
                process=family.process, system=family.system, indicators=[family.indicator]
            )
            request = scoring_pb2.ListSignalsRequest(
                filter=wanted, interval=interval(start_us, end_us), page_size=SIGNAL_PAGE
            )
            while True:
                page = await self._scoring.ListSignals(request, timeout=LISTING_S_MAX)
                found += [signal for signal in page.signals if is_active(signal)]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
        bodies = {one.name: one.SerializeToString() for one in found}
        return SignalChanges({one.name: active_signal(one) for one in found}, bodies, "", "")

    async def changed_scores(
        self, after: str, through: int, families: Sequence[Family]
    ) -> AsyncIterator[list[ChangedScore]]:
        """Which windows of these indicators changed after a cursor, up to a position. Raises CursorExpired."""
        filter_ = scoring_pb2.SeriesFilter(indicators=sorted({family.indicator for family in families}))
        known = set(families)
        calls: list[UnaryStreamCall[scoring_pb2.WatchScoresRequest, scoring_pb2.WatchScoresResponse]] = []

        def stream(cursor: str) -> AsyncIterator[scoring_pb2.WatchScoresResponse]:
            request = scoring_pb2.WatchScoresRequest(filter=filter_, after=cursor, heartbeat=CATCH_UP_HEARTBEAT)
            calls.append(self._scoring.WatchScores(request))
            return calls[-1].__aiter__()

        try:
            async for response in follow(stream, after):
                position = foreign_position(response.through, field="through")
                windows = {(family_of(one.series), micros(one.interval.start)) for one in response.scores}
                found = [ChangedScore(family, start_us, position) for family, start_us in windows if family in known]
                if found:
                    yield found
                if position >= through:
                    return
        except AioRpcError as error:
            if error.code() is StatusCode.OUT_OF_RANGE:
                raise CursorExpired from error
            raise
        finally:
            for call in calls:
                call.cancel()

    async def readings(self, series: str, since_us: int) -> list[Reading]:
        """Complete windows of a series that have a value, in time order: of a sum those without a case too."""
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
        return int((await self._one_series(series)).direction)

    async def scale(self, series: str) -> SeriesScale:
        """Raises UnknownSeries."""
        found = await self._one_series(series)
        return SeriesScale(found.unit, found.is_share)

    async def _one_series(self, key: str) -> score_pb2.Series:
        found = await self._list_series(scoring_pb2.SeriesFilter(series=[key]))
        if not found:
            raise UnknownSeries(key)
        return found[0]

    async def explain(self, series: str, start_us: int, cases: int) -> scoring_pb2.ExplainScoreResponse | None:
        """None: the series has no score there, as in a window in which nothing happened."""
        request = scoring_pb2.ExplainScoreRequest(series=series, time=stamp(start_us), page_size=cases)
        try:
            return await self._scoring.ExplainScore(request, timeout=CALL_S_MAX)
        except AioRpcError as error:
            if error.code() is StatusCode.NOT_FOUND:
                return None
            raise

    async def _list_series(self, wanted: scoring_pb2.SeriesFilter) -> list[score_pb2.Series]:
        found: list[score_pb2.Series] = []
        request = scoring_pb2.ListSeriesRequest(filter=wanted, page_size=PAGE)
        while True:
            page = await self._scoring.ListSeries(request, timeout=CALL_S_MAX)
            found += page.series
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _within(
        self, wanted: scoring_pb2.SeriesFilter, start_us: int, end_us: int
    ) -> AsyncIterator[score_pb2.Score]:
        # What is summed by slice are cases.
        request = scoring_pb2.ListScoresRequest(filter=wanted, published_only=True)
        request.interval.start.CopyFrom(stamp(start_us))
        request.interval.end.CopyFrom(stamp(end_us))
        async for score in self._scores(request):
            yield score

    async def _scores(self, request: scoring_pb2.ListScoresRequest) -> AsyncIterator[score_pb2.Score]:
        request.page_size = PAGE
        while True:
            page = await self._scoring.ListScores(request, timeout=CALL_S_MAX)
            for score in page.scores:
                yield score
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
