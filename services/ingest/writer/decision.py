"""What a plan becomes: the entry of the log with its receipt, and the answer to each batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ingest.log.records import LogEntry, LogHead
from services.ingest.model import TRACEPARENTS_MAX, Arrival, Fault, IncomingBatch, Position, SourceId, Written, merged
from services.ingest.registry.quarantine import quarantine_id, sealed
from services.ingest.registry.records import Receipt, SealedEvent, StoredAnswer
from services.ingest.writer.plan import CommitPlan, reasons
from services.ingest.writer.queue import BatchPart
from services.runtime.requests import request_id_reused

METHOD = "WriteEvents"

# What was written now, the first answer to this request id, or why neither.
CommitResult = Written | bytes | Exception


@dataclass(frozen=True)
class Codec:
    """How batches and answers look outside: given by `wire`, which knows the contract."""

    as_sent: Callable[[Arrival, int], bytes]
    answer: Callable[[Written, LogHead], bytes]


@dataclass(frozen=True)
class CommitDecision:
    plan: CommitPlan
    entry: LogEntry
    receipt: Receipt
    written: tuple[Written, ...]


def decide(
    made: CommitPlan,
    parts: Sequence[BatchPart],
    head: LogHead,
    sources: Mapping[SourceId, object],
    codec: Codec,
    key: bytes,
    traceparents: tuple[str, ...],
) -> CommitDecision:
    """For a log that ends at `head` and knows these sources; `key` seals what is refused."""
    refused = [
        [_sealed_event(part.batch.arrival, fault, codec, key) for fault in faults]
        for part, faults in zip(parts, made.faults, strict=True)
    ]
    written = tuple(
        Written(tally, faults, tuple(one.quarantine_id for one in some), Position(head.position + 1))
        for tally, faults, some in zip(made.batch_tallies, made.faults, refused, strict=True)
    )
    entry = LogEntry(
        after=head.position,
        next_offsets=made.moved(head.next_offsets),
        segments=made.segments,
        source_times=made.source_times,
        traceparents=traceparents[:TRACEPARENTS_MAX],
    )
    receipt = Receipt(
        counts=made.tallies,
        reasons=reasons(made.faults),
        refused=tuple({one.quarantine_id: one for some in refused for one in some}.values()),
        new_sources=tuple(sorted(set(made.sources) - set(sources))),
        method=METHOD,
        answers=tuple(
            StoredAnswer(
                part.batch.request_id,
                METHOD,
                part.batch.fingerprint,
                codec.answer(merged([*part.queued.written, one]), head),
            )
            for part, one in zip(parts, written, strict=True)
            # That of a batch in parts is recorded with its last one.
            if part.batch.request_id is not None and part.is_last
        ),
    )
    return CommitDecision(made, entry, receipt, written)


def _sealed_event(arrival: Arrival, fault: Fault, codec: Codec, key: bytes) -> SealedEvent:
    event = codec.as_sent(arrival, fault.index)
    name = quarantine_id(key, event, fault)
    return SealedEvent(name, fault.source, fault.index, fault.field, fault.reason, sealed(key, name, event))


def replayed(batch: IncomingBatch, first: Mapping[UUID, StoredAnswer]) -> bytes | Exception | None:
    """What is answered to a request id that was answered before; None: it was not."""
    if batch.request_id is None or batch.request_id not in first:
        return None
    answer = first[batch.request_id]
    if answer.fingerprint != batch.fingerprint:
        return request_id_reused()
    return answer.answer
