"""What improvement stores in Postgres. Nothing else in improvement knows SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.improvement.model import Problem, ProblemQuery
from services.improvement.wire.codec import decode_problem, encode_changes, encode_problem
from services.improvement.wire.problems import state_number
from services.runtime.database import tenant_transaction
from services.runtime.ownership import Lease
from services.runtime.queries import load_queries

SCHEMA = "improvement"
SQL = Path(__file__).parent / "sql"
MIGRATIONS = SQL / "migrations"
QUERIES = load_queries(SQL / "queries.sql")
CHANNEL = "andon_improvement"


@dataclass(frozen=True)
class LogHead:
    """`settled_position`: everything of scoring's log through here is in the problems, their causes included."""

    origin: UUID
    position: int
    oldest: int
    signals_through: str
    settled_position: int


@dataclass(frozen=True)
class LogEntry:
    changes: bytes
    committed_at: datetime


class Transaction:
    """Inside one transaction of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def head(self) -> LogHead:
        return await self._read_head(QUERIES.read_head)

    async def lock(self) -> LogHead:
        """Changes of one tenant are made one after another."""
        return await self._read_head(QUERIES.lock_head)

    async def _read_head(self, query: str) -> LogHead:
        row = await self._connection.fetchrow(query, self._tenant)
        if row is None:
            await self._connection.execute(QUERIES.create_head, self._tenant)
            row = await self._connection.fetchrow(query, self._tenant)
        return LogHead(*row)

    async def guard(self, lease: Lease) -> None:
        await lease.guard(self._connection)

    async def problem(self, name: str) -> Problem | None:
        body = await self._connection.fetchval(QUERIES.read_problem, self._tenant, name)
        return None if body is None else decode_problem(body)

    async def problems(self) -> list[Problem]:
        rows = await self._connection.fetch(QUERIES.read_problems, self._tenant)
        return [decode_problem(row["body"]) for row in rows]

    async def page(self, query: ProblemQuery, severity: float, name: str, limit: int) -> list[Problem]:
        """Problems after (severity, name) in the order of the list."""
        rows = await self._connection.fetch(
            QUERIES.list_problems,
            self._tenant,
            query.process,
            query.system,
            list(query.indicators),
            list(query.states),
            query.due_before_us,
            severity,
            name,
            limit,
        )
        return [decode_problem(row["body"]) for row in rows]

    async def counts(self, live: Sequence[int]) -> tuple[int, int]:
        """Problems in all, and live ones."""
        row = await self._connection.fetchrow(QUERIES.count_problems, self._tenant, list(live))
        return int(row["total"]), int(row["live"])

    async def store(self, problems: Sequence[Problem], head: LogHead) -> int:
        """Stores problems as they are now and appends them to the log as one entry; returns its position."""
        if not problems:
            return head.position
        rows = [
            (
                self._tenant,
                problem.name,
                problem.family.process,
                problem.family.system,
                problem.family.indicator,
                state_number(problem.state),
                problem.severity,
                problem.due_us,
                encode_problem(problem),
            )
            for problem in problems
        ]
        await self._connection.executemany(QUERIES.store_problem, rows)
        await self._connection.execute(QUERIES.append, self._tenant, head.position + 1, encode_changes(problems))
        return head.position + 1

    async def store_cursor(self, through: str, settled_position: int) -> None:
        await self._connection.execute(QUERIES.store_cursor, self._tenant, through, settled_position)

    async def signals(self) -> list[bytes]:
        rows = await self._connection.fetch(QUERIES.read_signals, self._tenant)
        return [row["body"] for row in rows]

    async def store_signals(self, active: Mapping[str, bytes], gone: Iterable[str]) -> None:
        if active:
            names, bodies = list(active), list(active.values())
            await self._connection.execute(QUERIES.store_signals, self._tenant, names, bodies)
        if names := list(gone):
            await self._connection.execute(QUERIES.delete_signals, self._tenant, names)

    async def answer(self, request_id: UUID) -> tuple[bytes, bytes] | None:
        """Fingerprint of the request and the answer it got."""
        row = await self._connection.fetchrow(QUERIES.read_answer, self._tenant, request_id)
        return None if row is None else (row["fingerprint"], row["answer"])

    async def store_answer(self, request_id: UUID, fingerprint: bytes, answer: bytes) -> None:
        await self._connection.execute(QUERIES.store_answer, self._tenant, request_id, fingerprint, answer)
        await self._connection.execute(QUERIES.delete_answers, self._tenant)


class ProblemStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Transaction]:
        async with tenant_transaction(self._pool, tenant) as connection:
            yield Transaction(connection, tenant)

    async def log(self, tenant: str, after: int, limit: int) -> list[tuple[int, LogEntry]]:
        async with tenant_transaction(self._pool, tenant, readonly=True) as connection:
            rows = await connection.fetch(QUERIES.read_log, tenant, after, limit)
        return [(row["position"], LogEntry(row["changes"], row["committed_at"])) for row in rows]
