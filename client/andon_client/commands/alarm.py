"""`andon alarm`: whether alarms were true, how precise each rule is, whether monitors alarm as often as asked."""

from __future__ import annotations

from datetime import tzinfo
from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import alarm_review_pb2 as pb

from andon_client.commands.filters import (
    Confidence,
    Indicator,
    Json,
    Limit,
    Overall,
    Process,
    Since,
    System,
    Until,
    Width,
    chosen,
    list_interval,
    series_filter,
)
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.listing import list_monitors, list_verdicts, read_notation, take
from andon_client.presentation.alarm_tables import monitors_table, precision_table, verdicts_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, run, show_table


def judge(
    context: typer.Context,
    signal: Annotated[str, typer.Argument(help="Name of the signal, as `andon signals --json` lists it.")],
    verdict: Annotated[str, typer.Argument(help="true, false, or known: something was wrong that was known already.")],
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say whether a signal was a true alarm. Your last verdict counts."""
    options: Context = context.obj
    request = pb.JudgeSignalRequest(
        signal=signal,
        verdict=chosen(pb.AlarmVerdict, verdict, "VERDICT"),
        comment=comment,
        request_id=request_key(request_id, validate_only),
        validate_only=validate_only,
    )

    async def work(suite: Suite) -> tuple[pb.SignalVerdict, tzinfo]:
        made = (await suite.alarm_review.JudgeSignal(request)).verdict
        return made, (await read_notation(suite, [made.series])).zone(made.series)

    made, zone = run(options, work)
    emit([made], as_json, partial(verdicts_table, zone=zone), options.locale)


def verdicts(
    context: typer.Context,
    signal: Annotated[str, typer.Argument(help="Name of a signal. Default: of all.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List what reviewers said of signals, newest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[list[pb.SignalVerdict], tzinfo]:
        found = await take(list_verdicts(suite, pb.ListVerdictsRequest(signal=signal)), limit)
        return found, (await read_notation(suite, [one.series for one in found])).only_zone

    found, zone = run(options, work)
    emit(found, as_json, partial(verdicts_table, zone=zone), options.locale)


def precision(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    overall: Overall = False,
    process: Process = "",
    system: System = "",
    since: Since = None,
    until: Until = None,
    confidence: Confidence = 0.95,
    as_json: Json = False,
) -> None:
    """Show the share of true alarms among judged signals, by rule and by indicator, with intervals."""
    options: Context = context.obj
    wanted = series_filter(options.locale, indicator, window, "", overall, process, system)

    async def work(suite: Suite) -> pb.GetAlarmPrecisionResponse:
        interval = await list_interval(suite, wanted, since, until)
        request = pb.GetAlarmPrecisionRequest(filter=wanted, interval=interval, confidence=confidence)
        return await suite.alarm_review.GetAlarmPrecision(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    show_table(precision_table([found.total, *found.rules, *found.indicators], options.locale), options.locale)


def monitors(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    overall: Overall = False,
    process: Process = "",
    system: System = "",
    since: Since = None,
    until: Until = None,
    confidence: Confidence = 0.95,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Show, for every monitor, the false alarms that were requested against the alarms that nobody called true."""
    options: Context = context.obj
    wanted = series_filter(options.locale, indicator, window, "", overall, process, system)

    async def work(suite: Suite) -> list[pb.MonitorReview]:
        interval = await list_interval(suite, wanted, since, until)
        request = pb.ListMonitorReviewsRequest(filter=wanted, interval=interval, confidence=confidence)
        return await take(list_monitors(suite, request), limit)

    emit(run(options, work), as_json, monitors_table, options.locale)
