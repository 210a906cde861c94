"""ArchiveService: old events leave the database for files, which are listed and verified."""

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import structlog
from andon.ingest.v1 import archive_pb2, archive_pb2_grpc

from services.ingest.log.archive import ArchiveDamaged, ArchiveFile, SegmentArchive
from services.ingest.log.parquet_segments import packed
from services.ingest.model import TenantId
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire.times import timestamp
from services.ingest.workers import AT_ONCE_ROWS_MAX, computed
from services.ingest.writer.interface import IngestStore
from services.runtime.errors import FailedPrecondition
from services.runtime.page_tokens import page_size, page_token, place_of

LISTED, LISTED_MAX = 100, 1_000
VERIFIED, VERIFIED_MAX = 10, 100
_MANY = AT_ONCE_ROWS_MAX + 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Archived:
    """What one step moved."""

    segments: int = 0
    events: int = 0
    files: int = 0
    more: bool = False


class Archiver:
    """Moves what is due of a tenant's log, some at a time.

    Theory of operation. A step packs the segments that are due into files, stores them, reads them back and compares,
    and only then records them in one transaction, in which the events leave the database. A file is named after its
    content, so a step that was broken off anywhere before the transaction is done again with the same result; after it,
    nothing is due any more. Two processes may store the same file, and one of them records it.
    """

    def __init__(
        self, store: IngestStore, archive: SegmentArchive, clock_us: Any, after_us: int, file_bytes_max: int
    ) -> None:
        self._store = store
        self._archive = archive
        self._clock_us = clock_us
        self._after_us = after_us
        self._file_bytes_max = file_bytes_max

    async def step(self, tenant: TenantId, validate_only: bool = False) -> Archived:
        book = self._store.archive_book(tenant)
        positions, more = await book.due(self._clock_us(), self._after_us, self._file_bytes_max)
        segments = await book.segments(positions) if positions else []
        if not segments:
            return Archived(more=more)
        files = await computed(_MANY, partial(packed, segments))
        if not validate_only:
            for file in files:
                digest = sha256(file.content).digest()
                first, last = file.segments[0].position, file.segments[-1].position
                key = f"{tenant}/{first:012d}-{last:012d}-{digest.hex()[:16]}.parquet"
                await self._archive.store(key, file.content)
                if sha256(await self._archive.content(key)).digest() != digest:
                    raise ArchiveDamaged(f"{key} does not read as it was written")
                await book.record(key, file, digest)
        return Archived(len(segments), sum(file.event_count for file in files), len(files), more)

    async def run(self, tenant: TenantId) -> None:
        """Everything that is due."""
        moved, more = 0, True
        while more:
            done = await self.step(tenant)
            moved, more = moved + done.events, done.more and done.events > 0
        if moved:
            log.info("events were archived", tenant=tenant, events=moved)


class ArchiveServicer(archive_pb2_grpc.ArchiveServiceServicer):
    """archive, archiver: absent where no place is configured."""

    def __init__(self, requests: RequestContext, archive: SegmentArchive | None, archiver: Archiver | None) -> None:
        self._requests = requests
        self._archive = archive
        self._archiver = archiver

    async def GetArchive(self, request: archive_pb2.GetArchiveRequest, context: Any) -> archive_pb2.GetArchiveResponse:
        tenant = (await self._requests.log()).tenant
        totals = await self._requests.store.archive_book(tenant).totals()
        return archive_pb2.GetArchiveResponse(
            configured=self._archive is not None,
            file_count=totals.files,
            event_count=totals.events,
            byte_count=totals.bytes,
        )

    async def ListArchiveFiles(
        self, request: archive_pb2.ListArchiveFilesRequest, context: Any
    ) -> archive_pb2.ListArchiveFilesResponse:
        files, more = await self._page(request, page_size(request.page_size, LISTED, LISTED_MAX))
        shown = [
            archive_pb2.ArchiveFile(
                key=file.key,
                segment_count=file.segment_count,
                event_count=file.event_count,
                byte_count=file.byte_count,
                sha256=file.sha256.hex(),
                archive_time=timestamp(file.archived_at_us),
                commit_time_first=timestamp(file.first_at_us),
                commit_time_last=timestamp(file.last_at_us),
            )
            for file in files
        ]
        return archive_pb2.ListArchiveFilesResponse(files=shown, next_page_token=more)

    async def ArchiveEvents(
        self, request: archive_pb2.ArchiveEventsRequest, context: Any
    ) -> archive_pb2.ArchiveEventsResponse:
        if self._archiver is None:
            raise _missing()
        tenant = (await self._requests.log()).tenant
        done = await self._archiver.step(tenant, request.validate_only)
        return archive_pb2.ArchiveEventsResponse(
            segment_count=done.segments, event_count=done.events, file_count=done.files, complete=not done.more
        )

    async def VerifyArchive(
        self, request: archive_pb2.VerifyArchiveRequest, context: Any
    ) -> archive_pb2.VerifyArchiveResponse:
        if self._archive is None:
            raise _missing()
        files, more = await self._page(request, page_size(request.page_size, VERIFIED, VERIFIED_MAX))
        response = archive_pb2.VerifyArchiveResponse(file_count=len(files), next_page_token=more)
        for file in files:
            response.byte_count += file.byte_count
            reason = await self._fault(file)
            if reason:
                response.faults.add(key=file.key, reason=reason)
        return response

    async def _fault(self, file: ArchiveFile) -> str:
        assert self._archive is not None
        try:
            content = await self._archive.content(file.key)
        except ArchiveDamaged:
            return "ARCHIVE_FILE_MISSING"
        same = await computed(_MANY, lambda: sha256(content).digest() == file.sha256)
        return "" if same else "ARCHIVE_FILE_CHANGED"

    async def _page(self, request: Any, size: int) -> tuple[list[ArchiveFile], str]:
        (after,) = place_of(request, 0)
        tenant = (await self._requests.log()).tenant
        found = await self._requests.store.archive_book(tenant).files(after, size + 1)
        return found[:size], page_token(request, found[size - 1].id) if len(found) > size else ""


def _missing() -> FailedPrecondition:
    return FailedPrecondition("ARCHIVE_MISSING", "the service has no archive: its setting archive_url is empty")
