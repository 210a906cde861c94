"""From a sent event to the subscriber who sees its score, at a steady rate, beside the floor of the same machine.

The floor is the least that any durable service can do: one unary call that carries the same bytes, one commit,
one push to a watcher, over the same mTLS and on the same Postgres.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import numpy as np
import pyarrow as pa
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.commands.system import apply_system
from andon_client.connection import load_connection
from andon_client.documents import parse_document
from andon_client.keepalive import channel_options
from andon_client.suite import Suite
from numpy.typing import NDArray

from services.machine.home import Home
from services.machine.machine import Machine, Plan

Seconds = NDArray[np.float64]
EVENTS_PER_CASE = 4
# A tenant's first write opens its log and its fold; what is compared is the steady state after it.
WARM_UP_S = 3.0
START = datetime(2026, 3, 2, tzinfo=UTC)
SYSTEM = {
    "sources": ["bench"],
    "case_rule": {"opened": {"first": {"activities": ["A0"]}}, "closed": {"last": {"activities": ["A3"]}}},
    "steps": [{"name": "work", "phase": "during", "activities": ["A0", "A1", "A2", "A3"]}],
    "measures": [
        {"name": "duration", "duration": {"from": {"opened": True}, "to": {"closed": True}}},
        {"name": "late", "flag": {"above": {"measure": "duration", "limit": 1000}}},
    ],
    "dimensions": [{"name": "team", "attribute": "team"}],
    "indicators": [
        {
            "name": name,
            "phase": "during",
            "measure": measure,
            "aggregate": aggregate,
            "direction": "lower_is_better",
            "target": {"value": 1.0, "worst": 2.0},
            "windows": ["day", "all"],
            "slices": [{"dimensions": ["team"]}],
            "chart": {},
            "owner": "bench",
        }
        for name, measure, aggregate in (("duration", "duration", "mean"), ("late", "late", "share"))
    ],
}


def batch(number: int, events: int) -> bytes:
    """`events` events of whole cases; ten minutes of event time pass per batch."""
    cases = events // EVENTS_PER_CASE
    begin = START + timedelta(minutes=10 * number)
    names = [f"c{number}-{case}" for case in range(cases)]
    columns = {
        "id": [f"{name}-{step}" for name in names for step in range(EVENTS_PER_CASE)],
        "source": ["bench"] * events,
        "case_id": [name for name in names for _ in range(EVENTS_PER_CASE)],
        "activity": [f"A{step}" for _ in names for step in range(EVENTS_PER_CASE)],
        "time": pa.array(
            [begin + timedelta(seconds=120 * step + case) for case in range(cases) for step in range(EVENTS_PER_CASE)],
            pa.timestamp("us", "UTC"),
        ),
        "attributes.team": [f"team {case % 5}" for case in range(cases) for _ in range(EVENTS_PER_CASE)],
    }
    record = pa.RecordBatch.from_pydict(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record.schema) as writer:
        writer.write_batch(record)
    return bytes(sink.getvalue().to_pybytes())


async def paced(count: int, per_second: float, send: Callable[[int], Awaitable[object]]) -> list[float]:
    """Sends at a steady pace, whatever the answers take; returns when each was due (open loop: waiting counts)."""
    begun, due, sent = time.perf_counter(), [], []
    for number in range(count):
        due.append(begun + number / per_second)
        await asyncio.sleep(max(0.0, due[-1] - time.perf_counter()))
        sent.append(asyncio.ensure_future(send(number)))
    await asyncio.gather(*sent)
    return due


async def suite_latencies(suite: Suite, bodies: list[bytes], per_second: float, cases: int) -> tuple[Seconds, Seconds]:
    """Seconds from the time a batch was due until it was acknowledged, and until a watcher saw a score of it."""
    spec = parse_document(SYSTEM, indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(suite, spec, "bench")
    wanted = scoring_pb2.SeriesFilter(series=["bench/main/duration@all"])
    seen, acknowledged = np.full((2, len(bodies)), np.nan)

    async def watch() -> None:
        request = scoring_pb2.WatchScoresRequest(filter=wanted, snapshot=True)
        async for response in suite.scoring.WatchScores(request):
            now = time.perf_counter()
            for score in response.scores:
                done = int(score.count) // cases
                fresh = np.isnan(seen[:done])
                seen[:done][fresh] = now
            if not np.isnan(seen).any():
                return

    watching = asyncio.create_task(watch())
    await asyncio.sleep(3.0)

    async def send(number: int) -> None:
        body = event_pb2.EventBatch(arrow_ipc=bodies[number])
        await suite.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=body))
        acknowledged[number] = time.perf_counter()

    due = await paced(len(bodies), per_second, send)
    await asyncio.wait_for(watching, 120.0)
    warm, was_due = round(WARM_UP_S * per_second), np.asarray(due, dtype=np.float64)
    return (acknowledged - was_due)[warm:], (seen - was_due)[warm:]


# --- the floor

FLOOR = "/bench.Floor"


async def serve_floor(home: Path, dsn: str, port: int) -> None:
    """One unary call, one commit, one push: nothing else."""
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=10)
    watchers: list[asyncio.Queue[bytes]] = []

    async def write(request: bytes, context: object) -> bytes:
        await pool.execute("INSERT INTO floor (body) VALUES ($1)", request)
        for queue in watchers:
            queue.put_nowait(request[:8])
        return b"ok"

    async def watch(request: bytes, context: object) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        watchers.append(queue)
        while True:
            yield await queue.get()

    authority = home / "authority"
    credentials = grpc.ssl_server_credentials(
        [((authority / "ingest.key").read_bytes(), (authority / "ingest.crt").read_bytes())],
        root_certificates=(authority / "ca.crt").read_bytes(),
        require_client_auth=True,
    )
    server = grpc.aio.server()
    handlers: dict[str, Any] = {
        "Write": grpc.unary_unary_rpc_method_handler(write),
        "Watch": grpc.unary_stream_rpc_method_handler(watch),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(FLOOR.lstrip("/"), handlers)])
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    await server.start()
    await server.wait_for_termination()


async def floor_latencies(home: Home, dsn: str, bodies: list[bytes], per_second: float) -> Seconds:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS floor (body bytea NOT NULL)")
    await connection.close()
    port = home.port("floor")
    words = [sys.executable, "-m", "bench.latency", "--floor", str(home.folder), dsn, str(port)]
    process = await asyncio.create_subprocess_exec(*words)
    known = load_connection(home.folder)
    tls = grpc.ssl_channel_credentials(
        known.ca_file.read_bytes(), known.key_file.read_bytes(), known.cert_file.read_bytes()
    )
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", tls, options=channel_options()) as channel:
            await asyncio.wait_for(channel.channel_ready(), 60.0)
            return await _floor_run(channel, bodies, per_second)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _floor_run(channel: grpc.aio.Channel, bodies: list[bytes], per_second: float) -> Seconds:
    seen = np.full(len(bodies), np.nan)
    write: Any = channel.unary_unary(f"{FLOOR}/Write")
    watch: Any = channel.unary_stream(f"{FLOOR}/Watch")

    async def watching() -> None:
        async for pushed in watch(b"", wait_for_ready=True):
            seen[int.from_bytes(pushed, "big")] = time.perf_counter()
            if not np.isnan(seen).any():
                return

    task = asyncio.create_task(watching())
    await asyncio.sleep(3.0)

    async def send(number: int) -> None:
        await write(number.to_bytes(8, "big") + bodies[number])

    due = await paced(len(bodies), per_second, send)
    await asyncio.wait_for(task, 60.0)
    return (seen - np.asarray(due, dtype=np.float64))[round(WARM_UP_S * per_second) :]


def describe(name: str, seconds: Seconds) -> tuple[float, float]:
    p50, p99 = (float(np.quantile(seconds, q)) * 1000 for q in (0.5, 0.99))
    print(f"   {name:34} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms", flush=True)
    return p50, p99


async def run(rate: float, batch_events: int, seconds: float) -> None:
    per_second = rate / batch_events
    bodies = [batch(number, batch_events) for number in range(int(seconds * per_second))]
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as folder:
        os.chmod(folder, 0o755)
        home = Home(Path(folder))
        async with Machine(Plan(home)) as machine:
            print(f"   {rate:,.0f} events/s in batches of {batch_events}, {seconds:g} s", flush=True)
            floor = describe(
                "floor: unary + commit + push", await floor_latencies(home, machine.postgres.dsn(), bodies, per_second)
            )
            async with Suite(machine.connection) as suite:
                cases = batch_events // EVENTS_PER_CASE
                acknowledged, seen = await suite_latencies(suite, bodies, per_second, cases)
                describe("event to acknowledgement", acknowledged)
                ours = describe("event to subscriber", seen)
    print(f"   ratio to the floor: p50 {ours[0] / floor[0]:.1f}x, p99 {ours[1] / floor[1]:.1f}x (aim: p99 under 5x)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=10_000, help="events per second")
    parser.add_argument("--batch", type=int, nargs="+", default=[200, 1_000], help="events per call")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--floor", nargs=3, metavar=("HOME", "DSN", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        home, dsn, port = arguments.floor
        asyncio.run(serve_floor(Path(home), dsn, int(port)))
    else:
        for batch_events in arguments.batch:
            asyncio.run(run(arguments.rate, batch_events, arguments.seconds))


if __name__ == "__main__":
    main()
