"""A batch of events as it came becomes what is admitted."""

from dataclasses import replace

from andon.ingest.v1 import event_pb2, ingest_pb2

from services.ingest.admission.arrow import read_arrow
from services.ingest.admission.rows import read_rows
from services.ingest.model import BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Arrival, IncomingBatch, MalformedBatch
from services.ingest.wire.encoded_rows import canonical_events
from services.runtime.contract import PartlyRead
from services.runtime.requests import idempotency_key

# Of many events as rows, these are still to be read.
WriteRequest = ingest_pb2.WriteEventsRequest | PartlyRead[ingest_pb2.WriteEventsRequest]
StreamRequest = ingest_pb2.StreamEventsRequest | PartlyRead[ingest_pb2.StreamEventsRequest]


def incoming_batch(came: WriteRequest | StreamRequest, traceparent: str) -> IncomingBatch:
    """Raises MalformedBatch, whose field is relative to the batch, and DecodeError."""
    request, part = (came.request, came.part) if isinstance(came, PartlyRead) else (came, None)
    # Only a single call can be repeated by its id.
    write = request if isinstance(request, ingest_pb2.WriteEventsRequest) else None
    if part is None:
        rows, came_as = b"", arrival(request.batch)
    else:
        rows = canonical_events(part, deterministic=write is not None and bool(write.request_id))
        came_as = read_rows(rows)
    batch = IncomingBatch(came_as, traceparent, validate_only=write is not None and write.validate_only)
    key = idempotency_key(write, rows) if write is not None else None
    return replace(batch, request_id=key.request_id, fingerprint=key.fingerprint) if key else batch


def arrival(batch: event_pb2.EventBatch) -> Arrival:
    """Of a batch that was read whole. Raises MalformedBatch; its field is relative to the batch."""
    encoding = batch.WhichOneof("encoding")
    if encoding == "arrow_ipc":
        return read_arrow(batch.arrow_ipc)
    if encoding is None:
        raise MalformedBatch("", "a batch needs rows or arrow_ipc", "FIELD_REQUIRED")
    if len(batch.rows.events) > BATCH_EVENTS_MAX:
        raise MalformedBatch("rows.events", f"more than {BATCH_EVENTS_MAX} events", "BATCH_TOO_LARGE")
    rows = event_pb2.EventRows(events=batch.rows.events)
    rows.DiscardUnknownFields()
    serialised = rows.SerializeToString()
    if len(serialised) > BATCH_BYTES_MAX:
        raise MalformedBatch("rows.events", f"more than {BATCH_BYTES_MAX} bytes", "BATCH_TOO_LARGE")
    return read_rows(serialised)
