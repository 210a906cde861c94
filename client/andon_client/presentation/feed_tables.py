"""KPI feeds as tables."""

from __future__ import annotations

from collections.abc import Sequence

from andon.ingest.v1 import feed_pb2 as pb

from andon_client.presentation.formats import localised, number, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, table_columns, table_row


def feeds_table(feeds: Sequence[pb.Feed], locale: str) -> Table:
    rows = [
        table_row(
            one.name,
            localised(one.title, locale) or "-",
            named(pb.FeedPeriod, one.period, locale),
            one.time_zone,
            ", ".join(one.dimensions) or "-",
            str(len(one.series)),
            one.source,
            when(one.create_time) if one.HasField("create_time") else "-",
        )
        for one in feeds
    ]
    names = ("=name", "title", "period", "zone", "dimensions", ">series_count", "=source", "created")
    return Table(say("feeds", locale), table_columns(locale, *names), rows)


def feed_series_table(feed: pb.Feed, locale: str) -> Table:
    rows = [
        table_row(
            one.name,
            localised(one.title, locale) or "-",
            named(pb.FeedFigures, one.figures, locale),
            named(pb.FeedDirection, one.direction, locale),
            number(one.target) if one.HasField("target") else "-",
            one.unit or "-",
        )
        for one in feed.series
    ]
    names = ("=series", "title", "figures", "direction", ">target", "unit")
    return Table(say("feed_series", locale), table_columns(locale, *names), rows)
