"""QuarantineService: the refused events as a work list, page by page."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from andon.common.v1.errors_pb2 import ErrorReason
from andon.ingest.v1 import event_pb2, quarantine_pb2
from andon.ingest.v1 import quarantine_pb2_grpc as grpc_stubs
from andon_records.messages import MalformedMapping

from services.ingest import wire
from services.ingest.admission.checks import MESSAGES
from services.ingest.admission.correction import Rule, changed, corrected, unreadable_still
from services.ingest.admission.raw_records import mapped_again
from services.ingest.metrics import metrics
from services.ingest.model import Arrival, Decider, Fault, IncomingBatch, MalformedBatch, Replay, SourceId, Written
from services.ingest.privacy.engine import masked
from services.ingest.registry.held_events import OPEN, HeldEvent, HeldFilter, HeldPage, HeldState
from services.ingest.registry.quarantine import OPENED_ROWS, corrected_name, opened, sealed
from services.ingest.servicer.corrections import rules as rules_of
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire import batches
from services.ingest.wire import records as record_wire
from services.ingest.wire.times import micros, timestamp
from services.ingest.workers import computed
from services.ingest.writer.interface import LockedSession, StoreSession
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.cursors import CursorCodec
from services.runtime.errors import Aborted, NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.runtime.telemetry import current_traceparent

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
SAMPLE_SIZE, SAMPLE_SIZE_MAX = 10, 100
NAMED_MAX = 1_000
REASON_CHARS_MAX = 500
# Events of an empty source, in filters.
NO_SOURCE = "-"
RECORD_REASONS = ("RECORD_MALFORMED", "RECORD_NOT_MAPPABLE")
_FIRST_PLACE, _LAST_PLACE = (-1, ""), (2**62, "")


@dataclass(frozen=True)
class ConsideredPage:
    """Entries that a call considers, and where the next one goes on."""

    entries: Sequence[HeldEvent]
    next_page_token: str


class QuarantineServicer(grpc_stubs.QuarantineServiceServicer):
    """`retention_us`: how long an entry is stored."""

    def __init__(self, requests: RequestContext, retention_us: int) -> None:
        self._requests = requests
        self._retention_us = retention_us

    async def ListQuarantinedEvents(
        self, request: quarantine_pb2.ListQuarantinedEventsRequest, context: Any
    ) -> quarantine_pb2.ListQuarantinedEventsResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        chosen = _filter(request.filter, "filter")
        newest = request.order == quarantine_pb2.QUARANTINE_ORDER_NEWEST_FIRST
        position, last = place_of(request, *(_LAST_PLACE if newest else _FIRST_PLACE))
        log = await self._requests.log()
        async with self._requests.store.session(log.tenant) as session:
            read = session.quarantine.before if newest else session.quarantine.after
            found = await read(chosen, (position, last), size)
            count = await session.quarantine.count(chosen)
        events = await computed(
            OPENED_ROWS * len(found.entries), lambda: [self._message(log, one) for one in found.entries]
        )
        more = page_token(request, *found.entries[-1].place) if found.is_cut else ""
        return quarantine_pb2.ListQuarantinedEventsResponse(events=events, next_page_token=more, total_count=count)

    async def GetQuarantinedEvent(
        self, request: quarantine_pb2.GetQuarantinedEventRequest, context: Any
    ) -> quarantine_pb2.GetQuarantinedEventResponse:
        log = await self._requests.log()
        async with self._requests.store.session(log.tenant) as session:
            found = await session.quarantine.named([request.quarantine_id], tuple(HeldState), _FIRST_PLACE, 1)
            decisions = await session.quarantine.decisions(request.quarantine_id)
        if not found.entries:
            raise NotFound("NOT_FOUND", "no such quarantined event")
        event = self._message(log, found.entries[0])
        event.decisions.extend(
            quarantine_pb2.QuarantineDecision(
                state=_state(one.state),
                actor=one.decider.actor,
                reason=one.decider.reason,
                request_id=str(one.decider.request_id or ""),
                time=timestamp(one.decided_at_us),
            )
            for one in decisions
        )
        return quarantine_pb2.GetQuarantinedEventResponse(event=event)

    async def GetQuarantineCounts(
        self, request: quarantine_pb2.GetQuarantineCountsRequest, context: Any
    ) -> quarantine_pb2.GetQuarantineCountsResponse:
        chosen = _filter(request.filter, "filter")
        log = await self._requests.log()
        async with self._requests.store.session(log.tenant) as session:
            found = await session.quarantine.counts(chosen)
        return quarantine_pb2.GetQuarantineCountsResponse(
            counts=[
                quarantine_pb2.GetQuarantineCountsResponse.Count(
                    source=one.source,
                    reason=wire.error_reason(one.reason),
                    field=one.field,
                    state=_state(one.state),
                    entry_count=one.entry_count,
                    event_count=one.event_count,
                    oldest_time=timestamp(one.oldest_us),
                )
                for one in found
            ]
        )

    async def PreviewCorrection(
        self, request: quarantine_pb2.PreviewCorrectionRequest, context: Any
    ) -> quarantine_pb2.PreviewCorrectionResponse:
        sample = page_size(request.sample_size, SAMPLE_SIZE, SAMPLE_SIZE_MAX, "sample_size")
        rules = rules_of(request.rules, at_least=0)
        log = await self._requests.log()
        async with self._requests.store.session(log.tenant) as session:
            entries = (await _selected(session, request.selection, _FIRST_PLACE, PAGE_SIZE_MAX)).entries
            count = await _selected_count(session, request.selection, entries)
        before, after = await self._corrected(log, entries, rules)
        differ = changed(before.page, after.page)
        tried, of_row = await self._mapped_again(log, entries, after)
        batch = _replay_batch(tried, entries, of_row, Decider("", ""), validate_only=True)
        written = await log.submit(batch)
        assert isinstance(written, Written)
        response = quarantine_pb2.PreviewCorrectionResponse(
            selected_count=count,
            tried_count=len(entries),
            changed_count=int(differ.sum()),
            accepted_count=written.tally.accepted,
            duplicate_count=written.tally.duplicate,
            rejected_count=written.tally.quarantined,
        )
        results = {one.quarantine_id: one for one in wire.replay_results(written)}
        rows = sorted(range(len(entries)), key=lambda row: _is_admitted(results.get(entries[row].quarantine_id)))
        for row in rows[:sample]:
            result = results.get(entries[row].quarantine_id)
            example = response.examples.add(
                quarantine_id=entries[row].quarantine_id,
                before=wire.event(before.page, row),
                after=wire.event(after.page, row),
            )
            if result is not None:
                example.outcome = result.outcome
                if result.HasField("rejection"):
                    example.rejection.CopyFrom(result.rejection)
        return response

    async def CorrectEvents(
        self, request: quarantine_pb2.CorrectEventsRequest, context: Any
    ) -> quarantine_pb2.CorrectEventsResponse:
        _check_reason(request.reason, least=1)
        rules = rules_of(request.rules, at_least=1)
        log = await self._requests.log()
        kind = quarantine_pb2.CorrectEventsResponse
        if (first := await self._requests.first_answer(request, kind)) is not None:
            return first
        page = await self._page(log, request)
        before, after = await self._corrected(log, page.entries, rules)
        rows = changed(before.page, after.page).nonzero()[0].tolist()
        key = log.keys.quarantine

        def sealed_event(row: int) -> tuple[str, int, bytes]:
            one = page.entries[row]
            event = wire.event_as_sent(after, row)
            return one.quarantine_id, one.revision, sealed(key, corrected_name(one.quarantine_id), event)

        events = await computed(OPENED_ROWS * len(rows), lambda: [sealed_event(row) for row in rows])

        async def correct(session: LockedSession) -> quarantine_pb2.CorrectEventsResponse:
            count = len(events)
            if not request.validate_only:
                count = await session.quarantine.correct(events, _decider(request))
            return kind(considered_count=len(page.entries), corrected_count=count, next_page_token=page.next_page_token)

        response = await self._requests.once("CorrectEvents", request, kind, correct)
        if not request.validate_only:
            metrics.add("andon.ingest.quarantine", response.corrected_count, outcome="corrected")
        return response

    async def ReplayEvents(
        self, request: quarantine_pb2.ReplayEventsRequest, context: Any
    ) -> quarantine_pb2.ReplayEventsResponse:
        _check_reason(request.reason, least=0)
        log = await self._requests.log()
        kind = quarantine_pb2.ReplayEventsResponse
        if (first := await self._requests.first_answer(request, kind)) is not None:
            return first
        page = await self._page(log, request)
        if not page.entries and not request.request_id:
            return kind(next_page_token=page.next_page_token)
        arrival, _ = await self._corrected(log, page.entries, ())
        arrival, of_row = await self._mapped_again(log, page.entries, arrival)
        decider = _decider(request)
        batch = _replay_batch(arrival, page.entries, of_row, decider, request.validate_only, page.next_page_token)
        if (key := idempotency_key(request)) is not None:
            batch = replace(batch, request_id=key.request_id, fingerprint=key.fingerprint)
        written = await log.submit(batch)
        if isinstance(written, bytes):
            return kind.FromString(written)
        through = CursorCodec(log.origin).encode(written.position) if written.position is not None else ""
        return wire.replay_response(written, through)

    async def DiscardEvents(
        self, request: quarantine_pb2.DiscardEventsRequest, context: Any
    ) -> quarantine_pb2.DiscardEventsResponse:
        _check_reason(request.reason, least=1)
        log = await self._requests.log()
        kind = quarantine_pb2.DiscardEventsResponse
        if (first := await self._requests.first_answer(request, kind)) is not None:
            return first
        page = await self._page(log, request)
        entries = [(one.quarantine_id, one.revision) for one in page.entries]

        async def discard(session: LockedSession) -> quarantine_pb2.DiscardEventsResponse:
            count = len(entries)
            if not request.validate_only:
                count = await session.quarantine.discard(entries, _decider(request))
            return kind(discarded_count=count, next_page_token=page.next_page_token)

        response = await self._requests.once("DiscardEvents", request, kind, discard)
        if not request.validate_only:
            metrics.add("andon.ingest.quarantine", response.discarded_count, outcome="discarded")
        return response

    async def _page(self, log: TenantLog, request: Any) -> ConsideredPage:
        size = page_size(request.page_size, PAGE_SIZE_MAX, PAGE_SIZE_MAX)
        position, last = place_of(request, *_FIRST_PLACE)
        async with self._requests.store.session(log.tenant) as session:
            found = await _selected(session, request.selection, (position, last), size)
        return ConsideredPage(found.entries, page_token(request, *found.entries[-1].place) if found.is_cut else "")

    async def _corrected(
        self, log: TenantLog, entries: Sequence[HeldEvent], rules: Sequence[Rule]
    ) -> tuple[Arrival, Arrival]:
        """The events of entries as they are now, and by the rules."""

        def read() -> tuple[Arrival, Arrival]:
            events = [event_pb2.Event.FromString(_current(log.keys.quarantine, one)) for one in entries]
            now = batches.arrival(event_pb2.EventBatch(rows=event_pb2.EventRows(events=events)))
            after = corrected(now, rules, [one.quarantine_id for one in entries]) if rules else now
            was_unreadable = pa.array([one.reason == "EVENT_TEXT_INVALID" for one in entries], pa.bool_())
            return now, unreadable_still(after.page, was_unreadable.to_numpy(zero_copy_only=False))

        return await computed(OPENED_ROWS * len(entries), read)

    async def _mapped_again(
        self, log: TenantLog, entries: Sequence[HeldEvent], arrival: Arrival
    ) -> tuple[Arrival, tuple[int, ...]]:
        """The events of entries, and of which entry each is: records are mapped as their source maps them now."""
        records = [row for row, one in enumerate(entries) if one.reason in RECORD_REASONS]
        mappings = {}
        async with self._requests.store.session(log.tenant) as session:
            for name in {SourceId(entries[row].source) for row in records}:
                source = await session.registry.source(name)
                if source is not None and source.mapping:
                    # One that is outdated maps nothing: UpdateSource and WriteRecords say so.
                    with suppress(MalformedMapping):
                        mappings[name] = record_wire.mapping_of(source.mapping, name)
        if not mappings:
            return arrival, tuple(range(len(entries)))
        try:
            return await computed(OPENED_ROWS * len(records), lambda: mapped_again(arrival, records, mappings))
        except MalformedBatch as malformed:
            raise invalid("page_size", malformed.message, malformed.reason) from malformed

    def _message(self, log: TenantLog, one: HeldEvent) -> quarantine_pb2.QuarantinedEvent:
        key = log.keys.quarantine
        fault = Fault(one.batch_index, one.field, one.reason, MESSAGES[one.reason], one.source)
        message = quarantine_pb2.QuarantinedEvent(
            quarantine_id=one.quarantine_id,
            rejection=wire.rejection(fault, one.quarantine_id),
            event=event_pb2.Event.FromString(opened(key, one.quarantine_id, one.sealed)),
            quarantine_time=timestamp(one.quarantined_at_us),
            state=_state(one.state),
            received_count=one.received_count,
            expire_time=timestamp(one.quarantined_at_us + self._retention_us),
            etag=_etag(one.revision),
        )
        if one.corrected is not None:
            message.corrected_event.CopyFrom(event_pb2.Event.FromString(_current(key, one)))
        return message


def _current(key: bytes, one: HeldEvent) -> bytes:
    name = one.quarantine_id if one.corrected is None else corrected_name(one.quarantine_id)
    return opened(key, name, one.current)


def _etag(revision: int) -> str:
    return f"r{revision}"


def _state(state: HeldState) -> quarantine_pb2.QuarantineState.ValueType:
    return quarantine_pb2.QuarantineState.ValueType(state)


def _decider(request: Any) -> Decider:
    key = idempotency_key(request)
    # A reason is stored in plain text, and somebody may have written whom it is about.
    return Decider(current_caller().subject, masked(request.reason), key.request_id if key else None)


def _check_reason(reason: str, least: int) -> None:
    if not least <= len(reason) <= REASON_CHARS_MAX:
        raise invalid("reason", f"must have {least} to {REASON_CHARS_MAX} characters")


def _filter(message: quarantine_pb2.QuarantineFilter, path: str) -> HeldFilter:
    if len(message.sources) > NAMED_MAX:
        raise invalid(f"{path}.sources", f"must be at most {NAMED_MAX}")
    interval = message.quarantine_interval
    known = {int(state) for state in HeldState}
    return HeldFilter(
        sources=tuple("" if name == NO_SOURCE else name for name in message.sources) or None,
        reasons=tuple(ErrorReason.Name(one).removeprefix("ERROR_REASON_") for one in message.reasons) or None,
        field=message.field,
        start_us=_bounded(micros(interval.start)) if interval.HasField("start") else HeldFilter.start_us,
        end_us=_bounded(micros(interval.end)) if interval.HasField("end") else HeldFilter.end_us,
        states=tuple(HeldState(one) for one in message.states if one in known) or OPEN,
    )


def _bounded(us: int) -> int:
    return max(HeldFilter.start_us, min(us, HeldFilter.end_us))


def _check_selection(message: quarantine_pb2.QuarantineSelection) -> None:
    names = message.quarantine_ids
    if bool(names) == message.HasField("filter"):
        raise invalid("selection", "needs either quarantine_ids or a filter", "FIELD_REQUIRED")
    if len(names) > NAMED_MAX:
        raise invalid("selection.quarantine_ids", f"must be at most {NAMED_MAX}")
    if message.etag and len(names) != 1:
        raise invalid("selection.etag", "is that of one named entry")


async def _selected(
    session: StoreSession, message: quarantine_pb2.QuarantineSelection, place: tuple[int, str], size: int
) -> HeldPage:
    """The next open entries."""
    _check_selection(message)
    if not message.quarantine_ids:
        chosen = _filter(message.filter, "selection.filter")
        states = tuple(state for state in chosen.states if state in OPEN)
        return await session.quarantine.after(replace(chosen, states=states), place, size)
    known = await session.quarantine.revisions(message.quarantine_ids)
    for index, name in enumerate(message.quarantine_ids):
        if name not in known:
            raise NotFound("NOT_FOUND", f"selection.quarantine_ids[{index}] names no quarantined event")
    if message.etag and message.etag != _etag(known[message.quarantine_ids[0]]):
        raise Aborted("ETAG_STALE", "the quarantined event has changed since it was read")
    return await session.quarantine.named(message.quarantine_ids, OPEN, place, size)


async def _selected_count(
    session: StoreSession, message: quarantine_pb2.QuarantineSelection, entries: Sequence[HeldEvent]
) -> int:
    if message.quarantine_ids:
        return len(entries)
    chosen = _filter(message.filter, "selection.filter")
    states = tuple(state for state in chosen.states if state in OPEN)
    return await session.quarantine.count(replace(chosen, states=states))


def _replay_batch(
    arrival: Arrival,
    entries: Sequence[HeldEvent],
    of_row: tuple[int, ...],
    decider: Decider,
    validate_only: bool,
    next_page_token: str = "",
) -> IncomingBatch:
    chosen = tuple((one.quarantine_id, one.revision) for one in entries)
    replay = Replay(chosen, of_row, decider, next_page_token)
    return IncomingBatch(arrival, current_traceparent(), validate_only=validate_only, replay=replay)


def _is_admitted(result: quarantine_pb2.ReplayEventsResponse.Result | None) -> bool:
    return result is not None and result.outcome != quarantine_pb2.REPLAY_OUTCOME_REJECTED
