"""KPI feeds in Postgres."""

import json
from dataclasses import asdict
from typing import Any

import asyncpg

from services.ingest.model import FeedFigures, FeedPeriod, SourceId, TenantId
from services.ingest.registry.feeds.model import Feed, FeedDirection, FeedSeries
from services.ingest.store.schema import micros, queries


class PostgresFeeds:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, feed: Feed) -> None:
        await self._connection.execute(
            queries.create_feed, self._tenant, feed.id, feed.title_en, feed.title_zh, _document(feed)
        )

    async def feed(self, name: SourceId) -> Feed | None:
        row = await self._connection.fetchrow(queries.feed, self._tenant, name)
        return _feed(row) if row is not None else None

    async def feeds(self, after: str, count_max: int) -> list[Feed]:
        return [_feed(row) for row in await self._connection.fetch(queries.feeds, self._tenant, after, count_max)]

    async def replace(self, feed: Feed) -> None:
        await self._connection.execute(
            queries.replace_feed, self._tenant, feed.id, feed.title_en, feed.title_zh, _document(feed)
        )


def feed_of(name: SourceId, document: str, **more: Any) -> Feed:
    """As it is stored."""
    values = json.loads(document)
    series = tuple(
        FeedSeries(**{**one, "figures": FeedFigures(one["figures"]), "direction": FeedDirection(one["direction"])})
        for one in values["series"]
    )
    return Feed(
        name,
        FeedPeriod(values["period"]),
        series,
        time_zone=values["time_zone"],
        dimensions=tuple(values["dimensions"]),
        **more,
    )


def _document(feed: Feed) -> str:
    return json.dumps(
        {
            "period": feed.period,
            "time_zone": feed.time_zone,
            "dimensions": feed.dimensions,
            "series": [asdict(one) for one in feed.series],
        }
    )


def _feed(row: asyncpg.Record) -> Feed:
    return feed_of(
        SourceId(row["source"]),
        row["document"],
        title_en=row["title_en"],
        title_zh=row["title_zh"],
        created_at_us=micros(row["created_at"]),
    )
