"""`andon explain`: the lineage of a score or a problem, down to event ids."""

from __future__ import annotations

import math
from datetime import date, tzinfo
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import scoring_pb2
from rich.markup import escape
from rich.tree import Tree

from andon_client.commands.filters import Json, Limit, interval_of, time_option
from andon_client.commands.problem_tree import add_events, problem_tree, show_next
from andon_client.listing import problem_notation, read_notation
from andon_client.presentation.formats import localised, optional, quantity, span
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import cases_text
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Key of a series, or name of a problem (problems/...).")],
    at: Annotated[
        date | None,
        time_option("--at", help="A time within the window, in the zone of the system; for a series."),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Explain a score or a problem, down to event ids."""
    if what.startswith("problems/"):
        _explain_problem(context.obj, what, limit, as_json)
    else:
        _explain_score(context.obj, what, at, limit, as_json)


def _explain_score(context: Context, series: str, at: date | None, limit: int, as_json: bool) -> None:

    async def work(suite: Suite) -> tuple[scoring_pb2.ExplainScoreResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        time = interval_of(at, None, zone).start
        request = scoring_pb2.ExplainScoreRequest(series=series, time=time, page_size=limit)
        return await suite.scoring.ExplainScore(request), zone

    found, zone = run(context, work)
    if as_json:
        emit_json(found)
        return
    score, locale = found.score, context.locale
    place = {"series": series, "window": span(score.interval, locale, zone), "zone": str(zone)}
    value = quantity(optional(found, "amount"), found.unit, locale)
    tree = Tree(escape(say("score_of", locale, **place, value=value, revision=score.revision)))
    tree.add(escape(localised(found.working, locale)))
    if found.nodes:
        _add_members(tree, found, locale)
    else:
        _add_cases(tree, found, locale)
    screen.print(tree)


def _add_cases(tree: Tree, found: scoring_pb2.ExplainScoreResponse, locale: str) -> None:
    """What each case adds, and all that are not shown together: the lines add up to the score."""
    branch = tree.add(say("cases_shown", locale, cases=cases_text(found.score, locale)))
    for case in found.cases:
        words = {"name": case.case_id, "amount": quantity(case.amount, found.unit, locale)}
        adds = optional(case, "contribution")
        if adds is None:
            line = say("amount_only", locale, **words)
        else:
            line = say("amount_adds", locale, **words, contribution=quantity(adds, found.unit, locale))
        branch.add(escape(line)).add(escape(", ".join(case.event_ids)))
    rest = found.score.count - len(found.cases)
    if rest > 0:
        shown = [optional(case, "contribution") for case in found.cases]
        known = [one for one in shown if one is not None]
        if len(known) == len(shown) and found.HasField("amount") and known:
            left = quantity(found.amount - math.fsum(known), found.unit, locale)
            branch.add(say("more_add", locale, count=rest, contribution=left))
        else:
            branch.add(say("more", locale, count=rest))


def _add_members(tree: Tree, found: scoring_pb2.ExplainScoreResponse, locale: str) -> None:
    branch = tree.add(say("members", locale, count=len(found.nodes)))
    for node in found.nodes:
        name = localised(node.title, locale) or node.name
        points, adds = optional(node, "points"), optional(node, "contribution")
        if points is None or adds is None:
            low, high = (quantity(one, found.unit, locale) for one in (node.points_low, node.points_high))
            branch.add(escape(say("member_missing", locale, name=name, low=low, high=high, share=node.share)))
        else:
            amount, contribution = (quantity(one, found.unit, locale) for one in (points, adds))
            words = {"name": name, "amount": amount, "contribution": contribution}
            branch.add(escape(say("member_adds", locale, **words, share=node.share)))


def _explain_problem(context: Context, name: str, limit: int, as_json: bool) -> None:
    request = improvement_pb2.ExplainProblemRequest(name=name, events_max=limit)

    async def work(suite: Suite) -> tuple[improvement_pb2.ExplainProblemResponse, Notation]:
        answer = await suite.improvement.ExplainProblem(request)
        return answer, await problem_notation(suite, answer.problem)

    found, notation = run(context, work)
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found.problem, context.locale, notation)
    add_events(tree, found.links, context.locale, notation)
    screen.print(tree)
    show_next(found.problem, context.locale)
