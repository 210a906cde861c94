"""Load a file into ingest: columns, many batches in flight, every row answered for, resumable."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pyarrow as pa
import pyarrow.csv
from andon.common.v1 import errors_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2, source_pb2

from andon_client.follow import Backoff, is_retryable
from andon_client.mapping import Applied, CsvMapping, MalformedMapping, apply_mapping
from andon_client.whole_files import write_whole

if TYPE_CHECKING:
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub

BATCH_ROWS = 5_000
BATCHES_IN_FLIGHT = 16
REJECTIONS_SHOWN = 20


@dataclass(frozen=True)
class Rejected:
    row: int
    field: str
    reason: str
    message: str


@dataclass
class LoadReport:
    """What became of the rows: received = accepted + duplicate + quarantined."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    skipped: int = 0
    through: str = ""
    by_reason: Counter[str] = field(default_factory=Counter)
    unparsed: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, batch: Batch, written: ingest_pb2.WriteEventsResponse) -> None:
        self.received += batch.rows
        self.accepted += written.accepted
        self.duplicate += written.duplicate
        self.quarantined += written.quarantined
        self.through = written.through or self.through
        self.unparsed.update(batch.unparsed)
        for entry in written.rejections:
            reason = errors_pb2.ErrorReason.Name(entry.reason).removeprefix("ERROR_REASON_")
            self.by_reason[reason] += 1
            if len(self.rejected) < REJECTIONS_SHOWN:
                self.rejected.append(Rejected(batch.first_row + entry.index, entry.field, reason, entry.message))


@dataclass(frozen=True)
class Batch:
    sequence: int
    first_row: int
    rows: int
    arrow_ipc: bytes
    unparsed: dict[str, int]
    bytes_read: int


def read_batches(path: Path, mapping: CsvMapping, skip_rows: int = 0, batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
    """The file as Arrow batches of at most `batch_rows` events; row 1 is the first below the header."""
    with path.open("rb") as file, contextlib.ExitStack() as stack:
        stream = stack.enter_context(gzip.open(file)) if path.suffix == ".gz" else file
        sequence, row = 0, 1
        for table in _tables(stream, mapping):
            for start in range(0, table.num_rows, batch_rows):
                piece = table.slice(start, batch_rows)
                if row > skip_rows:
                    yield _batch(sequence, row, apply_mapping(mapping, piece), file.tell())
                    sequence += 1
                row += piece.num_rows


def _tables(stream: object, mapping: CsvMapping) -> Iterator[pa.RecordBatch]:
    wanted = mapping.columns()
    try:
        reader = pyarrow.csv.open_csv(
            stream,
            # One reading thread: batches must come in file order with the file's own position.
            read_options=pyarrow.csv.ReadOptions(block_size=4 << 20, use_threads=False, encoding=mapping.encoding),
            parse_options=pyarrow.csv.ParseOptions(delimiter=mapping.delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=wanted, column_types=dict.fromkeys(wanted, pa.utf8()), strings_can_be_null=False
            ),
        )
        yield from reader
    except pa.ArrowKeyError as error:
        raise MalformedMapping(f"the file has no such column: {error}") from error
    except pa.ArrowInvalid as error:
        raise MalformedMapping(f"the file cannot be read as CSV: {error}") from error


def _batch(sequence: int, row: int, applied: Applied, bytes_read: int) -> Batch:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, applied.events.schema) as writer:
        writer.write_batch(applied.events)
    body = sink.getvalue().to_pybytes()
    return Batch(sequence, row, applied.events.num_rows, body, dict(applied.unparsed), bytes_read)


async def register_source(ingest: IngestServiceAsyncStub, mapping: CsvMapping) -> None:
    """Makes the source with the mapping's privacy policy; one that exists is left as it is."""
    source = source_pb2.Source(
        kind=source_pb2.SOURCE_KIND_EVENT_LOG,
        resources_are_not_persons=mapping.resources_are_not_persons,
        personal_attributes=mapping.personal_attributes,
    )
    try:
        await ingest.CreateSource(ingest_pb2.CreateSourceRequest(source_id=mapping.source, source=source))
    except grpc.aio.AioRpcError as error:
        # Who may write but not define sources gets the server's safe defaults.
        if error.code() not in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.PERMISSION_DENIED):
            raise


async def load(
    ingest: IngestServiceAsyncStub,
    batches: Iterator[Batch],
    on_written: Callable[[Batch, LoadReport], None] = lambda batch, report: None,
    on_break: Callable[[grpc.aio.AioRpcError], None] = lambda error: None,
) -> LoadReport:
    """Sends every batch and waits until all are durable.

    A broken call is opened anew and what was not answered is sent again: event ids make that safe.
    """
    report, unanswered, attempt = LoadReport(), deque[Batch](), 0
    pace, source = Backoff(), _ReadAhead(batches)
    while True:
        try:
            async for batch, written in _exchange(ingest, unanswered, source):
                attempt = 0
                report.add(batch, written)
                on_written(batch, report)
            return report
        except grpc.aio.AioRpcError as error:
            if not is_retryable(error):
                raise
            on_break(error)
        await asyncio.sleep(pace.delay_s(attempt, lambda: 1.0))
        attempt += 1


class _ReadAhead:
    """Reads and converts the next batch in a thread while answers are awaited."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._pending: asyncio.Task[Batch | None] | None = None

    async def ready(self) -> None:
        # Shielded: a call that breaks while this waits must not lose the batch that is being read.
        if self._pending is None:
            self._pending = asyncio.create_task(asyncio.to_thread(next, self._batches, None))
        await asyncio.shield(self._pending)

    def take(self) -> Batch | None:
        """What is ready; None at the end."""
        assert self._pending is not None
        batch = self._pending.result()
        if batch is not None:
            self._pending = None
        return batch


async def _exchange(
    ingest: IngestServiceAsyncStub, unanswered: deque[Batch], source: _ReadAhead
) -> AsyncIterator[tuple[Batch, ingest_pb2.WriteEventsResponse]]:
    """One call: what is unanswered first, then new batches; yields each with its answer."""
    room = asyncio.Semaphore(max(0, BATCHES_IN_FLIGHT - len(unanswered)))
    again, over = list(unanswered), asyncio.Event()

    async def requests() -> AsyncIterator[ingest_pb2.StreamEventsRequest]:
        for batch in again:
            yield _request(batch)
        while True:
            await room.acquire()
            await source.ready()
            # gRPC may still ask on behalf of a call that has broken: the batch belongs to the next one.
            if over.is_set():
                return
            batch_or_end = source.take()
            if batch_or_end is None:
                return
            unanswered.append(batch_or_end)
            yield _request(batch_or_end)

    try:
        async for response in ingest.StreamEvents(requests()):
            batch = unanswered.popleft()
            room.release()
            yield batch, response.written
    finally:
        over.set()


def _request(batch: Batch) -> ingest_pb2.StreamEventsRequest:
    return ingest_pb2.StreamEventsRequest(
        batch=event_pb2.EventBatch(arrow_ipc=batch.arrow_ipc), sequence=batch.sequence
    )


class Bookmark:
    """How many rows of a file are durable, kept beside the connection: a broken load goes on where it stopped."""

    def __init__(self, folder: Path, file: Path, mapping_file: Path) -> None:
        state = file.stat()
        identity = f"{file.resolve()}|{state.st_size}|{state.st_mtime_ns}|{mapping_file.read_text(encoding='utf-8')}"
        self._path = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"

    def rows(self) -> int:
        try:
            return int(json.loads(self._path.read_text(encoding="utf-8"))["rows"])
        except (FileNotFoundError, ValueError, KeyError):
            return 0

    def keep(self, rows: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps({"rows": rows}))

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
