"""What improvement stores in Postgres. Nothing else in improvement knows SQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.improvement.model import (
    LIVE,
    ActiveSignal,
    HistoryEntry,
    Problem,
    ProblemName,
    ProblemOrder,
    ProblemQuery,
)
from services.improvement.search_terms import problem_terms
from services.improvement.store.failures import IntakeFailure, IntakeFailures
from services.improvement.store.occurrence_index import OccurrenceIndex
from services.improvement.store.statements import CHANNEL, MIGRATIONS, QUERIES, SCHEMA
from services.improvement.wire.codec import (
    combined,
    decode_entry,
    decode_problem,
    decode_signal,
    digest,
    encode_changes,
    encode_entry,
    encode_problem,
)
from services.improvement.wire.problems import origin_number, state_number
from services.runtime.database import tenant_transaction
from services.runtime.ownership import Lease

__all__ = ["CHANNEL", "MIGRATIONS", "SCHEMA", "IntakeFailure", "LogEntry", "LogHead", "ProblemStore", "Transaction"]


PAGE = 1000
# Later than any time of a problem.
BEYOND_US = 2**62
LIVE_NUMBERS = frozenset(int(state_number(state)) for state in LIVE)


@dataclass(frozen=True)
class LogHead:
    """`listed`: the columns of lists were filled in.

    `settled_position`: everything of scoring's log through here is in the problems, their causes included.

    `scores_through`: cursor of scoring's log from which on changed scores are to be looked for; empty: none matter.
    `indexed`: what is found by index was made. `digest` is the sum of those of all problems.
    """

    origin: UUID
    position: int
    oldest: int
    signals_through: str
    settled_position: int
    scores_through: str
    indexed: bool
    digest: bytes
    live_count: int
    total_count: int
    listed: bool


@dataclass(frozen=True)
class LogEntry:
    changes: bytes
    committed_at: datetime


class Transaction:
    """Inside one transaction of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self.index = OccurrenceIndex(connection, tenant)

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

    async def problems(self, names: Iterable[ProblemName]) -> list[Problem]:
        rows = await self._connection.fetch(QUERIES.read_problems, self._tenant, list(names))
        return [decode_problem(row["body"]) for row in rows]

    async def page(self, query: ProblemQuery, key: float, name: str, limit: int) -> list[Problem]:
        """Problems after (key, name) in the order of the list; `key` as `list_key` says."""
        statement, place, more = self._listed_by(query, key)
        rows = await self._connection.fetch(
            statement,
            self._tenant,
            query.process,
            query.system,
            list(query.indicators),
            list(query.states),
            query.due_before_us,
            place,
            name,
            limit,
            list(query.owners),
            [f"{dimension}={value}" for dimension, value in query.slice],
            query.severity_min,
            query.since_us,
            query.until_us,
            query.awake_us,
            list(query.origins),
            *more,
        )
        return await asyncio.to_thread(lambda: [decode_problem(row["body"]) for row in rows])

    def _listed_by(self, query: ProblemQuery, key: float) -> tuple[str, float, list[object]]:
        """The statement of an order, the key as its column has it, and what else it takes."""
        if query.terms:
            return QUERIES.search_problems, key, [self._own(query.terms), query.order.value]
        if query.order is ProblemOrder.NEWEST:
            return QUERIES.list_problems_by_open_time, int(min(key, BEYOND_US)), []
        if query.order is ProblemOrder.DUE:
            return QUERIES.list_problems_by_due_time, int(max(-key, -BEYOND_US)), []
        live_only = set(query.states) <= LIVE_NUMBERS or query.due_before_us is not None
        return (QUERIES.list_live_problems if live_only else QUERIES.list_problems), key, []

    def _own(self, terms: Iterable[str]) -> list[str]:
        """As the index has them: no other tenant has such a term."""
        return [f"{self._tenant}\n{term}" for term in sorted(terms)]

    async def counts(self, process: str, system: str) -> list[tuple[int, int]]:
        """State (the contract's number) and problems in it."""
        return [tuple(row) for row in await self._connection.fetch(QUERIES.read_counts, self._tenant, process, system)]

    async def waiting(self, process: str, system: str, now_us: int) -> tuple[int, int, int]:
        """Live problems that are overdue, snoozed, or without an owner. O(live problems)."""
        overdue, snoozed, unowned = await self._connection.fetchrow(
            QUERIES.read_waiting, self._tenant, process, system, now_us
        )
        return overdue, snoozed, unowned

    async def fill_lists(self) -> None:
        """What lists need of problems that were stored before there was any: once, under the tenant's lock."""
        after = ""
        while rows := await self._connection.fetch(QUERIES.page_problems, self._tenant, after, PAGE):
            problems = await asyncio.to_thread(lambda: [decode_problem(row["body"]) for row in rows])
            await self._store_rows(problems, {problem.name: digest(problem) for problem in problems})
            after = problems[-1].name
        await self._connection.execute(QUERIES.delete_counts, self._tenant)
        await self._connection.execute(QUERIES.count_all, self._tenant)
        await self._connection.execute(QUERIES.store_listed, self._tenant)

    async def store(self, problems: Sequence[Problem], head: LogHead) -> int:
        """Stores problems as they are now and appends them to the log as one entry; returns its position.

        `head`: as it was locked. The tenant's counts and digest follow.
        """
        if not problems:
            return head.position
        digests = {problem.name: digest(problem) for problem in problems}
        before = await self._connection.fetch(QUERIES.read_marks, self._tenant, list(digests))
        await self._store_rows(problems, digests)
        changes = Counter((one.family.process, one.family.system, int(state_number(one.state))) for one in problems)
        changes.subtract((row["process"], row["system"], row["state"]) for row in before)
        moved = sorted((*place, count) for place, count in changes.items() if count)
        if moved:
            await self._connection.execute(QUERIES.add_to_counts, self._tenant, *map(list, zip(*moved, strict=True)))
        live = sum(problem.state in LIVE for problem in problems) - sum(row["live"] for row in before)
        await self._connection.execute(
            QUERIES.append,
            self._tenant,
            head.position + 1,
            encode_changes(problems),
            combined(head.digest, digests.values(), [row["digest"] or b"" for row in before]),
            head.live_count + live,
            head.total_count + len(problems) - len(before),
        )
        return head.position + 1

    async def _store_rows(self, problems: Sequence[Problem], digests: Mapping[ProblemName, bytes]) -> None:
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
                digests[problem.name],
                problem.owner,
                problem.start_us,
                problem.end_us,
                problem.opened_us,
                problem.snoozed_until_us,
                origin_number(problem.origin),
                [f"{dimension}={value}" for dimension, value in problem.slice],
                self._own(problem_terms(problem)),
            )
            for problem in problems
        ]
        await self._connection.executemany(QUERIES.store_problem, rows)

    async def append_history(self, entries: Sequence[HistoryEntry]) -> None:
        """In the transaction of the change that they are about."""
        problems, revisions = [one.problem for one in entries], [one.revision for one in entries]
        bodies = [encode_entry(one) for one in entries]
        await self._connection.execute(QUERIES.append_history, self._tenant, problems, revisions, bodies)

    async def history(self, problem: str, before: int, limit: int) -> list[HistoryEntry]:
        """What happened to a problem before a revision, the newest first."""
        rows = await self._connection.fetch(QUERIES.page_history, self._tenant, problem, before, limit)
        return [decode_entry(ProblemName(problem), row["body"]) for row in rows]

    async def store_cursor(self, through: str, settled_position: int, scores_through: str) -> None:
        await self._connection.execute(QUERIES.store_cursor, self._tenant, through, settled_position, scores_through)

    async def all_problems(self) -> AsyncIterator[Problem]:
        """Page by page: only to index what was stored before there was an index."""
        after = ""
        while rows := await self._connection.fetch(QUERIES.page_problems, self._tenant, after, PAGE):
            for row in rows:
                problem = decode_problem(row["body"])
                yield problem
            after = problem.name

    async def all_signals(self) -> AsyncIterator[tuple[ActiveSignal, bytes]]:
        """As `all_problems`, with the body that scoring sent."""
        after = ""
        while rows := await self._connection.fetch(QUERIES.page_signals, self._tenant, after, PAGE):
            for row in rows:
                yield decode_signal(row["body"]), row["body"]
            after = rows[-1]["name"]

    async def store_totals(self, problems: Sequence[Problem]) -> None:
        """Counts and digest of all problems, made once."""
        digests = [(self._tenant, problem.name, digest(problem)) for problem in problems]
        await self._connection.executemany(QUERIES.store_digest, digests)
        live = sum(problem.state in LIVE for problem in problems)
        total = combined(b"", (one for _, _, one in digests))
        await self._connection.execute(QUERIES.store_totals, self._tenant, total, live, len(problems))

    async def answer(self, request_id: UUID) -> tuple[bytes, bytes] | None:
        """Fingerprint of the request and the answer it got."""
        row = await self._connection.fetchrow(QUERIES.read_answer, self._tenant, request_id)
        return None if row is None else (row["fingerprint"], row["answer"])

    async def store_answer(self, request_id: UUID, fingerprint: bytes, answer: bytes) -> None:
        await self._connection.execute(QUERIES.store_answer, self._tenant, request_id, fingerprint, answer)
        await self._connection.execute(QUERIES.delete_answers, self._tenant)


class ProblemStore(IntakeFailures):
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
