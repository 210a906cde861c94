"""What a step of scoring costs after 1, 12 and 60 months of hourly windows, what a replica holds, and how it opens.

A step is one hour of 480 cases over 20 charted indicators and 24 teams: 500 hourly series, and their composite. It is
the service's own, from the page of events to the commit, on an embedded Postgres; ingest and gRPC are left out. The
hours before the first step are rows of its own making: copies, an hour apart, of those that a first step committed, in
`score`, `score_history` and `window_statistics`. Each figure comes from a process of its own, and the sizes take turns.
late_ms: a step of one late case, which changes a complete window of 40 series whose charts have gone on since.
book_kb: open windows and states of charts, as the checkpoint has them.
Aims: a step at most 1.2 times, memory at most 1.3 times that of the first month.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pyarrow as pa
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import indicator_system_pb2
from andon_client.documents import parse_document

from services.machine.postgres import EmbeddedPostgres
from services.runtime.cursors import CursorCodec
from services.runtime.database import tenant_transaction
from services.runtime.drain import Draining
from services.runtime.ownership import QUERIES, Lease
from services.runtime.schema import open_schema, prepare_schema
from services.scoring.replica.commit import Committer
from services.scoring.replica.partitions import Partitions
from services.scoring.replica.reopen import checkpoint_of, reopen_book
from services.scoring.replica.tail import ScoreTail
from services.scoring.replica.version_switch import VersionSwitch
from services.scoring.scores.book import ScoreBook
from services.scoring.scores.charts.chart import prepare
from services.scoring.scores.charts.part import part_of
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.results import Page
from services.scoring.store.statements import MIGRATIONS, SCHEMA
from services.scoring.system.event_clock import EventClock
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesFilter, series_name
from services.scoring.system.windows import EARLIEST_US, LATEST_US
from services.scoring.wire.entries import ENTRY_BYTES_MAX
from services.scoring.wire.ingest_client import received
from services.scoring.wire.scores import score_of, timestamp, unpack_score
from services.scoring.wire.systems import spec_of

NAME, PARTITION, ORIGIN = "processes/bench/indicatorSystems/main", "partition/0", UUID(int=7)
START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR_US, MONTH_H = 3_600_000_000, 730
INDICATORS, TEAMS, CASES = 20, 24, 480
BASELINE, FIRST_STEPS = 20, 50
FILLED_TABLES = ("score", "score_history", "window_statistics")
FILL_HOURS = 240
PAGE_BYTES = 4_096
ASKED = 5
STEP_AIM, MEMORY_AIM = 1.2, 1.3
TEXT = pa.dictionary(pa.int32(), pa.string())
ABSENT = {"object_kind": TEXT, "resource": TEXT, "supersedes": pa.string(), "retracts": pa.string()}


def document(indicators: int) -> dict[str, Any]:
    names = [f"a{number}" for number in range(indicators)]
    return {
        "sources": ["desk"],
        "case_rule": {"opened": {"first": {"activities": ["Done"]}}, "closed": {"last": {"activities": ["Done"]}}},
        "measures": [{"name": name, "value": {"attribute": name}} for name in names],
        "dimensions": [{"name": "team", "attribute": "team"}],
        "indicators": [
            {
                "name": name,
                "measure": name,
                "aggregate": "mean",
                "direction": "lower_is_better",
                "target": {"value": 12.0, "worst": 20.0},
                "windows": ["hour"],
                "slices": [{"dimensions": ["team"]}],
                "chart": {"baseline_windows": BASELINE},
                "owner": "bench",
            }
            for name in names
        ],
    }


def response(hour: int, indicators: int, late: bool = False) -> ingest_pb2.ReadEventsResponse:
    """One hour of the log as ingest sends it: a page of cases, each of one event with all attributes.

    late: one more case instead, of five hours before.
    """
    dice, begin = np.random.default_rng(2 * hour + late), START + timedelta(hours=hour)
    cases = range(CASES, CASES + 1) if late else range(CASES)
    first = begin - timedelta(hours=5) if late else begin
    columns = {
        "id": pa.array([f"e{hour}-{case}" for case in cases]),
        "source": pa.array(["desk"] * len(cases)).dictionary_encode(),
        "case_id": pa.array([f"c{hour}-{case}" for case in cases]),
        "activity": pa.array(["Done"] * len(cases)).dictionary_encode(),
        "time": pa.array([first + timedelta(seconds=7 * case) for case in cases], pa.timestamp("us", "UTC")),
        "attributes.team": pa.array([f"team {case % TEAMS}" for case in cases]).dictionary_encode(),
    }
    columns |= {name: pa.nulls(len(cases), kind) for name, kind in ABSENT.items()}
    columns |= {
        f"attributes.a{one}": pa.array(np.round(dice.gamma(4.0, 2.5, len(cases)), 2)) for one in range(indicators)
    }
    page, sink = pa.RecordBatch.from_pydict(columns), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, page.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(page)
    body = event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())
    at = timestamp(int(begin.timestamp() + 3_599) * 1_000_000)
    return ingest_pb2.ReadEventsResponse(
        pages=[
            ingest_pb2.EventPage(
                partition=0, first_offset=hour * (CASES + 1) + cases.start, event_count=len(cases), events=body
            )
        ],
        through=CursorCodec(ORIGIN).encode(2 * hour + 1 + late),
        source_watermarks=[ingest_pb2.SourceWatermark(source="desk", time=at)],
        server_time=at,
    )


class Tenant:
    """One with a partition that this process owns, and a system that is scored by."""

    def __init__(self, settings: ScoringSettings, pool: asyncpg.Pool, months: int) -> None:
        self.name = f"months-{months}"
        self._settings, self._pool, self._store = settings, pool, Store(pool)
        self._clock = EventClock((), 0)

    async def create(self, indicators: int) -> None:
        body = parse_document(document(indicators), indicator_system_pb2.IndicatorSystemSpec).SerializeToString()
        await self._store.provision_tenant(self.name)
        async with self._store.editing(self.name) as editor:
            made = await editor.create(NAME, body, "1")
            await editor.activate(NAME, made.version, "2", "3")
        await self._store.begin_fold(self.name, NAME, made.version, 1, -1)

    async def open(self, indicators: int) -> int:
        """The hour that comes next."""
        spec = spec_of(parse_document(document(indicators), indicator_system_pb2.IndicatorSystemSpec))
        system = IndicatorSystem(NAME, 1, spec)
        async with tenant_transaction(self._pool, self.name) as connection:
            epoch = await connection.fetchval(QUERIES.take, self.name, PARTITION, ORIGIN)
        # Ingest is only asked for cases that were corrected, and here none is.
        nobody: Any = None
        self._partitions = Partitions(self.name, system, self._store, nobody, self._settings)
        await self._partitions.open({0: Lease(self.name, PARTITION, int(epoch))})
        fold = await self._store.fold(self.name, NAME, 1)
        assert fold is not None
        self._fold, self._opened = fold, await reopen_book(self._store, self.name, system)
        tail = ScoreTail(self.name, self._store, Draining())
        self._committer = Committer(self.name, system, self._store, tail, "bench", ENTRY_BYTES_MAX)
        self._switch = VersionSwitch(self.name, system, self._store, tail, ENTRY_BYTES_MAX)
        return (self._partitions.states[0].committed_position + 1) // 2

    async def take(self, one: ingest_pb2.ReadEventsResponse) -> tuple[float, float]:
        """Milliseconds in all, and of this process's processor time: what else the machine does is not in these."""
        began_s, states = (time.perf_counter(), time.process_time()), self._partitions.states.values()
        gathered = await self._partitions.gather([received(one, self._clock)])
        await self._committer.commit_with_retry(gathered, self._opened, self._fold, states)
        while not self._opened.book.switched:
            await self._switch.go_on(self._opened, self._fold, states)
        return (time.perf_counter() - began_s[0]) * 1_000, (time.process_time() - began_s[1]) * 1_000

    @property
    def book(self) -> ScoreBook:
        return self._opened.book

    def questions(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """What people ask for: progress as `andon status` does, series, the latest windows, part of a chart."""
        latest_us = max(window.start_us for _, window in self.book.statistics)
        page = Page(("", EARLIEST_US), 1_000)

        async def status() -> None:
            await self._store.head(self.name)
            await self._store.progress_of_active(self.name)
            await self._store.contents(self.name)
            await self._store.system_states(self.name)

        charted = next(series for series in self.book.charts if "{" in series)
        plan, name = self.book.plan(charted), series_name(charted)
        assert plan is not None
        day_us = (latest_us - 24 * HOUR_US, latest_us)

        async def chart() -> None:
            async with self._store.chart((self.name, NAME, 1), charted) as reader:
                stored = await reader.states(*day_us)
                part = part_of(stored.present, stored.start, stored.end_us)
                rows = await reader.scores(part.base.end.through_us, part.end_us)
            part.drawn([score_of(unpack_score(row)) for row in rows], plan, name.window, day_us, latest_us)

        return {
            "status": status,
            "chart": chart,
            "series": lambda: self._store.list_series(self.name, SeriesFilter(), "", 1_000),
            "since": lambda: self._store.list_scores(self.name, SeriesFilter(), (latest_us, LATEST_US), page),
        }

    async def snapshot(self) -> None:
        await self._partitions.snapshot_when_due(self._opened)


@asynccontextmanager
async def filling(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Indexes and what follows each row are made once, afterwards: as they would be, in a fraction of the time."""
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '1GB'")
    indexes = await connection.fetch(
        "SELECT relation.relname AS table, index.relname AS name, pg_get_indexdef(index.oid) AS made_by,"
        " own.conname AS key, pg_get_constraintdef(own.oid) AS key_made_by"
        " FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid"
        " JOIN pg_class AS relation ON relation.oid = indrelid"
        " LEFT JOIN pg_constraint AS own ON own.conindid = index.oid AND own.contype = 'p'"
        " WHERE relation.relnamespace = 'scoring'::regnamespace AND relation.relname = ANY($1) ORDER BY index.relname",
        FILLED_TABLES,
    )
    for row in indexes:
        what = f"TABLE scoring.{row['table']} DROP CONSTRAINT {row['key']}" if row["key"] else ""
        await connection.execute(f"ALTER {what}" if what else f"DROP INDEX scoring.{row['name']}")
    await connection.execute("ALTER TABLE scoring.score DISABLE TRIGGER USER")
    yield
    for row in indexes:
        key = f"ALTER TABLE scoring.{row['table']} ADD CONSTRAINT {row['key']} {row['key_made_by']}"
        await connection.execute(key if row["key"] else row["made_by"])
    await connection.execute("ALTER TABLE scoring.score ENABLE TRIGGER USER")
    await connection.execute(
        "UPDATE scoring.score_head SET score_count = found.number, content = mod(found.total, 2::numeric ^ 256)"
        " FROM (SELECT tenant, count(*) AS number, sum(scoring.digest_number(digest)) AS total"
        " FROM scoring.score WHERE present GROUP BY tenant) AS found WHERE score_head.tenant = found.tenant"
    )
    # What autovacuum and the checkpointer do within minutes, done at once.
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")


async def fill(connection: asyncpg.Connection, tenant: str, hours: int) -> None:
    """The hours before the first one, oldest first."""
    first_us = round(START.timestamp() * 1e6)
    for start in range(hours, 0, -FILL_HOURS):
        end = max(1, start - FILL_HOURS + 1)
        for table in FILLED_TABLES:
            names = [
                row["column_name"]
                for row in await connection.fetch(
                    "SELECT column_name FROM information_schema.columns"
                    " WHERE table_schema = 'scoring' AND table_name = $1 ORDER BY ordinal_position",
                    table,
                )
            ]
            moved = {name: f"{name} - hour * {HOUR_US}" for name in ("window_start", "window_end")}
            values = ", ".join(moved.get(name, name) for name in names)
            into, copies = f"scoring.{table} ({', '.join(names)})", f"generate_series({start}, {end}, -1) AS hour"
            # Every name is the schema's own.
            rows = f"SELECT {values} FROM scoring.{table}, {copies} WHERE tenant = $1 AND window_start = $2"  # noqa: S608
            await connection.execute(f"INSERT INTO {into} {rows}", tenant, first_us)


async def timed(ask: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    began_s = time.perf_counter()
    await ask()
    return (time.perf_counter() - began_s) * 1_000


def resident_mb() -> float:
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


@dataclass(frozen=True)
class Server:
    dsn: str
    owner_dsn: str

    def settings(self) -> ScoringSettings:
        files = {f"{name}_file": Path("unused") for name in ("tls_ca", "tls_cert", "tls_key", "jwks")}
        addresses = {"dsn": self.dsn, "migration_dsn": self.owner_dsn}
        # Each step is followed by a snapshot that is not timed, so that every process opens from the last hour.
        changes: dict[str, Any] = {"snapshot_events": 1, "pool_connections_min": 1, "pool_connections_max": 1}
        return ScoringSettings(**changes, **addresses, **files)  # type: ignore[arg-type]


async def one_replica(server: Server, months: int, steps: int, indicators: int) -> dict[str, float]:
    """A process that opens a tenant, takes some hours and is gone."""
    settings = server.settings()
    async with await open_schema(settings, SCHEMA, MIGRATIONS) as pool:
        tenant = Tenant(settings, pool, months)
        # As a replica does before it serves: what is loaded once belongs to no tenant.
        prepare()
        before_mb, began_s = resident_mb(), time.perf_counter()
        hour = await tenant.open(indicators)
        opened_s = time.perf_counter() - began_s
        took, late = [], []
        for number in range(hour, hour + steps):
            took.append(await tenant.take(response(number, indicators)))
            await tenant.snapshot()
            if number > 2 * BASELINE:
                late.append(await tenant.take(response(number, indicators, late=True)))
        asked = {name: [await timed(ask) for _ in range(ASKED)] for name, ask in tenant.questions().items()}
        return {
            "step_ms": statistics.median(wall for wall, _ in took[1:]),
            "step_cpu_ms": statistics.median(cpu for _, cpu in took[1:]),
            "late_ms": statistics.median([wall for wall, _ in late[1:]] or [0.0]),
            "late_cpu_ms": statistics.median([cpu for _, cpu in late[1:]] or [0.0]),
            "open_ms": opened_s * 1_000,
            **{f"{name}_ms": statistics.median(took) for name, took in asked.items()},
            "memory_mb": resident_mb() - before_mb,
            "book_kb": len(checkpoint_of(tenant.book)) / 1_000,
        }


async def in_process(server: Server, months: int, steps: int, indicators: int) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.growth", "--replica", server.dsn, server.owner_dsn, "--months", str(months)),
        *("--steps", str(steps), "--indicators", str(indicators)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(output.splitlines()[-1]))


async def run(months: Sequence[int], rounds: int, steps: int, indicators: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as folder:
        os.chmod(folder, 0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        await postgres.start()
        try:
            server = Server(postgres.role_dsn("andon_scoring"), postgres.dsn())
            found = await measured(server, months, rounds, steps, indicators)
        finally:
            await postgres.stop()
    print(f"{'':>12}" + "".join(f"{f'{one} months':>12}" for one in months) + f"{'ratio':>9}")
    kept = True
    for name, aim in (
        ("step_ms", STEP_AIM),
        ("step_cpu_ms", STEP_AIM),
        ("late_ms", None),
        ("late_cpu_ms", STEP_AIM),
        ("memory_mb", MEMORY_AIM),
        ("book_kb", MEMORY_AIM),
        ("open_ms", STEP_AIM),
        ("status_ms", STEP_AIM),
        ("series_ms", STEP_AIM),
        ("chart_ms", STEP_AIM),
        ("since_ms", STEP_AIM),
    ):
        medians = [statistics.median(one[name] for one in found[size]) for size in months]
        ratio = medians[-1] / medians[0]
        kept = kept and (aim is None or ratio <= aim)
        print(
            f"{name:>12}"
            + "".join(f"{one:>12.1f}" for one in medians)
            + f"{ratio:>9.2f}"
            + (f"  aim {aim}" if aim else "")
        )
    return kept


async def measured(
    server: Server, months: Sequence[int], rounds: int, steps: int, indicators: int
) -> dict[int, list[dict[str, float]]]:
    settings = server.settings()
    await prepare_schema(settings, SCHEMA, MIGRATIONS)
    owner = await asyncpg.connect(server.owner_dsn)
    async with await open_schema(settings, SCHEMA, MIGRATIONS) as pool:
        for size in months:
            await Tenant(settings, pool, size).create(indicators)
    for size in months:
        await in_process(server, size, FIRST_STEPS, indicators)
    began_s = time.monotonic()
    async with filling(owner):
        for size in months:
            await fill(owner, f"months-{size}", size * MONTH_H - FIRST_STEPS)
            print(f"   {size} months filled in after {time.monotonic() - began_s:.0f} s", flush=True)
    print(f"   indexed after {time.monotonic() - began_s:.0f} s", flush=True)
    await owner.close()
    found: dict[int, list[dict[str, float]]] = {size: [] for size in months}
    for _ in range(rounds):
        for size in months:
            found[size].append(await in_process(server, size, steps, indicators))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--months", type=int, nargs="+", default=[1, 12, 60])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12, help="hours of each round")
    parser.add_argument("--indicators", type=int, default=INDICATORS, help="each has 25 series")
    parser.add_argument("--replica", nargs=2, metavar="DSN", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.replica:
        print(
            json.dumps(asyncio.run(one_replica(Server(*given.replica), given.months[0], given.steps, given.indicators)))
        )
    elif not asyncio.run(run(given.months, given.rounds, given.steps, given.indicators)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
