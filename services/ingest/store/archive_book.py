"""What is archived of one tenant's log, in Postgres."""

from collections.abc import Sequence

from services.ingest.log.archive import ArchiveFile, ArchiveTotals, PackedFile
from services.ingest.log.records import SegmentKey
from services.ingest.model import TenantId
from services.ingest.store.postgres_log import Connect
from services.ingest.store.schema import micros, moment, queries

# A step looks at no more of what is due.
_COMMITS_MAX = 20_000


class _AnotherWasQuicker(Exception):
    """Ends a transaction that must not be committed."""


class PostgresArchiveBook:
    def __init__(self, tenant: TenantId, connect: Connect) -> None:
        self._tenant = tenant
        self._connect = connect

    async def due(self, now_us: int, after_us: int, bytes_max: int) -> tuple[list[int], bool]:
        async with self._connect() as connection:
            values = (self._tenant, moment(now_us), after_us, _COMMITS_MAX)
            rows = await connection.fetch(queries.archivable_commits, *values)
        positions: list[int] = []
        size = 0
        for row in rows:
            size += row["byte_count"]
            if positions and size > bytes_max:
                return positions, True
            positions.append(row["position"])
        return positions, len(rows) == _COMMITS_MAX

    async def segments(self, positions: Sequence[int]) -> list[tuple[SegmentKey, bytes]]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.segments_to_archive, self._tenant, list(positions))
        return [(SegmentKey(row["position"], row["partition"], row["first_offset"]), row["events"]) for row in rows]

    async def record(self, key: str, file: PackedFile, sha256: bytes) -> bool:
        keys = file.segments
        positions = [one.position for one in keys]
        counts = (len(keys), file.event_count, len(file.content))
        try:
            async with self._connect() as connection:
                file_id = await connection.fetchval(
                    queries.create_archive_file, self._tenant, key, min(positions), max(positions), *counts, sha256
                )
                if file_id is None:
                    return False
                places = ([one.partition for one in keys], [one.first_offset for one in keys], list(range(len(keys))))
                moved = await connection.fetch(queries.move_segments, self._tenant, file_id, positions, *places)
                if len(moved) != len(keys):
                    raise _AnotherWasQuicker
        except _AnotherWasQuicker:
            return False
        return True

    async def files(self, after: int, count: int) -> list[ArchiveFile]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.archive_files, self._tenant, after, count)
        return [
            ArchiveFile(
                id=row["file_id"],
                key=row["key"],
                segment_count=row["segment_count"],
                event_count=row["event_count"],
                byte_count=row["byte_count"],
                sha256=row["sha256"],
                archived_at_us=micros(row["archived_at"]),
                first_at_us=micros(row["first_at"]),
                last_at_us=micros(row["last_at"]),
            )
            for row in rows
        ]

    async def totals(self) -> ArchiveTotals:
        async with self._connect() as connection:
            return ArchiveTotals(**await connection.fetchrow(queries.archive_totals, self._tenant))
