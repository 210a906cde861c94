"""What the suite knows after the run, gathered through the public API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeVar

import grpc
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.listing import list_problems, list_signals, notation_of, zone_of
from andon_client.presentation.notation import Notation
from andon_client.suite import Suite

REACHED_S_MAX = 600.0
CHARTS_AT_ONCE = 16

T = TypeVar("T")


@dataclass(frozen=True)
class Findings:
    """unjudged: charts without limits, each of which says what its phase I waits for. zone: of the indicator system.

    shares: the indicators that are shares, which people read as percentages.
    """

    process: str
    counts: Sequence[ingest_pb2.GetIntakeCountsResponse.Count]
    scorecards: Sequence[scoring_pb2.GetScorecardResponse]
    shares: frozenset[str]
    signals: Sequence[score_pb2.Signal]
    problems: Sequence[problem_pb2.Problem]
    charts: Sequence[scoring_pb2.GetControlChartResponse]
    unjudged: Sequence[scoring_pb2.GetControlChartResponse]
    zone: tzinfo
    notation: Notation
    partitions: Sequence[scoring_pb2.GetScoringStatusResponse.Partition]


async def reached(suite: Suite) -> None:
    """Returns once scoring has folded all that ingest holds, and improvement has followed all that scoring says."""
    newest = (await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())).newest
    await suite.scoring.ListScores(
        scoring_pb2.ListScoresRequest(at_least=newest, page_size=1), timeout=REACHED_S_MAX, wait_for_ready=True
    )
    through = (await suite.scoring.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
    await suite.improvement.ListProblems(
        improvement_pb2.ListProblemsRequest(at_least=through, page_size=1), timeout=REACHED_S_MAX, wait_for_ready=True
    )


async def gather(suite: Suite, process: str, language: str) -> Findings:
    name = f"processes/{process}/indicatorSystems/main"
    wanted = scoring_pb2.SeriesFilter(process=process, system="main")
    mine = improvement_pb2.ProblemFilter(process=process, system="main")
    signals = [item async for item in list_signals(suite, scoring_pb2.ListSignalsRequest(filter=wanted))]
    problems = [item async for item in list_problems(suite, improvement_pb2.ListProblemsRequest(filter=mine))]
    charts = await _charts(suite, wanted, language)
    request = scoring_pb2.GetIndicatorSystemRequest(name=name)
    system = (await suite.scoring.GetIndicatorSystem(request)).indicator_system
    counts = (await suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    status = await suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    share = indicator_system_pb2.Indicator.AGGREGATE_SHARE
    return Findings(
        process=process,
        # A process has the name of its source here; the suite may hold others from earlier runs.
        counts=[one for one in counts if one.source == process],
        scorecards=await _scorecards(suite, name),
        shares=frozenset(one.name for one in system.spec.indicators if one.aggregate == share),
        signals=sorted(signals, key=lambda signal: (signal.interval.start.seconds, signal.series, signal.rule)),
        problems=problems,
        charts=[chart for chart in charts if chart.HasField("baseline")],
        unjudged=[chart for chart in charts if not chart.HasField("baseline")],
        partitions=[one for one in status.partitions if one.system == name],
        zone=zone_of(system),
        notation=notation_of({f"{process}/main": system}),
    )


async def _scorecards(suite: Suite, name: str) -> list[scoring_pb2.GetScorecardResponse]:
    """Of the latest complete week and of all time, as far as the system has such windows."""
    windows = (indicator_system_pb2.WINDOW_WEEK, indicator_system_pb2.WINDOW_ALL)
    requests = [scoring_pb2.GetScorecardRequest(name=name, window=window) for window in windows]
    cards = [await _found(suite.scoring.GetScorecard(request)) for request in requests]
    return [card for card in cards if card is not None]


async def _charts(
    suite: Suite, wanted: scoring_pb2.SeriesFilter, language: str
) -> list[scoring_pb2.GetControlChartResponse]:
    """The charts of every series that is charted."""
    series = (await suite.scoring.ListSeries(scoring_pb2.ListSeriesRequest(filter=wanted, page_size=10_000))).series
    room = asyncio.Semaphore(CHARTS_AT_ONCE)

    async def chart(key: str) -> scoring_pb2.GetControlChartResponse | None:
        async with room:
            request = scoring_pb2.GetControlChartRequest(series=key, language=language)
            return await _found(suite.scoring.GetControlChart(request))

    charts = await asyncio.gather(*(chart(item.key) for item in series))
    return [found for found in charts if found is not None]


async def _found(call: Awaitable[T]) -> T | None:
    """None: there is no such card or chart."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return None
