"""`andon overview`: where every indicator is at the moment, with its course and the problem that it belongs to."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import grpc
import typer
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import overview_pb2 as pb

from andon_client.commands.filters import Indicator, Json, Limit, Process, System, Width, series_filter
from andon_client.commands.problems import LIVE
from andon_client.listing import list_overview, list_problems, read_notation, take
from andon_client.presentation.notation import Notation
from andon_client.presentation.overview_tables import overview_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run

PROBLEMS_MAX = 1_000


def overview(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    sliced: Annotated[bool, typer.Option("--sliced", help="Series of slices too.")] = False,
    process: Process = "",
    system: System = "",
    points: Annotated[int, typer.Option("--points", min=2, max=200, help="Windows of each series.")] = 60,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Show where every indicator is: latest, previous, common cause or change, target in reach or not, its course."""
    options: Context = context.obj
    wanted = series_filter(options.locale, indicator, window, "", not sliced, process, system)
    request = pb.GetOverviewRequest(filter=wanted, points_max=points)

    async def work(suite: Suite) -> tuple[list[pb.SeriesOverview], Notation, dict[str, str]]:
        found = await take(list_overview(suite, request), limit)
        notation = await read_notation(suite, [one.series.key for one in found])
        is_asked = not as_json and any(one.signal_count for one in found)
        return found, notation, await _problems(suite, process, system) if is_asked else {}

    found, notation, problems = run(options, work)
    emit(found, as_json, partial(overview_table, notation=notation, problems=problems), options.locale)


async def _problems(suite: Suite, process: str, system: str) -> dict[str, str]:
    """Live problems by the names of their signals; none where improvement does not answer, which hides no indicator."""
    wanted = improvement_pb2.ProblemFilter(process=process, system=system, states=LIVE)
    request = improvement_pb2.ListProblemsRequest(filter=wanted)
    try:
        listed = await take(list_problems(suite, request), PROBLEMS_MAX)
    except grpc.aio.AioRpcError:
        return {}
    return {signal.signal: problem.name for problem in listed for signal in problem.signals}
