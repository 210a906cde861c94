"""`andon problems`: what is wrong, how badly, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2, problem_pb2

from andon_client.commands.filters import Indicator, Json, Limit
from andon_client.commands.problem_tree import cause_text
from andon_client.listing import list_problems, take
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run, span, spoken
from andon_client.wording import named

COLUMNS = ("=problem", "title", "state", ">severity", ">signals", "likeliest cause", "since")


def problems(
    context: typer.Context,
    indicator: Indicator = None,
    every: Annotated[bool, typer.Option("--all", help="Closed, dismissed and withdrawn ones too.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those with an action that is past due.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List problems, the most severe first."""
    wanted = improvement_pb2.ProblemFilter(indicators=indicator or [], overdue=overdue)
    if every:
        wanted.states.extend(value for value in problem_pb2.ProblemState.values() if value)
    request = improvement_pb2.ListProblemsRequest(filter=wanted)
    options: Context = context.obj

    async def work(suite: Suite) -> list[problem_pb2.Problem]:
        return await take(list_problems(suite, request), limit)

    emit(run(options, work), as_json, "Problems", COLUMNS, lambda problem: problem_row(problem, options.locale))


def problem_row(problem: problem_pb2.Problem, locale: str) -> Sequence[str]:
    cause = problem.causes[0] if problem.causes else None
    return (
        problem.name,
        spoken(problem.title, locale),
        named(problem_pb2.ProblemState, problem.state, locale),
        f"{problem.severity:.1f}",
        str(len(problem.signals)),
        cause_text(cause, locale) if cause else "-",
        span(problem.interval),
    )
