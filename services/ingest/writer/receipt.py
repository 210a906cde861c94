"""What the registry records of a commit: its counts, what was refused, and the answers to request ids."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import codes_of
from services.ingest.known.deduplication import Novelty
from services.ingest.log.records import LogHead
from services.ingest.model import Admission, Arrival, Fault, IntakeCounts, Written
from services.ingest.registry.quarantine import quarantine_id, sealed
from services.ingest.registry.records import SealedEvent, StoredAnswer
from services.ingest.writer.queue import BatchPart, merged


@dataclass(frozen=True)
class Codec:
    """How batches and answers look outside: given by `wire`, which knows the contract."""

    as_sent: Callable[[Arrival, int], bytes]
    answer: Callable[[Written, LogHead], bytes]


def stored_answers(
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


def sealed_event(arrival: Arrival, fault: Fault, codec: Codec, key: bytes) -> SealedEvent:
    event = codec.as_sent(arrival, fault.index)
    name = quarantine_id(key, event, fault)
    return SealedEvent(name, fault.source, fault.index, fault.field, fault.reason, sealed(key, name, event))


def counts_by_source(
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


def cleaned_values(admission: Admission, outcome: NDArray[np.int8]) -> dict[tuple[str, str, str], int]:
    """Values by source, rule and field, of all events but conflicts; without rule and field: events."""
    if not admission.cleaned:
        return {}
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
