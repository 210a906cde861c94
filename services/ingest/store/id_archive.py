"""The archive of old event ids in Postgres, filled from the log in its order."""

from collections.abc import Mapping, Sequence
from functools import partial

import asyncpg
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.hashes import Hashes
from services.ingest.known.index import Rows
from services.ingest.known.old_ids import (
    BlockKey,
    IdBlock,
    by_block,
    days_of,
    found_in,
    joined_blocks,
    keys_of,
    slot_bits_for,
)
from services.ingest.log.interface import Log
from services.ingest.log.records import PageFilter, StoredSegment
from services.ingest.log.segments import decoded
from services.ingest.model import TenantId
from services.ingest.store.postgres_log import Connect
from services.ingest.store.schema import queries
from services.ingest.workers import AT_ONCE_ROWS_MAX, computed

# What is not counted is taken for many.
_MANY = AT_ONCE_ROWS_MAX + 1
# One step reads and writes about so much.
STEP_COMMITS = 500
STEP_BYTES = 16 * 1024 * 1024
_NO_PAGES = PageFilter(partitions=())


class PostgresIdArchive:
    """Of one tenant. Holds the ids of all commits through `position`, and of no later one."""

    def __init__(self, tenant: TenantId, connect: Connect) -> None:
        self._tenant = tenant
        self._connect = connect

    async def position(self) -> int:
        async with self._connect() as connection:
            return int(await connection.fetchval(queries.id_archive_position, self._tenant) or 0)

    async def suspects(self, hashes: Hashes, times_us: NDArray[np.int64], rows: Rows) -> tuple[Rows, Rows]:
        """Pairs (row, position of a commit that may hold its event) for some rows."""
        days = days_of(times_us[rows])
        async with self._connect() as connection:
            cut = await _days(connection, self._tenant, days)
            while True:
                known = np.isin(days, np.array(list(cut), dtype=np.int64))
                asked = rows[known]
                if len(asked) == 0:
                    return asked, asked
                bits = {day: bits for day, (bits, _) in cut.items()}
                groups = await computed(len(asked), partial(_grouped, days[known], hashes[asked], bits))
                blocks = await _blocks(connection, self._tenant, [key for key, _ in groups])
                before, cut = cut, await _days(connection, self._tenant, days)
                # Otherwise the days were cut again in between, and some of the blocks are no longer where they were.
                if cut == before:
                    break

        def pairs() -> tuple[Rows, Rows]:
            some = [asked[:0]], [asked[:0]]
            for key, places in groups:
                if key in blocks:
                    ours = asked[places]
                    found, positions = found_in(blocks[key], hashes[ours], ours)
                    some[0].append(found)
                    some[1].append(positions)
            return np.concatenate(some[0]), np.concatenate(some[1])

        return await computed(len(asked), pairs)

    async def advance(self, log: Log, through: int) -> bool:
        """Archives the ids of the next commits up to a position; True: there are more."""
        async with self._connect() as connection:
            await connection.execute(queries.create_id_archive, self._tenant)
            position = await connection.fetchval(queries.lock_id_archive, self._tenant)
            found = await log.read(position, _NO_PAGES, min(STEP_COMMITS, max(through - position, 0)), STEP_BYTES)
            if not found:
                return False
            reached = found[-1].commit.position
            segments = await log.read_segments(range(position + 1, reached + 1))
            days, hashes, positions = await computed(_MANY, lambda: _ids(segments))
            await self._store(connection, days, hashes, positions)
            await connection.execute(queries.move_id_archive, self._tenant, reached)
        return reached < through

    async def _store(
        self, connection: asyncpg.Connection, days: NDArray[np.int64], hashes: Hashes, positions: Rows
    ) -> None:
        if len(days) == 0:
            return
        before = await _days(connection, self._tenant, days)
        names, added = np.unique(days, return_counts=True)
        counts = {day: before.get(day, (0, 0))[1] + n for day, n in zip(names.tolist(), added.tolist(), strict=True)}
        bits = {day: max(slot_bits_for(count), before.get(day, (0, 0))[0]) for day, count in counts.items()}
        grown = [day for day in bits if day in before and bits[day] != before[day][0]]
        if grown:
            # Their blocks are cut again, so their ids are added again with the new ones.
            rows = await connection.fetch(queries.id_blocks_of_days, self._tenant, grown)
            old = [(row["day"], _block(row)) for row in rows]
            days = np.concatenate([days, *(np.full(len(block.hashes), day) for day, block in old)])
            hashes = np.concatenate([hashes, *(block.hashes for _, block in old)])
            positions = np.concatenate([positions, *(block.positions for _, block in old)])
        groups = await computed(_MANY, partial(_grouped, days, hashes, bits))
        stored = await _blocks(connection, self._tenant, [key for key, _ in groups])

        def merged() -> list[IdBlock]:
            return [
                joined_blocks(
                    [*([stored[key]] if key in stored else []), IdBlock(hashes[rows], positions[rows].astype(np.int64))]
                )
                for key, rows in groups
            ]

        blocks = await computed(_MANY, merged)
        await connection.execute(
            queries.store_id_days, self._tenant, list(bits), list(bits.values()), [counts[day] for day in bits]
        )
        await connection.execute(
            queries.store_id_blocks,
            self._tenant,
            [key.day for key, _ in groups],
            [key.slot for key, _ in groups],
            [block.hashes.astype("<u8").tobytes() for block in blocks],
            [block.positions.astype("<i8").tobytes() for block in blocks],
        )


def _grouped(days: NDArray[np.int64], hashes: Hashes, bits: Mapping[int, int]) -> list[tuple[BlockKey, Rows]]:
    return by_block(keys_of(days, hashes, bits))


async def _days(
    connection: asyncpg.Connection, tenant: TenantId, days: NDArray[np.int64]
) -> dict[int, tuple[int, int]]:
    """Slot bits and number of ids of those days that have archived ids."""
    rows = await connection.fetch(queries.id_days, tenant, np.unique(days).tolist())
    return {row["day"]: (row["slot_bits"], row["id_count"]) for row in rows}


async def _blocks(
    connection: asyncpg.Connection, tenant: TenantId, keys: Sequence[BlockKey]
) -> Mapping[BlockKey, IdBlock]:
    rows = await connection.fetch(queries.id_blocks, tenant, [key.day for key in keys], [key.slot for key in keys])
    return {BlockKey(row["day"], row["slot"]): _block(row) for row in rows}


def _block(row: asyncpg.Record) -> IdBlock:
    return IdBlock(np.frombuffer(row["hashes"], dtype="<u8"), np.frombuffer(row["positions"], dtype="<i8"))


def _ids(segments: Mapping[int, Sequence[StoredSegment]]) -> tuple[NDArray[np.int64], Hashes, Rows]:
    """Day, hash and position of each event."""
    days, hashes, positions = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for position, some in segments.items():
        for segment in some:
            times = decoded(segment.events).column("time").view(pa.int64()).to_numpy()
            days.append(days_of(times))
            hashes.append(np.frombuffer(segment.id_hashes, dtype="<u8"))
            positions.append(np.full(len(times), position, dtype=np.int64))
    return np.concatenate(days), np.concatenate(hashes), np.concatenate(positions)
