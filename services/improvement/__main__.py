"""Improvement as a process: `python -m services.improvement serve` or `migrate`."""

from __future__ import annotations

import asyncio

from andon.improvement.v1.improvement_pb2_grpc import add_ImprovementServiceServicer_to_server

from services.improvement.access import ACCESS
from services.improvement.intake import Intake
from services.improvement.scoring_client import ScoringClient
from services.improvement.servicer import ImprovementServicer
from services.improvement.settings import ImprovementSettings
from services.improvement.store import CHANNEL, MIGRATIONS, SCHEMA, ProblemStore
from services.improvement.tenants import Tenants
from services.improvement.texts import TEXTS
from services.runtime.clock import clock_us
from services.runtime.command import run_command
from services.runtime.contract import Contract
from services.runtime.database import Listener, close_pool, healthy
from services.runtime.drain import Draining
from services.runtime.ownership import Lease, Leases, Resource
from services.runtime.peers import open_tenant_channel
from services.runtime.schema import open_schema, prepare_schema
from services.runtime.server import serve
from services.runtime.settings import StoreSettings


async def run(settings: ImprovementSettings, stop: asyncio.Event | None = None) -> None:
    pool = await open_schema(settings, SCHEMA, MIGRATIONS)
    store, draining = ProblemStore(pool), Draining()

    def scoring_of(tenant: str) -> ScoringClient:
        return ScoringClient(open_tenant_channel(settings, settings.scoring_target, tenant))

    tenants = Tenants(store, draining, scoring_of)
    leases = Leases(
        settings.dsn,
        schema=SCHEMA,
        resources=lambda: [Resource(tenant, "signals") for tenant in settings.tenants()],
        beat_s=settings.lease_heartbeat_s,
        silent_s=settings.lease_timeout_s,
    )

    contract = Contract(
        "andon.improvement.v1.ImprovementService",
        ImprovementServicer(store, tenants, clock_us),
        add_ImprovementServiceServicer_to_server,
        ACCESS,
        TEXTS,
    )

    async def follow_signals(lease: Lease) -> None:
        tenant, replica = tenants.of(lease.tenant), str(leases.replica)
        await Intake(lease, store, tenant.scoring, tenant.changed, clock_us, replica, settings.defect_retry_s).run()

    await serve(
        settings=settings,
        contracts=[contract],
        background=[
            lambda: Listener(settings.dsn, CHANNEL).run(tenants.wake),
            lambda: leases.run(follow_signals),
        ],
        draining=draining,
        ready=lambda: healthy(pool),
        closers=[lambda: close_pool(pool)],
        stop=stop,
    )


async def migrate(settings: StoreSettings) -> None:
    await prepare_schema(settings, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    run_command("improvement", __doc__, ImprovementSettings, run, migrate)
