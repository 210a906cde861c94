"""A watched folder: a file is loaded to its last row before it is moved to done/, and a refused one to failed/."""

from __future__ import annotations

import asyncio
import json
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import structlog
from andon_client.bookmark import Bookmark
from andon_client.load_report import LoadReport
from andon_client.loading import load, register_source
from andon_records.batches import Batch, batches_of
from andon_records.files.readers import RecordFile, inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import CsvMapping, load_mapping
from andon_records.messages import LoadError

from services.bridge.connections import BadConnections, FolderConnection
from services.bridge.metrics import metrics

if TYPE_CHECKING:
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub

DONE, FAILED, REPORT = "done", "failed", ".report.json"

log = structlog.get_logger(__name__)


class WatchedFolder:
    """`marks`: where it is stored how far a file was loaded."""

    def __init__(self, connection: FolderConnection, ingest: IngestServiceAsyncStub, marks: Path) -> None:
        self._connection = connection
        self._folder = Path(connection.path)
        self._ingest = ingest
        self._marks = marks

    async def run(self) -> None:
        """Raises BadConnections where the mapping is at fault, or of another source."""
        await asyncio.to_thread(self._mapping)
        for name in (DONE, FAILED):
            await asyncio.to_thread((self._folder / name).mkdir, parents=True, exist_ok=True)
        while True:
            for file in await asyncio.to_thread(self._settled):
                await self._take(file)
            await asyncio.sleep(self._connection.every_s)

    def _settled(self) -> list[Path]:
        """Files that nobody is writing any more, the oldest first."""
        files = (file for file in self._folder.iterdir() if fnmatch(file.name, self._connection.pattern))
        found = [(file.stat().st_mtime, file) for file in files if file.is_file() and not file.name.startswith(".")]
        latest = time.time() - self._connection.settle_s
        return [file for modified, file in sorted(found) if modified <= latest]

    async def _take(self, file: Path) -> None:
        try:
            report = await self._loaded(file)
        except LoadError as error:
            document: dict[str, object] = {"file": file.name, "error": error.what.text("en")}
            await asyncio.to_thread(self._move, file, FAILED, document)
        else:
            await asyncio.to_thread(self._move, file, DONE, {"file": file.name, **report.document()})

    async def _loaded(self, file: Path) -> LoadReport:
        """Raises LoadError where the file, or every row of its beginning, is none of the mapping."""
        layout, mapping, mark = await asyncio.to_thread(self._inspected, file)
        await register_source(self._ingest, mapping)

        def on_written(batch: Batch, report: LoadReport) -> None:
            mark.store(batch.last_row)

        def on_break(error: grpc.aio.AioRpcError) -> None:
            log.warning("load broken off, it goes on", connection=self._connection.name, code=error.code().name)

        report = await load(self._ingest, batches_of(layout, mapping, mark.rows()), on_written, on_break)
        for outcome in ("accepted", "duplicate", "quarantined"):
            metrics.add(
                "andon.bridge.records", getattr(report, outcome), outcome=outcome, connection=self._connection.name
            )
        return report

    def _inspected(self, file: Path) -> tuple[RecordFile, CsvMapping, Bookmark]:
        given, identity = self._mapping()
        layout, mapping, _ = inspect_or_propose(file, given, SourceChoice(self._connection.source))
        return layout, mapping, Bookmark(self._marks, file, identity)

    def _mapping(self) -> tuple[CsvMapping | None, bytes]:
        """As it is now, and what it is known by."""
        connection = self._connection
        if not connection.mapping:
            return None, b""
        path = Path(connection.mapping)
        try:
            mapping = load_mapping(path)
        except LoadError as error:
            raise BadConnections(f"{connection.name}: {error.what.text('en')}") from error
        if mapping.source != connection.source:
            raise BadConnections(f"{connection.name}: the mapping is of source {mapping.source}")
        return mapping, path.read_bytes()

    def _move(self, file: Path, to: str, report: dict[str, object]) -> None:
        """A file of a name that is there already gets another one: what was loaded is never overwritten."""
        target, number = self._folder / to / file.name, 1
        while target.exists():
            number += 1
            target = self._folder / to / f"{file.stem}.{number}{file.suffix}"
        # The report first: a file without one was not finished.
        text = json.dumps(report, ensure_ascii=False, indent=1)
        target.with_name(target.name + REPORT).write_text(text, encoding="utf-8")
        file.rename(target)
        metrics.add("andon.bridge.files", connection=self._connection.name, outcome=to)
        log.info("file taken", connection=self._connection.name, outcome=to)
