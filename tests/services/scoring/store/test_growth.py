"""What people ask of series, cases and verdicts reads no more where history is longer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.runtime.database import open_pool
from services.scoring.store.statements import QUERIES, SCHEMA

TENANT, SYSTEM = "acme", "processes/p/indicatorSystems/s"
HOUR = 3_600_000_000
SERIES = [f"p/s/i@hour{{team=t{number:02d}}}" for number in range(10)]
HOURS = (200, 12_000)
FILLING = {
    "score": """
        INSERT INTO score (tenant, process, system, series, window_start, window_end, indicator, window_kind, whole,
            present, complete, body, digest)
        SELECT $1, 'p', 's', series, at * 3600000000, (at + 1) * 3600000000, 'i', 1, false, true, true, 'score', ''
        FROM unnest($4::text[]) AS series, generate_series($2::bigint, $3::bigint - 1) AS at
    """,
    "signal": """
        INSERT INTO signal (tenant, process, system, name, series, window_start, window_end, indicator, window_kind,
            whole, standing, body, digest)
        SELECT $1, 'p', 's', md5(series || at), series, at * 3600000000, (at + 1) * 3600000000, 'i', 1, false,
            at % 50 <> 0, 'signal', ''
        FROM unnest($4::text[]) AS series, generate_series($2::bigint, $3::bigint - 1, 10) AS at
    """,
    "signal_verdict": """
        INSERT INTO signal_verdict (tenant, signal, reviewer, verdict, series, window_start, body, verdict_time)
        SELECT $1, md5(series || at), 'r', 1, series, at * 3600000000, 'verdict', to_timestamp(at * 3600)
        FROM unnest($4::text[]) AS series, generate_series($2::bigint, $3::bigint - 1, 10) AS at
    """,
    "annotation": """
        INSERT INTO annotation (tenant, id, scope, start_us, end_us, body)
        SELECT $1, gen_random_uuid(), series, at * 3600000000, at * 3600000000, 'note'
        FROM unnest($4::text[]) AS series, generate_series($2::bigint, $3::bigint - 1, 20) AS at
    """,
    "chart_state": f"""
        INSERT INTO chart_state (tenant, system_name, version, series, through_us, judged, body)
        SELECT $1, '{SYSTEM}', 1, series, at * 3600000000, at > 0, 'state'
        FROM unnest($4::text[]) AS series, generate_series($2::bigint, $3::bigint - 1, 64) AS at
    """,
    "observation": f"""
        INSERT INTO observation (tenant, system_name, version, partition, anchor_min, anchor_max, page)
        SELECT $1, '{SYSTEM}', 1, partition, (at - 2) * 3600000000, at * 3600000000, 'page'
        FROM generate_series(0, 3) AS partition, generate_series($2::bigint, $3::bigint - 1) AS at
        WHERE cardinality($4::text[]) > 0
    """,
}


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    search = {"search_path": SCHEMA}
    async with await open_pool(database, role_settings=search, min_size=1, max_size=1) as pool, pool.acquire() as one:
        yield one


def day(hours: int) -> tuple[int, int]:
    return (hours - 24) * HOUR, hours * HOUR


def at(hours: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hours)


ASKED: dict[str, tuple[str, Callable[[int], tuple[object, ...]]]] = {
    "an overview": (
        QUERIES.overview,
        lambda hours: (TENANT, SERIES, 24, SERIES, list(range(1, len(SERIES) + 1)), 20),
    ),
    "the monitors of a day": (
        QUERIES.monitor_counts,
        lambda hours: (TENANT, SERIES, [20] * len(SERIES), *day(hours)),
    ),
    "the cases of a day": (
        QUERIES.observations_of_span,
        lambda hours: (TENANT, SYSTEM, 1, *day(hours), -1, -1, 50),
    ),
    "a part of a chart": (QUERIES.chart_states, lambda hours: (TENANT, SYSTEM, 1, SERIES[0], *day(hours))),
    "the first verdicts": (
        QUERIES.list_verdicts,
        lambda hours: (TENANT, "", at(10**6), "", "", 20),
    ),
    "a later page of verdicts": (
        QUERIES.list_verdicts,
        lambda hours: (TENANT, "", at(150), "", "", 20),
    ),
    "verdicts of one signal": (
        QUERIES.list_verdicts,
        lambda hours: (TENANT, "none", at(10**6), "", "", 20),
    ),
}


async def test_what_is_asked_of_a_long_history_reads_as_much_as_of_a_short_one(
    connection: asyncpg.Connection,
) -> None:
    blocks: dict[str, list[int]] = {name: [] for name in ASKED}
    for begin, end in ((0, HOURS[0]), HOURS):
        for table, filling in FILLING.items():
            await connection.execute(filling, TENANT, begin, end, SERIES)
            await connection.execute(f"VACUUM ANALYZE {table}")
        for name, (query, arguments) in ASKED.items():
            (explained,) = json.loads(
                await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments(end))
            )
            blocks[name].append(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])
    # Row by row instead of a whole small table, and one more level of an index; never a row of every hour.
    grown = {name: (short, long) for name, (short, long) in blocks.items() if long > 2 * short + 150}
    assert not grown, blocks
