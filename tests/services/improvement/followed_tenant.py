"""One tenant whose signals are followed, on a real database, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import cast

from services.improvement.intake import Intake
from services.improvement.model import SETTLED, Family, Problem
from services.improvement.problems import settled_spans
from services.improvement.scoring_client import ScoringClient
from services.improvement.store import ProblemStore
from services.runtime.database import tenant_transaction
from services.runtime.notifier import Notifier
from services.runtime.ownership import Lease
from tests.services.improvement.scoring_log import Interrupted, ScoringLog

NOW = 10**15
TAKE_LEASE = "INSERT INTO lease (tenant, resource, epoch, replica) VALUES ($1, 'signals', 1, gen_random_uuid())"


class FollowedTenant:
    """One tenant whose signals are followed, on a database of its own."""

    numbers = itertools.count()

    def __init__(self, pool) -> None:
        self.tenant = f"tenant-{next(self.numbers)}"
        self.pool, self.store, self.scoring = pool, ProblemStore(pool), ScoringLog()

    async def begin(self) -> FollowedTenant:
        async with tenant_transaction(self.pool, self.tenant) as connection:
            await connection.execute(TAKE_LEASE, self.tenant)
        return self

    def intake(self, changed: Notifier | None = None) -> Intake:
        lease, scoring = Lease(self.tenant, "signals", 1), cast(ScoringClient, self.scoring)
        return Intake(lease, self.store, scoring, changed or Notifier(), lambda: NOW, "replica", 0.02)

    async def follow(self, patience: int | None = None) -> None:
        """Until everything is settled, or the process is killed."""
        self.scoring.patience = patience
        changed = Notifier()
        running = asyncio.create_task(self.intake(changed).run())
        async with asyncio.timeout(30):
            while not running.done():
                generation = changed.generation()
                async with self.store.transaction(self.tenant) as transaction:
                    if (await transaction.head()).settled_position == self.scoring.position:
                        break
                await changed.changed(generation, 0.01)
        running.cancel()
        with contextlib.suppress(Interrupted, asyncio.CancelledError):
            await running

    async def problems(self) -> list[Problem]:
        async with self.store.transaction(self.tenant) as transaction:
            return [problem async for problem in transaction.all_problems()]

    async def change(self, problem: Problem) -> None:
        """As a person does it."""
        async with self.store.transaction(self.tenant) as transaction:
            await transaction.store([problem], await transaction.lock())
            if problem.state in SETTLED:
                await transaction.index.settle({problem.name: settled_spans(problem)})

    async def stored_runs(self) -> set:
        async with tenant_transaction(self.pool, self.tenant) as connection:
            rows = await connection.fetch(
                "SELECT process, system, indicator, start_us, end_us, joins_us FROM alarm_run WHERE tenant = $1",
                self.tenant,
            )
        return {(Family(*row[:3]), *row[3:]) for row in map(tuple, rows)}
