"""Expires what is older than the settings say, in small batches between other work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from services.runtime.tenant_rounds import TenantRounds
from services.scoring.metrics import scoring_metrics
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store

# Between two batches, so that the steps of the fold and the readers come first.
PAUSE_S = 0.05
DAY_US = 86_400_000_000


class Retention:
    """`tenants`: those whose first partition this replica owns, so that one replica sweeps for all."""

    def __init__(
        self,
        store: Store,
        settings: ScoringSettings,
        tenants: Callable[[], Iterable[str]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._settings = settings
        self._tenants = tenants
        self._now = now
        self._rounds = TenantRounds[str]("retention")

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.retention_interval_s)
            await self._rounds.go(self._tenants(), self.sweep)

    async def sweep(self, tenant: str) -> None:
        """0 days: never expires."""
        settings, store = self._settings, self._store
        if days := settings.score_log_days:
            before = self._ago(days)
            await _in_batches("log", lambda: store.trim_log(tenant, before))
            await _in_batches("case_changes", lambda: store.trim_case_changes(tenant, before))
        if days := settings.score_history_days:
            before = self._ago(days)
            await _in_batches("history", lambda: store.trim_history(tenant, before))
        if days := settings.observation_days:
            before, days_us = self._ago(days), round(days * DAY_US)
            await _in_batches("observations", lambda: store.trim_observations(tenant, days_us, before))

    def _ago(self, days: float) -> datetime:
        return self._now() - timedelta(days=days)


async def _in_batches(of: str, trim: Callable[[], Awaitable[int]]) -> None:
    while count := await trim():
        scoring_metrics.add("andon.scoring.rows.expired", count, of=of)
        await asyncio.sleep(PAUSE_S)
