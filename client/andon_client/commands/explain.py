"""`andon explain`: a score or a problem, down to the event ids it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import scoring_pb2
from rich.markup import escape
from rich.tree import Tree

from andon_client.commands.filters import Json, Limit, interval_of
from andon_client.commands.next_steps import show_next
from andon_client.commands.problem_tree import add_events, problem_tree
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, number, optional, run, screen, span, spoken


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Key of a series, or name of a problem (problems/...).")],
    at: Annotated[datetime | None, typer.Option("--at", help="A time within the window (UTC); for a series.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Show the working of a score, or the chain of a problem."""
    if what.startswith("problems/"):
        _explain_problem(context.obj, what, limit, as_json)
    else:
        _explain_score(context.obj, what, at, limit, as_json)


def _explain_score(context: Context, series: str, at: datetime | None, limit: int, as_json: bool) -> None:
    request = scoring_pb2.ExplainScoreRequest(series=series, time=interval_of(at, None).start, page_size=limit)

    async def work(suite: Suite) -> scoring_pb2.ExplainScoreResponse:
        return await suite.scoring.ExplainScore(request)

    found = run(context, work)
    if as_json:
        emit_json(found)
        return
    value = number(optional(found.score, "value"))
    tree = Tree(
        f"[bold]{escape(series)}[/] in {span(found.score.interval)}: [bold]{value}[/] (revision {found.score.revision})"
    )
    tree.add(escape(spoken(found.working, context.locale)))
    moments = found.score.moments
    total = f"total = {moments.total} x {moments.resolution:g}, squares = {moments.squares}"
    tree.add(escape(f"n = {found.score.count:,}, {total}"))
    cases = tree.add(f"{found.total_count:,} cases")
    for case in found.cases:
        cases.add(escape(f"{case.case_id}: {case.value}")).add(escape(", ".join(case.event_ids)))
    if found.next_page_token:
        cases.add(f"... {found.total_count - len(found.cases):,} more")
    screen.print(tree)


def _explain_problem(context: Context, name: str, limit: int, as_json: bool) -> None:
    request = improvement_pb2.ExplainProblemRequest(name=name, events_max=limit)

    async def work(suite: Suite) -> improvement_pb2.ExplainProblemResponse:
        return await suite.improvement.ExplainProblem(request)

    found = run(context, work)
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found.problem, context.locale)
    add_events(tree, found.links, context.locale)
    screen.print(tree)
    show_next(found.problem, context.locale)
