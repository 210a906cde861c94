"""WriteRecords and TestSource: the mapping of a source makes events of its records."""

from dataclasses import replace
from functools import partial
from typing import Any

from andon.ingest.v1 import record_pb2
from andon_records.mapping.absence import why_absent
from andon_records.mapping.document import CsvMapping
from andon_records.mapping.doubts import doubt_messages, unparsed_message
from andon_records.messages import MalformedMapping

from services.ingest import wire
from services.ingest.admission.raw_records import MappedRecords
from services.ingest.model import Admission, IncomingBatch, MalformedBatch, Source, SourceId
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.trial import tried
from services.ingest.wire import records as record_wire
from services.ingest.workers import computed
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.contract import PartlyRead
from services.runtime.cursors import CursorCodec
from services.runtime.errors import FailedPrecondition, NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.requests import idempotency_key
from services.runtime.telemetry import current_traceparent

TESTED_MAX = 100
# To map a record takes about as long as all that is done with so many events.
_RECORD_ROWS = 10
_ROW_BYTES = 200
_FAULT_ROWS = 20


class RecordRpcs:
    requests: RequestContext

    async def WriteRecords(
        self, came: record_pb2.WriteRecordsRequest | PartlyRead[record_pb2.WriteRecordsRequest], context: Any
    ) -> record_pb2.WriteRecordsResponse:
        request, part = (came.request, came.part) if isinstance(came, PartlyRead) else (came, None)
        log = await self.requests.log()
        source = await _source(self.requests, log, request.source, "source")
        made = await _mapped(request.records if part is None else part, _mapping(source), source.id)
        batch = IncomingBatch(
            made.arrival, current_traceparent(), validate_only=request.validate_only, origin=made.origin
        )
        key = await computed(batch.received, partial(idempotency_key, request, part or b""))
        if key is not None:
            batch = replace(batch, request_id=key.request_id, fingerprint=key.fingerprint)
        if not batch.validate_only:
            await self.requests.quotas.take(log, batch.arrival.page)
        written = await log.submit(batch)
        if isinstance(written, bytes):
            return record_pb2.WriteRecordsResponse.FromString(written)
        through = CursorCodec(log.origin).encode(written.position) if written.position is not None else ""
        rows = made.origin.count + _FAULT_ROWS * len(written.faults)
        return await computed(rows, partial(record_wire.written_response, written, made.origin, through))

    async def TestSource(self, request: record_pb2.TestSourceRequest, context: Any) -> record_pb2.TestSourceResponse:
        log = await self.requests.log()
        if request.name and request.HasField("source"):
            raise invalid("source", "must not be given together with name")
        if request.HasField("source"):
            source = wire.source(request.source, wire.source_id(request.source.name) or SourceId("test"))
            check_mapping(source)
        else:
            source = await _source(self.requests, log, request.name, "name")
        count = len(request.records.json.records)
        if count > TESTED_MAX:
            raise invalid("records.json.records", f"must be at most {TESTED_MAX}", "BATCH_TOO_LARGE")
        mapping = _mapping(source)
        made = await _mapped(request.records, mapping, source.id)
        if made.origin.count > TESTED_MAX:
            raise invalid("records.arrow_ipc", f"must be at most {TESTED_MAX} records", "BATCH_TOO_LARGE")
        # Admitted as they would be, under the policies of the source, and shown instead of written.
        admission = await tried(self.requests, log, made.arrival, {source.id: source})
        tested = partial(_tested, made, mapping, admission, current_caller().locale)
        return await computed(_RECORD_ROWS * made.arrival.page.num_rows, tested)


async def _source(requests: RequestContext, log: TenantLog, name: str, field: str) -> Source:
    if not name:
        raise invalid(field, "is required", "FIELD_REQUIRED")
    async with requests.store.session(log.tenant) as session:
        # As it is now: another process may have changed it since this one wrote.
        source = await session.registry.source(wire.source_id(name))
    if source is None:
        raise NotFound("NOT_FOUND", "no such source")
    return source


def _mapping(source: Source) -> CsvMapping:
    if not source.mapping:
        raise FailedPrecondition("MAPPING_MISSING", "this source has no mapping: it takes events, and no records")
    try:
        return record_wire.mapping_of(source.mapping, source.id)
    except MalformedMapping as error:
        raise FailedPrecondition("MAPPING_OUTDATED", f"update the mapping of this source: {error.what}") from error


def check_mapping(source: Source) -> None:
    """Raises InvalidArgument with the key at fault."""
    if not source.mapping:
        return
    try:
        record_wire.mapping_of(source.mapping, source.id)
    except MalformedMapping as error:
        what = error.what
        key = str(what.places.get("path", "")) if what.key == "at_key" else ""
        raise invalid(f"source.mapping.{key}".rstrip("."), str(what)) from error


async def _mapped(records: record_pb2.RawRecords | memoryview, mapping: CsvMapping, source: SourceId) -> MappedRecords:
    """Of records, or of many that are still to be read."""
    if isinstance(records, memoryview):
        rows = len(records)
    else:
        rows = len(records.arrow_ipc) // _ROW_BYTES or _RECORD_ROWS * len(records.json.records)
    try:
        return await computed(rows, partial(record_wire.mapped, records, mapping, source))
    except MalformedBatch as malformed:
        path = ".".join(part for part in ("records", malformed.field) if part)
        raise invalid(path, malformed.message, malformed.reason) from malformed


def _tested(
    made: MappedRecords, mapping: CsvMapping, admission: Admission, locale: str
) -> record_pb2.TestSourceResponse:
    (faults,) = admission.faults
    outcomes = record_wire.outcomes_of(made.origin, [fault.index for fault in faults], ())
    records = [record_pb2.TestedRecord(outcome=outcome) for outcome in outcomes.tolist()]
    for place, row in enumerate(admission.index.tolist()):
        records[made.origin.of_row[row]].events.append(wire.event(admission.page, place))
    absent = why_absent(mapping, made.applied, made.rows.table, made.rows.records, made.arrival.page.num_rows)
    # The person who tests a mapping sees what is in the records, so a reason may name it.
    why = {place: what.text(locale) for (_, place), what in reversed(absent.items())}
    faults = tuple(replace(fault, message=why.get(fault.index, fault.message)) for fault in faults)
    for rejection in record_wire.rejections_of(made.origin, faults, ()):
        records[rejection.index].rejections.append(rejection)
    doubts = [unparsed_message(name, lost, mapping) for name, lost in made.applied.unparsed.items()]
    doubts += doubt_messages(made.applied.doubts, mapping)
    return record_pb2.TestSourceResponse(records=records, doubts=[doubt.text(locale) for doubt in doubts])
