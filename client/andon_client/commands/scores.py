"""`andon scores`: how every indicator stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from andon.scoring.v1 import score_pb2, scoring_pb2
from rich.text import Text

from andon_client.commands.filters import Indicator, Json, Limit, Since, Until, Whole, Width, interval_of, series_filter
from andon_client.listing import list_scores, take
from andon_client.suite import Suite
from andon_client.terminal import Cell, emit, number, optional, run, short, span

COLUMNS = ("series", "window", ">value", ">cases", ">points", "target", "", ">revision")
STYLES = {
    score_pb2.SCORE_STATE_MET: "green",
    score_pb2.SCORE_STATE_MISSED: "red",
    score_pb2.SCORE_STATE_NOT_ENOUGH_DATA: "dim",
}


def scores(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    series: Annotated[str, typer.Option("--series", "-s", help="Only the series with this key.")] = "",
    whole: Whole = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List current scores."""
    request = scoring_pb2.ListScoresRequest(
        filter=series_filter(indicator, window, series, whole), interval=interval_of(since, until)
    )

    async def work(suite: Suite) -> list[score_pb2.Score]:
        return await take(list_scores(suite, request), limit)

    emit(run(context.obj, work), as_json, "Scores", COLUMNS, score_row)


def score_row(score: score_pb2.Score) -> Sequence[Cell]:
    return (
        score.series,
        span(score.interval),
        number(optional(score, "value")),
        f"{score.count:,}",
        number(optional(score, "points")) if score.HasField("points") else _points_range(score),
        Text(short(score_pb2.ScoreState, score.state), STYLES.get(score.state, "")),
        "" if score.complete else "provisional",
        str(score.revision),
    )


def _points_range(score: score_pb2.Score) -> str:
    low, high = optional(score, "points_low"), optional(score, "points_high")
    return "-" if low is None or high is None else f"{number(low)} to {number(high)}"
