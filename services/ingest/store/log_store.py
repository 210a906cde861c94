"""Sessions with the log: one transaction of one tenant each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from services.ingest.model import IntakeCounts, Source, SourceId, TenantId
from services.ingest.store.commits import append
from services.ingest.store.records import (
    Addition,
    Commit,
    HashedSegment,
    LogHead,
    SealedEvent,
    SegmentKey,
    StoredAnswer,
    StoredPage,
    StoredSegment,
)
from services.ingest.store.schema import micros, moment, queries
from services.runtime.database import acquire, tenant_transaction


class LogSession:
    """One transaction of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create_head(self, partition_count: int) -> None:
        await self._connection.execute(queries.create_head, self._tenant, partition_count)

    async def read_head(self) -> LogHead:
        return _head(await self._connection.fetchrow(queries.read_head, self._tenant))

    async def lock_head(self) -> LogHead:
        return _head(await self._connection.fetchrow(queries.lock_head, self._tenant))

    async def append(self, addition: Addition) -> int | None:
        return await append(self._connection, self._tenant, addition)

    async def remember(self, method: str, answers: Sequence[StoredAnswer]) -> None:
        await self._connection.execute(
            queries.remember_answers,
            self._tenant,
            method,
            [one.request_id for one in answers],
            [one.fingerprint for one in answers],
            [one.answer for one in answers],
        )

    async def answered(self, request_ids: Sequence[UUID]) -> dict[UUID, StoredAnswer]:
        rows = await self._connection.fetch(queries.answered, self._tenant, list(request_ids))
        return {row["request_id"]: StoredAnswer(**row) for row in rows}

    async def forget_answers(self) -> None:
        await self._connection.execute(queries.forget_answers, self._tenant)

    async def hashes_between(self, after: int, through: int) -> list[HashedSegment]:
        rows = await self._connection.fetch(queries.hashes_after, self._tenant, after, through)
        return [HashedSegment(row["position"], row["id_hashes"], micros(row["committed_at"])) for row in rows]

    async def case_hashes_between(self, after: int, through: int) -> list[tuple[int, bytes]]:
        rows = await self._connection.fetch(queries.case_hashes_after, self._tenant, after, through)
        return [(row["position"], row["case_hashes"]) for row in rows]

    async def last_position_before(self, us: int) -> int:
        position = await self._connection.fetchval(queries.first_position_since, self._tenant, moment(us))
        return int(position or 0)

    async def segments_at(
        self, positions: Sequence[int], partitions: Sequence[int] | None = None
    ) -> dict[int, list[StoredSegment]]:
        """The segments of some commits, by position, in log order; those without any have an empty list."""
        chosen = list(partitions) if partitions is not None else None
        rows = await self._connection.fetch(queries.segments_at, self._tenant, list(positions), chosen)
        found: dict[int, list[StoredSegment]] = {position: [] for position in positions}
        for row in rows:
            found[row["position"]].append(StoredSegment(row["id_hashes"], row["events"]))
        return found

    async def commits_after(self, after: int, count_max: int) -> list[Commit]:
        rows = await self._connection.fetch(queries.commits_after, self._tenant, after, count_max)
        return [
            Commit(
                row["position"],
                row["byte_count"],
                row["watermark_us"],
                micros(row["committed_at"]),
                tuple(row["traceparents"]),
            )
            for row in rows
        ]

    async def watermark_at(self, position: int) -> int | None:
        """The latest event time through a position; None where there is none."""
        us = await self._connection.fetchval(queries.watermark_at, self._tenant, position)
        return None if us is None else int(us)

    async def pages_between(
        self, after: int, through: int, partitions: Sequence[int] | None, start_us: int, end_us: int
    ) -> list[StoredPage]:
        chosen = list(partitions) if partitions is not None else None
        rows = await self._connection.fetch(
            queries.segments_between, self._tenant, after, through, chosen, start_us, end_us
        )
        return [StoredPage(_place(row), row["event_count"], row["events"]) for row in rows]

    async def intake(self) -> tuple[dict[str, IntakeCounts], dict[tuple[str, str], int]]:
        counts = await self._connection.fetch(queries.intake_counts, self._tenant)
        reasons = await self._connection.fetch(queries.intake_reasons, self._tenant)
        tallies = {
            row["source"]: IntakeCounts(row["accepted_count"], row["duplicate_count"], row["quarantined_count"])
            for row in counts
        }
        return tallies, {(row["source"], row["reason"]): row["quarantined_count"] for row in reasons}

    async def sources(self) -> dict[SourceId, Source]:
        rows = await self._connection.fetch(queries.sources, self._tenant)
        return {row["source"]: _source(row) for row in rows}

    async def create_source(self, source: Source) -> bool:
        """False where it exists."""
        made = await self._connection.fetchval(queries.create_source, self._tenant, source.id, *_source_values(source))
        if made is not None:
            await self._connection.execute(queries.revise_sources, self._tenant)
        return made is not None

    async def update_source(self, source: Source) -> bool:
        """False where it is no longer at `source.revision`."""
        revision = await self._connection.fetchval(
            queries.update_source, self._tenant, source.id, source.revision, *_source_values(source)
        )
        if revision is not None:
            await self._connection.execute(queries.revise_sources, self._tenant)
        return revision is not None

    async def quarantined(self, source: str, after: tuple[int, str], count_max: int) -> list[SealedEvent]:
        rows = await self._connection.fetch(queries.quarantined, self._tenant, source, after[0], after[1], count_max)
        return [
            SealedEvent(
                quarantine_id=row["quarantine_id"],
                source=row["source"],
                batch_index=row["batch_index"],
                field=row["field"],
                reason=row["reason"],
                payload=row["sealed"],
                position=row["position"],
                quarantined_at_us=micros(row["quarantined_at"]),
            )
            for row in rows
        ]

    async def quarantined_count(self, source: str) -> int:
        return int(await self._connection.fetchval(queries.quarantined_count, self._tenant, source))


class LogStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def session(self, tenant: TenantId, *, readonly: bool = False) -> AsyncIterator[LogSession]:
        # Readers see one state of the log over several statements.
        isolation = "repeatable_read" if readonly else None
        async with tenant_transaction(self._pool, tenant, isolation=isolation, readonly=readonly) as connection:
            yield LogSession(connection, tenant)

    async def append(self, tenant: TenantId, addition: Addition) -> int | None:
        """A commit in a transaction of its own; see `append`."""
        async with acquire(self._pool) as connection:
            return await append(connection, tenant, addition)


def _head(row: asyncpg.Record) -> LogHead:
    return LogHead(**{**row, "next_offsets": tuple(row["next_offsets"])})


def _place(row: asyncpg.Record) -> SegmentKey:
    return SegmentKey(row["position"], row["partition"], row["first_offset"])


def _source_values(source: Source) -> tuple[Any, ...]:
    return (
        source.kind,
        source.title_en,
        source.title_zh,
        source.dedup_horizon_us,
        source.time_earliest_us,
        source.future_tolerance_us,
        source.resources_are_not_persons,
        sorted(source.personal_attributes),
    )


def _source(row: asyncpg.Record) -> Source:
    values = dict(row)
    return Source(
        id=SourceId(values.pop("source")),
        personal_attributes=frozenset(values.pop("personal_attributes")),
        created_at_us=micros(values.pop("created_at")),
        **values,
    )
