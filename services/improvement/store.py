"""What improvement keeps, in Postgres. Nothing else in improvement knows SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.improvement.model import Problem, Wanted
from services.improvement.wire.kept import pack, pack_problem, unpack_problem
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
class Head:
    """`settled_position`: everything of scoring's log through here is in the problems, their causes included."""

    origin: UUID
    position: int
    oldest: int
    signals_through: str
    settled_position: int


@dataclass(frozen=True)
class Entry:
    changes: bytes
    committed_at: datetime


class Session:
    """Inside one transaction of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def head(self) -> Head:
        return await self._head(QUERIES.read_head)

    async def lock(self) -> Head:
        """Changes of one tenant are made one after another."""
        return await self._head(QUERIES.lock_head)

    async def _head(self, query: str) -> Head:
        row = await self._connection.fetchrow(query, self._tenant)
        if row is None:
            await self._connection.execute(QUERIES.create_head, self._tenant)
            row = await self._connection.fetchrow(query, self._tenant)
        return Head(*row)

    async def guard(self, lease: Lease) -> None:
        await lease.guard(self._connection)

    async def problem(self, name: str) -> Problem | None:
        body = await self._connection.fetchval(QUERIES.read_problem, self._tenant, name)
        return None if body is None else unpack_problem(body)

    async def problems(self) -> list[Problem]:
        rows = await self._connection.fetch(QUERIES.read_problems, self._tenant)
        return [unpack_problem(row["body"]) for row in rows]

    async def page(self, wanted: Wanted, severity: float, name: str, limit: int) -> list[Problem]:
        """Problems after (severity, name) in the order of the list."""
        rows = await self._connection.fetch(
            QUERIES.list_problems,
            self._tenant,
            wanted.process,
            wanted.system,
            list(wanted.indicators),
            list(wanted.states),
            wanted.due_before_us,
            severity,
            name,
            limit,
        )
        return [unpack_problem(row["body"]) for row in rows]

    async def counts(self, live: Sequence[int]) -> tuple[int, int]:
        """Problems in all, and live ones."""
        row = await self._connection.fetchrow(QUERIES.count_problems, self._tenant, list(live))
        return int(row["total"]), int(row["live"])

    async def keep(self, problems: Sequence[Problem], head: Head) -> int:
        """Keeps problems as they are now and appends them to the log as one entry; returns its position."""
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
                pack_problem(problem),
            )
            for problem in problems
        ]
        await self._connection.executemany(QUERIES.keep_problem, rows)
        await self._connection.execute(QUERIES.append, self._tenant, head.position + 1, pack(problems))
        return head.position + 1

    async def keep_followed(self, through: str, settled_position: int) -> None:
        await self._connection.execute(QUERIES.keep_followed, self._tenant, through, settled_position)

    async def signals(self) -> list[bytes]:
        rows = await self._connection.fetch(QUERIES.read_signals, self._tenant)
        return [row["body"] for row in rows]

    async def keep_signals(self, standing: Mapping[str, bytes], gone: Iterable[str]) -> None:
        if standing:
            names, bodies = list(standing), list(standing.values())
            await self._connection.execute(QUERIES.keep_signals, self._tenant, names, bodies)
        if names := list(gone):
            await self._connection.execute(QUERIES.drop_signals, self._tenant, names)

    async def answer(self, request_id: UUID) -> tuple[bytes, bytes] | None:
        """Fingerprint of the request and the answer it got."""
        row = await self._connection.fetchrow(QUERIES.read_answer, self._tenant, request_id)
        return None if row is None else (row["fingerprint"], row["answer"])

    async def keep_answer(self, request_id: UUID, fingerprint: bytes, answer: bytes) -> None:
        await self._connection.execute(QUERIES.keep_answer, self._tenant, request_id, fingerprint, answer)
        await self._connection.execute(QUERIES.forget_answers, self._tenant)


class ProblemStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def session(self, tenant: str) -> AsyncIterator[Session]:
        async with tenant_transaction(self._pool, tenant) as connection:
            yield Session(connection, tenant)

    async def log(self, tenant: str, after: int, limit: int) -> list[tuple[int, Entry]]:
        async with tenant_transaction(self._pool, tenant, readonly=True) as connection:
            rows = await connection.fetch(QUERIES.read_log, tenant, after, limit)
        return [(row["position"], Entry(row["changes"], row["committed_at"])) for row in rows]
