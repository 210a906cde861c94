"""One step of the fold as one transaction: locked, fenced, and everything that it changes kept together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime

import asyncpg
from andon.scoring.v1 import score_pb2

from services.runtime.database import tenant_transaction
from services.runtime.ownership import Lease, LostLease
from services.scoring.results import Score, Signal, score_digest, signal_digest
from services.scoring.series import series_name
from services.scoring.store.progress import PROGRESS_COLUMNS, Progress, progress_of
from services.scoring.store.statements import QUERIES, columns
from services.scoring.wire import WINDOWS

ENTRIES_READ_MAX = 1000


class VersionRetired(Exception):
    """The version is no longer the active one; nothing may be written under it."""


class EntriesGone(Exception):
    """Entries that a book has not taken over yet are no longer kept; it has to be opened again."""


@dataclass(frozen=True)
class Entry:
    """One step, as the version's own replicas read it."""

    position: int
    scores: bytes
    signals: bytes
    parts: bytes


@dataclass(frozen=True)
class NewEntry:
    """A step, or a part of one that states much, about to be appended. `parts` of a step go with its first entry."""

    scores: bytes
    signals: bytes
    parts: bytes


ENTRY_COLUMNS = [field.name for field in fields(NewEntry)]


@dataclass(frozen=True)
class ObservationPage:
    partition: int
    anchor_min: int
    anchor_max: int
    page: bytes


OBSERVATION_COLUMNS = [field.name for field in fields(ObservationPage)]


class StepTransaction:
    """One step of the fold under the tenant's lock."""

    def __init__(self, connection: asyncpg.Connection, tenant: str, system: str, version: int) -> None:
        self._connection = connection
        self._key = (tenant, system, version)
        self._oldest = 0
        self.scored_position = 0
        self.switched = False
        self.progress: list[Progress] = []

    async def lock(self, leases: Sequence[Lease]) -> None:
        head = await self._connection.fetchrow(QUERIES.lock_head, self._key[0])
        self._oldest = head["oldest"] if head else 0
        rows = await self._connection.fetch(QUERIES.version_state, *self._key)
        if not rows:
            raise VersionRetired
        self.scored_position, self.switched = rows[0]["scored_position"], rows[0]["switched"]
        self.progress = [progress_of(row) for row in rows if row["partition"] is not None]
        await self._guard(leases)

    async def _guard(self, leases: Sequence[Lease]) -> None:
        names = [lease.resource for lease in leases]
        rows = await self._connection.fetch(QUERIES.guard_partitions, self._key[0], names)
        epochs = {row["resource"]: row["epoch"] for row in rows}
        for lease in leases:
            if epochs.get(lease.resource) != lease.epoch:
                raise LostLease(lease)

    async def entries_missed(self, position: int) -> AsyncIterator[Entry]:
        """What others kept of this version since a book was at this position. Raises EntriesGone."""
        if position < self._oldest:
            raise EntriesGone
        async for entry in self.entries_after(position):
            yield entry

    async def entries_after(self, position: int) -> AsyncIterator[Entry]:
        while True:
            rows = await self._connection.fetch(QUERIES.entries_of_version, *self._key, position, ENTRIES_READ_MAX)
            for row in rows:
                yield Entry(**row)
            if len(rows) < ENTRIES_READ_MAX:
                return
            position = rows[-1]["position"]

    async def append(
        self,
        entries: Sequence[NewEntry],
        progress: Sequence[Progress],
        observations: Sequence[ObservationPage],
        traceparent: str,
        switches: bool,
    ) -> int:
        """The position of the last entry. switches: from here on the version is the one that is scored by."""
        position = await self._connection.fetchval(
            QUERIES.append_entries,
            *self._key,
            *columns(progress, PROGRESS_COLUMNS),
            *columns(entries, ENTRY_COLUMNS),
            traceparent,
            switches,
            *columns(observations, OBSERVATION_COLUMNS),
        )
        return int(position)

    async def keep_progress(self, progress: Sequence[Progress]) -> None:
        await self._connection.execute(QUERIES.keep_progress, *self._key, *columns(progress, PROGRESS_COLUMNS))

    async def keep_scores(self, scores: Sequence[Score], messages: Sequence[score_pb2.Score], now: datetime) -> None:
        if not scores:
            return
        await self._connection.execute(
            QUERIES.keep_scores,
            self._key[0],
            *_places(scores),
            [score.present for score in scores],
            [score.complete for score in scores],
            [message.SerializeToString() for message in messages],
            [score_digest(score) for score in scores],
            [score.revision for score in scores],
            now,
        )

    async def keep_signals(self, signals: Sequence[Signal], messages: Sequence[score_pb2.Signal]) -> None:
        if not signals:
            return
        await self._connection.execute(
            QUERIES.keep_signals,
            self._key[0],
            [signal.name for signal in signals],
            *_places(signals),
            [signal.standing for signal in signals],
            [message.SerializeToString() for message in messages],
            [signal_digest(signal) for signal in signals],
        )


class Steps:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def step(self, tenant: str, system: str, version: int) -> AsyncIterator[StepTransaction]:
        async with tenant_transaction(self._pool, tenant) as connection:
            yield StepTransaction(connection, tenant, system, version)


def _places(stated: Sequence[Score] | Sequence[Signal]) -> list[list[object]]:
    """Series and window of each, and what the name of the series says, as columns."""
    names = [series_name(one.series) for one in stated]
    return [
        [one.series for one in stated],
        [one.window.start_us for one in stated],
        [one.window.end_us for one in stated],
        [name.process for name in names],
        [name.system for name in names],
        [name.indicator for name in names],
        [WINDOWS[name.window] for name in names],
        [name.whole for name in names],
    ]
