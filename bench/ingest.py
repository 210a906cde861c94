"""How fast durable, deduplicated ingest over gRPC is, beside plain SQL on the same Postgres in the same run."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pyarrow as pa
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc
from andon_client.channel import open_channel

from services.runtime.authority import Authority
from services.runtime.postgres import EmbeddedPostgres

BATCH_EVENTS = 5_000
IN_FLIGHT = (1, 4, 16)
TENANT = "bench"
ACTIVITIES = ("Opened", "Assigned", "In progress", "Waiting", "Resolved", "Closed")
PRIORITIES = ("1 - critical", "2 - high", "3 - moderate", "4 - low")
START = datetime(2025, 1, 1, tzinfo=UTC)
COLUMNS = ("id", "source", "case_id", "activity", "time", "resource", "priority", "cost", "reopened")

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


@dataclass(frozen=True)
class Events:
    """One batch, as plain columns."""

    columns: dict[str, list[Any]]

    def table(self) -> pa.Table:
        coded = pa.dictionary(pa.int32(), pa.string())
        kinds = {"source": coded, "activity": coded, "resource": coded, "priority": coded}
        kinds["time"] = pa.timestamp("us", tz="UTC")
        return pa.table(
            {
                name if name in COLUMNS[:6] else f"attributes.{name}": pa.array(values, kinds.get(name))
                for name, values in self.columns.items()
            }
        )

    def arrow(self) -> event_pb2.EventBatch:
        sink = pa.BufferOutputStream()
        table = self.table()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())

    def rows(self) -> event_pb2.EventBatch:
        batch = event_pb2.EventBatch()
        for values in zip(*self.columns.values(), strict=True):
            one = dict(zip(self.columns, values, strict=True))
            event = batch.rows.events.add(**{name: one[name] for name in COLUMNS[:4]}, resource=one["resource"])
            event.time.FromDatetime(one["time"])
            event.attributes["priority"].text = one["priority"]
            event.attributes["cost"].number = one["cost"]
            event.attributes["reopened"].integer = one["reopened"]
        return batch


def made_events(first: int, count: int) -> Events:
    numbers = np.arange(first, first + count)
    return Events(
        {
            "id": [f"evt-{number:010d}" for number in numbers.tolist()],
            "source": ["helpdesk"] * count,
            "case_id": [f"INC{number:08d}" for number in (numbers * 7919 % (first + count) // 6).tolist()],
            "activity": [ACTIVITIES[number % 6] for number in numbers.tolist()],
            "time": [START + timedelta(seconds=number) for number in numbers.tolist()],
            "resource": [f"agent {number % 60}" for number in numbers.tolist()],
            "priority": [PRIORITIES[number * 31 % 4] for number in numbers.tolist()],
            "cost": (numbers * 0.25).tolist(),
            "reopened": (numbers % 3).tolist(),
        }
    )


@asynccontextmanager
async def served(folder: Path, postgres: EmbeddedPostgres) -> AsyncIterator[Any]:
    """A client of an ingest process of its own."""
    authority = Authority(folder / "authority")
    server, client = authority.certificate("server"), authority.certificate("client")
    key = folder / "tenant.key"
    key.write_bytes(os.urandom(32))
    endpoint = folder / "endpoint.json"
    settings = {
        "DSN": postgres.role_dsn("andon_ingest"),
        "MIGRATION_DSN": postgres.dsn(),
        "LISTEN": "127.0.0.1:0",
        "HEALTH_LISTEN": "127.0.0.1:0",
        "ENDPOINT_FILE": endpoint,
        "TLS_CA_FILE": authority.ca_file,
        "TLS_CERT_FILE": server.certificate,
        "TLS_KEY_FILE": server.key,
        "JWKS_FILE": authority.jwks_file,
        "TENANT_KEY_FILE": key,
        "LOG_LEVEL": "error",
    }
    environment = {**os.environ, **{f"ANDON_INGEST_{name}": str(value) for name, value in settings.items()}}
    command = (sys.executable, "-m", "services.ingest")
    migrating = await asyncio.create_subprocess_exec(*command, "migrate", env=environment)
    if await migrating.wait():
        raise SystemExit("migrate failed")
    process = await asyncio.create_subprocess_exec(*command, "serve", env=environment)
    try:
        while not endpoint.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        channel = open_channel(
            f"127.0.0.1:{json.loads(endpoint.read_text())['port']}",
            ca_file=authority.ca_file,
            cert_file=client.certificate,
            key_file=client.key,
            token=authority.token("bench", TENANT, ["writer", "reader"]),
        )
        async with channel:
            yield ingest_pb2_grpc.IngestServiceStub(channel)
    finally:
        process.terminate()
        await process.wait()


async def written_per_s(client: Any, batches: Sequence[event_pb2.EventBatch], in_flight: int) -> float:
    """Events acknowledged as durable, per second."""
    waiting: Iterator[event_pb2.EventBatch] = iter(batches)
    accepted = 0

    async def write() -> None:
        nonlocal accepted
        for batch in waiting:
            answer = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
            accepted += answer.accepted

    begun = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(in_flight)))
    elapsed = time.perf_counter() - begun
    if accepted != len(batches) * BATCH_EVENTS:
        raise SystemExit(f"only {accepted} events were accepted")
    return accepted / elapsed


async def inserted_per_s(dsn: str, events: Sequence[Events], insert: Callable[..., Awaitable[Any]]) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        begun = time.perf_counter()
        for batch in events:
            await insert(connection, batch)
        return len(events) * BATCH_EVENTS / (time.perf_counter() - begun)
    finally:
        await connection.close()


async def on_conflict(connection: asyncpg.Connection, events: Events) -> None:
    await connection.execute(ON_CONFLICT, *events.columns.values())


async def copy(connection: asyncpg.Connection, events: Events) -> None:
    records = list(zip(*events.columns.values(), strict=True))
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
        events = [made_events(number * BATCH_EVENTS, BATCH_EVENTS) for number in range(batches)]
        floor = await inserted_per_s(dsn, events, on_conflict)
        say("INSERT ... ON CONFLICT, 5,000 at a time", floor, floor)
        say("COPY into a bare table, 5,000 at a time", await inserted_per_s(dsn, events, copy), floor)
        async with served(folder, postgres) as client:
            await written_per_s(client, [made_events(-BATCH_EVENTS - 1, BATCH_EVENTS).arrow()], 1)
            first = 0
            for encoding in (Events.rows, Events.arrow):
                for in_flight in IN_FLIGHT:
                    count = batches * (3 if encoding is Events.arrow else 1)
                    made = [encoding(made_events(first + n * BATCH_EVENTS, BATCH_EVENTS)) for n in range(count)]
                    first += count * BATCH_EVENTS
                    per_s = await written_per_s(client, made, in_flight)
                    say(f"ingest, {encoding.__name__} of 5,000, {in_flight} in flight", per_s, floor)
    finally:
        await postgres.stop()


async def grow(folder: Path, events_max: int) -> None:
    """Throughput with many events in the log beside that with few."""
    postgres = EmbeddedPostgres(folder / "postgres-large")
    await postgres.start()
    try:
        async with served(folder, postgres) as client:
            size, measured = 0, {}
            while size < events_max:
                made = [made_events(size + n * BATCH_EVENTS, BATCH_EVENTS).arrow() for n in range(20)]
                per_s = await written_per_s(client, made, 4)
                size += len(made) * BATCH_EVENTS
                measured[size] = per_s
                if size % 1_000_000 == 0:
                    print(f"{size:>12,} events in the log {per_s:>12,.0f} events/s", flush=True)
        sizes = sorted(measured)
        # The first batches also load code and warm the database; medians of ten measurements each.
        few = float(np.median([measured[size] for size in sizes[1:11]]))
        many = float(np.median([measured[size] for size in sizes[-10:]]))
        print(f"with {sizes[-1]:,} events against 200,000 to 1,100,000: {many / few:.2f}")
    finally:
        await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=40, help="batches of 5,000 events in each measurement")
    parser.add_argument("--full", action="store_true", help="also grow a log to 10 million events (minutes)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        asyncio.run(compare(Path(name), arguments.batches))
        if arguments.full:
            (Path(name) / "endpoint.json").unlink(missing_ok=True)
            asyncio.run(grow(Path(name), 10_000_000))


if __name__ == "__main__":
    main()
