"""What is asked for of all scores, all series or a span costs the same however many windows there are, and is exact."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.runtime.database import open_pool
from services.runtime.migrations import migrate
from services.scoring.store import Store
from services.scoring.store.results import SERIES_AT_ONCE, SERIES_END, Contents, Page
from services.scoring.store.statements import MIGRATIONS, QUERIES, SCHEMA
from services.scoring.system.model import Window
from services.scoring.system.series import SeriesFilter
from services.scoring.system.windows import EARLIEST_US, LATEST_US

TENANT, OTHER = "acme", "quiet"
ALWAYS = (-(2**62), 2**62)
HOUR = 3_600_000_000
Row = tuple[str, int, bool, bytes]
"""Series, window, present, digest."""


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database, role_settings={"search_path": SCHEMA}, min_size=1, max_size=1) as pool:
        store = Store(pool)
        await store.provision_tenant(TENANT)
        await store.provision_tenant(OTHER)
        yield pool


async def state(connection: asyncpg.Connection, rows: list[Row], tenant: str = TENANT) -> None:
    """As a step states scores: new ones and those that it changes in one statement."""
    series, windows, present, digests = zip(*rows, strict=True)
    await connection.execute(
        """
        INSERT INTO score (tenant, process, system, series, window_start, window_end, indicator, window_kind, whole,
            present, complete, body, digest)
        SELECT $1, split_part(series, '/', 1), split_part(series, '/', 2), series, at * 3600000000::bigint,
            (at + 1) * 3600000000::bigint, split_part(split_part(series, '/', 3), '@', 1), 1,
            position('{' IN series) = 0, present, true, convert_to(series || ' ' || at, 'UTF8'), digest
        FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::bytea[]) AS one (series, at, present, digest)
        ON CONFLICT (tenant, series, window_start) DO UPDATE
        SET present = EXCLUDED.present, digest = EXCLUDED.digest
        """,
        *(tenant, series, windows, present, digests),
    )


async def signal(connection: asyncpg.Connection, names: list[str], standing: bool, digest: bytes) -> None:
    await connection.execute(
        """
        INSERT INTO signal (tenant, process, system, name, series, window_start, window_end, indicator, window_kind,
            whole, standing, body, digest)
        SELECT $1, 'p', 's', name, 'p/s/i@hour', 0, 1, 'i', 1, true, $3, ''::bytea, $4
        FROM unnest($2::text[]) AS one (name)
        ON CONFLICT (tenant, name) DO UPDATE
        SET standing = EXCLUDED.standing, digest = EXCLUDED.digest
        """,
        *(TENANT, names, standing, digest),
    )


def summed(digests: list[bytes]) -> str:
    return (sum(map(int.from_bytes, digests)) % 2**256).to_bytes(32).hex()


@pytest.mark.parametrize("seed", range(4))
async def test_counts_and_hash_are_those_of_what_is_there_after_any_changes(pool: asyncpg.Pool, seed: int) -> None:
    dice, scores, signals = random.Random(seed), dict[tuple[str, int], Row](), dict[str, tuple[bool, bytes]]()
    async with pool.acquire() as connection:
        for _ in range(40):
            places = {(f"p/s/i{dice.randrange(4)}@hour", dice.randrange(6)) for _ in range(dice.randint(1, 8))}
            # Large digests, so that their sum passes the modulus.
            rows = [(*place, dice.random() < 0.7, b"\xff" + dice.randbytes(31)) for place in places]
            await state(connection, rows)
            scores |= {(row[0], row[1]): row for row in rows}
            names, standing, digest = [f"n{dice.randrange(5)}"], dice.random() < 0.6, dice.randbytes(32)
            await signal(connection, names, standing, digest)
            signals[names[0]] = (standing, digest)
            if dice.random() < 0.2:
                gone = dice.choice(sorted(scores))
                await connection.execute(
                    "DELETE FROM score WHERE series = $1 AND window_start = $2", gone[0], gone[1] * HOUR
                )
                del scores[gone]
        await state(connection, [("p/s/i@hour", 0, True, bytes(31) + b"\x01")], OTHER)
    present = [digest for _, _, is_present, digest in scores.values() if is_present]
    active = [digest for standing, digest in signals.values() if standing]
    store = Store(pool)
    assert await store.contents(TENANT) == Contents(len(present), len(active), summed([*present, *active]))
    assert await store.contents(OTHER) == Contents(1, 0, f"{1:064x}")


async def test_what_was_there_before_an_upgrade_is_counted_once(databases: Any, tmp_path: Path) -> None:
    database = await databases.create()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:7]:
        (tmp_path / file.name).write_text(file.read_text())
    await migrate(database, schema=SCHEMA, directory=tmp_path)
    digests = [bytes([number]) * 32 for number in (250, 251, 252)]
    async with await open_pool(database, role_settings={"search_path": SCHEMA}, min_size=1, max_size=1) as pool:
        await Store(pool).provision_tenant(TENANT)
        async with pool.acquire() as connection:
            await state(connection, [("p/s/i@hour", at, at != 1, digest) for at, digest in enumerate(digests)])
            await signal(connection, ["n"], True, digests[0])
            await migrate(database, schema=SCHEMA, directory=MIGRATIONS)
        contents = await Store(pool).contents(TENANT)
    assert contents == Contents(2, 1, summed([digests[0], digests[2], digests[0]]))


def keys() -> list[str]:
    """More than are looked at at once, of two systems whose names begin alike, with values of all kinds."""
    many = [f"p/s/i{number % 3}@hour{{team=t{number}}}" for number in range(SERIES_AT_ONCE + 60)]
    return [*many, "p/s/i0@hour", "p/s2/i0@hour", "p/s/i1@hour{team=\U0010fffd}", "q/s/i0@hour{team=ä}", "q/s/i0@hour"]


@pytest.mark.parametrize(
    "filter_",
    [
        SeriesFilter(),
        SeriesFilter(process="p"),
        SeriesFilter(process="p", system="s"),
        SeriesFilter(system="s", indicators=frozenset({"i1"})),
        SeriesFilter(process="p", unsliced_only=True),
        SeriesFilter(windows=frozenset({Window.DAY})),
        SeriesFilter(series=frozenset({"q/s/i0@hour", "p/s/i0@hour{team=t3}", "p/s/none@hour"})),
        SeriesFilter(series=frozenset({"q/s/i0@hour"}), process="p"),
    ],
)
@pytest.mark.parametrize("size", [7, 1_000])
async def test_pages_of_series_and_of_scores_are_whole_and_in_order(
    pool: asyncpg.Pool, filter_: SeriesFilter, size: int
) -> None:
    store, rows = Store(pool), [(key, at, at != 2, b"\0" * 32) for key in keys() for at in range(4)]
    rows += [("p/s/withdrawn@hour", at, False, b"\0" * 32) for at in range(3)]
    async with pool.acquire() as connection:
        await state(connection, rows)
        await state(connection, rows, OTHER)
    wanted = sorted(key for key in keys() if filter_.passes(key))
    listed: list[str] = []
    while page := await store.list_series(TENANT, filter_, listed[-1] if listed else "", size):
        listed += page
    assert listed == wanted
    for span, starts in ((ALWAYS, (0, 1, 3)), ((HOUR, 3 * HOUR), (1,)), ((3 * HOUR, 4 * HOUR), (3,)), ((9, 9), ())):
        found: list[tuple[str, int]] = []
        while True:
            after = (found[-1][0], found[-1][1] * HOUR) if found else ("", ALWAYS[0])
            bodies = await store.list_scores(TENANT, filter_, span, Page(after, size))
            found += [(key, int(at)) for key, _, at in (body.decode().rpartition(" ") for body in bodies)]
            if len(bodies) < size:
                break
        assert found == [(key, at) for key in wanted for at in starts]
        assert all(left < right for left, right in pairwise(found))


async def test_looking_for_series_or_a_span_reads_no_more_where_series_are_longer(pool: asyncpg.Pool) -> None:
    series = [f"p/s/i@hour{{team=t{number:02d}}}" for number in range(20)]
    filter_: tuple[object, ...] = ("", "", [], [], [], False)
    asked = (
        (QUERIES.list_series, (TENANT, "", SERIES_END, *filter_, True, 50)),
        (QUERIES.list_scores, (TENANT, series, "", 0, 0, HOUR, 50)),
        (QUERIES.contents, (TENANT,)),
    )
    blocks: list[list[int]] = []
    async with pool.acquire() as connection:
        for begin, end in ((0, 10), (10, 1_000)):
            await state(connection, [(key, at, True, b"\1" * 32) for key in series for at in range(begin, end)])
            await connection.execute("VACUUM ANALYZE score")
            blocks.append([])
            for query, arguments in asked:
                (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments))
                blocks[-1].append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
    short, long = blocks
    # One more level of the index: a few blocks a series, not its windows.
    assert all(after <= 3 * before + 5 for before, after in zip(short, long, strict=True)), blocks


async def state_signals(connection: asyncpg.Connection, begin: int, end: int) -> None:
    """One for each of some hours, named so that names are not in order of time; every fifth one retracted."""
    await connection.execute(
        """
        INSERT INTO signal (tenant, process, system, name, series, window_start, window_end, indicator, window_kind,
            whole, standing, body, digest)
        SELECT $1, 'p', 's' || at % 2, md5(at::text), 'p/s/i@hour', at * 3600000000, (at + 1) * 3600000000, 'i', 1,
            true, at % 5 <> 0, convert_to(at::text, 'UTF8'), $4
        FROM generate_series($2::bigint, $3::bigint - 1) AS at
        """,
        *(TENANT, begin, end, b"\1" * 32),
    )


@pytest.mark.parametrize("size", [3, 1_000])
async def test_pages_of_signals_of_a_span_are_those_of_all_that_lie_in_it(pool: asyncpg.Pool, size: int) -> None:
    async with pool.acquire() as connection:
        await state_signals(connection, 0, 60)
    spans = (EARLIEST_US, LATEST_US), (10 * HOUR, 31 * HOUR), (EARLIEST_US, 7 * HOUR), (50 * HOUR, LATEST_US), (9, 9)
    for start_us, end_us in spans:
        for filter_, retracted in ((SeriesFilter(), True), (SeriesFilter(), False), (SeriesFilter("p", "s1"), False)):
            found: list[int] = []
            while True:
                after = hashlib.md5(str(found[-1]).encode()).hexdigest() if found else ""
                page = await Store(pool).list_signals(TENANT, filter_, (start_us, end_us), retracted, after, size)
                found += [int(body) for body in page]
                if len(page) < size:
                    break
            wanted = [
                at
                for at in range(60)
                if start_us <= at * HOUR < end_us and (retracted or at % 5) and filter_.system in ("", f"s{at % 2}")
            ]
            assert found == sorted(wanted, key=lambda at: hashlib.md5(str(at).encode()).hexdigest())


async def test_signals_of_a_span_are_found_without_reading_those_outside_of_it(pool: asyncpg.Pool) -> None:
    filter_: tuple[object, ...] = ("", "", [], [], [], False)
    blocks: list[int] = []
    async with pool.acquire() as connection:
        for begin, end in ((0, 100), (100, 20_000)):
            await state_signals(connection, begin, end)
            await connection.execute("VACUUM ANALYZE signal")
            (plan,) = json.loads(
                await connection.fetchval(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES.list_signals_within}",
                    *(TENANT, "", *filter_, True, 50, 40 * HOUR, 60 * HOUR),
                )
            )
            blocks.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
    assert blocks[1] <= 3 * blocks[0] + 5, blocks
