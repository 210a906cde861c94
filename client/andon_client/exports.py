"""Events of the log into a file: read by cursor, spooled on disk, written case by case or in the order of the log."""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
from andon.common.v1.interval_pb2 import Interval
from andon.ingest.v1 import ingest_pb2
from andon_records.writers.corrections import Corrected, chosen
from andon_records.writers.event_spool import EventSpool, Exported, partitions_for
from andon_records.writers.ocel_logs import write_ocel_json, write_ocel_sqlite, write_ocel_xml
from andon_records.writers.table_files import write_csv, write_parquet
from andon_records.writers.xes_log import write_xes

from andon_client.export_formats import ExportFormat
from andon_client.follow import follow
from andon_client.suite import Suite

# What corrections name, and where, of every event of the log.
_CORRECTION_COLUMNS = ("source", "case_id", "supersedes", "retracts")


_BY_CASE = (ExportFormat.XES, ExportFormat.OCEL_JSON, ExportFormat.OCEL_XML, ExportFormat.OCEL_SQLITE)


@dataclass(frozen=True)
class ExportWish:
    """What goes into a file. history: corrected events too, with what corrects them. sources: none means every one.

    zone: of times in CSV; every other format has UTC. case_object: in OCEL, the name of the type that cases are.
    """

    form: ExportFormat
    interval: Interval = field(default_factory=Interval)
    sources: frozenset[str] = frozenset()
    history: bool = False
    zone: str = "UTC"
    case_object: str = "case"

    def micros(self, bound: str) -> int | None:
        given = {"start": self.interval.start, "end": self.interval.end}[bound]
        return given.ToMicroseconds() if self.interval.HasField(bound) else None  # type: ignore[arg-type]


async def export_events(
    suite: Suite, file: Path, wish: ExportWish, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Exported:
    """Writes the events that the log has now; says what was written. on_progress: events read, of how many.

    Memory: some batches, and a partition of cases while they are written. Disk: the events once more.
    """
    bounds = await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    total, done = bounds.event_count * (1 if wish.history else 2), 0
    corrected = Corrected()
    if not wish.history:
        # A correction may lie outside of the span that is exported.
        async for batch in _batches(suite, ingest_pb2.ReadEventsRequest(columns=_CORRECTION_COLUMNS)):
            corrected.note(batch)
            done += batch.num_rows
            on_progress(done, total)
    partitions = partitions_for(bounds.event_count) if wish.form in _BY_CASE else 1
    with EventSpool(partitions, None if wish.history else corrected.left) as spool:
        start_us, end_us = wish.micros("start"), wish.micros("end")
        async for batch in _batches(suite, ingest_pb2.ReadEventsRequest(interval=wish.interval)):
            # What was corrected since the first pass is corrected here too.
            corrected.note(batch)
            await asyncio.to_thread(spool.add, chosen(batch, start_us, end_us, wish.sources))
            done += batch.num_rows
            on_progress(done, total)
        await asyncio.to_thread(_write, spool, file, wish)
        return await asyncio.to_thread(spool.written)


async def _batches(suite: Suite, request: ingest_pb2.ReadEventsRequest) -> AsyncIterator[pa.RecordBatch]:
    """The pages of the log from its beginning to its head, over breaks of the connection."""
    request.encoding = ingest_pb2.ENCODING_ARROW

    def opened(after: str) -> AsyncIterator[ingest_pb2.ReadEventsResponse]:
        again = ingest_pb2.ReadEventsRequest()
        again.CopyFrom(request)
        again.after = after
        return cast(AsyncIterator[ingest_pb2.ReadEventsResponse], suite.ingest.ReadEvents(again))

    async for response in follow(opened):
        for page in response.pages:
            if page.events.arrow_ipc:
                for batch in pa.ipc.open_stream(page.events.arrow_ipc):
                    yield batch


def _write(spool: EventSpool, file: Path, wish: ExportWish) -> None:
    """Under another name first, so that a broken export leaves no file that looks whole."""
    spool.flush()
    with tempfile.TemporaryDirectory(prefix=".andon-", dir=file.parent) as folder:
        draft = Path(folder) / file.name
        if wish.form is ExportFormat.OCEL_SQLITE:
            write_ocel_sqlite(spool, draft, wish.case_object)
        else:
            with closing(_opened(draft)) as target:
                match wish.form:
                    case ExportFormat.XES:
                        write_xes(spool, target)
                    case ExportFormat.OCEL_JSON:
                        write_ocel_json(spool, target, wish.case_object)
                    case ExportFormat.OCEL_XML:
                        write_ocel_xml(spool, target, wish.case_object)
                    case ExportFormat.PARQUET:
                        write_parquet(spool, target)
                    case _:
                        write_csv(spool, target, wish.zone)
        draft.replace(file)


def _opened(path: Path) -> IO[bytes]:
    if path.name.endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, "wb", compresslevel=6))
    return path.open("wb")
