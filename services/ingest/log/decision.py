"""What a plan becomes: the addition to the log, and the answer to each batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ingest.log.plan import CommitPlan, reasons
from services.ingest.model import TRACEPARENTS_MAX, Arrival, Fault, IncomingBatch, Position, SourceId, Written, total
from services.ingest.registry.quarantine import quarantine_id, sealed
from services.ingest.store.records import Addition, LogHead, SealedEvent, StoredAnswer
from services.runtime.requests import request_id_reused

METHOD = "WriteEvents"

# What was written now, the first answer to this request id, or why neither.
CommitResult = Written | bytes | Exception


@dataclass(frozen=True)
class Codec:
    """How batches and answers look outside: given by whoever knows the contract."""

    as_sent: Callable[[Arrival, int], bytes]
    answer: Callable[[Written, LogHead], bytes]


@dataclass(frozen=True)
class ExpectedHead:
    """The end of the log that a decision is made for: it holds as long as the head and the revision do."""

    head: LogHead
    sources: frozenset[SourceId]
    revision: int


@dataclass(frozen=True)
class CommitDecision:
    plan: CommitPlan
    addition: Addition
    written: tuple[Written, ...]


def decide(
    made: CommitPlan,
    batches: Sequence[IncomingBatch],
    end: ExpectedHead,
    forms: Codec,
    key: bytes,
    traceparents: tuple[str, ...],
) -> CommitDecision:
    """`key` seals what is refused."""
    head = end.head
    refused = [
        [_sealed_event(batch.arrival, fault, forms, key) for fault in faults]
        for batch, faults in zip(batches, made.faults, strict=True)
    ]
    written = tuple(
        Written(tally, faults, tuple(one.quarantine_id for one in some), Position(head.position + 1))
        for tally, faults, some in zip(made.batch_tallies, made.faults, refused, strict=True)
    )
    addition = Addition(
        after=head.position,
        sources_revision=end.revision,
        next_offsets=made.moved(head.next_offsets),
        watermark_us=made.time_max_us,
        total=total(made.batch_tallies),
        tallies=made.tallies,
        reasons=reasons(made.faults),
        segments=made.segments,
        refused=tuple({one.quarantine_id: one for some in refused for one in some}.values()),
        sources=tuple(sorted(set(made.sources) - end.sources)),
        method=METHOD,
        answers=tuple(
            StoredAnswer(batch.request_id, METHOD, batch.fingerprint, forms.answer(one, head))
            for batch, one in zip(batches, written, strict=True)
            if batch.request_id is not None
        ),
        traceparents=traceparents[:TRACEPARENTS_MAX],
    )
    return CommitDecision(made, addition, written)


def _sealed_event(arrival: Arrival, fault: Fault, forms: Codec, key: bytes) -> SealedEvent:
    event = forms.as_sent(arrival, fault.index)
    name = quarantine_id(key, event, fault)
    return SealedEvent(name, fault.source, fault.index, fault.field, fault.reason, sealed(key, name, event))


def replayed(batch: IncomingBatch, first: Mapping[UUID, StoredAnswer]) -> bytes | Exception | None:
    """What is answered to a request id that was answered before; None: it was not."""
    if batch.request_id is None or batch.request_id not in first:
        return None
    answer = first[batch.request_id]
    if answer.method != METHOD or answer.fingerprint != batch.fingerprint:
        return request_id_reused()
    return answer.answer
