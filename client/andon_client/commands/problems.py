"""`andon problems`: quality problems, their severity and likely causes."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2, problem_pb2

from andon_client.commands.filters import Indicator, Json, Limit, Process, System
from andon_client.listing import list_problems, shown_notation, take
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
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List live problems, most severe first, each with its most likely cause."""
    wanted = improvement_pb2.ProblemFilter(process=process, system=system, indicators=indicator or [], overdue=overdue)
    wanted.states.extend(value for value in problem_pb2.ProblemState.values() if value and (every or value in LIVE))
    request = improvement_pb2.ListProblemsRequest(filter=wanted)
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[list[problem_pb2.Problem], Notation]:
        found = await take(list_problems(suite, request), limit)
        return found, await shown_notation(suite, map(problem_system, found))

    found, notation = run(options, work)
    emit(found, as_json, partial(problems_table, notation=notation), options.locale)
