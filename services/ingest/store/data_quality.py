"""The quality of data in Postgres: what a commit adds to its days, and what is read of them."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.ingest.model import QualityDimension, TenantId
from services.ingest.registry.data_quality import Claim, Day, DayCounts, DayQuality, QualityDelta, SourceHours
from services.ingest.store.schema import micros, queries


class PostgresQualityBook:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def days(
        self, sources: Sequence[str], begin: Day, end: Day, after: tuple[Day, str], count_max: int
    ) -> list[DayQuality]:
        values = (list(sources) or None, begin, end, *after, count_max)
        return await self._with_fields(await self._connection.fetch(queries.quality_days, self._tenant, *values))

    async def changed(self, sources: Sequence[str], after: int, through: int, count_max: int) -> list[DayQuality]:
        values = (list(sources) or None, after, through, count_max)
        return await self._with_fields(await self._connection.fetch(queries.quality_changed, self._tenant, *values))

    async def claimable(self, before: Day, count_max: int) -> list[Claim]:
        rows = await self._connection.fetch(queries.claimable_quality, self._tenant, before, count_max)
        return [Claim(_day(row), row["revision"]) for row in rows]

    async def store_claims(self, events: Sequence[tuple[Claim, bytes]]) -> None:
        columns = zip(
            *(
                (one.quality.source, one.quality.day, one.revision, one.quality.position, event)
                for one, event in events
            ),
            strict=True,
        )
        await self._connection.execute(queries.claim_quality, self._tenant, *map(list, columns))

    async def pending(self, count_max: int) -> list[tuple[str, Day, int, bytes]]:
        rows = await self._connection.fetch(queries.pending_quality, self._tenant, count_max)
        return [(row["source"], Day(row["day"]), row["revision"], row["pending"]) for row in rows]

    async def published(self, done: Sequence[tuple[str, Day, int]]) -> None:
        columns = zip(*done, strict=True)
        await self._connection.execute(queries.published_quality, self._tenant, *map(list, columns))

    async def hours(self, sources: Sequence[str], after: str, count_max: int) -> list[SourceHours]:
        values = (list(sources) or None, after, count_max)
        rows = await self._connection.fetch(queries.source_hours, self._tenant, *values)
        return [SourceHours(row["source"], row["hours"], row["counts"], micros(row["last_at"])) for row in rows]

    async def expire_hours(self, hours: int) -> None:
        await self._connection.execute(queries.expire_source_hours, self._tenant, hours)

    async def _with_fields(self, rows: Sequence[asyncpg.Record]) -> list[DayQuality]:
        days = [_day(row) for row in rows]
        sources, numbers = [one.source for one in days], [one.day for one in days]
        found: dict[tuple[str, Day], dict[tuple[QualityDimension, str], int]] = {}
        for row in await self._connection.fetch(queries.quality_fields, self._tenant, sources, numbers):
            fields = found.setdefault((row["source"], Day(row["day"])), {})
            fields[QualityDimension(row["dimension"]), row["field"]] = row["failed_count"]
        return [
            DayQuality(one.source, one.day, one.counts, one.position, found.get((one.source, one.day), {}))
            for one in days
        ]


def quality_values(delta: QualityDelta) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """In the order of the types `quality_day` and `quality_field`; in one order, so that commits wait in it."""
    days = [
        (
            source,
            day,
            one.accepted,
            one.duplicate,
            one.refused,
            one.replayed,
            one.corrections,
            one.retractions,
            [one.failed.get(dimension, 0) for dimension in QualityDimension],
            one.delays,
        )
        for (source, day), one in sorted(delta.days.items())
    ]
    return days, [(*key, count) for key, count in sorted(delta.fields.items())]


def _day(row: asyncpg.Record) -> DayQuality:
    counts = DayCounts(
        row["accepted_count"],
        row["duplicate_count"],
        row["refused_count"],
        row["replayed_count"],
        row["correction_count"],
        row["retraction_count"],
        dict(zip(QualityDimension, row["failed"], strict=True)),
        tuple(row["delays"]),
    )
    return DayQuality(row["source"], Day(row["day"]), counts, row["position"])
