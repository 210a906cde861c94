"""Quarantine in Postgres: entries, their counts, and what was decided about them."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.ingest.model import Decider, TenantId
from services.ingest.registry.held_events import (
    PAGE_BYTES_MAX,
    HeldCount,
    HeldDecision,
    HeldEvent,
    HeldFilter,
    HeldPage,
    HeldState,
    Release,
)
from services.ingest.store.schema import micros, moment, queries


class PostgresQuarantine:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def after(self, chosen: HeldFilter, place: tuple[int, str], count_max: int) -> HeldPage:
        return await self._page(queries.quarantined, *_filter_values(chosen), *place, count_max=count_max)

    async def before(self, chosen: HeldFilter, place: tuple[int, str], count_max: int) -> HeldPage:
        return await self._page(queries.quarantined_before, *_filter_values(chosen), *place, count_max=count_max)

    async def named(
        self, quarantine_ids: Sequence[str], states: Sequence[HeldState], place: tuple[int, str], count_max: int
    ) -> HeldPage:
        values = (list(quarantine_ids), [int(state) for state in states], *place)
        return await self._page(queries.quarantined_named, *values, count_max=count_max)

    async def revisions(self, quarantine_ids: Sequence[str]) -> dict[str, int]:
        rows = await self._connection.fetch(queries.known_entries, self._tenant, list(quarantine_ids))
        return {row["quarantine_id"]: row["revision"] for row in rows}

    async def count(self, chosen: HeldFilter) -> int:
        values = _filter_values(chosen)
        return int(await self._connection.fetchval(queries.quarantined_count, self._tenant, *values))

    async def counts(self, chosen: HeldFilter) -> list[HeldCount]:
        rows = await self._connection.fetch(queries.quarantine_counts, self._tenant, *_filter_values(chosen))
        return [
            HeldCount(
                row["source"],
                row["reason"],
                row["field"],
                HeldState(row["state"]),
                row["entry_count"],
                row["event_count"],
                micros(row["oldest"]),
            )
            for row in rows
        ]

    async def decisions(self, quarantine_id: str) -> list[HeldDecision]:
        rows = await self._connection.fetch(queries.quarantine_decisions, self._tenant, quarantine_id)
        return [
            HeldDecision(
                HeldState(row["state"]),
                Decider(row["actor"], row["reason"], row["request_id"]),
                micros(row["decided_at"]),
            )
            for row in rows
        ]

    async def still_open(self, entries: Sequence[tuple[str, int]]) -> set[str]:
        rows = await self._connection.fetch(queries.open_entries, self._tenant, *_columns(entries, 2))
        return {row["quarantine_id"] for row in rows}

    async def correct(self, corrected: Sequence[tuple[str, int, bytes]], decider: Decider) -> int:
        return await self._decided(queries.correct_entries, *_columns(corrected, 3), decider=decider)

    async def discard(self, entries: Sequence[tuple[str, int]], decider: Decider) -> int:
        return await self._decided(queries.discard_entries, *_columns(entries, 2), decider=decider)

    async def release(self, released: Sequence[Release], decider: Decider) -> None:
        columns = _columns([(one.quarantine_id, one.source, one.accepted) for one in released], 3)
        await self._decided(queries.release_entries, *columns, decider=decider)

    async def expire(self, before_us: int, count_max: int) -> tuple[int, int]:
        rows = await self._connection.fetch(queries.entries_before, self._tenant, moment(before_us), count_max)
        return await self.delete([row["quarantine_id"] for row in rows])

    async def delete(self, quarantine_ids: Sequence[str]) -> tuple[int, int]:
        row = await self._connection.fetchrow(queries.delete_entries, self._tenant, list(quarantine_ids))
        return row["entry_count"], row["open_count"]

    async def _decided(self, statement: str, *columns: Any, decider: Decider) -> int:
        who = (decider.actor, decider.reason, decider.request_id)
        return int(await self._connection.fetchval(statement, self._tenant, *columns, *who) or 0)

    async def _page(self, statement: str, *values: Any, count_max: int) -> HeldPage:
        """With one entry more, which says that there are more."""
        rows = await self._connection.fetch(statement, self._tenant, *values, count_max + 1, PAGE_BYTES_MAX)
        found = [
            HeldEvent(
                quarantine_id=row["quarantine_id"],
                position=row["position"],
                source=row["source"],
                batch_index=row["batch_index"],
                field=row["field"],
                reason=row["reason"],
                sealed=row["sealed"],
                corrected=row["corrected"],
                quarantined_at_us=micros(row["quarantined_at"]),
                state=HeldState(row["state"]),
                received_count=row["received_count"],
                revision=row["revision"],
            )
            for row in rows
        ]
        is_cut = len(found) > count_max or sum(one.byte_count for one in found) >= PAGE_BYTES_MAX
        return HeldPage(found[:count_max], is_cut)


def _filter_values(chosen: HeldFilter) -> tuple[Any, ...]:
    return (
        None if chosen.sources is None else list(chosen.sources),
        None if chosen.reasons is None else list(chosen.reasons),
        chosen.field,
        moment(chosen.start_us),
        moment(chosen.end_us),
        [int(state) for state in chosen.states],
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]
