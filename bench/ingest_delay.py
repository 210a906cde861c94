"""How long a small batch waits for its acknowledgement: alone, and while a stream of large ones is written.

Large ones are sent by a process of their own: by the same tenant, by another one, and, for comparison, to another
ingest process on the same machine and Postgres. What that last one costs is the processors' doing and no queue's.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc
from andon_client.channel import open_channel

from bench.ingest_load import Served, made_events, served, written_s
from services.machine.postgres import EmbeddedPostgres

LARGE_EVENTS = 50_000
LARGE_IN_FLIGHT = 2
SMALL_EVENTS = 10
SMALL_PER_S = 40.0
# Never those of large ones, and never the same twice.
_small_ids = itertools.count(-100_000_000, SMALL_EVENTS)


async def send_large(access: dict[str, Any]) -> None:
    """As a process of its own: says when its batches are made, and sends them when it is told to."""
    first, encoding = access.pop("first"), access.pop("encoding")
    made = [
        getattr(made_events(first + number * LARGE_EVENTS, LARGE_EVENTS), encoding)()
        for number in range(access.pop("count"))
    ]
    files: dict[str, Any] = {name: Path(access.pop(name)) for name in ("ca_file", "cert_file", "key_file")}
    async with open_channel(**files, **access) as channel:
        client = ingest_pb2_grpc.IngestServiceStub(channel)
        print("made", flush=True)
        sys.stdin.readline()
        print(await written_s(client, made, LARGE_IN_FLIGHT, LARGE_EVENTS), flush=True)


async def small_latencies_s(client: Any, until: asyncio.Future[Any] | float) -> list[float]:
    """Open loop: each batch is sent when it is due, whatever became of the one before it."""
    latencies: list[float] = []

    async def send(batch: event_pb2.EventBatch, due_s: float) -> None:
        answer = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        latencies.append(time.perf_counter() - due_s)
        assert answer.accepted == SMALL_EVENTS

    begun, sent, number = time.perf_counter(), [], 0
    while (time.perf_counter() - begun < until) if isinstance(until, float) else not until.done():
        batch = made_events(next(_small_ids), SMALL_EVENTS).rows()
        due_s = begun + number / SMALL_PER_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        sent.append(asyncio.ensure_future(send(batch, max(due_s, begun))))
        number += 1
    await asyncio.gather(*sent)
    return latencies


def say(name: str, latencies_s: list[float], large_per_s: float | None = None) -> None:
    p50, p95, p99 = np.percentile(np.array(latencies_s) * 1_000, (50, 95, 99))
    large = "" if large_per_s is None else f"   {large_per_s:>9,.0f} large events/s"
    print(f"{name:<52}p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  p99 {p99:6.1f} ms{large}", flush=True)


async def beside(service: Served, large: Served, tenant: str, count: int, encoding: str, first: int) -> list[float]:
    """Latencies of small batches while large ones are sent, and last the events per second of those."""
    access = json.dumps({**large.access(tenant), "count": count, "encoding": encoding, "first": first}, default=str)
    sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.ingest_delay",
        "--send",
        access,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert sender.stdin is not None
    assert sender.stdout is not None
    await sender.stdout.readline()
    client = await service.client("small")
    await small_latencies_s(client, 0.5)
    sender.stdin.write(b"go\n")
    done = asyncio.ensure_future(sender.stdout.readline())
    latencies = await small_latencies_s(client, done)
    await sender.wait()
    return [*latencies, count * LARGE_EVENTS / float(await done)]


async def measure(folder: Path, count: int, encodings: list[str], seconds: float) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    try:
        async with served(folder / "one", postgres) as one, served(folder / "other", postgres) as other:
            client = await one.client("small")
            await small_latencies_s(client, 1.0)
            say("alone", await small_latencies_s(client, seconds))
            first = 0
            for encoding in encodings:
                for name, service, tenant in (
                    ("of another process", other, "large"),
                    ("of another tenant", one, "large"),
                    ("of the same tenant", one, "small"),
                ):
                    *latencies, per_s = await beside(one, service, tenant, count, encoding, first)
                    first += count * LARGE_EVENTS
                    say(f"beside {encoding} of {LARGE_EVENTS:,} {name}", latencies, per_s)
            say("alone again", await small_latencies_s(client, seconds))
    finally:
        await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=30, help="large batches beside each measurement")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a measurement without large batches")
    parser.add_argument("--encodings", nargs="+", default=["arrow", "rows"], choices=("arrow", "rows"))
    parser.add_argument("--send", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        asyncio.run(send_large(json.loads(arguments.send)))
        return
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        asyncio.run(measure(Path(name), arguments.batches, arguments.encodings, arguments.seconds))


if __name__ == "__main__":
    main()
