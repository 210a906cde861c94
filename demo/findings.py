"""What the suite knows after the run, gathered through the public API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.commands.read import list_problems, list_signals
from andon_client.suite import Suite

REACHED_S_MAX = 600.0


@dataclass(frozen=True)
class Findings:
    bounds: ingest_pb2.GetWatchBoundsResponse
    counts: ingest_pb2.GetIntakeCountsResponse
    scorecard: scoring_pb2.GetScorecardResponse
    whole: scoring_pb2.GetScorecardResponse | None
    signals: Sequence[score_pb2.Signal]
    problems: Sequence[problem_pb2.Problem]
    charts: Sequence[scoring_pb2.GetControlChartResponse]
    status: scoring_pb2.GetScoringStatusResponse


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
    signals = [item async for item in list_signals(suite, scoring_pb2.ListSignalsRequest(filter=wanted))]
    problems = [item async for item in list_problems(suite, improvement_pb2.ListProblemsRequest())]
    return Findings(
        bounds=await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest()),
        counts=await suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest()),
        scorecard=await _scorecard(suite, name, indicator_system_pb2.WINDOW_WEEK),
        whole=await _scorecard(suite, name, indicator_system_pb2.WINDOW_ALL),
        signals=sorted(signals, key=lambda signal: (signal.interval.start.seconds, signal.series, signal.rule)),
        problems=problems,
        charts=await _charts(suite, wanted, language),
        status=await suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest()),
    )


async def _scorecard(
    suite: Suite, name: str, window: indicator_system_pb2.Window.ValueType
) -> scoring_pb2.GetScorecardResponse:
    return await suite.scoring.GetScorecard(scoring_pb2.GetScorecardRequest(name=name, window=window))


async def _charts(
    suite: Suite, wanted: scoring_pb2.SeriesFilter, language: str
) -> list[scoring_pb2.GetControlChartResponse]:
    """The charts of every series that has phase I behind it."""
    series = (await suite.scoring.ListSeries(scoring_pb2.ListSeriesRequest(filter=wanted, page_size=10_000))).series
    charted = [item for item in series if item.window != indicator_system_pb2.WINDOW_ALL]
    charts = await asyncio.gather(
        *(
            suite.scoring.GetControlChart(scoring_pb2.GetControlChartRequest(series=item.key, language=language))
            for item in charted
        )
    )
    return [chart for chart in charts if chart.HasField("baseline")]
