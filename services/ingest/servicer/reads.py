"""ReadEvents, ReadCases, GetWatchBounds, GetIntakeCounts, GetLogVocabulary."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from andon.ingest.v1 import event_pb2, ingest_pb2

from services.ingest import wire
from services.ingest.admission.own_source import ENTITY
from services.ingest.columns import select
from services.ingest.known.case_index import events_of
from services.ingest.log.records import Commit, PageFilter, StoredPage, StoredSegment
from services.ingest.log.segments import decoded, encoded
from services.ingest.log.tail import LogSlice
from services.ingest.log.watermarks import SourceWatermarks
from services.ingest.metrics import metrics
from services.ingest.model import ATTRIBUTE_PREFIX, ID_CHARS_MAX, SECOND_US
from services.ingest.registry.entities.resolution import entity_field
from services.ingest.servicer.entity_links import of_cases, restated_at
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire.times import duration, micros, timestamp
from services.runtime.cursors import CursorCodec
from services.runtime.errors import invalid

CASE_IDS_MAX = 10_000
CASE_COMMITS_AT_ONCE = 16
_ROWS = ingest_pb2.ENCODING_ROWS
# What a message adds to the batch that it holds, at most.
_FRAME_BYTES = 64
# What a page adds to its events, and each traceparent to a page.
_PAGE_BYTES = 64
# A client reads 4 MiB by default; the rest is for what a response says besides its pages.
ROW_BYTES_MAX = 3_500_000


class ReadRpcs:
    requests: RequestContext

    async def ReadEvents(
        self, request: ingest_pb2.ReadEventsRequest, context: Any
    ) -> AsyncIterator[ingest_pb2.ReadEventsResponse]:
        log = await self.requests.log()
        stored = self.requests.store.log(log.tenant)
        head = await stored.head()
        cursors = CursorCodec(head.origin)
        after = cursors.watch_start(request.after, head.oldest_position, head.position, otherwise=head.oldest_position)
        watermarks = SourceWatermarks(await stored.watermarks(after))
        selection = _selection(request, len(head.next_offsets))
        if request.follow:
            reads = log.tail.follow(after, selection, micros(request.heartbeat) / SECOND_US)
        else:
            reads = log.tail.replay(after, selection)
        async for logged in reads:
            found = await self.requests.entity_links.added(log.tenant, logged)
            # Rows are larger than what is stored, and nobody knows by how much: each commit goes by itself.
            for part in found.one_by_one() if request.encoding == _ROWS else (found,):
                *first, last = await self._row_pages(part) if request.encoding == _ROWS else [[]]
                for pages in first:
                    # Not all of the commit: who resumes reads it again from its beginning.
                    server_time = timestamp(self.requests.clock_us())
                    yield ingest_pb2.ReadEventsResponse(
                        pages=pages, through=cursors.encode(after), server_time=server_time
                    )
                yield await self._response(request, cursors, part, watermarks, last)
                after = part.through

    async def _row_pages(self, found: LogSlice) -> list[list[ingest_pb2.EventPage]]:
        """The pages of each response, at least one response: together they fit the default limit of a client."""
        bytes_max = min(ROW_BYTES_MAX, self.requests.message_bytes_max - _FRAME_BYTES)
        responses: list[list[ingest_pb2.EventPage]] = [[]]
        size = 0
        for commit, page in [(one.commit, page) for one in found.commits for page in one.pages]:
            for part in await asyncio.to_thread(_rows_to_fit, commit, page, bytes_max):
                if size and size + part.ByteSize() > bytes_max:
                    responses.append([])
                    size = 0
                responses[-1].append(part)
                size += part.ByteSize() + _FRAME_BYTES
        return responses

    async def _response(
        self,
        request: ingest_pb2.ReadEventsRequest,
        cursors: CursorCodec,
        found: LogSlice,
        watermarks: SourceWatermarks,
        made: Sequence[ingest_pb2.EventPage],
    ) -> ingest_pb2.ReadEventsResponse:
        """`made`: the pages as rows; they are none where it is Arrow."""
        watermarks.pass_over(one.commit for one in found.commits)
        pages = [(one.commit, page) for one in found.commits for page in one.pages]
        # Pages as they are stored are only passed on; to make others takes too long for a loop.
        is_selected = bool(pages and request.columns)
        response = ingest_pb2.ReadEventsResponse(
            pages=made if request.encoding == _ROWS or is_selected else [_page(request, *one) for one in pages],
            through=cursors.encode(found.through),
            source_watermarks=wire.source_watermarks(watermarks.take_moved()),
            server_time=timestamp(self.requests.clock_us()),
        )
        if watermarks.latest_us is not None:
            response.watermark.CopyFrom(timestamp(watermarks.latest_us))
        if pages:
            lag_us = max(0, self.requests.clock_us() - pages[0][0].committed_at_us)
            response.lag.CopyFrom(duration(lag_us))
            if request.follow:
                metrics.record("andon.ingest.read.lag", lag_us / SECOND_US)
        size = await asyncio.to_thread(_make_pages, response, request, pages) if is_selected else response.ByteSize()
        if size > self.requests.message_bytes_max:
            raise invalid("columns", "make this commit larger than a message: read fewer of them, or fewer partitions")
        metrics.add("andon.ingest.read.pages", len(pages))
        return response

    async def ReadCases(
        self, request: ingest_pb2.ReadCasesRequest, context: Any
    ) -> AsyncIterator[ingest_pb2.ReadCasesResponse]:
        log = await self.requests.log()
        case_ids = _case_ids(request.case_ids)
        head = await self.requests.store.log(log.tenant).head()
        cursors, through = CursorCodec(head.origin), head.position
        if request.through:
            asked = cursors.decode(request.through, field="through")
            through = cursors.check_not_beyond(asked, head.position, field="through")
        cases = self.requests.cases(log)
        positions = await cases.positions(self.requests.store.log(log.tenant), case_ids, through)
        partitions = cases.partitions(case_ids, len(head.next_offsets))
        wanted = pa.array(case_ids, pa.string())
        links = await self.requests.entity_links.through(log.tenant, through)
        restated: dict[str, int] = {}
        if links.sources:
            async with self.requests.store.session(log.tenant) as session:
                marked = await session.registry.commits_among(ENTITY, positions)
                markers = await session.log.read_segments(marked, partitions)
            restated = await asyncio.to_thread(_restated, markers, wanted)
        for first in range(0, len(positions), CASE_COMMITS_AT_ONCE):
            some = positions[first : first + CASE_COMMITS_AT_ONCE]
            stored = await self.requests.store.log(log.tenant).read_segments(some, partitions)
            for position, segment in [(each, segment) for each in some for segment in stored[each]]:
                bytes_max = self.requests.message_bytes_max - _FRAME_BYTES
                reading = partial(of_cases, links, position=position, restated=restated)
                for events in await asyncio.to_thread(_cases, segment, wanted, request.encoding, bytes_max, reading):
                    yield ingest_pb2.ReadCasesResponse(events=events)

    async def GetWatchBounds(
        self, request: ingest_pb2.GetWatchBoundsRequest, context: Any
    ) -> ingest_pb2.GetWatchBoundsResponse:
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            head = await session.log.head()
            watermarks = SourceWatermarks(await session.log.watermarks(head.position))
        cursors = CursorCodec(head.origin)
        response = ingest_pb2.GetWatchBoundsResponse(
            oldest=cursors.encode(head.oldest_position),
            newest=cursors.encode(head.position),
            partition_count=len(head.next_offsets),
            event_count=head.event_count,
            source_watermarks=wire.source_watermarks(watermarks.take_moved()),
        )
        if watermarks.latest_us is not None:
            response.watermark.CopyFrom(timestamp(watermarks.latest_us))
        return response

    async def GetIntakeCounts(
        self, request: ingest_pb2.GetIntakeCountsRequest, context: Any
    ) -> ingest_pb2.GetIntakeCountsResponse:
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            tallies, reasons = await session.registry.intake()
            cleaned = await session.registry.cleaning()
        return ingest_pb2.GetIntakeCountsResponse(counts=wire.counts(tallies, reasons, cleaned))

    async def GetLogVocabulary(
        self, request: ingest_pb2.GetLogVocabularyRequest, context: Any
    ) -> ingest_pb2.GetLogVocabularyResponse:
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            found = await session.registry.vocabulary()
            sources = await session.registry.sources()
        attributes = [(name, types, found.values(name)) for name, types in found.types.items()]
        kinds = {one.kind for source in sources.values() for one in source.entity_keys}
        # Added when events are read, so no event was written with them.
        added = sorted({entity_field(kind).removeprefix(ATTRIBUTE_PREFIX) for kind in kinds} - found.types.keys())
        attributes += [(name, ["text"], None) for name in added]
        return ingest_pb2.GetLogVocabularyResponse(
            complete=found.is_recorded and not found.is_full,
            activities=found.activities,
            attributes=[
                ingest_pb2.AttributeVocabulary(
                    name=name, types=types, values=values or (), values_complete=values is not None
                )
                for name, types, values in attributes
            ],
        )


def _selection(request: ingest_pb2.ReadEventsRequest, partition_count: int) -> PageFilter:
    beyond = [one for one in request.partitions if one >= partition_count]
    if beyond:
        raise invalid("partitions", f"partitions are 0 to {partition_count - 1}")
    if request.columns and request.encoding == _ROWS:
        raise invalid("columns", "columns are chosen in Arrow only")
    interval = request.interval
    return PageFilter(
        tuple(request.partitions) or None,
        micros(interval.start) if interval.HasField("start") else PageFilter.start_us,
        micros(interval.end) if interval.HasField("end") else PageFilter.end_us,
    )


def _case_ids(case_ids: Sequence[str]) -> list[str]:
    if not 1 <= len(case_ids) <= CASE_IDS_MAX:
        raise invalid("case_ids", f"1 to {CASE_IDS_MAX} cases")
    for index, case_id in enumerate(case_ids):
        if not 1 <= len(case_id) <= ID_CHARS_MAX:
            raise invalid(f"case_ids[{index}]", f"1 to {ID_CHARS_MAX} characters")
    return list(dict.fromkeys(case_ids))


def _page(request: ingest_pb2.ReadEventsRequest, commit: Commit, page: StoredPage) -> ingest_pb2.EventPage:
    return ingest_pb2.EventPage(
        partition=page.place.partition,
        first_offset=page.place.first_offset,
        event_count=page.event_count,
        events=_events(request, page),
        commit_time=timestamp(commit.committed_at_us),
        traceparents=commit.traceparents,
    )


def _rows_to_fit(commit: Commit, page: StoredPage, bytes_max: int) -> list[ingest_pb2.EventPage]:
    """The events of a page as rows, in as many pages as it takes."""
    parts: list[ingest_pb2.EventPage] = []
    offset = page.place.first_offset
    room = max(1, bytes_max - _PAGE_BYTES * (1 + len(commit.traceparents)))
    for events in _encoded_to_fit(decoded(page.events), _ROWS, room):
        count = len(events.rows.events)
        parts.append(
            ingest_pb2.EventPage(
                partition=page.place.partition,
                first_offset=offset,
                event_count=count,
                events=events,
                commit_time=timestamp(commit.committed_at_us),
                traceparents=commit.traceparents,
            )
        )
        offset += count
    return parts


def _make_pages(
    response: ingest_pb2.ReadEventsResponse,
    request: ingest_pb2.ReadEventsRequest,
    pages: Sequence[tuple[Commit, StoredPage]],
) -> int:
    """The size of the response with these pages in bytes."""
    response.pages.extend(_page(request, *one) for one in pages)
    return response.ByteSize()


def _cases(
    segment: StoredSegment,
    wanted: pa.Array,
    encoding: int,
    bytes_max: int,
    reading: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> list[event_pb2.EventBatch]:
    found = events_of(segment.events, wanted)
    return list(_encoded_to_fit(reading(found), encoding, bytes_max)) if found.num_rows else []


def _restated(stored: Mapping[int, Sequence[StoredSegment]], wanted: pa.Array) -> dict[str, int]:
    return restated_at(
        {position: [events_of(one.events, wanted) for one in segments] for position, segments in stored.items()}
    )


def _events(request: ingest_pb2.ReadEventsRequest, page: StoredPage) -> event_pb2.EventBatch:
    if not request.columns:
        # As it is stored: nothing is decoded.
        return wire.arrow_of(page.events)
    wanted = {"id", *request.columns}
    return wire.arrow_of(encoded(select(decoded(page.events), wanted.__contains__)))


def _encoded_to_fit(page: pa.RecordBatch, encoding: int, bytes_max: int) -> Iterator[event_pb2.EventBatch]:
    """In order; halved until each part fits."""
    batch = wire.rows_of(page) if encoding == _ROWS else wire.arrow_of(encoded(page))
    if batch.ByteSize() <= bytes_max or page.num_rows == 1:
        yield batch
        return
    middle = page.num_rows // 2
    yield from _encoded_to_fit(page.slice(0, middle), encoding, bytes_max)
    yield from _encoded_to_fit(page.slice(middle), encoding, bytes_max)
