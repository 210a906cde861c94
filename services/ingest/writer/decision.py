"""What one commit writes and answers: many callers' batches, judged together, become an entry and its receipt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.checks import MESSAGES
from services.ingest.admission.policies import personal_attributes
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
from services.ingest.log.segments import entry_of
from services.ingest.model import (
    Admission,
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
from services.ingest.registry.records import Receipt, StoredAnswer
from services.ingest.registry.vocabulary import Vocabulary, Word
from services.ingest.writer.queue import BatchPart
from services.ingest.writer.receipt import Codec, cleaned_values, counts_by_source, sealed_event, stored_answers
from services.runtime.requests import request_id_reused

METHOD, REPLAY_METHOD = "WriteEvents", "ReplayEvents"
_REPLAYED = (ReplayOutcome.ACCEPTED, ReplayOutcome.DUPLICATE, ReplayOutcome.REJECTED)

# What was written now, the first answer to this request id, or why neither.
CommitResult = Written | bytes | Exception


class CommitTooLarge(Exception):
    """Its segments would not fit into one message to a reader."""


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
    # Of its events, those that are not recorded yet.
    words: Sequence[Word]
    # What leaves quarantine, of a replay.
    releases: tuple[Release, ...] = ()


def decide(
    gathered: GatheredBatches,
    head: LogHead,
    sources: Mapping[SourceId, Source],
    vocabulary: Vocabulary,
    codec: Codec,
    key: bytes,
    bytes_max: int,
) -> CommitDecision:
    """For a log that ends at `head` and knows these sources and words; `key` seals what is refused.

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
    entry = entry_of(page, ids, cases, head, gathered.traceparents)
    if entry.byte_count > bytes_max:
        raise CommitTooLarge
    position = Position(entry.position)
    named = [sources.get(name) or Source(name) for name in admission.sources]
    words = vocabulary.unknown(admission.page, personal_attributes(admission.page.schema.names, named))
    new_sources = tuple(sorted(set(admission.sources) - set(sources)))
    cleaned = cleaned_values(admission, outcome)
    if replay := parts[0].batch.replay:
        # What is refused again stays where it is, and is counted already.
        one, releases = _replayed(replay, admission, outcome, faults[0], position)
        receipt = Receipt(
            new_sources=new_sources,
            cleaned=cleaned,
            quality=replay_quality(admission, outcome != Novelty.CONFLICT),
            method=REPLAY_METHOD,
            answers=stored_answers(parts, (one,), REPLAY_METHOD, codec, head),
        )
        return CommitDecision(entry, receipt, (one,), ids, words, releases)
    refused = [
        [sealed_event(part.batch.arrival, fault, codec, key) for fault in some]
        for part, some in zip(parts, faults, strict=True)
    ]
    kinds = [np.bincount(outcome[begin:end], minlength=3).tolist() for begin, end in pairwise(admission.bounds)]
    written = tuple(
        Written(
            IntakeCounts(count[Novelty.NEW], count[Novelty.DUPLICATE], len(some)),
            some,
            tuple(one.quarantine_id for one in sealed_events),
            position,
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
        counts=counts_by_source(admission.page, outcome, faults),
        reasons=dict(Counter((fault.source, fault.reason) for some in faults for fault in some)),
        refused=tuple(one for some in refused for one in some),
        new_sources=new_sources,
        cleaned=cleaned,
        method=METHOD,
        answers=stored_answers(parts, written, METHOD, codec, head),
        quality=quality_of(
            admission,
            outcome == Novelty.NEW,
            outcome == Novelty.DUPLICATE,
            [one for part, some in zip(parts, faults, strict=True) for one in refusals(part.batch.arrival.page, some)],
            sources,
            gathered.now_us,
        ),
    )
    return CommitDecision(entry, receipt, written, ids, words)


def _replayed(
    replay: Replay, admission: Admission, outcome: NDArray[np.int8], faults: tuple[Fault, ...], position: Position
) -> tuple[Written, tuple[Release, ...]]:
    """The answer to a replay, and what leaves quarantine: all whose events the log has now."""
    outcomes = [ReplayOutcome.DUPLICATE] * len(replay.entries)
    sources = [""] * len(replay.entries)
    page_sources = admission.page.column("source")
    for row, (index, novelty) in enumerate(zip(admission.index.tolist(), outcome.tolist(), strict=True)):
        place = replay.of_row[index]
        sources[place] = page_sources[row].as_py()
        if novelty == Novelty.NEW:
            outcomes[place] = ReplayOutcome.ACCEPTED
    for fault in faults:
        outcomes[replay.of_row[fault.index]] = ReplayOutcome.REJECTED
    releases = [
        Release(name, sources[place], outcomes[place] == ReplayOutcome.ACCEPTED)
        for place, (name, _) in enumerate(replay.entries)
        if outcomes[place] != ReplayOutcome.REJECTED
    ]
    names = tuple(replay.entries[replay.of_row[fault.index]][0] for fault in faults)
    tally = IntakeCounts(*(outcomes.count(one) for one in _REPLAYED))
    return Written(tally, faults, names, position, replay, tuple(outcomes)), tuple(releases)


def _conflicts(admission: Admission, outcome: NDArray[np.int8]) -> list[tuple[Fault, ...]]:
    found: list[list[Fault]] = [[] for _ in admission.faults]
    rows = np.flatnonzero(outcome == Novelty.CONFLICT)
    owners = np.searchsorted(admission.bounds, rows, "right") - 1
    sources = admission.page.column("source")
    for row, owner in zip(rows.tolist(), owners.tolist(), strict=True):
        index, source = int(admission.index[row]), sources[row].as_py()
        found[owner].append(Fault(index, "id", "EVENT_ID_CONFLICT", MESSAGES["EVENT_ID_CONFLICT"], source))
    return [tuple(faults) for faults in found]


def replayed(batch: IncomingBatch, first: Mapping[UUID, StoredAnswer]) -> bytes | Exception | None:
    """What is answered to a request id that was answered before; None: it was not."""
    if batch.request_id is None or batch.request_id not in first:
        return None
    answer = first[batch.request_id]
    if answer.fingerprint != batch.fingerprint:
        return request_id_reused()
    return answer.answer
