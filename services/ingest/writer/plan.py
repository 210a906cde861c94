"""What one commit writes: many callers' batches, judged together, become segments, counts and answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.faults import MESSAGES
from services.ingest.columns import codes_of
from services.ingest.hashes import Hashes
from services.ingest.known.deduplication import Novelty
from services.ingest.log.segments import cut
from services.ingest.model import Admission, Fault, IntakeCounts, Segment, SourceId


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

    def moved(self, next_offsets: Sequence[int]) -> tuple[int, ...]:
        """The next offset of each partition after this plan is written."""
        offsets = list(next_offsets)
        for segment in self.segments:
            offsets[segment.partition] += segment.event_count
        return tuple(offsets)


def plan(admission: Admission, outcome: NDArray[np.int8], next_offsets: Sequence[int]) -> CommitPlan:
    """`outcome` says for each admitted event whether it is new, a duplicate or a conflict."""
    page, ids, cases = admission.page, admission.id_hashes, admission.case_hashes
    faults = admission.faults
    if outcome.any():
        faults = tuple(known + found for known, found in zip(faults, _conflicts(admission, outcome), strict=True))
        new = np.flatnonzero(outcome == Novelty.NEW)
        page, ids, cases = page.take(pa.array(new)), ids[new], cases[new]
    return CommitPlan(
        segments=cut(page, ids, cases, next_offsets) if page.num_rows else (),
        id_hashes=ids,
        sources=admission.sources,
        tallies=_by_source(admission.page, outcome, faults),
        source_times=_latest_by_source(page),
        faults=faults,
        batch_tallies=_by_batch(admission.bounds, outcome, faults),
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


def _by_batch(
    bounds: NDArray[np.int64], outcome: NDArray[np.int8], faults: Sequence[Sequence[Fault]]
) -> tuple[IntakeCounts, ...]:
    tallies = []
    for begin, end, refused in zip(bounds[:-1], bounds[1:], faults, strict=True):
        counts = np.bincount(outcome[begin:end], minlength=3)
        tallies.append(IntakeCounts(int(counts[Novelty.NEW]), int(counts[Novelty.DUPLICATE]), len(refused)))
    return tuple(tallies)


def reasons(faults: Sequence[Sequence[Fault]]) -> dict[tuple[str, str], int]:
    """How often each source's events were refused, by reason."""
    return dict(Counter((fault.source, fault.reason) for some in faults for fault in some))
