"""`andon explain`: the lineage of a score or a problem, down to event ids."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import scoring_pb2
from rich.markup import escape
from rich.tree import Tree

from andon_client.commands.filters import Json, Limit, interval_of
from andon_client.commands.problem_tree import add_events, problem_tree, show_next
from andon_client.listing import problem_zone, read_zones
from andon_client.presentation.formats import localised, number, optional, span
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import cases_text
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Key of a series, or name of a problem (problems/...).")],
    at: Annotated[
        datetime | None, typer.Option("--at", help="A time within the window, in the zone of the system; for a series.")
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Explain a score or a problem, down to event ids."""
    if what.startswith("problems/"):
        _explain_problem(context.obj, what, limit, as_json)
    else:
        _explain_score(context.obj, what, at, limit, as_json)


def _explain_score(context: Context, series: str, at: datetime | None, limit: int, as_json: bool) -> None:

    async def work(suite: Suite) -> tuple[scoring_pb2.ExplainScoreResponse, tzinfo]:
        zone = (await read_zones(suite, [series])).of(series)
        time = interval_of(at, None, zone).start
        request = scoring_pb2.ExplainScoreRequest(series=series, time=time, page_size=limit)
        return await suite.scoring.ExplainScore(request), zone

    found, zone = run(context, work)
    if as_json:
        emit_json(found)
        return
    score, locale = found.score, context.locale
    place = {"series": series, "window": span(score.interval, locale, zone), "zone": str(zone)}
    value = number(optional(score, "value"))
    tree = Tree(escape(say("score_of", locale, **place, value=value, revision=score.revision)))
    tree.add(escape(localised(found.working, locale)))
    moments = {name: getattr(score.moments, name) for name in ("total", "squares", "resolution")}
    tree.add(escape(say("moments", locale, cases=cases_text(score, locale), **moments)))
    cases = tree.add(say("cases", locale, count=found.total_count))
    for case in found.cases:
        cases.add(escape(f"{case.case_id}: {case.value}")).add(escape(", ".join(case.event_ids)))
    if found.next_page_token:
        cases.add(say("more", locale, count=found.total_count - len(found.cases)))
    screen.print(tree)


def _explain_problem(context: Context, name: str, limit: int, as_json: bool) -> None:
    request = improvement_pb2.ExplainProblemRequest(name=name, events_max=limit)

    async def work(suite: Suite) -> tuple[improvement_pb2.ExplainProblemResponse, tzinfo]:
        answer = await suite.improvement.ExplainProblem(request)
        return answer, await problem_zone(suite, answer.problem)

    found, zone = run(context, work)
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found.problem, context.locale, zone)
    add_events(tree, found.links, context.locale, zone)
    screen.print(tree)
    show_next(found.problem, context.locale)
