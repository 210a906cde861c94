"""The log in Postgres: one row for each commit and each segment, and one that says where the log ends."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from services.ingest.log.archive import ArchiveDamaged, ArchivePlace, SegmentArchive
from services.ingest.log.records import (
    Commit,
    HashedSegment,
    LogEntry,
    LoggedCommit,
    LogHead,
    PageFilter,
    SegmentKey,
    StoredPage,
    StoredSegment,
    bounded,
)
from services.ingest.model import DEDUP_HORIZON_US, FUTURE_TOLERANCE_US, TIME_EARLIEST_US, TenantId
from services.ingest.registry.records import Receipt
from services.ingest.store.data_quality import quality_values
from services.ingest.store.schema import micros, moment, queries

Connect = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


class PostgresLog:
    """`connect` gives a connection on which the tenant's rows are visible; `connect_plain` one without a transaction.

    On a connection whose transaction is open already, all calls see one state of the log. Events that have left the
    database are read from `archive`.
    """

    def __init__(
        self, tenant: TenantId, connect: Connect, connect_plain: Connect, archive: SegmentArchive | None = None
    ) -> None:
        self._tenant = tenant
        self._archive = archive
        self._connect = connect
        self._connect_plain = connect_plain

    async def create(self, partition_count: int) -> None:
        async with self._connect() as connection:
            await connection.execute(queries.create_head, self._tenant, partition_count)

    async def head(self) -> LogHead:
        async with self._connect() as connection:
            return head_of(await connection.fetchrow(queries.read_head, self._tenant))

    async def append(self, entry: LogEntry, receipt: Receipt) -> int | None:
        # One statement: its own transaction begins and ends with it, and it says whose rows it writes.
        async with self._connect_plain() as connection:
            committed_at = await connection.fetchval(
                queries.commit_entry,
                self._tenant,
                _entry_values(entry),
                _receipt_values(receipt),
                [(*key, count) for key, count in receipt.cleaned.items()],
                *quality_values(receipt.quality),
                DEDUP_HORIZON_US,
                TIME_EARLIEST_US,
                FUTURE_TOLERANCE_US,
            )
        return None if committed_at is None else micros(committed_at)

    async def read(self, after: int, pages: PageFilter, commits_max: int, bytes_max: int) -> list[LoggedCommit]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.commits_after, self._tenant, after, commits_max)
            if not rows:
                return []
            commits = bounded([_commit(row) for row in rows], bytes_max)
            through = commits[-1].position
            chosen = None if pages.partitions is None else list(pages.partitions)
            span = (pages.start_us, pages.end_us)
            rows = await connection.fetch(queries.segments_between, self._tenant, after, through, chosen, *span)
        found: dict[int, list[StoredPage]] = {commit.position: [] for commit in commits}
        for row, events in zip(rows, await self._events(rows), strict=True):
            key = SegmentKey(row["position"], row["partition"], row["first_offset"])
            found[key.position].append(
                StoredPage(key, row["event_count"], row["time_min_us"], row["time_max_us"], events)
            )
        return [LoggedCommit(commit, tuple(found[commit.position])) for commit in commits]

    async def read_hashes(self, after: int, through: int) -> list[HashedSegment]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.hashes_after, self._tenant, after, through)
        return [HashedSegment(row["position"], row["id_hashes"], micros(row["committed_at"])) for row in rows]

    async def read_case_hashes(self, after: int, through: int) -> list[tuple[int, bytes]]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.case_hashes_after, self._tenant, after, through)
        return [(row["position"], row["case_hashes"]) for row in rows]

    async def read_segments(
        self, positions: Sequence[int], partitions: Sequence[int] | None = None
    ) -> dict[int, list[StoredSegment]]:
        chosen = None if partitions is None else list(partitions)
        async with self._connect() as connection:
            rows = await connection.fetch(queries.segments_at, self._tenant, list(positions), chosen)
        found: dict[int, list[StoredSegment]] = {position: [] for position in positions}
        for row, events in zip(rows, await self._events(rows), strict=True):
            found[row["position"]].append(StoredSegment(row["id_hashes"], events))
        return found

    async def _events(self, rows: Sequence[asyncpg.Record]) -> list[bytes]:
        """Of segments, from where they are."""
        away = [ArchivePlace(row["archive_key"], row["archive_group"]) for row in rows if row["archive_key"]]
        if not away:
            return [row["events"] for row in rows]
        if self._archive is None:
            raise ArchiveDamaged("events are archived, and no archive is configured")
        archived = iter(await self._archive.events(away))
        return [next(archived) if row["archive_key"] else row["events"] for row in rows]

    async def position_before(self, us: int) -> int:
        async with self._connect() as connection:
            return int(await connection.fetchval(queries.position_before, self._tenant, moment(us)) or 0)

    async def watermarks(self, position: int) -> dict[str, int]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.watermarks_at, self._tenant, position)
        return {row["source"]: row["time_max_us"] for row in rows}


def head_of(row: asyncpg.Record) -> LogHead:
    return LogHead(**{**row, "next_offsets": tuple(row["next_offsets"])})


def _entry_values(entry: LogEntry) -> tuple[Any, ...]:
    """In the order of the type `log_entry`."""
    return (
        entry.after,
        entry.next_offsets,
        list(entry.source_times),
        list(entry.source_times.values()),
        entry.traceparents,
        [
            (
                one.partition,
                one.first_offset,
                one.event_count,
                one.time_min_us,
                one.time_max_us,
                one.id_hashes,
                one.case_hashes,
                one.events,
            )
            for one in entry.segments
        ],
    )


def _receipt_values(receipt: Receipt) -> tuple[Any, ...]:
    """In the order of the type `receipt`."""
    return (
        [(source, one.accepted, one.duplicate, one.quarantined) for source, one in receipt.counts.items()],
        [(source, reason, count) for (source, reason), count in receipt.reasons.items()],
        [
            (one.quarantine_id, one.source, one.batch_index, one.field, one.reason, one.payload)
            for one in receipt.refused
        ],
        receipt.method,
        [(one.request_id, one.fingerprint, one.answer) for one in receipt.answers],
        receipt.new_sources,
    )


def _commit(row: asyncpg.Record) -> Commit:
    return Commit(
        row["position"],
        row["byte_count"],
        micros(row["committed_at"]),
        tuple(row["traceparents"]),
        dict(zip(row["sources"], row["times_max_us"], strict=True)),
    )
