"""Persons in Postgres: their encrypted secrets, and the certificates of erasures."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from services.ingest.model import TenantId
from services.ingest.registry.persons import Erasure, StoredPerson
from services.ingest.store.postgres_log import Connect
from services.ingest.store.schema import micros, queries


class PostgresPersons:
    """Of one tenant; a transaction for each call, or within one."""

    def __init__(self, tenant: TenantId, connect: Connect) -> None:
        self._tenant = tenant
        self._connect = connect

    async def persons(self, persons: Sequence[bytes]) -> dict[bytes, StoredPerson]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.persons, self._tenant, list(persons))
        return {row["person"]: StoredPerson(**row) for row in rows}

    async def by_reference(self, references: Sequence[bytes]) -> dict[bytes, StoredPerson]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.persons_by_reference, self._tenant, list(references))
        return {row["reference"]: StoredPerson(**row) for row in rows}

    async def create(self, made: Sequence[StoredPerson]) -> None:
        # In one order everywhere, so that two processes that make the same persons do not wait for each other.
        rows = sorted(made, key=lambda one: one.person)
        async with self._connect() as connection:
            await connection.execute(
                queries.create_persons,
                self._tenant,
                [one.person for one in rows],
                [one.reference for one in rows],
                [one.version for one in rows],
                [one.secret for one in rows],
            )

    async def advance(self, version: int, advanced: Mapping[bytes, bytes]) -> None:
        async with self._connect() as connection:
            rows = [(self._tenant, person, version, secret) for person, secret in sorted(advanced.items())]
            await connection.executemany(queries.advance_person, rows)

    async def before_version(self, version: int, count_max: int) -> list[StoredPerson]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.persons_before_version, self._tenant, version, count_max)
        return [StoredPerson(**row) for row in rows]

    async def erase(self, persons: Sequence[bytes]) -> int:
        async with self._connect() as connection:
            return int(await connection.fetchval(queries.erase_persons, self._tenant, list(persons)))

    async def sealed_events(self, after: tuple[int, str], count_max: int) -> list[tuple[int, str, bytes, bytes | None]]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.sealed_events, self._tenant, *after, count_max)
        return [(row["position"], row["quarantine_id"], row["sealed"], row["corrected"]) for row in rows]

    async def record(self, erasure: Erasure) -> int:
        """When, in microseconds."""
        async with self._connect() as connection:
            at = await connection.fetchval(
                queries.record_erasure,
                self._tenant,
                erasure.erasure_id,
                erasure.actor,
                erasure.reason,
                erasure.value_count,
                erasure.person_count,
                erasure.quarantined_count,
                erasure.vocabulary_count,
                erasure.position,
            )
        return micros(at)

    async def last_erasure(self) -> int:
        async with self._connect() as connection:
            return int(await connection.fetchval(queries.last_erasure, self._tenant))

    async def erasures(self, before: tuple[int, UUID], count_max: int) -> list[Erasure]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.erasures, self._tenant, *before, count_max)
        return [_erasure(row) for row in rows]

    async def erasure(self, erasure_id: UUID) -> Erasure | None:
        async with self._connect() as connection:
            row = await connection.fetchrow(queries.erasure, self._tenant, erasure_id)
        return _erasure(row) if row else None


def _erasure(row: asyncpg.Record) -> Erasure:
    values = dict(row)
    return Erasure(erased_at_us=micros(values.pop("erased_at")), **values)
