"""Lists of the contract, item by item over all pages."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import grpc
from andon.common.v1.interval_pb2 import Interval
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import (
    archive_pb2,
    benchmark_pb2,
    data_quality_pb2,
    entity_pb2,
    event_pb2,
    feed_pb2,
    form_pb2,
    ingest_pb2,
    privacy_pb2,
    quarantine_pb2,
    sensor_pb2,
    source_pb2,
    survey_pb2,
    transfer_pb2,
)
from andon.scoring.v1 import (
    alarm_review_pb2,
    capability_pb2,
    clause_pb2,
    indicator_system_pb2,
    overview_pb2,
    score_pb2,
    scoring_pb2,
    system_review_pb2,
    weight_pb2,
)

from andon_client.presentation.notation import Notation, system_of
from andon_client.presentation.order import hierarchy, score_order
from andon_client.presentation.tables import problem_system
from andon_client.suite import Suite

SPANS = 6
"""The last one is 8^5 hours, nearly four years."""
LIST_PAGE = 10_000


class PageRequest(Protocol):
    page_token: str


class PageResponse(Protocol):
    next_page_token: str


T = TypeVar("T")
Q = TypeVar("Q", bound=PageRequest)
P = TypeVar("P", bound=PageResponse)


async def take(items: AsyncIterable[T], limit: int) -> list[T]:
    taken: list[T] = []
    async for item in items:
        taken.append(item)
        if len(taken) == limit:
            break
    return taken


async def largest(items: AsyncIterable[T], limit: int, key: Callable[[T], Any]) -> list[T]:
    """The `limit` largest items, the largest first, in memory for `limit` of them."""
    heap: list[tuple[Any, int, T]] = []
    order = 0
    async for item in items:
        order -= 1
        push = heapq.heappush if len(heap) < limit else heapq.heappushpop
        push(heap, (key(item), order, item))
    return [item for _, _, item in sorted(heap, key=lambda entry: entry[:2], reverse=True)]


def list_scores(suite: Suite, request: scoring_pb2.ListScoresRequest) -> AsyncIterator[score_pb2.Score]:
    return _items(suite.scoring.ListScores, request, lambda page: page.scores)


def list_signals(suite: Suite, request: scoring_pb2.ListSignalsRequest) -> AsyncIterator[score_pb2.Signal]:
    return _items(suite.scoring.ListSignals, request, lambda page: page.signals)


def list_overview(suite: Suite, request: overview_pb2.GetOverviewRequest) -> AsyncIterator[overview_pb2.SeriesOverview]:
    return _items(suite.overview.GetOverview, request, lambda page: page.series)


def list_annotations(
    suite: Suite, request: overview_pb2.ListAnnotationsRequest
) -> AsyncIterator[overview_pb2.Annotation]:
    return _items(suite.overview.ListAnnotations, request, lambda page: page.annotations)


def list_backtests(
    suite: Suite, request: system_review_pb2.ListBacktestsRequest
) -> AsyncIterator[system_review_pb2.Backtest]:
    return _items(suite.system_review.ListBacktests, request, lambda page: page.backtests)


def list_weight_changes(
    suite: Suite, request: weight_pb2.ListWeightChangesRequest
) -> AsyncIterator[weight_pb2.WeightChange]:
    return _items(suite.weights.ListWeightChanges, request, lambda page: page.changes)


def list_verdicts(
    suite: Suite, request: alarm_review_pb2.ListVerdictsRequest
) -> AsyncIterator[alarm_review_pb2.SignalVerdict]:
    return _items(suite.alarm_review.ListVerdicts, request, lambda page: page.verdicts)


def list_monitors(
    suite: Suite, request: alarm_review_pb2.ListMonitorReviewsRequest
) -> AsyncIterator[alarm_review_pb2.MonitorReview]:
    return _items(suite.alarm_review.ListMonitorReviews, request, lambda page: page.monitors)


def list_losses(suite: Suite, request: capability_pb2.GetLossRequest) -> AsyncIterator[capability_pb2.WindowLoss]:
    return _items(suite.capability.GetLoss, request, lambda page: page.windows)


def list_problems(suite: Suite, request: improvement_pb2.ListProblemsRequest) -> AsyncIterator[problem_pb2.Problem]:
    return _items(suite.improvement.ListProblems, request, lambda page: page.problems)


def list_history(
    suite: Suite, request: improvement_pb2.ListProblemHistoryRequest
) -> AsyncIterator[problem_pb2.HistoryEntry]:
    return _items(suite.improvement.ListProblemHistory, request, lambda page: page.entries)


def list_archive_files(
    suite: Suite, request: archive_pb2.ListArchiveFilesRequest
) -> AsyncIterator[archive_pb2.ArchiveFile]:
    return _items(suite.archive.ListArchiveFiles, request, lambda page: page.files)


def list_transfers(suite: Suite, request: transfer_pb2.ListTransfersRequest) -> AsyncIterator[transfer_pb2.Transfer]:
    return _items(suite.transfers.ListTransfers, request, lambda page: page.transfers)


def list_erasures(suite: Suite, request: privacy_pb2.ListErasuresRequest) -> AsyncIterator[privacy_pb2.Erasure]:
    return _items(suite.privacy.ListErasures, request, lambda page: page.erasures)


def list_quarantined(
    suite: Suite, request: quarantine_pb2.ListQuarantinedEventsRequest
) -> AsyncIterator[quarantine_pb2.QuarantinedEvent]:
    return _items(suite.quarantine.ListQuarantinedEvents, request, lambda page: page.events)


def list_systems(
    suite: Suite, request: scoring_pb2.ListIndicatorSystemsRequest
) -> AsyncIterator[indicator_system_pb2.IndicatorSystem]:
    return _items(suite.scoring.ListIndicatorSystems, request, lambda page: page.indicator_systems)


async def newest_scores(
    suite: Suite, wanted: scoring_pb2.SeriesFilter, interval: Interval, limit: int
) -> tuple[list[score_pb2.Score], Notation]:
    """The first `limit` in the order of `presentation.order`, and the notation of their systems.

    Lists come by series. So the latest hour is asked for, and spans that grow eightfold until that is enough: it costs
    as much as is shown, however long the history is.
    """
    since = interval.start.ToDatetime(UTC) if interval.HasField("start") else None
    newest = await _newest(suite, wanted)
    if interval.HasField("end") and (newest is None or interval.end.ToDatetime(UTC) < newest):
        newest = interval.end.ToDatetime(UTC)
    spans = [timedelta(hours=8**power) for power in range(SPANS)] if newest else []
    found: list[score_pb2.Score] = []
    for start in [*(newest - one for one in spans if newest), None]:
        is_last = start is None or (since is not None and start <= since)
        request = scoring_pb2.ListScoresRequest(filter=wanted, interval=interval, page_size=LIST_PAGE)
        if start is not None and not is_last:
            request.interval.start.FromDatetime(start)
        found = [score async for score in list_scores(suite, request)]
        if is_last or len(found) >= limit:
            break
    systems = await _systems(suite, [score.series for score in found])
    places = {
        key: {name: place for place, name in enumerate(hierarchy(one.spec))} for key, one in systems.items() if one
    }
    shown = sorted(found, key=lambda score: score_order(score, places))[:limit]
    return shown, notation_of(systems)


async def _newest(suite: Suite, wanted: scoring_pb2.SeriesFilter) -> datetime | None:
    """The latest event time of the systems that a filter may name; None: there is none."""
    status = await suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    keys = {system_of(one) for one in wanted.series}
    found = [
        one.watermark.ToDatetime(UTC)
        for one in status.partitions
        if one.HasField("watermark") and _is_named(one.system, wanted, keys)
    ]
    return max(found, default=None)


def _is_named(name: str, wanted: scoring_pb2.SeriesFilter, keys: set[str]) -> bool:
    process, _, system = name.removeprefix("processes/").partition("/indicatorSystems/")
    if keys and f"{process}/{system}" not in keys:
        return False
    return wanted.process in ("", process) and wanted.system in ("", system)


def list_sources(suite: Suite, request: ingest_pb2.ListSourcesRequest) -> AsyncIterator[source_pb2.Source]:
    return _items(suite.ingest.ListSources, request, lambda page: page.sources)


def list_data_quality(
    suite: Suite, request: data_quality_pb2.GetDataQualityRequest
) -> AsyncIterator[data_quality_pb2.DataQuality]:
    return _items(suite.data_quality.GetDataQuality, request, lambda page: page.days)


def list_source_activity(
    suite: Suite, request: data_quality_pb2.ListSourceActivityRequest
) -> AsyncIterator[data_quality_pb2.SourceActivity]:
    return _items(suite.data_quality.ListSourceActivity, request, lambda page: page.activities)


def list_benchmarks(
    suite: Suite, request: benchmark_pb2.ListBenchmarksRequest
) -> AsyncIterator[benchmark_pb2.Benchmark]:
    return _items(suite.benchmarks.ListBenchmarks, request, lambda page: page.benchmarks)


def list_clauses(suite: Suite, request: clause_pb2.ListClausesRequest) -> AsyncIterator[clause_pb2.Clause]:
    return _items(suite.clauses.ListClauses, request, lambda page: page.clauses)


def list_unclaimed_indicators(
    suite: Suite, request: clause_pb2.ListUnclaimedIndicatorsRequest
) -> AsyncIterator[clause_pb2.UnclaimedIndicator]:
    return _items(suite.clauses.ListUnclaimedIndicators, request, lambda page: page.indicators)


def list_sensor_sources(
    suite: Suite, request: sensor_pb2.ListSensorSourcesRequest
) -> AsyncIterator[sensor_pb2.SensorSource]:
    return _items(suite.sensors.ListSensorSources, request, lambda page: page.sensor_sources)


def list_feeds(suite: Suite, request: feed_pb2.ListFeedsRequest) -> AsyncIterator[feed_pb2.Feed]:
    return _items(suite.feeds.ListFeeds, request, lambda page: page.feeds)


def list_surveys(suite: Suite, request: survey_pb2.ListSurveysRequest) -> AsyncIterator[survey_pb2.Survey]:
    return _items(suite.surveys.ListSurveys, request, lambda page: page.surveys)


def list_invitations(suite: Suite, request: survey_pb2.ListInvitationsRequest) -> AsyncIterator[survey_pb2.Invitation]:
    return _items(suite.surveys.ListInvitations, request, lambda page: page.invitations)


def list_forms(suite: Suite, request: form_pb2.ListFormsRequest) -> AsyncIterator[form_pb2.ObservationForm]:
    return _items(suite.forms.ListForms, request, lambda page: page.forms)


def list_entities(suite: Suite, request: entity_pb2.ListEntitiesRequest) -> AsyncIterator[entity_pb2.Entity]:
    return _items(suite.entities.ListEntities, request, lambda page: page.entities)


def list_unmapped_keys(
    suite: Suite, request: entity_pb2.ListUnmappedKeysRequest
) -> AsyncIterator[entity_pb2.UnmappedKey]:
    return _items(suite.entities.ListUnmappedKeys, request, lambda page: page.keys)


async def read_notation(suite: Suite, keys: Iterable[str]) -> Notation:
    """Of the systems that these series, or "process/system", belong to; UTC and bare numbers for one that is gone."""
    return notation_of(await _systems(suite, keys))


def notation_of(systems: Mapping[str, indicator_system_pb2.IndicatorSystem | None]) -> Notation:
    """Of systems by "process/system"; None: it is gone."""
    share = indicator_system_pb2.Indicator.AGGREGATE_SHARE
    units = {
        f"{key}/{indicator.name}": (indicator.unit, indicator.aggregate == share)
        for key, one in systems.items()
        for indicator in (one.spec.indicators if one else ())
    }
    return Notation({key: zone_of(one) if one else UTC for key, one in systems.items()}, units)


async def _systems(suite: Suite, keys: Iterable[str]) -> dict[str, indicator_system_pb2.IndicatorSystem | None]:
    """By "process/system"; None: it is gone."""
    found: dict[str, indicator_system_pb2.IndicatorSystem | None] = {}
    for key in dict.fromkeys(map(system_of, keys)):
        process, _, system = key.partition("/")
        request = scoring_pb2.GetIndicatorSystemRequest(name=f"processes/{process}/indicatorSystems/{system}")
        try:
            found[key] = (await suite.scoring.GetIndicatorSystem(request)).indicator_system
        except grpc.aio.AioRpcError as error:
            if error.code() not in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                raise
            found[key] = None
    return found


async def shown_notation(suite: Suite, keys: Iterable[str]) -> Notation:
    """As `read_notation`, for what is only shown: where scoring does not answer in UTC and bare numbers."""
    try:
        return await read_notation(suite, keys)
    except grpc.aio.AioRpcError:
        return Notation()


async def problem_notation(suite: Suite, problem: problem_pb2.Problem, is_entered: bool = False) -> Notation:
    """Of the system that a problem was found by. is_entered: a time is read by its zone, so it has to be known."""
    return await (read_notation if is_entered else shown_notation)(suite, [problem_system(problem)])


async def read_filtered_notation(suite: Suite, wanted: scoring_pb2.SeriesFilter) -> Notation:
    """Of the systems whose series a filter may name, each by the version that is scored by."""
    if wanted.series or (wanted.process and wanted.system):
        return await read_notation(suite, wanted.series or [f"{wanted.process}/{wanted.system}"])
    found: dict[str, indicator_system_pb2.IndicatorSystem | None] = {}
    async for one in list_systems(suite, scoring_pb2.ListIndicatorSystemsRequest(active_only=True)):
        process, _, system = one.name.removeprefix("processes/").partition("/indicatorSystems/")
        if wanted.process in ("", process) and wanted.system in ("", system):
            found[f"{process}/{system}"] = one
    return notation_of(found)


def zone_of(system: indicator_system_pb2.IndicatorSystem) -> tzinfo:
    """UTC where it has none, or one that this machine does not know."""
    return zone_named(system.spec.time_zone)


def zone_named(name: str) -> tzinfo:
    """UTC where it is empty, or none that this machine knows."""
    try:
        return UTC if name in ("", "UTC") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


async def list_events(suite: Suite, after: str = "") -> AsyncIterator[event_pb2.Event]:
    """The log in commit order, after a cursor."""
    request = ingest_pb2.ReadEventsRequest(after=after, encoding=ingest_pb2.ENCODING_ROWS)
    async for response in suite.ingest.ReadEvents(request):
        for page in response.pages:
            for event in page.events.rows.events:
                yield event


async def list_cases(suite: Suite, case_ids: list[str]) -> AsyncIterator[event_pb2.Event]:
    """All events of some cases."""
    request = ingest_pb2.ReadCasesRequest(case_ids=case_ids, encoding=ingest_pb2.ENCODING_ROWS)
    async for response in suite.ingest.ReadCases(request):
        for event in response.events.rows.events:
            yield event


async def _items(call: Callable[[Q], Awaitable[P]], request: Q, items: Callable[[P], Iterable[T]]) -> AsyncIterator[T]:
    """Of all pages, each asked for when the one before is used up."""
    while True:
        page = await call(request)
        for item in items(page):
            yield item
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
