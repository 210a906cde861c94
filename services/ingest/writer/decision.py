"""What one commit writes and answers: many callers' batches, judged together, become an entry and its receipt."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.faults import MESSAGES
from services.ingest.columns import codes_of
from services.ingest.hashes import Hashes
from services.ingest.known.deduplication import Novelty
from services.ingest.log.records import LogEntry, LogHead
from services.ingest.log.segments import cut
from services.ingest.model import (
    TRACEPARENTS_MAX,
    Admission,
    Arrival,
    Fault,
    IncomingBatch,
    IntakeCounts,
    Position,
    Segment,
    SourceId,
    Written,
    merged,
)
from services.ingest.registry.quarantine import quarantine_id, sealed
from services.ingest.registry.records import Receipt, SealedEvent, StoredAnswer
from services.ingest.writer.queue import BatchPart
from services.runtime.requests import request_id_reused

METHOD = "WriteEvents"

# What was written now, the first answer to this request id, or why neither.
CommitResult = Written | bytes | Exception


@dataclass(frozen=True)
class CommitPlan:
    segments: tuple[Segment, ...]
    id_hashes: Hashes
    sources: tuple[SourceId, ...]
    tallies: dict[str, IntakeCounts]
    # The latest time of each source's new events, in microseconds.
    source_times: dict[str, int]
    faults: tuple[tuple[Fault, ...], ...]
    batch_tallies: tuple[IntakeCounts, ...]

    @property
    def byte_count(self) -> int:
        return sum(len(segment.events) for segment in self.segments)


def plan(admission: Admission, outcome: NDArray[np.int8], next_offsets: Sequence[int]) -> CommitPlan:
    """`outcome` says for each admitted event whether it is new, a duplicate or a conflict."""
    page, ids, cases = admission.page, admission.id_hashes, admission.case_hashes
    faults = admission.faults
    if outcome.any():
        faults = tuple(known + found for known, found in zip(faults, _conflicts(admission, outcome), strict=True))
        new = np.flatnonzero(outcome == Novelty.NEW)
        page, ids, cases = page.take(pa.array(new)), ids[new], cases[new]
    kinds = [np.bincount(outcome[begin:end], minlength=3).tolist() for begin, end in pairwise(admission.bounds)]
    return CommitPlan(
        segments=cut(page, ids, cases, next_offsets) if page.num_rows else (),
        id_hashes=ids,
        sources=admission.sources,
        tallies=_by_source(admission.page, outcome, faults),
        source_times=_latest_by_source(page),
        faults=faults,
        batch_tallies=tuple(
            IntakeCounts(counts[Novelty.NEW], counts[Novelty.DUPLICATE], len(refused))
            for counts, refused in zip(kinds, faults, strict=True)
        ),
    )


def _conflicts(admission: Admission, outcome: NDArray[np.int8]) -> list[tuple[Fault, ...]]:
    found: list[list[Fault]] = [[] for _ in admission.faults]
    rows = np.flatnonzero(outcome == Novelty.CONFLICT)
    owners = np.searchsorted(admission.bounds, rows, "right") - 1
    sources = admission.page.column("source")
    for row, owner in zip(rows.tolist(), owners.tolist(), strict=True):
        index, source = int(admission.index[row]), sources[row].as_py()
        found[owner].append(Fault(index, "id", "EVENT_ID_CONFLICT", MESSAGES["EVENT_ID_CONFLICT"], source))
    return [tuple(faults) for faults in found]


def _by_source(
    page: pa.RecordBatch, outcome: NDArray[np.int8], faults: Sequence[Sequence[Fault]]
) -> dict[str, IntakeCounts]:
    names: list[str] = page.column("source").dictionary.to_pylist()
    codes = codes_of(page.column("source"))
    # One count over pairs of outcome and source.
    pairs = np.bincount(outcome * np.int64(len(names)) + codes, minlength=3 * len(names)).reshape(3, len(names))
    accepted, duplicate = pairs[Novelty.NEW].tolist(), pairs[Novelty.DUPLICATE].tolist()
    came: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    for name, accepted_count, duplicate_count in zip(names, accepted, duplicate, strict=True):
        came[name] += accepted_count
        repeated[name] += duplicate_count
    refused = Counter(fault.source for some in faults for fault in some)
    tallies = {name: IntakeCounts(came[name], repeated[name], refused[name]) for name in sorted({*came, *refused})}
    return {name: tally for name, tally in tallies.items() if tally.received}


def _latest_by_source(page: pa.RecordBatch) -> dict[str, int]:
    if page.num_rows == 0:
        return {}
    codes = codes_of(page.column("source"))
    times = page.column("time").view(pa.int64()).to_numpy()
    latest: dict[str, int] = {}
    for code in np.flatnonzero(np.bincount(codes)).tolist():
        # A dictionary may hold a name twice.
        name, us = page.column("source").dictionary[code].as_py(), int(times[codes == code].max())
        latest[name] = max(us, latest.get(name, us))
    return latest


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
    next_offsets = list(head.next_offsets)
    for segment in made.segments:
        next_offsets[segment.partition] += segment.event_count
    entry = LogEntry(
        after=head.position,
        next_offsets=tuple(next_offsets),
        segments=made.segments,
        source_times=made.source_times,
        traceparents=traceparents[:TRACEPARENTS_MAX],
    )
    receipt = Receipt(
        counts=made.tallies,
        reasons=dict(Counter((fault.source, fault.reason) for some in made.faults for fault in some)),
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
