"""Segments of the log: a page cut by partition and written as compressed Arrow, and read back."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import FIXED, FIXED_NAMES, READING, codes_of
from services.ingest.hashes import Hashes
from services.ingest.log.records import LogEntry, LogHead
from services.ingest.model import CODED_TEXT, TRACEPARENTS_MAX, Segment

_TIME = FIXED_NAMES.index("time")
_WRITING = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
# Compressing so few events takes as long as writing them, saves a fifth of the bytes, and slows every reader.
_WRITING_FEW = pa.ipc.IpcWriteOptions(use_threads=False)
_FEW_EVENTS = 64
# Fewer bytes of values than this are not worth the search for those that a piece needs.
_VALUES_BYTES_MIN = 2_048
# From so many events on it pays to leave the empty columns out of what is taken.
_MANY_EVENTS = 2_000


def entry_of(
    page: pa.RecordBatch, id_hashes: Hashes, case_hashes: Hashes, head: LogHead, traceparents: Sequence[str]
) -> LogEntry:
    """What is appended behind `head` for a page of new events, in their order."""
    segments = cut(page, id_hashes, case_hashes, head.next_offsets) if page.num_rows else ()
    next_offsets = list(head.next_offsets)
    for segment in segments:
        next_offsets[segment.partition] += segment.event_count
    codes = codes_of(page.column("source"))
    times = page.column(_TIME).view(pa.int64()).to_numpy()
    latest: dict[str, int] = {}
    for code in np.flatnonzero(np.bincount(codes)).tolist():
        # A dictionary may hold a name twice.
        name, us = page.column("source").dictionary[code].as_py(), int(times[codes == code].max())
        latest[name] = max(us, latest.get(name, us))
    return LogEntry(head.position, tuple(next_offsets), segments, latest, tuple(traceparents[:TRACEPARENTS_MAX]))


def partition_of(case_hashes: Hashes, partition_count: int) -> NDArray[np.uint8]:
    """A case always lives in one partition."""
    return ((case_hashes >> np.uint64(16)) % np.uint64(partition_count)).astype(np.uint8)


def cut(page: pa.RecordBatch, id_hashes: Hashes, case_hashes: Hashes, offsets: Sequence[int]) -> tuple[Segment, ...]:
    """`offsets` holds the next offset of each partition. Events of a partition keep their order."""
    next_offset = list(offsets)
    segments: list[Segment] = []
    for part, rows in separated(page):
        ids, cases = (id_hashes, case_hashes) if rows is None else (id_hashes[rows], case_hashes[rows])
        for segment in _cut_by_partition(part, ids, cases, next_offset):
            segments.append(segment)
            next_offset[segment.partition] += segment.event_count
    return tuple(segments)


def separated(page: pa.RecordBatch) -> list[tuple[pa.RecordBatch, NDArray[np.int64] | None]]:
    """Pages in which each name occurs once, with the rows that each took; None: the page as it is.

    Events keep the types they were sent with, so what is stored does not depend on how a sender cut its batches.
    """
    names = page.schema.names
    if len(set(names)) == len(names):
        return [(page, None)]
    signature = np.zeros(page.num_rows, dtype=np.int64)
    for name in sorted({name for name in names if names.count(name) > 1}):
        places = [place for place, other in enumerate(names) if other == name]
        choice = np.zeros(page.num_rows, dtype=np.int64)
        for code, place in enumerate(places):
            choice[np.asarray(page.column(place).is_valid())] = code
        _, signature = np.unique(signature * len(places) + choice, return_inverse=True)
    return [_subset(page, np.flatnonzero(signature == code)) for code in range(int(signature.max(initial=0)) + 1)]


def _subset(page: pa.RecordBatch, rows: NDArray[np.int64]) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    part = page.take(pa.array(rows))
    chosen: dict[str, int] = {}
    for place, name in enumerate(part.schema.names):
        if name not in chosen or part.column(place).null_count < part.num_rows:
            chosen[name] = place
    return part.select(list(chosen.values())), rows


def _cut_by_partition(
    page: pa.RecordBatch, id_hashes: Hashes, case_hashes: Hashes, offsets: Sequence[int]
) -> Iterator[Segment]:
    partitions = partition_of(case_hashes, len(offsets))
    order = partitions.argsort(kind="stable")
    counts = np.bincount(partitions, minlength=len(offsets))
    page, ids = _taken(page, order), id_hashes.astype("<u8")[order]
    once = _once(case_hashes)
    owners = partition_of(once, len(offsets))
    last_cases = np.bincount(owners, minlength=len(offsets)).cumsum()[:-1]
    cases = np.split(once.astype("<u8")[owners.argsort(kind="stable")], last_cases)
    filled = counts.nonzero()[0]
    ends = counts.cumsum()
    begins = ends - counts
    times = page.column(_TIME).view(pa.int64()).to_numpy()
    first_us = np.minimum.reduceat(times, begins[filled]).tolist()
    last_us = np.maximum.reduceat(times, begins[filled]).tolist()
    # Asked once for all pieces: most pages have few values and no gaps.
    columns = page.columns
    compact = all(column.null_count == 0 for column in columns[len(FIXED) :]) and all(
        column.dictionary.nbytes <= _VALUES_BYTES_MIN for column in columns if column.type == CODED_TEXT
    )
    for number, partition in enumerate(filled.tolist()):
        begin, end = int(begins[partition]), int(ends[partition])
        piece = page.slice(begin, end - begin)
        yield Segment(
            partition=partition,
            first_offset=offsets[partition],
            event_count=end - begin,
            time_min_us=first_us[number],
            time_max_us=last_us[number],
            id_hashes=ids[begin:end].tobytes(),
            case_hashes=cases[partition].tobytes(),
            events=encoded(piece if compact else _compact(piece)),
        )


def _taken(page: pa.RecordBatch, order: NDArray[np.int64]) -> pa.RecordBatch:
    """Like `take`, at no cost for the columns that hold nothing."""
    if len(order) < _MANY_EVENTS:
        return page.take(pa.array(order))
    rows, columns = len(order), page.columns
    filled = [place for place, column in enumerate(columns) if column.null_count < rows]
    taken = page.select(filled).take(pa.array(order))
    found = dict(zip(filled, taken.columns, strict=True))
    columns = [found[place] if place in found else pa.nulls(rows, column.type) for place, column in enumerate(columns)]
    return pa.RecordBatch.from_arrays(columns, schema=page.schema)


def _once(hashes: Hashes) -> Hashes:
    """Sorted, each once: numpy.unique at a seventh of its cost."""
    ordered = np.sort(hashes)
    first = np.empty(len(ordered), dtype=np.bool_)
    first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _compact(piece: pa.RecordBatch) -> pa.RecordBatch:
    """Without attributes that no event here has, and without values that mostly belong to other partitions."""
    columns, names = piece.columns, piece.schema.names
    for place, column in enumerate(columns):
        if column.type != CODED_TEXT:
            continue
        values = column.dictionary
        if 2 * len(values) > len(column) and values.nbytes > _VALUES_BYTES_MIN:
            plain = column.dictionary_decode()
            columns[place] = plain.dictionary_encode() if place < len(FIXED) else plain
    filled = [place for place, column in enumerate(columns) if place < len(FIXED) or column.null_count < len(column)]
    return pa.RecordBatch.from_arrays([columns[place] for place in filled], names=[names[place] for place in filled])


def encoded(page: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = _WRITING_FEW if page.num_rows < _FEW_EVENTS else _WRITING
    with pa.ipc.new_stream(sink, page.schema, options=options) as writer:
        writer.write_batch(page)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def decoded(stream: bytes) -> pa.RecordBatch:
    """Our own segments only: nothing is checked."""
    with pa.ipc.open_stream(pa.py_buffer(stream), options=READING) as reader:
        batches = list(reader)
        return batches[0] if len(batches) == 1 else pa.RecordBatch.from_pylist([], schema=reader.schema)
