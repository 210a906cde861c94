"""`andon quarantine`: refused events as a work list."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date
from typing import Annotated, Any, TypeVar

import typer
from andon.common.v1.errors_pb2 import ErrorReason
from andon.ingest.v1 import quarantine_pb2 as pb

from andon_client.commands.filters import Json, Limit, interval_of, time_option
from andon_client.commands.write_options import RequestId, ValidateOnly
from andon_client.correction_rules import rules_of
from andon_client.listing import list_quarantined, take
from andon_client.presentation.formats import refusal_name, when
from andon_client.presentation.phrases import LocalisedError, named, say
from andon_client.presentation.tables import event_text, quarantine_counts_table, quarantine_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, notes, run, screen

Ids = Annotated[
    list[str] | None, typer.Argument(help="Quarantine ids, as listed. Default: all that the options select.")
]
Source = Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated. -: of none.")]
Refusal = Annotated[
    list[str] | None,
    typer.Option("--refusal", help="Only events refused for this, such as EVENT_ID_MISSING; may be repeated."),
]
Field = Annotated[str, typer.Option("--field", help="Only events refused for this field, such as time.")]
Since = Annotated[
    date | None,
    time_option("--since", help="Only events refused at or after this time, UTC."),
]
Until = Annotated[
    date | None,
    time_option("--until", help="Only events refused before this time, UTC."),
]
Everything = Annotated[bool, typer.Option("--everything", help="Every event that is pending or corrected.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded with the event.")]
Etag = Annotated[str, typer.Option(help="Fail if the event has changed since this etag was read; for one event.")]

Q = TypeVar("Q", pb.CorrectEventsRequest, pb.ReplayEventsRequest, pb.DiscardEventsRequest)
A = TypeVar("A", pb.CorrectEventsResponse, pb.ReplayEventsResponse, pb.DiscardEventsResponse)


def list_all(
    context: typer.Context,
    source: Source = None,
    refusal: Refusal = None,
    field: Field = "",
    since: Since = None,
    until: Until = None,
    every: Annotated[bool, typer.Option("--all", help="Include replayed and discarded events.")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first. Default: oldest first.")] = False,
    counts: Annotated[bool, typer.Option("--counts", help="Count by source, reason and field instead.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List refused events, or count them by reason: where to begin."""
    options: Context = context.obj
    chosen = _filter(options, source, refusal, field, since, until)
    if every:
        chosen.states.extend(value for value in pb.QuarantineState.values() if value)
    order = pb.QUARANTINE_ORDER_NEWEST_FIRST if newest else pb.QUARANTINE_ORDER_OLDEST_FIRST

    async def count(suite: Suite) -> list[pb.GetQuarantineCountsResponse.Count]:
        return list((await suite.quarantine.GetQuarantineCounts(pb.GetQuarantineCountsRequest(filter=chosen))).counts)

    async def read(suite: Suite) -> list[pb.QuarantinedEvent]:
        request = pb.ListQuarantinedEventsRequest(filter=chosen, order=order, page_size=min(limit, 1_000))
        return await take(list_quarantined(suite, request), limit)

    if counts:
        emit(run(options, count), as_json, quarantine_counts_table, options.locale)
    else:
        emit(run(options, read), as_json, quarantine_table, options.locale)


def show(
    context: typer.Context,
    quarantine_id: Annotated[str, typer.Argument(help="Quarantine id, as listed by `andon quarantine list`.")],
    as_json: Json = False,
) -> None:
    """Show a refused event as it was sent, its correction, and who decided what about it."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.QuarantinedEvent:
        request = pb.GetQuarantinedEventRequest(quarantine_id=quarantine_id)
        return (await suite.quarantine.GetQuarantinedEvent(request)).event

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    for line in quarantined_lines(found, options.locale):
        screen.print(line, markup=False, highlight=False)


def correct(
    context: typer.Context,
    quarantine_ids: Ids = None,
    source: Source = None,
    refusal: Refusal = None,
    field: Field = "",
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    set_field: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Give the field a value; {id} inserts another field."),
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option("--replace", metavar="FIELD=OLD=>NEW", help="Replace one value; an empty one means absent."),
    ] = None,
    shift: Annotated[
        list[str] | None,
        typer.Option("--shift", metavar="FIELD=LENGTH", help="Move a time, such as time=-8h or time=30min."),
    ] = None,
    parse: Annotated[
        list[str] | None,
        typer.Option(
            "--parse",
            metavar="FIELD=TEXTFIELD=>FORMAT",
            help="Read a time from a text, such as time=attributes.at=>%d.%m.%Y.",
        ),
    ] = None,
    zone: Annotated[str, typer.Option("--zone", help="Time zone of texts that --parse reads. Default: UTC.")] = "",
    clear: Annotated[list[str] | None, typer.Option("--clear", metavar="FIELD", help="Remove the field.")] = None,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Show what events become and whether they are admitted then.")
    ] = False,
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """Correct refused events by rules, in the order set, replace, shift, parse, clear. Replay them afterwards."""
    options: Context = context.obj
    rules = loaded(options, lambda: rules_of(set_field, replace, shift, parse, zone, clear))
    selection = _selection(options, quarantine_ids, etag, everything, source, refusal, field, since, until)
    if validate_only:
        _preview(
            options, pb.PreviewCorrectionRequest(selection=selection, rules=rules, sample_size=min(limit, 100)), as_json
        )
        return
    request = pb.CorrectEventsRequest(selection=selection, rules=rules, reason=reason)
    corrected = 0
    for answer in _pages(options, lambda suite: suite.quarantine.CorrectEvents, request, request_id):
        corrected += answer.corrected_count
        if as_json:
            emit_json(answer)
    if not as_json:
        screen.print(say("quarantine_corrected", options.locale, count=f"{corrected:,}"), markup=False)


def replay(
    context: typer.Context,
    quarantine_ids: Ids = None,
    source: Source = None,
    refusal: Refusal = None,
    field: Field = "",
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Send refused events through admission again, as corrected. What is admitted leaves quarantine."""
    options: Context = context.obj
    selection = _selection(options, quarantine_ids, etag, everything, source, refusal, field, since, until)
    request = pb.ReplayEventsRequest(selection=selection, reason=reason, validate_only=validate_only)
    accepted = duplicate = rejected = 0
    reasons: dict[str, int] = {}
    for answer in _pages(options, lambda suite: suite.quarantine.ReplayEvents, request, request_id):
        accepted += answer.accepted_count
        duplicate += answer.duplicate_count
        rejected += answer.rejected_count
        for one in answer.results:
            if one.HasField("rejection"):
                name = refusal_name(one.rejection.reason)
                reasons[name] = reasons.get(name, 0) + 1
        if as_json:
            emit_json(answer)
    if as_json:
        return
    phrase = "quarantine_would_replay" if validate_only else "quarantine_replayed"
    counts = {"accepted": f"{accepted:,}", "duplicate": f"{duplicate:,}", "rejected": f"{rejected:,}"}
    screen.print(say(phrase, options.locale, **counts), markup=False)
    for name, count in sorted(reasons.items(), key=lambda one: -one[1]):
        screen.print(f"  {name}: {count:,}", markup=False, highlight=False)


def discard(
    context: typer.Context,
    quarantine_ids: Ids = None,
    source: Source = None,
    refusal: Refusal = None,
    field: Field = "",
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Take refused events off the list for good, with a reason."""
    options: Context = context.obj
    selection = _selection(options, quarantine_ids, etag, everything, source, refusal, field, since, until)
    request = pb.DiscardEventsRequest(selection=selection, reason=reason, validate_only=validate_only)
    discarded = 0
    for answer in _pages(options, lambda suite: suite.quarantine.DiscardEvents, request, request_id):
        discarded += answer.discarded_count
        if as_json:
            emit_json(answer)
    if not as_json:
        phrase = "quarantine_would_discard" if validate_only else "quarantine_discarded"
        screen.print(say(phrase, options.locale, count=f"{discarded:,}"), markup=False)


def quarantined_lines(found: pb.QuarantinedEvent, locale: str) -> list[str]:
    """What is to be said of an entry, line by line."""
    state = named(pb.QuarantineState, found.state, locale)
    lines = [
        say("quarantine_entry", locale, name=found.quarantine_id, state=state, count=f"{found.received_count:,}"),
        say(
            "quarantine_refused",
            locale,
            field=found.rejection.field,
            reason=refusal_name(found.rejection.reason),
            time=when(found.quarantine_time),
            expires=when(found.expire_time),
        ),
        say("quarantine_sent", locale, event=event_text(found.event)),
    ]
    if found.HasField("corrected_event"):
        lines.append(say("quarantine_now", locale, event=event_text(found.corrected_event)))
    lines += [
        say(
            "quarantine_decision",
            locale,
            state=named(pb.QuarantineState, one.state, locale),
            actor=one.actor,
            time=when(one.time),
            reason=one.reason or "-",
        )
        for one in found.decisions
    ]
    return lines


def _preview(options: Context, request: pb.PreviewCorrectionRequest, as_json: bool) -> None:
    async def work(suite: Suite) -> pb.PreviewCorrectionResponse:
        return await suite.quarantine.PreviewCorrection(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    names = ("selected_count", "tried_count", "changed_count", "accepted_count", "duplicate_count", "rejected_count")
    counts = {name: f"{getattr(found, name):,}" for name in names}
    screen.print(say("quarantine_preview", options.locale, **counts), markup=False)
    for one in found.examples:
        outcome = named(pb.ReplayOutcome, one.outcome, options.locale)
        reason = f" ({one.rejection.field}: {refusal_name(one.rejection.reason)})" if one.HasField("rejection") else ""
        for line in (
            f"{one.quarantine_id}: {outcome}{reason}",
            f"  - {event_text(one.before)}",
            f"  + {event_text(one.after)}",
        ):
            screen.print(line, markup=False, highlight=False)


def _pages(
    options: Context, call: Callable[[Suite], Callable[[Q], Awaitable[A]]], request: Q, request_id: str
) -> list[A]:
    """The answers of all pages. Each has an idempotency key of its own, so that a retry repeats none."""
    key = uuid.UUID(request_id) if request_id else uuid.uuid4()

    async def work(suite: Suite) -> list[A]:
        answers: list[A] = []
        with notes.status("") as status:
            while not answers or answers[-1].next_page_token:
                request.page_token = answers[-1].next_page_token if answers else ""
                request.request_id = str(uuid.uuid5(key, str(len(answers)))) if answers else str(key)
                answers.append(await call(suite)(request))
                status.update(say("quarantine_page", options.locale, page=len(answers)))
        return answers

    return run(options, work)


def _filter(
    options: Context,
    source: list[str] | None,
    refusal: list[str] | None,
    field: str,
    since: date | None,
    until: date | None,
) -> pb.QuarantineFilter:
    chosen = pb.QuarantineFilter(sources=source or [], field=field)
    chosen.reasons.extend(loaded(options, lambda: [_reason(name) for name in refusal or []]))
    if since is not None or until is not None:
        chosen.quarantine_interval.CopyFrom(interval_of(since, until, UTC))
    return chosen


def _selection(
    options: Context, quarantine_ids: list[str] | None, etag: str, everything: bool, *filters: Any
) -> pb.QuarantineSelection:
    if quarantine_ids:
        return pb.QuarantineSelection(quarantine_ids=quarantine_ids, etag=etag)
    chosen = _filter(options, *filters)
    if not everything and not chosen.ListFields():
        loaded(options, _nothing_selected)
    return pb.QuarantineSelection(filter=chosen, etag=etag)


def _nothing_selected() -> None:
    raise LocalisedError("quarantine_select")


def _reason(name: str) -> ErrorReason.ValueType:
    try:
        return ErrorReason.Value(f"ERROR_REASON_{name.upper()}")
    except ValueError as error:
        raise LocalisedError("quarantine_no_reason", name=name) from error
