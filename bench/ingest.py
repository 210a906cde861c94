"""How fast durable, deduplicated ingest over gRPC is, beside plain SQL on the same Postgres in the same run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from bench.ingest_load import BATCH_EVENTS, COLUMNS, Events, made_events, served, written_s
from services.machine.postgres import EmbeddedPostgres

IN_FLIGHT = (1, 4, 16)

CREATE_TABLE = """
CREATE TABLE {name} (
    id text, source text, case_id text, activity text, time timestamptz, resource text,
    priority text, cost double precision, reopened bigint{key}
)
"""
ON_CONFLICT = """
INSERT INTO with_key
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
            $7::text[], $8::double precision[], $9::bigint[])
ON CONFLICT DO NOTHING
"""

Columns = Sequence[list[Any]]


async def inserted_per_s(dsn: str, events: Sequence[Columns], insert: Callable[..., Awaitable[Any]]) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        begun = time.perf_counter()
        for batch in events:
            await insert(connection, batch)
        return len(events) * BATCH_EVENTS / (time.perf_counter() - begun)
    finally:
        await connection.close()


async def on_conflict(connection: asyncpg.Connection, columns: Columns) -> None:
    await connection.execute(ON_CONFLICT, *columns)


async def copy(connection: asyncpg.Connection, columns: Columns) -> None:
    records = list(zip(*columns, strict=True))
    await connection.copy_records_to_table("bare", records=records, columns=COLUMNS)


async def create_tables(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(CREATE_TABLE.format(name="bare", key=""))
    await connection.execute(CREATE_TABLE.format(name="with_key", key=", PRIMARY KEY (source, id)"))
    await connection.close()


def say(name: str, per_s: float, floor: float) -> None:
    print(f"{name:<44}{per_s:>12,.0f} events/s {per_s / floor:>7.1f}x ON CONFLICT", flush=True)


async def compare(folder: Path, batches: int) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    dsn = await postgres.start()
    try:
        await create_tables(dsn)
        events = [made_events(number * BATCH_EVENTS).lists() for number in range(batches)]
        floor = await inserted_per_s(dsn, events, on_conflict)
        say("INSERT ... ON CONFLICT, 5,000 at a time", floor, floor)
        say("COPY into a bare table, 5,000 at a time", await inserted_per_s(dsn, events, copy), floor)
        async with served(folder / "ingest", postgres) as service:
            client = await service.client("bench")
            await written_s(client, [made_events(-BATCH_EVENTS - 1).arrow()], 1)
            first = 0
            for encoding in (Events.rows, Events.arrow):
                for in_flight in IN_FLIGHT:
                    count = batches * (3 if encoding is Events.arrow else 1)
                    made = [encoding(made_events(first + n * BATCH_EVENTS)) for n in range(count)]
                    first += count * BATCH_EVENTS
                    per_s = count * BATCH_EVENTS / await written_s(client, made, in_flight)
                    say(f"ingest, {encoding.__name__} of 5,000, {in_flight} in flight", per_s, floor)
    finally:
        await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=40, help="batches of 5,000 events in each measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        asyncio.run(compare(Path(name), arguments.batches))


if __name__ == "__main__":
    main()
