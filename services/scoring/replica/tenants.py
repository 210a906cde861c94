"""Which tenants, partitions and indicator systems this replica folds, reconciled with what is active and leased."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import grpc
import structlog

from services.runtime.drain import Draining
from services.runtime.notifier import Notifier as Wake
from services.runtime.ownership import Lease, Resource
from services.runtime.tail import Tail
from services.runtime.tenant_rounds import TenantRounds
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.follow import SystemFold
from services.scoring.replica.tail import ScoreTail
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.failures import Failure
from services.scoring.system.version import SystemVersion
from services.scoring.wire.entries import PublishedEntry, entry_bytes_max
from services.scoring.wire.ingest_client import IngestClient
from services.scoring.wire.open_cases import CaseEntry

RESOURCE_PREFIX = "partition/"

log = structlog.get_logger(__name__)

OpenChannel = Callable[[str], grpc.aio.Channel]
"""A channel to ingest on behalf of a tenant."""


@dataclass
class Running:
    """digest: of the document that it scores by."""

    fold: SystemFold
    task: asyncio.Task[None]
    digest: str


@dataclass
class Tenant:
    name: str
    channel: grpc.aio.Channel
    ingest: IngestClient
    tail: ScoreTail
    partition_count: int = 0
    leases: dict[int, Lease] = field(default_factory=dict)
    running: dict[tuple[str, int], Running] = field(default_factory=dict)


def partition_of(lease: Lease) -> int:
    return int(lease.resource.removeprefix(RESOURCE_PREFIX))


class Replica:
    """The folds of this process. `replica` is how it is named in the status."""

    def __init__(
        self, store: Store, settings: ScoringSettings, open_channel: OpenChannel, replica: str, draining: Draining
    ) -> None:
        self._store = store
        self._draining = draining
        self._settings = settings
        self._open_channel = open_channel
        self._replica = replica
        self._tenants: dict[str, Tenant] = {}
        self._look = Wake()

    @property
    def entry_bytes_max(self) -> int:
        """What one commit of the score log takes at most, and so does a response that joins several."""
        return entry_bytes_max(self._settings.message_bytes_max)

    def resources(self) -> Iterable[Resource]:
        """What is shared out over the replicas."""
        return [
            Resource(tenant.name, f"{RESOURCE_PREFIX}{partition}")
            for tenant in self._tenants.values()
            for partition in range(tenant.partition_count)
        ]

    def in_charge_of(self) -> list[str]:
        """Tenants whose first partition this replica owns."""
        return [tenant.name for tenant in self._tenants.values() if 0 in tenant.leases]

    def wake(self, tenant: str) -> Wake:
        """Notified whenever something of this tenant was committed."""
        return self._tenant(tenant).tail.changed

    def tail(self, tenant: str) -> Tail[PublishedEntry]:
        """The tenant's score log, followed."""
        return self._tenant(tenant).tail.tail

    def case_tail(self, tenant: str) -> Tail[CaseEntry]:
        """The tenant's log of changes of open cases, followed."""
        return self._tenant(tenant).tail.cases

    def ingest(self, tenant: str) -> IngestClient:
        return self._tenant(tenant).ingest

    def committed(self, payload: str) -> None:
        """A replica, this or another, changed something: "position tenant", as Postgres notifies. Empty: anything."""
        position, _, tenant = payload.partition(" ")
        for one in self._tenants.values() if not tenant else [self._tenant(tenant)]:
            one.tail.notified(int(position) if position else None)

    def look(self) -> None:
        """Looks for activated systems now, not at the next poll."""
        self._look.notify()

    async def work(self, lease: Lease) -> None:
        """Folds a partition as long as the lease holds; a step in flight ends before it is given back."""
        tenant, partition = self._tenant(lease.tenant), partition_of(lease)
        tenant.leases[partition] = lease
        self._leases_changed(tenant)
        try:
            await asyncio.Event().wait()
        finally:
            if tenant.leases.get(partition) == lease:
                del tenant.leases[partition]
            self._leases_changed(tenant)
            for running in list(tenant.running.values()):
                async with running.fold.busy:
                    pass

    async def run(self) -> None:
        rounds = TenantRounds("reconcile", "ingest", self._report)
        try:
            while True:
                generation = self._look.generation()
                await rounds.go(self._settings.tenants(), self._reconcile)
                await self._look.changed(generation, self._settings.systems_poll_s)
        finally:
            await self._stop()

    async def _reconcile(self, name: str) -> None:
        tenant = self._tenant(name)
        if not tenant.partition_count:
            # A log's partitions are fixed with its first write; before it there is nothing to fold.
            tenant.partition_count = (await tenant.ingest.bounds()).partition_count
            await self._store.provision_tenant(name)
        active = await self._store.active_versions(name)
        for key, running in list(tenant.running.items()):
            # A document changes only where somebody repairs it in the store.
            if active.get(key) != running.digest or running.task.done():
                await _cancel(tenant.running.pop(key).task)
        for key in (active.keys() - tenant.running.keys()) if tenant.partition_count else ():
            stored = await self._store.system(name, *key)
            if stored is not None:
                self._start(tenant, stored, active[key])

    async def _report(self, name: str, defect: str, incident: str) -> None:
        """None of the systems that are not folded yet can be: they say why. What is folded goes on."""
        scoring_metrics.add("andon.scoring.folds.stopped")
        running = self._tenants[name].running.keys() if name in self._tenants else set()
        for system, version in (await self._store.active_versions(name)).keys() - running:
            await self._store.store_failure(name, system, version, Failure(self._replica, defect, incident))

    def _start(self, tenant: Tenant, stored: SystemVersion, digest: str) -> None:
        fold = SystemFold(
            tenant.name, stored, self._store, tenant.ingest, self._settings, tenant.leases, tenant.tail, self._replica
        )
        task = asyncio.create_task(fold.run())
        tenant.running[(stored.name, stored.version)] = Running(fold, task, digest)
        log.info("fold started", tenant=tenant.name, system=stored.name, version=stored.version)

    def _tenant(self, name: str) -> Tenant:
        if name not in self._tenants:
            channel = self._open_channel(name)
            tail = ScoreTail(name, self._store, self._draining)
            self._tenants[name] = Tenant(name, channel, IngestClient(channel), tail)
        return self._tenants[name]

    def _leases_changed(self, tenant: Tenant) -> None:
        for running in tenant.running.values():
            running.fold.leases_changed()

    async def _stop(self) -> None:
        for tenant in self._tenants.values():
            await _cancel(*(running.task for running in tenant.running.values()))
            tenant.running.clear()
        for tenant in self._tenants.values():
            await tenant.channel.close()
        self._tenants.clear()


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
