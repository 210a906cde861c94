"""`andon problems`: quality problems, their severity and likely causes."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.scoring.v1 import scoring_pb2

from andon_client.commands.filters import (
    Indicator,
    Json,
    Limit,
    Process,
    System,
    chosen,
    list_interval,
    slice_pair,
    time_option,
)
from andon_client.listing import list_problems, shown_notation, take
from andon_client.presentation.history_tables import counts_table
from andon_client.presentation.notation import Notation
from andon_client.presentation.tables import problem_system, problems_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run

# Those that somebody still has to work on.
LIVE = (
    problem_pb2.PROBLEM_STATE_OPEN,
    problem_pb2.PROBLEM_STATE_ACKNOWLEDGED,
    problem_pb2.PROBLEM_STATE_ANALYSED,
    problem_pb2.PROBLEM_STATE_ACTING,
    problem_pb2.PROBLEM_STATE_VERIFYING,
)


def problems(
    context: typer.Context,
    indicator: Indicator = None,
    process: Process = "",
    system: System = "",
    every: Annotated[bool, typer.Option("--all", help="Include closed, dismissed and withdrawn problems.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only problems with an overdue action.")] = False,
    text: Annotated[str, typer.Option(help="Only problems that have every word of this in their texts.")] = "",
    owner: Annotated[list[str] | None, typer.Option(help="Only problems of this owner; may be repeated.")] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="DIMENSION=VALUE", help="Only problems of this slice; may be repeated."),
    ] = None,
    severity: Annotated[float, typer.Option(min=0, help="Only problems at least this severe, in sigma.")] = 0.0,
    since: Annotated[date | None, time_option("--since", help="Only problems that go on after this time.")] = None,
    until: Annotated[date | None, time_option("--until", help="Only problems that began before this time.")] = None,
    awake: Annotated[bool, typer.Option("--unsnoozed", help="Without problems that are snoozed now.")] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Only problems from here: signals, complaint, audit-finding, observation; may be repeated."),
    ] = None,
    order: Annotated[str, typer.Option(help="severity, newest or due.")] = "severity",
    counts: Annotated[
        bool, typer.Option("--counts", help="How many problems are in each state instead, and what waits for people.")
    ] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List live problems, most severe first, each with its most likely cause."""
    options: Context = context.obj
    if counts:
        _show_counts(options, process, system, as_json)
        return
    wanted = improvement_pb2.ProblemFilter(
        process=process,
        system=system,
        indicators=indicator or [],
        overdue=overdue,
        text=text,
        owners=owner or [],
        slice=dict(slice_pair(one, options.locale) for one in slices or []),
        severity_min=severity,
        unsnoozed_only=awake,
        origins=[chosen(problem_pb2.ProblemOrigin, one, "--origin") for one in origin or []],
    )
    wanted.states.extend(value for value in problem_pb2.ProblemState.values() if value and (every or value in LIVE))
    orders = improvement_pb2.ListProblemsRequest.Order
    request = improvement_pb2.ListProblemsRequest(filter=wanted, order=chosen(orders, order, "--order"))

    async def work(suite: Suite) -> tuple[list[problem_pb2.Problem], Notation]:
        if since is not None or until is not None:
            of_system = scoring_pb2.SeriesFilter(process=process, system=system)
            request.filter.interval.CopyFrom(await list_interval(suite, of_system, since, until))
        found = await take(list_problems(suite, request), limit)
        return found, await shown_notation(suite, map(problem_system, found))

    found, notation = run(options, work)
    emit(found, as_json, partial(problems_table, notation=notation), options.locale)


def _show_counts(options: Context, process: str, system: str, as_json: bool) -> None:
    request = improvement_pb2.GetProblemCountsRequest(process=process, system=system)

    async def work(suite: Suite) -> improvement_pb2.GetProblemCountsResponse:
        return await suite.improvement.GetProblemCounts(request)

    emit([run(options, work)], as_json, counts_table, options.locale)
