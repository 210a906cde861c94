"""What scoring keeps, in Postgres. Nothing else in scoring knows SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.database import load_queries, tenant_transaction
from services.runtime.ownership import Lease, LostLease
from services.scoring.book import series_name
from services.scoring.model import SeriesKey
from services.scoring.results import Score, Signal, score_digest, signal_digest
from services.scoring.wire import EARLIEST_US, LATEST_US, WINDOWS

SCHEMA = "scoring"
SQL = Path(__file__).parent / "sql"
MIGRATIONS = SQL / "migrations"
QUERIES = load_queries(SQL / "queries.sql")
CHANNEL = "scoring_log"
SYSTEMS_CHANNEL = "scoring_systems"
ENTRIES_READ_MAX = 1000
# What one read of a follower brings at most, beyond its first entry.
FOLLOWED_BYTES_MAX = 4_000_000


class VersionRetired(Exception):
    """The version is no longer the active one; nothing may be written under it."""


class RequestReused(Exception):
    """The request id came before with another request."""


@dataclass(frozen=True)
class Head:
    origin: UUID
    position: int
    oldest: int


@dataclass(frozen=True)
class Progress:
    """How far a partition was folded; `through` is ingest's cursor for `position`."""

    partition: int
    epoch: int
    owner: str
    position: int
    through: str
    next_offset: int
    watermark_us: int | None
    case_count: int
    event_count: int


PROGRESS_COLUMNS = [field.name for field in fields(Progress)]


@dataclass(frozen=True)
class SystemProgress:
    """`partition_count` None: nothing was folded yet. `progress` has a row per partition that was begun."""

    name: str
    partition_count: int | None
    progress: tuple[Progress, ...]

    def position(self) -> int:
        """Everything through here is scored."""
        if self.partition_count is None or len(self.progress) < self.partition_count:
            return -1
        return min((one.position for one in self.progress), default=-1)


@dataclass(frozen=True)
class Fold:
    partition_count: int
    switch_position: int
    switched: bool
    scored_position: int


@dataclass(frozen=True)
class Snapshot:
    position: int
    through: str
    next_offset: int
    watermark_us: int | None
    event_count: int
    fold: bytes


@dataclass(frozen=True)
class Entry:
    """One step, as the version's own replicas read it."""

    position: int
    scores: bytes
    signals: bytes
    parts: bytes


@dataclass(frozen=True)
class NewEntry:
    """One step, about to be appended. `switches`: from here on its version is the one that is scored by."""

    scores: bytes
    signals: bytes
    parts: bytes
    traceparent: str
    switches: bool


@dataclass(frozen=True)
class LogEntry:
    """One step, as followers read it."""

    system: str
    version: int
    scores: bytes
    signals: bytes
    traceparent: str
    committed_at: datetime


@dataclass(frozen=True)
class ObservationPage:
    partition: int
    anchor_min: int
    anchor_max: int
    page: bytes


OBSERVATION_COLUMNS = [field.name for field in fields(ObservationPage)]


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: rows after `after`, `limit` of them."""

    after: tuple[str, int]
    limit: int


class StepTransaction:
    """One step of the fold under the tenant's lock."""

    def __init__(self, connection: asyncpg.Connection, tenant: str, system: str, version: int) -> None:
        self._connection = connection
        self._key = (tenant, system, version)
        self.scored_position = 0
        self.switched = False
        self.progress: list[Progress] = []

    async def lock(self, leases: Sequence[Lease]) -> None:
        await self._connection.fetchval(QUERIES.lock_head, self._key[0])
        rows = await self._connection.fetch(QUERIES.version_state, *self._key)
        if not rows:
            raise VersionRetired
        self.scored_position, self.switched = rows[0]["scored_position"], rows[0]["switched"]
        self.progress = [_progress(row) for row in rows if row["partition"] is not None]
        await self._guard(leases)

    async def _guard(self, leases: Sequence[Lease]) -> None:
        names = [lease.resource for lease in leases]
        rows = await self._connection.fetch(QUERIES.guard_partitions, self._key[0], names)
        epochs = {row["resource"]: row["epoch"] for row in rows}
        for lease in leases:
            if epochs.get(lease.resource) != lease.epoch:
                raise LostLease(lease)

    async def entries_after(self, position: int) -> AsyncIterator[Entry]:
        while True:
            rows = await self._connection.fetch(QUERIES.entries_of_version, *self._key, position, ENTRIES_READ_MAX)
            for row in rows:
                yield Entry(**row)
            if len(rows) < ENTRIES_READ_MAX:
                return
            position = rows[-1]["position"]

    async def append(
        self, entry: NewEntry, progress: Sequence[Progress], observations: Sequence[ObservationPage]
    ) -> int:
        """The entry's position."""
        row = await self._connection.fetchrow(
            QUERIES.append_entry,
            *self._key,
            *_columns(progress, PROGRESS_COLUMNS),
            entry.scores,
            entry.signals,
            entry.parts,
            entry.traceparent,
            entry.switches,
            *_columns(observations, OBSERVATION_COLUMNS),
        )
        return int(row["position"])

    async def keep_progress(self, progress: Sequence[Progress]) -> None:
        await self._connection.execute(QUERIES.keep_progress, *self._key, *_columns(progress, PROGRESS_COLUMNS))

    async def keep_scores(self, scores: Sequence[Score], messages: Sequence[score_pb2.Score], now: datetime) -> None:
        if not scores:
            return
        names = [series_name(score.series) for score in scores]
        await self._connection.execute(
            QUERIES.keep_scores,
            self._key[0],
            [score.series for score in scores],
            [score.window.start_us for score in scores],
            [score.window.end_us for score in scores],
            [name.process for name in names],
            [name.system for name in names],
            [name.indicator for name in names],
            [WINDOWS[name.window] for name in names],
            [name.whole for name in names],
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
        names = [series_name(signal.series) for signal in signals]
        await self._connection.execute(
            QUERIES.keep_signals,
            self._key[0],
            [signal.name for signal in signals],
            [signal.series for signal in signals],
            [signal.window.start_us for signal in signals],
            [signal.window.end_us for signal in signals],
            [name.process for name in names],
            [name.system for name in names],
            [name.indicator for name in names],
            [WINDOWS[name.window] for name in names],
            [name.whole for name in names],
            [signal.standing for signal in signals],
            [message.SerializeToString() for message in messages],
            [signal_digest(signal) for signal in signals],
        )


class Store:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def step(self, tenant: str, system: str, version: int) -> AsyncIterator[StepTransaction]:
        async with tenant_transaction(self._pool, tenant) as connection:
            yield StepTransaction(connection, tenant, system, version)

    async def found_tenant(self, tenant: str) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.found_tenant, tenant)

    async def head(self, tenant: str) -> Head:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.head, tenant)
            if row is None:
                await connection.execute(QUERIES.found_tenant, tenant)
                row = await connection.fetchrow(QUERIES.head, tenant)
        return Head(**row)

    async def entries(self, tenant: str, after: int, limit: int) -> list[tuple[int, LogEntry]]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.entries, tenant, after, limit, FOLLOWED_BYTES_MAX)
        return [
            (
                row["position"],
                LogEntry(
                    row["system_name"],
                    row["version"],
                    row["scores"],
                    row["signals"],
                    row["traceparent"],
                    row["committed_at"],
                ),
            )
            for row in rows
        ]

    async def begin_fold(
        self, tenant: str, system: str, version: int, partition_count: int, switch_position: int
    ) -> Fold:
        key = (tenant, system, version)
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.begin_fold, *key, partition_count, switch_position)
            return Fold(**await connection.fetchrow(QUERIES.fold, *key))

    async def fold(self, tenant: str, system: str, version: int) -> Fold | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.fold, tenant, system, version)
        return Fold(**row) if row else None

    async def progress(self, tenant: str, system: str, version: int) -> list[Progress]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.progress, tenant, system, version)
        return [_progress(row) for row in rows]

    async def progress_of_active(self, tenant: str, process: str = "", system: str = "") -> list[SystemProgress]:
        exact = f"processes/{process}/indicatorSystems/{system}" if process and system else ""
        like = f"processes/{process or '%'}/indicatorSystems/{system or '%'}" if process or system else ""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.progress_of_active, tenant, exact, like)
        grouped: dict[str, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row["system_name"], []).append(row)
        return [_system_progress(name, group) for name, group in grouped.items()]

    async def snapshot(self, tenant: str, system: str, version: int, partition: int) -> Snapshot | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.snapshot, tenant, system, version, partition)
        return Snapshot(**row) if row else None

    async def keep_snapshot(
        self,
        tenant: str,
        system: str,
        version: int,
        partition: int,
        snapshot: Snapshot,
        scored_position: int,
        parts: bytes,
    ) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(
                QUERIES.keep_snapshot,
                tenant,
                system,
                version,
                partition,
                snapshot.position,
                snapshot.through,
                snapshot.next_offset,
                snapshot.watermark_us,
                snapshot.event_count,
                scored_position,
                snapshot.fold,
                parts,
            )

    @asynccontextmanager
    async def opening(self, tenant: str, system: str, version: int) -> AsyncIterator[BookReader]:
        """One consistent view for a book that is opened."""
        async with tenant_transaction(self._pool, tenant, isolation="repeatable_read", readonly=True) as connection:
            yield BookReader(connection, tenant, system, version)

    async def list_scores(
        self,
        tenant: str,
        filter_: scoring_pb2.SeriesFilter,
        span: tuple[int, int],
        page: Page,
        as_of: datetime | None = None,
    ) -> list[score_pb2.Score]:
        arguments = (tenant, *page.after, *_filter(filter_), *span, page.limit)
        async with tenant_transaction(self._pool, tenant) as connection:
            if as_of is None:
                rows = await connection.fetch(QUERIES.list_scores, *arguments)
            else:
                rows = await connection.fetch(QUERIES.list_scores_as_of, *arguments, as_of)
        return [score_pb2.Score.FromString(row["body"]) for row in rows]

    async def list_series(
        self, tenant: str, filter_: scoring_pb2.SeriesFilter, after: str, limit: int
    ) -> list[SeriesKey]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_series, tenant, after, *_filter(filter_), limit)
        return [SeriesKey(row["series"]) for row in rows]

    async def list_signals(
        self,
        tenant: str,
        filter_: scoring_pb2.SeriesFilter,
        span: tuple[int, int],
        include_retracted: bool,
        after: str,
        limit: int,
    ) -> list[score_pb2.Signal]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(
                QUERIES.list_signals, tenant, after, *_filter(filter_), *span, include_retracted, limit
            )
        return [score_pb2.Signal.FromString(row["body"]) for row in rows]

    async def score_at(self, tenant: str, series: str, at_us: int) -> score_pb2.Score | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            body = await connection.fetchval(QUERIES.score_at, tenant, series, at_us)
        return score_pb2.Score.FromString(body) if body is not None else None

    async def scores_of_series(
        self, tenant: str, series: str, span: tuple[int, int] = (EARLIEST_US, LATEST_US)
    ) -> list[score_pb2.Score]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.scores_of_series, tenant, series, *span)
        return [score_pb2.Score.FromString(row["body"]) for row in rows]

    async def signals_of_series(self, tenant: str, series: str) -> list[score_pb2.Signal]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.signals_of_series, tenant, series)
        return [score_pb2.Signal.FromString(row["body"]) for row in rows]

    async def window_at(
        self, tenant: str, process: str, system: str, kind: int, at_us: int | None
    ) -> tuple[int, int] | None:
        """None as the instant: the latest complete window."""
        async with tenant_transaction(self._pool, tenant) as connection:
            if at_us is None:
                row = await connection.fetchrow(QUERIES.window_latest, tenant, process, system, kind)
            else:
                row = await connection.fetchrow(QUERIES.window_at, tenant, process, system, kind, at_us)
        return (row["window_start"], row["window_end"]) if row else None

    async def scores_of_window(
        self, tenant: str, process: str, system: str, kind: int, start_us: int
    ) -> list[score_pb2.Score]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.scores_of_window, tenant, process, system, kind, start_us)
        return [score_pb2.Score.FromString(row["body"]) for row in rows]

    async def observations(
        self, tenant: str, system: str, version: int, start_us: int, end_us: int
    ) -> list[tuple[int, bytes]]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.observations_of_window, tenant, system, version, start_us, end_us)
        return [(row["partition"], row["page"]) for row in rows]

    async def content_hash(self, tenant: str) -> str:
        async with tenant_transaction(self._pool, tenant) as connection:
            return str(await connection.fetchval(QUERIES.content_hash, tenant))

    async def counts(self, tenant: str) -> tuple[int, int]:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.counts, tenant)
        return row["score_count"], row["signal_count"]

    @asynccontextmanager
    async def editing(self, tenant: str) -> AsyncIterator[SystemEditor]:
        """One change of indicator systems; changes of a tenant come one after the other."""
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.found_tenant, tenant)
            await connection.fetchval(QUERIES.lock_head, tenant)
            yield SystemEditor(connection, tenant)

    async def system(self, tenant: str, name: str, version: int = 0) -> system_pb.IndicatorSystem | None:
        """Version 0: the active one, else the newest."""
        async with tenant_transaction(self._pool, tenant) as connection:
            if version:
                row = await connection.fetchrow(QUERIES.system_version, tenant, name, version)
            else:
                row = await connection.fetchrow(QUERIES.system_current, tenant, name)
        return _system(row) if row else None

    async def active_systems(self, tenant: str) -> list[system_pb.IndicatorSystem]:
        async with tenant_transaction(self._pool, tenant) as connection:
            return [_system(row) for row in await connection.fetch(QUERIES.active_systems, tenant)]

    async def list_systems(
        self, tenant: str, parent: str, after: tuple[str, int], limit: int
    ) -> list[system_pb.IndicatorSystem]:
        like = f"{parent}/indicatorSystems/%" if parent else ""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_systems, tenant, like, *after, limit)
        return [_system(row) for row in rows]


class BookReader:
    def __init__(self, connection: asyncpg.Connection, tenant: str, system: str, version: int) -> None:
        self._connection = connection
        self._key = (tenant, system, version)

    async def fold(self) -> Fold:
        return Fold(**await self._connection.fetchrow(QUERIES.fold, *self._key))

    async def checkpoints(self) -> list[tuple[int, int, bytes]]:
        rows = await self._connection.fetch(QUERIES.part_checkpoints, *self._key)
        return [(row["partition"], row["scored_position"], row["parts"]) for row in rows]

    async def entries_after(self, position: int) -> AsyncIterator[Entry]:
        step = StepTransaction(self._connection, *self._key)
        async for entry in step.entries_after(position):
            yield entry

    async def scores(self, process: str, system: str) -> list[score_pb2.Score]:
        rows = await self._connection.fetch(QUERIES.scores_of_system, self._key[0], process, system)
        return [score_pb2.Score.FromString(row["body"]) for row in rows]

    async def signals(self, process: str, system: str) -> list[score_pb2.Signal]:
        rows = await self._connection.fetch(QUERIES.signals_of_system, self._key[0], process, system)
        return [score_pb2.Signal.FromString(row["body"]) for row in rows]


class SystemEditor:
    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def first_answer(self, request_id: str, method: str, fingerprint: bytes) -> bytes | None:
        if not request_id:
            return None
        row = await self._connection.fetchrow(QUERIES.first_answer, self._tenant, request_id)
        if row is None:
            return None
        if (row["method"], row["fingerprint"]) != (method, fingerprint):
            raise RequestReused
        return bytes(row["answer"])

    async def keep_answer(self, request_id: str, method: str, fingerprint: bytes, answer: bytes) -> None:
        await self._connection.execute(QUERIES.forget_answers, self._tenant)
        if request_id:
            await self._connection.execute(QUERIES.keep_answer, self._tenant, request_id, method, fingerprint, answer)

    async def create(self, name: str, spec: bytes, etag: str) -> system_pb.IndicatorSystem:
        return _system(await self._connection.fetchrow(QUERIES.create_system, self._tenant, name, spec, etag))

    async def version(self, name: str, version: int) -> system_pb.IndicatorSystem | None:
        row = await self._connection.fetchrow(QUERIES.system_version, self._tenant, name, version)
        return _system(row) if row else None

    async def activate(self, name: str, version: int, etag: str, etag_retired: str) -> system_pb.IndicatorSystem:
        await self._connection.execute(QUERIES.retire_active, self._tenant, name, etag_retired)
        await self._connection.execute(QUERIES.forget_fold, self._tenant, name, version)
        row = await self._connection.fetchrow(QUERIES.activate, self._tenant, name, version, etag)
        await self._connection.fetchval(QUERIES.announce, self._tenant)
        return _system(row)


def _system(row: asyncpg.Record) -> system_pb.IndicatorSystem:
    message = system_pb.IndicatorSystem(
        name=row["name"],
        version=row["version"],
        state=system_pb.IndicatorSystem.State.ValueType(row["state"]),
        spec=system_pb.IndicatorSystemSpec.FromString(row["spec"]),
        etag=row["etag"],
    )
    message.create_time.FromDatetime(row["create_time"])
    if row["activate_time"] is not None:
        message.activate_time.FromDatetime(row["activate_time"])
    return message


def _columns(rows: Sequence[object], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]


def _progress(row: asyncpg.Record) -> Progress:
    return Progress(**{name: row[name] for name in PROGRESS_COLUMNS})


def _system_progress(name: str, rows: Iterable[asyncpg.Record]) -> SystemProgress:
    listed = list(rows)
    progress = tuple(
        Progress(
            partition=row["partition"],
            epoch=row["epoch"],
            owner=row["owner"],
            position=row["position"],
            through=row["through"],
            next_offset=0,
            watermark_us=row["watermark_us"],
            case_count=row["case_count"],
            event_count=row["event_count"],
        )
        for row in listed
        if row["partition"] is not None
    )
    return SystemProgress(name, listed[0]["partition_count"], progress)


def _filter(filter_: scoring_pb2.SeriesFilter) -> tuple[str, str, list[str], list[int], list[str], bool]:
    return (
        filter_.process,
        filter_.system,
        list(filter_.indicators),
        [int(window) for window in filter_.windows],
        list(filter_.series),
        filter_.whole_only,
    )
