"""Runs back-tests: the log is folded from its beginning under a version that publishes nothing.

Theory of operation
===================

The replica that owns a tenant's first partition runs the tenant's back-tests, oldest first and one at a time, next to
the folds of active versions and with none of their state. It reads the log through the position at which the log
ended when it began, folds it in memory, draws every chart from nothing, and stores the report.

What is invariant. A report depends on the document, the request and the log through that position alone. A row is
changed by the attempt that began it last: a replica that was replaced finds no row and stops.

What is lost when it dies. The fold; the next owner begins again from the beginning of the log, under a new attempt.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import grpc
import structlog

from services.runtime.cursors import foreign_position
from services.runtime.database import STORE_ERRORS, is_unavailable
from services.scoring.fold.history import HistoryFold, TooManyCases
from services.scoring.fold.step import DecodedPage
from services.scoring.scores.backtest import reported
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.system.stored_backtest import BacktestRow, BacktestState
from services.scoring.wire.ingest_client import IngestClient, ReceivedPage, table_of
from services.scoring.wire.system_review import packed_report, unpacked_request

POLL_S = 1.0
CASES_READ_MAX = 5_000
# A row is written so often while the log is read.
ADVANCE_S = 1.0
FOLD_EVENTS = 20_000
HEARTBEAT_S = 1.0

log = structlog.get_logger(__name__)


class NothingToJudge(Exception):
    """No window of the interval is complete."""


class BacktestRunner:
    """tenants: those whose first partition this replica owns. ingest: the log of a tenant."""

    def __init__(
        self,
        store: Store,
        settings: ScoringSettings,
        tenants: Callable[[], Iterable[str]],
        ingest: Callable[[str], IngestClient],
    ) -> None:
        self._store = store
        self._settings = settings
        self._tenants = tenants
        self._ingest = ingest

    async def run(self) -> None:
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                owned = set(self._tenants())
                for tenant in [one for one, task in running.items() if task.done() or one not in owned]:
                    task = running.pop(tenant)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                for tenant in owned - running.keys():
                    running[tenant] = asyncio.create_task(self._next(tenant))
                await asyncio.sleep(POLL_S)
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def _next(self, tenant: str) -> None:
        """The oldest that has not ended, if there is one."""
        try:
            row = await self._store.start_backtest(tenant)
            if row is not None:
                await self.work(tenant, row)
        except (*STORE_ERRORS, grpc.aio.AioRpcError) as error:
            # Ingest or the database is away: the row is still running, and begins again with the next look.
            defect = None if isinstance(error, grpc.aio.AioRpcError) or is_unavailable(error) else error
            log.warning("back-test failed, retrying", tenant=tenant, error=type(error).__name__, exc_info=defect)

    async def work(self, tenant: str, row: BacktestRow) -> None:
        try:
            report = await self._report(tenant, row)
        except TooManyCases:
            most = self._settings.backtest_cases_max
            error = f"the log has more than {most:,} cases, which backtest_cases_max of scoring allows"
            await self._store.end_backtest(tenant, row, BacktestState.FAILED, error)
        except NothingToJudge as error:
            await self._store.end_backtest(tenant, row, BacktestState.FAILED, str(error))
        except (*STORE_ERRORS, grpc.aio.AioRpcError):
            raise
        except Exception as error:
            incident = uuid.uuid4().hex
            log.error("back-test stopped by a defect", tenant=tenant, incident=incident, exc_info=error)
            await self._store.end_backtest(tenant, row, BacktestState.FAILED, f"a defect, incident {incident}")
        else:
            if report is not None:
                await self._store.end_backtest(tenant, row, BacktestState.DONE, report=report)

    async def _report(self, tenant: str, row: BacktestRow) -> bytes | None:
        """None: it was cancelled, or another replica has it."""
        stored = await self._store.system(tenant, row.system_name, row.version) if row.version else None
        system, plan_at = await asyncio.to_thread(unpacked_request, row, stored)
        fold = HistoryFold(system, self._settings.backtest_cases_max)
        watermark_us = await self._fold(tenant, row, fold)
        if watermark_us is None:
            return None
        passed_us = system.spec.passed_us(watermark_us)
        plan = plan_at(passed_us)
        if plan.span[0] >= plan.span[1]:
            through = datetime.fromtimestamp(max(0, passed_us) / 1e6, UTC)
            raise NothingToJudge(
                f"no window of the interval is complete: windows are complete through {through:%Y-%m-%d}"
            )
        active = await self._store.active_alarm_count(tenant, system.process, system.system, plan.span)
        found = await asyncio.to_thread(lambda: reported(system, fold.scored(), passed_us, plan))
        return await asyncio.to_thread(packed_report, found, active)

    async def _fold(self, tenant: str, row: BacktestRow, fold: HistoryFold) -> int | None:
        """The watermark at the end of the log. None: cancelled."""
        ingest, system = self._ingest(tenant), fold.system
        bounds = await ingest.bounds()
        if not bounds.newest:
            return 0
        last, watermark_us, through = foreign_position(bounds.newest), 0, ""
        waiting: list[ReceivedPage] = []
        advanced_s = 0.0
        stream = ingest.follow(range(bounds.partition_count), "", HEARTBEAT_S, system.spec)
        async for response in stream:
            waiting += response.pages
            watermark_us, through = response.watermark_us or watermark_us, response.through or through
            position = foreign_position(through) if through else -1
            is_last = position >= last
            if waiting and (is_last or sum(page.event_count for page in waiting) >= FOLD_EVENTS):
                pages, waiting = waiting, []
                corrected = await asyncio.to_thread(_folded, fold, pages, position, watermark_us or None)
                await self._rebuild(ingest, fold, corrected, through, watermark_us)
            if time.monotonic() - advanced_s >= ADVANCE_S or is_last:
                advanced_s = time.monotonic()
                share = min(1.0, (position + 1) / (last + 1))
                if not await self._store.advance_backtest(tenant, row, share, fold.event_count):
                    return None
            if is_last:
                # Durations that run are judged by the clock, as the active version does.
                corrected = await asyncio.to_thread(fold.take, {}, watermark_us or None)
                await self._rebuild(ingest, fold, corrected, through, watermark_us)
                break
        return watermark_us

    async def _rebuild(
        self,
        ingest: IngestClient,
        fold: HistoryFold,
        corrected: Mapping[int, list[str]],
        through: str,
        watermark_us: int,
    ) -> None:
        for partition, cases in corrected.items():
            for start in range(0, len(cases), CASES_READ_MAX):
                some = cases[start : start + CASES_READ_MAX]
                events = await ingest.cases(some, through)
                if events:
                    await asyncio.to_thread(fold.rebuild, partition, some, events, watermark_us or None)


def _folded(
    fold: HistoryFold, pages: Sequence[ReceivedPage], position: int, now_us: int | None
) -> dict[int, list[str]]:
    decoded: dict[int, list[DecodedPage]] = {}
    for page in pages:
        made = DecodedPage(table_of(page.arrow_ipc), page.partition, position)
        decoded.setdefault(page.partition, []).append(made)
    return fold.take(decoded, now_us)
