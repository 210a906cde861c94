"""Whether ingest keeps its speed: a log of millions of events beside one of a hundred thousand, turn by turn.

Both are written through the same process and at the same moments, so that what else the disk and the processors
have to do hits both alike; processor time per event says what the work itself costs, whatever the disk does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from andon.ingest.v1 import event_pb2

from bench.ingest_load import BATCH_EVENTS, Served, made_events, served, written_s
from services.machine.postgres import EmbeddedPostgres

IN_FLIGHT = 4
SMALL_EVENTS = 100_000
ROUNDS = 16
# Small, large, large, small: whatever gets slower or faster meanwhile is shared fairly.
TURNS = ("small", "large", "large", "small")
TURN_BATCHES = 10


@dataclass(frozen=True)
class Cost:
    """Of one event, in microseconds."""

    wall_us: float
    ingest_us: float
    postgres_us: float


@dataclass(frozen=True)
class Bench:
    served: Served
    postgres_pid: int

    async def cost(self, client: Any, batches: Sequence[event_pb2.EventBatch]) -> Cost:
        ingest_s, postgres_s = processor_s(self.served.pid), processor_s(self.postgres_pid)
        wall_s = await written_s(client, batches, IN_FLIGHT)
        spent = (wall_s, processor_s(self.served.pid) - ingest_s, processor_s(self.postgres_pid) - postgres_s)
        events = len(batches) * BATCH_EVENTS
        return Cost(*(seconds / events * 1e6 for seconds in spent))


def processor_s(pid: int) -> float:
    """Of a process and all its children, those that ended included."""
    process = psutil.Process(pid)
    ended = process.cpu_times()
    return ended.children_user + ended.children_system + sum(_own_s(one.pid) for one in (process, *process.children()))


def _own_s(pid: int) -> float:
    """Of all threads, to the nanosecond: one turn is a few clock ticks only."""
    spent_ns = 0
    with suppress(FileNotFoundError, ProcessLookupError):
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            spent_ns += int(file.read_text().split()[0])
    return spent_ns / 1e9


def sent(first: int, events: int) -> list[event_pb2.EventBatch]:
    return [made_events(at).arrow() for at in range(first, first + events, BATCH_EVENTS)]


async def grow(folder: Path, events_max: int) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    try:
        async with served(folder / "ingest", postgres) as service:
            assert postgres.pid is not None
            bench = Bench(service, postgres.pid)
            await _alone(bench, "warm-up", 0)
            first = [await _alone(bench, f"first-{number}", number) for number in range(ROUNDS)]
            large = await service.client("large")
            await _fill(bench, large, events_max)
            small_costs, large_costs = await _turns(bench, large, events_max)
    finally:
        await postgres.stop()
    print(f"a log of {events_max:,} events beside one of {SMALL_EVENTS:,}, medians of {len(large_costs)} turns each:")
    _compare("turn by turn, in the same minute", small_costs, large_costs)
    _compare("against the beginning of the run", first, large_costs)


async def _alone(bench: Bench, tenant: str, number: int) -> Cost:
    """The cost in a log of SMALL_EVENTS while there is no large one."""
    client = await bench.served.client(tenant)
    await written_s(client, sent(0, SMALL_EVENTS), IN_FLIGHT)
    return await bench.cost(client, sent(SMALL_EVENTS, TURN_BATCHES * BATCH_EVENTS))


async def _fill(bench: Bench, client: Any, events_max: int) -> None:
    for size in range(0, events_max, 1_000_000):
        costs = [await bench.cost(client, sent(size + at, 100_000)) for at in range(0, 1_000_000, 100_000)]
        print(f"{size + 1_000_000:>12,} events: {_said(costs)}", flush=True)


async def _turns(bench: Bench, large: Any, events_max: int) -> tuple[list[Cost], list[Cost]]:
    costs: dict[str, list[Cost]] = {"small": [], "large": []}
    span = TURN_BATCHES * BATCH_EVENTS
    size = events_max
    for number in range(ROUNDS):
        small = await bench.served.client(f"small-{number}")
        await written_s(small, sent(0, SMALL_EVENTS), IN_FLIGHT)
        made = {"small": sent(SMALL_EVENTS, 2 * span), "large": sent(size, 2 * span)}
        size += 2 * span
        for turn in TURNS:
            batches, made[turn] = made[turn][:TURN_BATCHES], made[turn][TURN_BATCHES:]
            costs[turn].append(await bench.cost(small if turn == "small" else large, batches))
    return costs["small"], costs["large"]


def _throughput(costs: Sequence[Cost]) -> float:
    return 1e6 / float(np.median([cost.wall_us for cost in costs]))


def _processor_us(costs: Sequence[Cost]) -> tuple[float, float]:
    """Means: what is done once in a while, in whichever turn, is part of it."""
    ingest, postgres = np.mean([(cost.ingest_us, cost.postgres_us) for cost in costs], axis=0).tolist()
    return ingest, postgres


def _said(costs: Sequence[Cost]) -> str:
    ingest_us, postgres_us = _processor_us(costs)
    return (
        f"{_throughput(costs):>9,.0f} events/s, each {ingest_us:.2f} us of ingest and {postgres_us:.2f} us of Postgres"
    )


def _compare(name: str, small: Sequence[Cost], large: Sequence[Cost]) -> None:
    """Throughput falls and processor time grows where a large log costs more."""
    grown = [after / before for before, after in zip(_processor_us(small), _processor_us(large), strict=True)]
    print(f"   {name}: throughput {_throughput(large) / _throughput(small):.2f} x")
    print(f"      processor time per event {grown[0]:.2f} x in ingest, {grown[1]:.2f} x in Postgres")
    print(f"      small {_said(small)}\n      large {_said(large)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest_growth", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000, help="how many the large log comes to hold (minutes)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        asyncio.run(grow(Path(name), arguments.events))


if __name__ == "__main__":
    main()
