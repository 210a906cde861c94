"""The registry in Postgres: sources, counts, refused events, first answers to request ids."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import asyncpg

from services.ingest.model import (
    Category,
    Cleaning,
    EntityField,
    EntityKind,
    FieldPolicy,
    IntakeQuota,
    IntakeTotals,
    NumberRange,
    Placeholder,
    QualityRules,
    Source,
    SourceId,
    TenantId,
    TimeOrder,
    Treatment,
    UnitRange,
)
from services.ingest.registry.forms.model import FormItem
from services.ingest.registry.records import StoredAnswer
from services.ingest.registry.surveys.model import Item
from services.ingest.registry.vocabulary import MANY, Vocabulary, Word
from services.ingest.store.feeds import feed_of
from services.ingest.store.forms import form_items_of
from services.ingest.store.schema import micros, queries
from services.ingest.store.surveys import items_of


class PostgresRegistry:
    """Of one tenant, within one transaction. What comes of commits is recorded by the log's `append`."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def answered(self, request_ids: Sequence[UUID]) -> dict[UUID, StoredAnswer]:
        rows = await self._connection.fetch(queries.answered, self._tenant, list(request_ids))
        return {row["request_id"]: StoredAnswer(**row) for row in rows}

    async def expire_answers(self) -> None:
        await self._connection.execute(queries.expire_answers, self._tenant)

    async def intake(self) -> tuple[dict[str, IntakeTotals], dict[tuple[str, str], int]]:
        counts = await self._connection.fetch(queries.intake_counts, self._tenant)
        reasons = await self._connection.fetch(queries.intake_reasons, self._tenant)
        tallies = {
            row["source"]: IntakeTotals(
                row["accepted_count"],
                row["duplicate_count"],
                row["quarantined_count"],
                row["replayed_count"],
                row["discarded_count"],
                row["expired_count"],
            )
            for row in counts
        }
        return tallies, {(row["source"], row["reason"]): row["quarantined_count"] for row in reasons}

    async def cleaning(self) -> dict[tuple[str, str, str], int]:
        rows = await self._connection.fetch(queries.intake_cleaning, self._tenant)
        return {(row["source"], row["rule"], row["field"]): row["cleaned_count"] for row in rows}

    async def sources(self) -> dict[SourceId, Source]:
        rows = await self._connection.fetch(queries.sources, self._tenant)
        return {row["source"]: _source(row) for row in rows}

    async def source(self, name: SourceId) -> Source | None:
        row = await self._connection.fetchrow(queries.source, self._tenant, name)
        return _source(row) if row is not None else None

    async def vocabulary(self) -> Vocabulary:
        rows = await self._connection.fetch(queries.vocabulary, self._tenant)
        return Vocabulary(Word(row["kind"], row["name"], row["value"]) for row in rows)

    async def record_vocabulary(self, words: Sequence[Word]) -> None:
        """Safe to repeat."""
        columns = ([word.kind for word in words], [word.name for word in words], [word.value for word in words])
        await self._connection.execute(queries.record_vocabulary, self._tenant, *columns)
        if many := [word.name for word in words if word.kind == MANY]:
            await self._connection.execute(queries.drop_vocabulary_values, self._tenant, many)

    async def create_source(self, source: Source) -> bool:
        """False where it exists."""
        made = await self._connection.fetchval(queries.create_source, self._tenant, source.id, *_source_values(source))
        return made is not None

    async def update_source(self, source: Source) -> bool:
        """False where it is no longer at `source.revision`."""
        revision = await self._connection.fetchval(
            queries.update_source, self._tenant, source.id, source.revision, *_source_values(source)
        )
        return revision is not None

    async def commits_of(self, name: SourceId, after: int, through: int, count_max: int) -> list[int]:
        rows = await self._connection.fetch(queries.source_commits, self._tenant, name, after, through, count_max)
        return [row["position"] for row in rows]

    async def commits_among(self, name: SourceId, positions: Sequence[int]) -> list[int]:
        rows = await self._connection.fetch(queries.commits_among, self._tenant, name, list(positions))
        return [row["position"] for row in rows]

    async def take_quota(self, source: str, quota: IntakeQuota, events: int, size: int, burst_s: float) -> float:
        rates = (float(quota.events_per_s), float(quota.bytes_per_s))
        values = (self._tenant, source, events, size, *rates, burst_s)
        return float(await self._connection.fetchval(queries.take_quota, *values))


def _source_values(source: Source) -> tuple[Any, ...]:
    return (
        source.kind,
        source.title_en,
        source.title_zh,
        source.dedup_horizon_us,
        source.time_earliest_us,
        source.future_tolerance_us,
        json.dumps([asdict(one) for one in source.policies]),
        source.subject,
        source.mapping,
        json.dumps(asdict(source.cleaning)) if source.cleaning else None,
        json.dumps(asdict(source.quality)) if source.quality != QualityRules() else None,
        source.silent_after_us,
        source.quota.events_per_s,
        source.quota.bytes_per_s,
        json.dumps([asdict(one) for one in source.entity_keys]),
        source.archive_after_us,
    )


def _source(row: asyncpg.Record) -> Source:
    values = dict(row)
    items, form_items, feed = values.pop("items"), values.pop("form_items"), values.pop("feed")
    name = SourceId(values.pop("source"))
    return Source(
        id=name,
        answers=tuple(one.rule for one in _asked(items, form_items)),
        observed_kind=values.pop("observed_kind") or "",
        feed=feed_of(name, feed).rule if feed else None,
        policies=tuple(
            FieldPolicy(**{**one, "treatment": Treatment(one["treatment"])})
            for one in json.loads(values.pop("policies"))
        ),
        cleaning=_cleaning(values.pop("cleaning")),
        quality=_quality(values.pop("quality")),
        entity_keys=tuple(
            EntityField(one["field"], EntityKind(one["kind"])) for one in json.loads(values.pop("entity_keys"))
        ),
        quota=IntakeQuota(values.pop("events_per_s"), values.pop("bytes_per_s")),
        created_at_us=micros(values.pop("created_at")),
        **values,
    )


def _asked(items: str | None, form_items: str | None) -> tuple[Item, ...] | tuple[FormItem, ...]:
    """Of the survey or the form of a source."""
    if form_items is not None:
        return form_items_of(form_items)
    return items_of(items) if items is not None else ()


def _cleaning(document: str | None) -> Cleaning | None:
    if document is None:
        return None
    values = json.loads(document)
    return Cleaning(
        placeholders=tuple(Placeholder(**one) for one in values["placeholders"]),
        categories=tuple(Category(one["field"], tuple(one["values"])) for one in values["categories"]),
        units=tuple(UnitRange(**{**one, "factors": tuple(one["factors"])}) for one in values["units"]),
        time_orders=tuple(TimeOrder(**one) for one in values["time_orders"]),
        early_times=values["early_times"],
        normalise_keys=values["normalise_keys"],
    )


def _quality(document: str | None) -> QualityRules:
    if document is None:
        return QualityRules()
    values = json.loads(document)
    return QualityRules(
        required=tuple(values["required"]),
        ranges=tuple(NumberRange(**one) for one in values["ranges"]),
        values=tuple(Category(one["field"], tuple(one["values"])) for one in values["values"]),
        timely_within_us=values["timely_within_us"],
    )
