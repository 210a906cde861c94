"""The clocks of open cases by the moment at which they become late, and the log of what changes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from services.runtime.cursors import CursorCodec
from services.runtime.database import tenant_transaction
from services.scoring.store.log import Head
from services.scoring.store.statements import QUERIES
from services.scoring.system.open_case import OpenCase

TRIM_BATCH = 500
BEGINNING = -(2**62)


@dataclass(frozen=True)
class OpenCaseRow:
    partition: int
    case: OpenCase

    def values(self) -> tuple[int, str, str, int | None, int, int, str]:
        """As columns; the slice as a JSON list of "dimension=value", of which the statement makes an array."""
        one = self.case
        pairs = json.dumps(pairs_of(one.slice))
        return self.partition, one.case_id, one.indicator, one.opened_us, one.risk_us, one.due_us, pairs


@dataclass(frozen=True)
class OpenCaseStep:
    """What a step changes of clocks. cleared: partitions all of whose clocks are among the stored ones.

    removed: case and indicator. entries: of the log of changes, as messages.
    """

    stored: Sequence[OpenCaseRow] = ()
    removed: Sequence[tuple[str, str]] = ()
    cleared: Sequence[int] = ()
    entries: Sequence[bytes] = ()

    @property
    def empty(self) -> bool:
        return not (self.stored or self.removed or self.cleared or self.entries)


NO_OPEN_CASES = OpenCaseStep()


@dataclass(frozen=True)
class OpenCaseQuery:
    """indicators: none means all. due_us_max: those that become late by then."""

    system: str
    version: int
    indicators: Sequence[str] = ()
    slice: Mapping[str, str] = field(default_factory=dict)
    due_us_max: int = 2**63 - 1


@dataclass(frozen=True)
class CaseLogEntry:
    system: str
    version: int
    body: bytes


def pairs_of(values: Mapping[str, str]) -> list[str]:
    return sorted(f"{name}={value}" for name, value in values.items())


async def write_open_cases(
    connection: asyncpg.Connection, key: tuple[str, str, int], step: UUID, change: OpenCaseStep
) -> None:
    """In the transaction of the step, after its commit: the tenant's head is locked."""
    if change.cleared:
        await connection.execute(QUERIES.clear_open_cases, *key, list(change.cleared))
    if change.removed:
        cases, indicators = zip(*change.removed, strict=True)
        await connection.execute(QUERIES.remove_open_cases, *key, list(cases), list(indicators))
    if change.stored:
        await connection.execute(
            QUERIES.store_open_cases, *key, *zip(*(one.values() for one in change.stored), strict=True)
        )
    if change.entries:
        await connection.execute(QUERIES.append_case_changes, *key, step, list(change.entries))


class OpenCases:
    _pool: asyncpg.Pool

    async def case_log_head(self, tenant: str) -> Head:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.case_log_head, tenant)
            if row is None:
                await connection.execute(QUERIES.provision_tenant, tenant)
                row = await connection.fetchrow(QUERIES.case_log_head, tenant)
        return Head(**row)

    async def list_open_cases(
        self, tenant: str, query: OpenCaseQuery, after: tuple[int, str, str], limit: int
    ) -> list[OpenCase]:
        """By (due_us, case, indicator)."""
        key = (tenant, query.system, query.version)
        asked = (list(query.indicators), pairs_of(query.slice))
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_open_cases, *key, query.due_us_max, *after, *asked, limit)
        return [
            OpenCase(
                row["case_id"],
                row["indicator"],
                row["opened_us"],
                row["risk_us"],
                row["due_us"],
                dict(pair.split("=", 1) for pair in row["slice"]),
            )
            for row in rows
        ]

    async def count_open_cases(self, tenant: str, query: OpenCaseQuery, as_of_us: int) -> tuple[int, int, int]:
        """Late, at risk, on time."""
        key = (tenant, query.system, query.version)
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(
                QUERIES.count_open_cases, *key, as_of_us, list(query.indicators), pairs_of(query.slice)
            )
        return row["late"], row["at_risk"], row["on_time"]

    async def case_changes(self, tenant: str, after: int, limit: int) -> list[tuple[int, CaseLogEntry]]:
        """None is skipped: raises OutOfRange where entries after this position are no longer retained."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.case_changes, tenant, after, limit)
            if not rows or rows[0]["position"] != after + 1:
                head = await connection.fetchrow(QUERIES.case_log_head, tenant)
                if head is not None:
                    CursorCodec(head["origin"]).check_not_expired(after, head["oldest"])
        return [(row["position"], CaseLogEntry(row["system_name"], row["version"], row["body"])) for row in rows]

    async def trim_case_changes(self, tenant: str, before: datetime) -> int:
        """How many entries went; 0: none is due."""
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.lock_head)
            return int(await connection.fetchval(QUERIES.trim_case_changes, tenant, before, TRIM_BATCH))
