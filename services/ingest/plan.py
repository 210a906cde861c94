"""What one commit writes: many callers' batches, judged together, become segments, counts and answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.deduplication import Outcome
from services.ingest.findings import MESSAGES
from services.ingest.hashing import Hashes
from services.ingest.joining import join
from services.ingest.model import Batch, Fault, Segment, Tally
from services.ingest.segments import cut


@dataclass(frozen=True)
class Gathering:
    """The admitted events of several batches, in order; `bounds` are where each batch begins, and the end."""

    page: pa.RecordBatch
    id_hashes: Hashes
    case_hashes: Hashes
    bounds: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    segments: tuple[Segment, ...]
    id_hashes: Hashes
    tallies: dict[str, Tally]
    faults: tuple[tuple[Fault, ...], ...]
    batch_tallies: tuple[Tally, ...]

    @property
    def byte_count(self) -> int:
        return sum(len(segment.events) for segment in self.segments)

    @property
    def time_max_us(self) -> int | None:
        return max((segment.time_max_us for segment in self.segments), default=None)

    def moved(self, next_offsets: Sequence[int]) -> tuple[int, ...]:
        """The next offset of each partition after this plan is written."""
        offsets = list(next_offsets)
        for segment in self.segments:
            offsets[segment.partition] += segment.event_count
        return tuple(offsets)


def gather(batches: Sequence[Batch]) -> Gathering:
    admissions = [batch.admission for batch in batches]
    return Gathering(
        page=join([admission.page for admission in admissions]),
        id_hashes=np.concatenate([admission.id_hashes for admission in admissions]),
        case_hashes=np.concatenate([admission.case_hashes for admission in admissions]),
        bounds=np.cumsum([0, *(admission.page.num_rows for admission in admissions)]),
    )


def plan(
    batches: Sequence[Batch], gathering: Gathering, outcome: NDArray[np.int8], next_offsets: Sequence[int]
) -> Plan:
    """`outcome` says for each gathered event whether it is new, a duplicate or a conflict."""
    page, ids, cases = gathering.page, gathering.id_hashes, gathering.case_hashes
    plain = not outcome.any()
    conflicts = [()] * len(batches) if plain else _conflicts(batches, gathering, outcome)
    faults = tuple(batch.admission.faults + found for batch, found in zip(batches, conflicts, strict=True))
    if not plain:
        new = np.flatnonzero(outcome == Outcome.NEW)
        page, ids, cases = page.take(pa.array(new)), ids[new], cases[new]
    return Plan(
        segments=cut(page, ids, cases, next_offsets) if page.num_rows else (),
        id_hashes=ids,
        tallies=_by_source(gathering.page, outcome, faults),
        faults=faults,
        batch_tallies=_by_batch(gathering.bounds, outcome, faults),
    )


def _conflicts(batches: Sequence[Batch], gathering: Gathering, outcome: NDArray[np.int8]) -> list[tuple[Fault, ...]]:
    found: list[list[Fault]] = [[] for _ in batches]
    rows = np.flatnonzero(outcome == Outcome.CONFLICT)
    owners = np.searchsorted(gathering.bounds, rows, "right") - 1
    sources = gathering.page.column("source")
    for row, owner in zip(rows.tolist(), owners.tolist(), strict=True):
        index = int(batches[owner].admission.index[row - gathering.bounds[owner]])
        found[owner].append(
            Fault(index, "id", "EVENT_ID_CONFLICT", MESSAGES["EVENT_ID_CONFLICT"], sources[row].as_py())
        )
    return [tuple(faults) for faults in found]


def _by_source(page: pa.RecordBatch, outcome: NDArray[np.int8], faults: Sequence[Sequence[Fault]]) -> dict[str, Tally]:
    column = page.column("source")
    names: list[str] = column.dictionary.to_pylist()
    codes = column.indices.to_numpy(zero_copy_only=False)
    # One count over pairs of outcome and source.
    pairs = np.bincount(outcome * np.int64(len(names)) + codes, minlength=3 * len(names)).reshape(3, len(names))
    accepted, duplicate = pairs[Outcome.NEW].tolist(), pairs[Outcome.DUPLICATE].tolist()
    came: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    for name, accepted_count, duplicate_count in zip(names, accepted, duplicate, strict=True):
        came[name] += accepted_count
        repeated[name] += duplicate_count
    refused = Counter(fault.source for some in faults for fault in some)
    tallies = {name: Tally(came[name], repeated[name], refused[name]) for name in sorted({*came, *refused})}
    return {name: tally for name, tally in tallies.items() if tally.received}


def _by_batch(
    bounds: NDArray[np.int64], outcome: NDArray[np.int8], faults: Sequence[Sequence[Fault]]
) -> tuple[Tally, ...]:
    tallies = []
    for begin, end, refused in zip(bounds[:-1], bounds[1:], faults, strict=True):
        counts = np.bincount(outcome[begin:end], minlength=3)
        tallies.append(Tally(int(counts[Outcome.NEW]), int(counts[Outcome.DUPLICATE]), len(refused)))
    return tuple(tallies)


def reasons(faults: Sequence[Sequence[Fault]]) -> dict[tuple[str, str], int]:
    """How often each source's events were refused, by reason."""
    return dict(Counter((fault.source, fault.reason) for some in faults for fault in some))
