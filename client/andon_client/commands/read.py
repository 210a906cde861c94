"""`andon events|scores|signals|problems|status`: what there is now."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from andon.common.v1 import interval_pb2
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.suite import Suite
from andon_client.terminal import (
    Context,
    Json,
    Limit,
    emit,
    emit_json,
    number,
    optional,
    run,
    screen,
    short,
    span,
    spoken,
    when,
)

T = TypeVar("T")

Indicator = Annotated[list[str] | None, typer.Option("--indicator", "-i", help="Only this indicator; may be repeated.")]
Width = Annotated[str, typer.Option("--window", "-w", help="hour, day, week, month or all. Empty: every width.")]
Whole = Annotated[bool, typer.Option("--whole", help="Leave out the slices.")]
Since = Annotated[datetime | None, typer.Option("--since", help="Windows that start at or after this time (UTC).")]
Until = Annotated[datetime | None, typer.Option("--until", help="Windows that start before this time (UTC).")]


def series_filter(
    indicators: Sequence[str] | None = None, window: str = "", series: str = "", whole: bool = False
) -> scoring_pb2.SeriesFilter:
    widths = [window_of(window)] if window else []
    keys = [series] if series else []
    return scoring_pb2.SeriesFilter(indicators=indicators or [], windows=widths, series=keys, whole_only=whole)


def window_of(name: str) -> indicator_system_pb2.Window.ValueType:
    try:
        return indicator_system_pb2.Window.Value(f"WINDOW_{name.upper()}")
    except ValueError as error:
        raise typer.BadParameter(f"{name} is none of hour, day, week, month, all", param_hint="--window") from error


def interval_of(since: datetime | None, until: datetime | None) -> interval_pb2.Interval:
    return interval_pb2.Interval(start=_timestamp(since), end=_timestamp(until))


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    moment = Timestamp()
    moment.FromDatetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    return moment


async def take(items: AsyncIterable[T], limit: int) -> list[T]:
    taken: list[T] = []
    async for item in items:
        taken.append(item)
        if len(taken) == limit:
            break
    return taken


def events(
    context: typer.Context,
    after: Annotated[str, typer.Option(help="Cursor to read on from. Empty: the oldest event kept.")] = "",
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List events of the log."""

    async def work(suite: Suite) -> list[event_pb2.Event]:
        return await take(_events(suite, after, case), limit)

    def row(event: event_pb2.Event) -> Sequence[str]:
        known = ", ".join(f"{name}={_value(value)}" for name, value in sorted(event.attributes.items()))
        return when(event.time), event.case_id, event.activity, event.resource, event.id, known

    found = run(context.obj, work)
    emit(found, as_json, "Events", ("time", "case", "activity", "resource", "id", "attributes"), row)


async def _events(suite: Suite, after: str, cases: list[str] | None) -> AsyncIterable[event_pb2.Event]:
    if cases:
        request = ingest_pb2.ReadCasesRequest(case_ids=cases, encoding=ingest_pb2.ENCODING_ROWS)
        async for response in suite.ingest.ReadCases(request):
            for event in response.events.rows.events:
                yield event
        return
    async for page in suite.ingest.ReadEvents(
        ingest_pb2.ReadEventsRequest(after=after, encoding=ingest_pb2.ENCODING_ROWS)
    ):
        for segment in page.pages:
            for event in segment.events.rows.events:
                yield event


def _value(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "time":
        return when(value.time)
    return str(getattr(value, kind)) if kind else ""


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

    def row(score: score_pb2.Score) -> Sequence[str]:
        state = short(score_pb2.ScoreState, score.state)
        points = number(optional(score, "points")) if score.HasField("points") else _points_range(score)
        return (
            score.series,
            span(score.interval),
            number(optional(score, "value")),
            f"{score.count:,}",
            points,
            _STATE_STYLE.get(score.state, "{}").format(state),
            "" if score.complete else "provisional",
            str(score.revision),
        )

    columns = ("series", "window", ">value", ">cases", ">points", "target", "", ">revision")
    emit(run(context.obj, work), as_json, "Scores", columns, row)


_STATE_STYLE = {
    int(score_pb2.SCORE_STATE_MET): "[green]{}[/]",
    int(score_pb2.SCORE_STATE_MISSED): "[red]{}[/]",
    int(score_pb2.SCORE_STATE_NOT_ENOUGH_DATA): "[dim]{}[/]",
}


def _points_range(score: score_pb2.Score) -> str:
    low, high = optional(score, "points_low"), optional(score, "points_high")
    return "-" if low is None or high is None else f"{number(low)} to {number(high)}"


async def list_scores(suite: Suite, request: scoring_pb2.ListScoresRequest) -> AsyncIterable[score_pb2.Score]:
    while True:
        page = await suite.scoring.ListScores(request)
        for score in page.scores:
            yield score
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def list_signals(suite: Suite, request: scoring_pb2.ListSignalsRequest) -> AsyncIterable[score_pb2.Signal]:
    while True:
        page = await suite.scoring.ListSignals(request)
        for signal in page.signals:
            yield signal
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def list_problems(
    suite: Suite, request: improvement_pb2.ListProblemsRequest
) -> AsyncIterable[problem_pb2.Problem]:
    while True:
        page = await suite.improvement.ListProblems(request)
        for problem in page.problems:
            yield problem
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def signals(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    whole: Whole = False,
    retracted: Annotated[bool, typer.Option("--retracted", help="Show retracted signals too.")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List alarms, each with its rule, limits and promise."""
    request = scoring_pb2.ListSignalsRequest(
        filter=series_filter(indicator, window, "", whole),
        interval=interval_of(since, until),
        include_retracted=retracted,
    )

    async def work(suite: Suite) -> list[score_pb2.Signal]:
        return await take(list_signals(suite, request), limit)

    emit(run(context.obj, work), as_json, "Signals", SIGNAL_COLUMNS, signal_row)


SIGNAL_COLUMNS = ("window", "series", "rule", ">value", ">centre", ">limits", ">promised ARL", "")


def signal_row(signal: score_pb2.Signal) -> Sequence[str]:
    retracted = signal.state == score_pb2.Signal.STATE_RETRACTED
    return (
        span(signal.interval),
        signal.series,
        signal.rule,
        number(signal.value),
        number(signal.centre),
        f"{number(signal.lower)} to {number(signal.upper)}",
        number(signal.promised_arl),
        f"retracted: {signal.reason}" if retracted else ("worse" if signal.adverse else "better"),
    )


def problems(
    context: typer.Context,
    indicator: Indicator = None,
    every: Annotated[bool, typer.Option("--all", help="Closed, dismissed and withdrawn ones too.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List problems, the most severe first."""
    states = [int(value) for value in problem_pb2.ProblemState.values() if value] if every else []
    request = improvement_pb2.ListProblemsRequest(
        filter=improvement_pb2.ProblemFilter(
            indicators=indicator or [],
            states=states,  # type: ignore[arg-type]
        )
    )
    options: Context = context.obj

    async def work(suite: Suite) -> list[problem_pb2.Problem]:
        return await take(list_problems(suite, request), limit)

    columns = ("problem", "title", "state", ">severity", ">signals", "likeliest cause", "since")
    emit(run(options, work), as_json, "Problems", columns, lambda problem: problem_row(problem, options.locale))


def problem_row(problem: problem_pb2.Problem, locale: str) -> Sequence[str]:
    cause = problem.causes[0] if problem.causes else None
    return (
        problem.name,
        spoken(problem.title, locale),
        short(problem_pb2.ProblemState, problem.state),
        f"{problem.severity:.1f}",
        str(len(problem.signals)),
        f"{spoken(cause.title, locale)} ({cause.contribution:.0%})" if cause else "-",
        span(problem.interval),
    )


def status(context: typer.Context, as_json: Json = False) -> None:
    """Say how far each service has come, and whether what came in adds up."""

    async def work(suite: Suite) -> tuple[Any, ...]:
        return (
            await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest()),
            await suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest()),
            await suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest()),
            await suite.improvement.GetImprovementStatus(improvement_pb2.GetImprovementStatusRequest()),
        )

    bounds, counts, scoring, improvement = run(context.obj, work)
    if as_json:
        for message in (bounds, counts, scoring, improvement):
            emit_json(message)
        return
    behind = sum(partition.through != bounds.newest for partition in scoring.partitions)
    screen.print(f"[bold]ingest[/]       {bounds.event_count:,} events, latest {when(bounds.watermark)}")
    for count in counts.counts:
        screen.print(
            f"  {count.source}: {count.received:,} received = {count.accepted:,} accepted"
            f" + {count.duplicate:,} duplicate + {count.quarantined:,} quarantined"
        )
    screen.print(
        f"[bold]scoring[/]      {scoring.score_count:,} scores, {scoring.signal_count:,} signals; "
        + (f"{behind} of {len(scoring.partitions)} partitions behind" if behind else "up to date")
    )
    screen.print(f"[bold]improvement[/]  {improvement.open_count:,} problems open of {improvement.total_count:,}")
