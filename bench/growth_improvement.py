"""What a settle of improvement costs with 100, 10,000 and 100,000 problems behind it, and what its status costs.

Every problem has 10 hourly alarms; every second one was dismissed. A settle is one new alarm, from the signal as
scoring sends it to the commit of the problem: at the present, far in the past, and retracted. Store and decision are
the service's own, on an embedded Postgres; scoring's answers and gRPC are left out. Aim: at most 1.2 times the first.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
from andon.scoring.v1 import score_pb2

from services.improvement import transitions
from services.improvement.causes import Evidence, SliceSums
from services.improvement.intake import Intake
from services.improvement.model import ChangedScore, Family, ProblemName, ProblemQuery, Text
from services.improvement.neighbourhood import Neighbourhood, store_index
from services.improvement.occurrences import Occurrence, occurrences
from services.improvement.problems import decide, settled_spans
from services.improvement.scoring_client import ScoringClient, SignalChanges
from services.improvement.settings import ImprovementSettings
from services.improvement.store import MIGRATIONS, SCHEMA, ProblemStore
from services.improvement.wire.filters import LIVE_NUMBERS
from services.improvement.wire.signals import active_signal
from services.machine.postgres import EmbeddedPostgres
from services.runtime.cursors import CursorCodec
from services.runtime.database import close_pool, tenant_transaction
from services.runtime.notifier import Notifier
from services.runtime.ownership import QUERIES, Lease
from services.runtime.schema import open_schema, prepare_schema

SIZES = (100, 10_000, 100_000)
FAMILIES, ALARMS, CYCLE_H, HOUR_S = 100, 10, 30, 3_600
ORIGIN, NOW_US = UUID(int=7), 10**15
# Where scores change at a pause: at the present, behind every problem.
NEWEST_H = 1_000_000
# So many problems are filled in by one transaction.
FILL = 1_000
# No more than the smallest has live ones.
PAGE = 40
AIM = 1.2
WARM_UP, ROUNDS = 3, 4


def alarm(family: int, hour: int, rule: str = "WE1") -> score_pb2.Signal:
    series = f"bench/main/indicator-{family}@hour"
    made = score_pb2.Signal(
        name=f"signals/{family}-{hour}-{rule}",
        series=series,
        rule=rule,
        value=0.5,
        centre=0.1,
        lower=-0.2,
        upper=0.4,
        arl0=370,
        adverse=True,
        state=score_pb2.Signal.STATE_ACTIVE,
    )
    made.interval.start.seconds, made.interval.end.seconds = hour * HOUR_S, (hour + 1) * HOUR_S
    made.baseline.interval.end.seconds = 20 * HOUR_S
    made.baseline.limit_width = 3
    return made


def problem_alarms(number: int) -> Iterator[score_pb2.Signal]:
    """Those of the n-th problem: families take turns, and their problems lie a quiet day apart."""
    begin = 100 + number // FAMILIES * CYCLE_H
    return (alarm(number % FAMILIES, begin + hour) for hour in range(ALARMS))


class Scoring:
    """What scoring answers, at no cost."""

    async def evidence(self, found: Sequence[Occurrence]) -> dict[ProblemName, Evidence]:
        teams = {"N": SliceSums(10, 100, 40, 100), "S": SliceSums(10, 100, 12, 100)}
        return {one.name: Evidence(Text("bench"), {"team": teams}) for one in found}

    async def changed_scores(
        self, after: str, through: int, families: Sequence[Family]
    ) -> AsyncIterator[list[ChangedScore]]:
        yield [ChangedScore(family, NEWEST_H * HOUR_S * 1_000_000, through) for family in families]


async def fill(store: ProblemStore, tenant: str, size: int) -> None:
    """Problems as a settle would have left them, without what it reads."""
    scoring = Scoring()
    for first in range(0, size, FILL):
        numbers = range(first, min(first + FILL, size))
        messages = [one for number in numbers for one in problem_alarms(number)]
        signals = tuple(map(active_signal, messages))
        found = tuple(occurrences(signals))
        evidence = await scoring.evidence(found)
        decision = decide(found, evidence, [], NOW_US)
        async with store.transaction(tenant) as transaction:
            await transaction.store(decision.changed, await transaction.lock())
            await transaction.index.store_signals(signals, {one.name: one.SerializeToString() for one in messages})
            await store_index(transaction, Neighbourhood(found, (), {}, signals, ()), decision, evidence, 1)
        dismissed = [transitions.dismiss(one, "bench", NOW_US) for one in decision.changed[::2]]
        async with store.transaction(tenant) as transaction:
            await transaction.store(dismissed, await transaction.lock())
            await transaction.index.settle({problem.name: settled_spans(problem) for problem in dismissed})


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1_000


async def measure(store: ProblemStore, tenant: str, size: int, repeats: int) -> dict[str, list[float]]:
    """What each took, in milliseconds."""
    scoring = cast(ScoringClient, Scoring())
    intake = Intake(Lease(tenant, "signals", 1), store, scoring, Notifier(), lambda: NOW_US, "bench")
    codec, positions = CursorCodec(ORIGIN), itertools.count(10)

    def settle(message: score_pb2.Signal, *, retracted: bool = False) -> Callable[[], Awaitable[object]]:
        body = {} if retracted else {message.name: message.SerializeToString()}
        signals = {message.name: None if retracted else active_signal(message)}
        return lambda: intake.take([SignalChanges(signals, body, codec.encode(next(positions)), "")], 0)

    def pause() -> Awaitable[object]:
        return intake.take([SignalChanges({}, {}, codec.encode(next(positions)), "")], 0)

    async def status() -> object:
        async with store.transaction(tenant) as transaction:
            return await transaction.head()

    async def listed() -> object:
        query = ProblemQuery("", "", [], LIVE_NUMBERS)
        async with store.transaction(tenant) as transaction:
            return await transaction.page(query, math.inf, "", PAGE)

    newest = 100 + (size // FAMILIES + 1) * CYCLE_H
    found: dict[str, list[float]] = {}
    for number in range(-WARM_UP, repeats):
        family = number % FAMILIES
        steps = {
            "new": settle(alarm(family, newest)),
            "grown": settle(alarm(family, newest + 1)),
            "past": settle(alarm(family, 90, "WE2")),
            "retracted": settle(alarm(family, newest + 1), retracted=True),
            "pause": pause,
            "status": status,
            "list": listed,
        }
        for name, work in steps.items():
            took = await timed(work)
            if number >= 0:
                found.setdefault(name, []).append(took)
        await settle(alarm(family, newest), retracted=True)()
        await settle(alarm(family, 90, "WE2"), retracted=True)()
    return found


async def run(sizes: Sequence[int], repeats: int) -> bool:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        server = EmbeddedPostgres(folder / "postgres")
        files = {f"{name}_file": folder / "unused" for name in ("tls_ca", "tls_cert", "tls_key", "jwks")}
        try:
            await server.start()
            addresses = {"dsn": server.role_dsn("andon_improvement"), "migration_dsn": server.dsn()}
            settings = ImprovementSettings(**addresses, **files)  # type: ignore[arg-type]
            await prepare_schema(settings, SCHEMA, MIGRATIONS)
            pool = await open_schema(settings, SCHEMA, MIGRATIONS)
            results = await measured(pool, server.dsn(), sizes, repeats)
            await close_pool(pool)
        finally:
            await server.stop()
    print(f"{'ms':>10}" + "".join(f"{size:>12,}" for size in sizes) + f"{'ratio':>9}")
    worst = 0.0
    for name in results[0]:
        ratio = results[-1][name] / results[0][name]
        worst = max(worst, ratio)
        print(f"{name:>10}" + "".join(f"{one[name]:>12.2f}" for one in results) + f"{ratio:>9.2f}")
    print(f"   worst ratio {worst:.2f}, aim {AIM}")
    return worst <= AIM


async def measured(pool: asyncpg.Pool, owner_dsn: str, sizes: Sequence[int], repeats: int) -> list[dict[str, float]]:
    """Medians for each size. The sizes take turns, so that what else the machine does meets all of them."""
    store = ProblemStore(pool)
    for size in sizes:
        async with tenant_transaction(pool, f"tenant-{size}") as connection:
            await connection.fetchval(QUERIES.take, f"tenant-{size}", "signals", UUID(int=1))
        begun = time.monotonic()
        await fill(store, f"tenant-{size}", size)
        print(f"   {size:,} problems filled in within {time.monotonic() - begun:.0f} s", flush=True)
    # What autovacuum and the checkpointer do within minutes, done at once.
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("CHECKPOINT")
    await owner.close()
    found: list[dict[str, list[float]]] = [{} for _ in sizes]
    for _ in range(ROUNDS):
        for every, size in zip(found, sizes, strict=True):
            for name, took in (await measure(store, f"tenant-{size}", size, repeats // ROUNDS)).items():
                every.setdefault(name, []).extend(took)
    return [{name: statistics.median(took) for name, took in every.items()} for every in found]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth_improvement", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeats", type=int, default=60)
    given = parser.parse_args()
    if not asyncio.run(run(given.sizes, given.repeats)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
