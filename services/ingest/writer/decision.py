"""What one commit writes and answers: many callers' batches, judged together, become an entry and its receipt."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.checks import MESSAGES
from services.ingest.columns import codes_of
from services.ingest.data_quality.day_counts import quality_of, refusals, replay_quality
from services.ingest.hashes import Hashes
from services.ingest.known.deduplication import (
    Novelty,
    StoredEvents,
    Suspects,
    judge_against_stored,
    judge_within_page,
)
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
    Replay,
    ReplayOutcome,
    Source,
    SourceId,
    Written,
)
from services.ingest.registry.held_events import Release
from services.ingest.registry.quarantine import quarantine_id, sealed
from services.ingest.registry.records import Receipt, SealedEvent, StoredAnswer
from services.ingest.writer.queue import BatchPart, merged
from services.runtime.requests import request_id_reused

METHOD, REPLAY_METHOD = "WriteEvents", "ReplayEvents"
_REPLAYED = {Novelty.NEW: ReplayOutcome.ACCEPTED, Novelty.DUPLICATE: ReplayOutcome.DUPLICATE}

# What was written now, the first answer to this request id, or why neither.
CommitResult = Written | bytes | Exception


class CommitTooLarge(Exception):
    """Its segments would not fit into one message to a reader."""


@dataclass(frozen=True)
class Codec:
    """How batches and answers look outside: given by `wire`, which knows the contract."""

    as_sent: Callable[[Arrival, int], bytes]
    answer: Callable[[Written, LogHead], bytes]


@dataclass(frozen=True)
class GatheredBatches:
    """What a commit is decided from: its parts, their admitted events, and the stored ones that these may repeat."""

    parts: Sequence[BatchPart]
    admission: Admission
    suspects: Suspects
    stored: Mapping[int, Sequence[StoredEvents]]
    traceparents: tuple[str, ...]
    now_us: int


@dataclass(frozen=True)
class CommitDecision:
    """What is appended, and what each part is answered then; `id_hashes` are those of the new events."""

    entry: LogEntry
    receipt: Receipt
    written: tuple[Written, ...]
    id_hashes: Hashes
    # What leaves quarantine, of a replay.
    releases: tuple[Release, ...] = ()


def decide(
    gathered: GatheredBatches,
    head: LogHead,
    sources: Mapping[SourceId, Source],
    codec: Codec,
    key: bytes,
    bytes_max: int,
) -> CommitDecision:
    """For a log that ends at `head` and knows these sources; `key` seals what is refused.

    Raises CommitTooLarge where the segments take more than `bytes_max`.
    """
    admission, parts = gathered.admission, gathered.parts
    page, ids, cases, faults = admission.page, admission.id_hashes, admission.case_hashes, admission.faults
    # New, a duplicate or a conflict: of each admitted event.
    outcome = judge_within_page(page, ids, judge_against_stored(page, ids, gathered.suspects, gathered.stored))
    if outcome.any():
        faults = tuple(known + found for known, found in zip(faults, _conflicts(admission, outcome), strict=True))
        new = np.flatnonzero(outcome == Novelty.NEW)
        page, ids, cases = page.take(pa.array(new)), ids[new], cases[new]
    counts, source_times = _by_source(admission.page, outcome, faults), _latest_by_source(page)
    segments = cut(page, ids, cases, head.next_offsets) if page.num_rows else ()
    next_offsets = list(head.next_offsets)
    for segment in segments:
        next_offsets[segment.partition] += segment.event_count
    entry = LogEntry(
        after=head.position,
        next_offsets=tuple(next_offsets),
        segments=segments,
        source_times=source_times,
        traceparents=gathered.traceparents[:TRACEPARENTS_MAX],
    )
    if entry.byte_count > bytes_max:
        raise CommitTooLarge
    new_sources = tuple(sorted(set(admission.sources) - set(sources)))
    cleaned = _cleaned(admission, outcome) if admission.cleaned else {}
    if replay := parts[0].batch.replay:
        # What is refused again stays where it is, and is counted already.
        one, releases = _replayed(replay, admission, outcome, faults[0], Position(entry.position))
        answers = _answers(parts, (one,), REPLAY_METHOD, codec, head)
        receipt = Receipt(
            new_sources=new_sources,
            cleaned=cleaned,
            quality=replay_quality(admission, outcome != Novelty.CONFLICT),
            method=REPLAY_METHOD,
            answers=answers,
        )
        return CommitDecision(entry, receipt, (one,), ids, releases)
    refused = [
        [_sealed_event(part.batch.arrival, fault, codec, key) for fault in some]
        for part, some in zip(parts, faults, strict=True)
    ]
    kinds = [np.bincount(outcome[begin:end], minlength=3).tolist() for begin, end in pairwise(admission.bounds)]
    written = tuple(
        Written(
            IntakeCounts(count[Novelty.NEW], count[Novelty.DUPLICATE], len(some)),
            some,
            tuple(one.quarantine_id for one in sealed_events),
            Position(entry.position),
            duplicates=(admission.index[begin:end][outcome[begin:end] == Novelty.DUPLICATE],)
            if count[Novelty.DUPLICATE]
            else (),
            origin=part.batch.origin,
        )
        for part, count, some, sealed_events, (begin, end) in zip(
            parts, kinds, faults, refused, pairwise(admission.bounds), strict=True
        )
    )
    receipt = Receipt(
        counts=counts,
        reasons=dict(Counter((fault.source, fault.reason) for some in faults for fault in some)),
        refused=tuple(one for some in refused for one in some),
        new_sources=new_sources,
        cleaned=cleaned,
        quality=quality_of(
            admission,
            outcome == Novelty.NEW,
            outcome == Novelty.DUPLICATE,
            [one for part, some in zip(parts, faults, strict=True) for one in refusals(part.batch.arrival.page, some)],
            sources,
            gathered.now_us,
        ),
        method=METHOD,
        answers=_answers(parts, written, METHOD, codec, head),
    )
    return CommitDecision(entry, receipt, written, ids)


def _answers(
    parts: Sequence[BatchPart], written: Sequence[Written], method: str, codec: Codec, head: LogHead
) -> tuple[StoredAnswer, ...]:
    return tuple(
        StoredAnswer(
            part.batch.request_id,
            method,
            part.batch.fingerprint,
            codec.answer(merged([*part.queued.written, one]), head),
        )
        for part, one in zip(parts, written, strict=True)
        # That of a batch in parts is recorded with its last one.
        if part.batch.request_id is not None and part.is_last
    )


def _replayed(
    replay: Replay, admission: Admission, outcome: NDArray[np.int8], faults: tuple[Fault, ...], position: Position
) -> tuple[Written, tuple[Release, ...]]:
    """The answer to a replay, and what leaves quarantine: all that the log has now."""
    outcomes = [ReplayOutcome.REJECTED] * len(replay.entries)
    releases = []
    sources = admission.page.column("source")
    for place, (row, novelty) in enumerate(zip(admission.index.tolist(), outcome.tolist(), strict=True)):
        if novelty != Novelty.CONFLICT:
            outcomes[row] = _REPLAYED[novelty]
            releases.append(Release(replay.entries[row][0], sources[place].as_py(), novelty == Novelty.NEW))
    accepted, duplicate = (outcomes.count(_REPLAYED[novelty]) for novelty in (Novelty.NEW, Novelty.DUPLICATE))
    names = tuple(replay.entries[fault.index][0] for fault in faults)
    tally = IntakeCounts(accepted, duplicate, len(faults))
    return Written(tally, faults, names, position, replay, tuple(outcomes)), tuple(releases)


def _cleaned(admission: Admission, outcome: NDArray[np.int8]) -> dict[tuple[str, str, str], int]:
    """Values by source, rule and field, of all events but conflicts; without rule and field: events."""
    column = admission.page.column("source")
    names: list[str] = column.dictionary.to_pylist()
    codes, taken = codes_of(column), outcome != Novelty.CONFLICT
    counts: Counter[tuple[str, str, str]] = Counter()
    any_rule = np.zeros(len(codes), dtype=np.bool_)
    for one in admission.cleaned:
        any_rule[one.rows] = True
        for name, count in zip(names, np.bincount(codes[one.rows[taken[one.rows]]], minlength=len(names)), strict=True):
            counts[name, one.rule, one.field] += int(count)
    for name, count in zip(names, np.bincount(codes[any_rule & taken], minlength=len(names)), strict=True):
        counts[name, "", ""] += int(count)
    return dict(+counts)


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
    """Of the sources that anything came from."""
    names: list[str] = page.column("source").dictionary.to_pylist()
    codes = codes_of(page.column("source"))
    # One count over pairs of outcome and source.
    pairs = np.bincount(outcome * np.int64(len(names)) + codes, minlength=3 * len(names)).reshape(3, len(names))
    accepted: Counter[str] = Counter()
    duplicate: Counter[str] = Counter()
    # A dictionary may hold a name twice.
    for name, new, repeated in zip(names, pairs[Novelty.NEW].tolist(), pairs[Novelty.DUPLICATE].tolist(), strict=True):
        accepted[name] += new
        duplicate[name] += repeated
    refused = Counter(fault.source for some in faults for fault in some)
    named = sorted({*+accepted, *+duplicate, *refused})
    return {name: IntakeCounts(accepted[name], duplicate[name], refused[name]) for name in named}


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
