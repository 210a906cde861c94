"""What one small step of scoring costs, from the page of events to the commit: processor time by part, round trips.

Fold, decision and store are the service's own, on an embedded Postgres; ingest and gRPC are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pyarrow as pa
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import indicator_system_pb2
from andon_client.documents import parse_document

from bench.latency import START, SYSTEM, batch
from services.machine.postgres import EmbeddedPostgres
from services.runtime.cursors import CursorCodec
from services.runtime.database import tenant_transaction
from services.runtime.drain import Draining
from services.runtime.ownership import QUERIES, Lease
from services.runtime.schema import open_schema, prepare_schema
from services.scoring.replica.commit import Committer
from services.scoring.replica.partitions import Partitions
from services.scoring.replica.reopen import reopen_book
from services.scoring.replica.tail import ScoreTail
from services.scoring.replica.version_switch import VersionSwitch
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.progress import Fold
from services.scoring.store.statements import MIGRATIONS, SCHEMA
from services.scoring.system.event_clock import EventClock
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.entries import ENTRY_BYTES_MAX
from services.scoring.wire.ingest_client import received
from services.scoring.wire.scores import timestamp
from services.scoring.wire.systems import spec_of

TENANT, NAME, PARTITION = "main", "processes/bench/indicatorSystems/main", "partition/0"
ORIGIN = UUID(int=7)
WARM_UP = 50
TEXT = pa.dictionary(pa.int32(), pa.string())
ABSENT = {"object_kind": TEXT, "resource": TEXT, "supersedes": pa.string(), "retracts": pa.string()}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def response(number: int, events: int) -> ingest_pb2.ReadEventsResponse:
    """A commit of the log as ingest sends it: one page, texts that repeat encoded, absent columns as nulls."""
    table = pa.ipc.open_stream(batch(number, events)).read_all()
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    columns |= {name: columns[name].dictionary_encode() for name in ("source", "activity", "attributes.team")}
    columns |= {name: pa.nulls(events, kind) for name, kind in ABSENT.items()}
    page = pa.RecordBatch.from_pydict(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, page.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(page)
    body = event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())
    at = timestamp((int(START.timestamp()) + 600 * number) * 1_000_000)
    return ingest_pb2.ReadEventsResponse(
        pages=[ingest_pb2.EventPage(partition=0, first_offset=number * events, event_count=events, events=body)],
        through=CursorCodec(ORIGIN).encode(number + 1),
        source_watermarks=[ingest_pb2.SourceWatermark(source="desk", time=at)],
        server_time=at,
    )


class Steps:
    """A tenant with one partition, owned here, and a system that is scored by."""

    def __init__(self, settings: ScoringSettings, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._store = Store(pool)
        self._settings = settings
        self._clock = EventClock((), 0)

    async def open(self) -> None:
        system, self._fold, lease = await self._found()
        # Ingest is only asked for cases that were corrected, and here none is.
        nobody: Any = None
        self._partitions = Partitions(TENANT, system, self._store, nobody, self._settings)
        await self._partitions.open({0: lease})
        self._opened = await reopen_book(self._store, TENANT, system)
        tail = ScoreTail(TENANT, self._store, Draining())
        self._committer = Committer(TENANT, system, self._store, tail, "bench", ENTRY_BYTES_MAX)
        self._switch = VersionSwitch(TENANT, system, self._store, tail, ENTRY_BYTES_MAX)

    async def _found(self) -> tuple[IndicatorSystem, Fold, Lease]:
        document = parse_document(SYSTEM, indicator_system_pb2.IndicatorSystemSpec)
        await self._store.provision_tenant(TENANT)
        async with self._store.editing(TENANT) as editor:
            made = await editor.create(NAME, document.SerializeToString(), "1")
            await editor.activate(NAME, made.version, "2", "3")
        async with tenant_transaction(self._pool, TENANT) as connection:
            epoch = await connection.fetchval(QUERIES.take, TENANT, PARTITION, ORIGIN)
        fold = await self._store.begin_fold(TENANT, NAME, made.version, 1, -1)
        return IndicatorSystem(NAME, made.version, spec_of(document)), fold, Lease(TENANT, PARTITION, int(epoch))

    async def take(self, response: ingest_pb2.ReadEventsResponse) -> tuple[float, float, float]:
        """Processor seconds of folding, of deciding and keeping, and seconds in all."""
        begun_s, began_s = time.perf_counter(), time.process_time()
        gathered = await self._partitions.gather([received(response, self._clock)])
        folded_s = time.process_time()
        states = self._partitions.states.values()
        await self._committer.commit_with_retry(gathered, self._opened, self._fold, states)
        while not self._opened.book.switched:
            await self._switch.go_on(self._opened, self._fold, states)
        return folded_s - began_s, time.process_time() - folded_s, time.perf_counter() - begun_s


def backend_s(pid: int) -> float:
    """Processor seconds of a server process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def measured(settings: ScoringSettings, pool: asyncpg.Pool, given: argparse.Namespace) -> dict[str, Any]:
    steps = Steps(settings, pool)
    statements: list[str] = []
    await steps.open()
    responses = [response(number, given.events) for number in range(WARM_UP + given.steps)]
    for one in responses[:WARM_UP]:
        await steps.take(one)
    async with pool.acquire() as connection:
        connection.add_query_logger(lambda record: statements.append(record.query))
        pid = connection.get_server_pid()
    server_s = backend_s(pid)
    with cProfile.Profile() if given.profile else nullcontext() as profile:
        taken = [await steps.take(one) for one in responses[WARM_UP:]]
    if profile:
        pstats.Stats(profile).sort_stats(given.profile).print_stats(45)
    fold, keep, whole = np.array(taken).T * 1000
    return {
        "events": given.events,
        "steps": given.steps,
        "fold_ms": round(float(np.median(fold)), 2),
        "decide_and_keep_ms": round(float(np.median(keep)), 2),
        "server_ms": round((backend_s(pid) - server_s) / given.steps * 1000, 2),
        "round_trips": round(len(statements) / given.steps, 2),
        "wall_ms_p50": round(float(np.quantile(whole, 0.5)), 2),
        "wall_ms_p99": round(float(np.quantile(whole, 0.99)), 2),
    }


@asynccontextmanager
async def schema(folder: Path) -> AsyncIterator[tuple[ScoringSettings, asyncpg.Pool]]:
    """The service's own, on a Postgres of its own, through one connection."""
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    files = {f"{name}_file": folder / "unused" for name in ("tls_ca", "tls_cert", "tls_key", "jwks")}
    addresses = {"dsn": postgres.role_dsn("andon_scoring"), "migration_dsn": postgres.dsn()}
    settings = ScoringSettings(pool_connections_min=1, pool_connections_max=1, **addresses, **files)  # type: ignore[arg-type]
    try:
        await prepare_schema(settings, SCHEMA, MIGRATIONS)
        async with await open_schema(settings, SCHEMA, MIGRATIONS) as pool:
            yield settings, pool
    finally:
        await postgres.stop()


async def run(given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as folder:
        os.chmod(folder, 0o755)
        async with schema(Path(folder)) as (settings, pool):
            return await measured(settings, pool, given)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200, help="events of a step")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--profile", default="", metavar="ORDER", help="of pstats, such as tottime")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = asyncio.run(run(given))
    if given.json:
        print(json.dumps(figures))
        return
    print(f"a step of {figures['events']} events, median of {figures['steps']}")
    print(f"  processor: fold {figures['fold_ms']} ms, decide and keep {figures['decide_and_keep_ms']} ms,", end=" ")
    print(f"server {figures['server_ms']} ms")
    print(f"  round trips {figures['round_trips']}; wall p50 {figures['wall_ms_p50']} p99 {figures['wall_ms_p99']} ms")


if __name__ == "__main__":
    main()
