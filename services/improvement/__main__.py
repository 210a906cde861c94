"""Improvement as a process: `python -m services.improvement serve` or `migrate`."""

from __future__ import annotations

import asyncio
import time

from andon_client.channel import open_channel

from services.improvement.access import ACCESS
from services.improvement.followers import Followers
from services.improvement.intake import Intake
from services.improvement.peer import ScoringPeer
from services.improvement.servicer import SERVICE_NAME, ImprovementServicer
from services.improvement.settings import ImprovementSettings
from services.improvement.store import CHANNEL, MIGRATIONS, SCHEMA, ProblemStore
from services.runtime.command import prepare_schema, run_command
from services.runtime.database import Listener, close_pool, healthy, open_pool
from services.runtime.draining import Draining
from services.runtime.migrations import require_migrated
from services.runtime.ownership import Lease, Leases, Resource
from services.runtime.server import serve


def clock_us() -> int:
    return time.time_ns() // 1_000


class Peers:
    """One channel to scoring per tenant, each with the tenant's own token."""

    def __init__(self, settings: ImprovementSettings) -> None:
        self._settings = settings
        self._channels: dict[str, ScoringPeer] = {}

    def of(self, tenant: str) -> ScoringPeer:
        if tenant not in self._channels:
            channel = open_channel(
                self._settings.scoring_target,
                ca_file=self._settings.tls_ca_file,
                cert_file=self._settings.tls_cert_file,
                key_file=self._settings.tls_key_file,
                token=lambda: self._settings.token(tenant),
            )
            self._channels[tenant] = ScoringPeer(channel)
        return self._channels[tenant]


async def run(settings: ImprovementSettings, stop: asyncio.Event | None = None) -> None:
    await require_migrated(settings.dsn, schema=SCHEMA, directory=MIGRATIONS)
    pool = await open_pool(
        settings.dsn,
        role_settings={"search_path": SCHEMA},
        application_name=settings.service_name,
        min_size=settings.pool_connections_min,
        max_size=settings.pool_connections_max,
    )
    store, draining, peers = ProblemStore(pool), Draining(), Peers(settings)
    followers = Followers(store, draining)
    leases = Leases(
        settings.dsn,
        schema=SCHEMA,
        resources=lambda: [Resource(tenant, "signals") for tenant in settings.tenants()],
        beat_s=settings.lease_beat_s,
        silent_s=settings.lease_silent_s,
    )

    async def follow_signals(lease: Lease) -> None:
        changed = followers.of(lease.tenant).changed
        await Intake(lease, store, peers.of(lease.tenant), changed, clock_us).run()

    async def listen() -> None:
        async for tenant in Listener(settings.dsn, CHANNEL):
            followers.wake(tenant)

    await serve(
        settings=settings,
        servicers=[ImprovementServicer(store, followers, peers.of, clock_us).register],
        access=ACCESS,
        health_names=[SERVICE_NAME],
        background=[listen, lambda: leases.run(follow_signals)],
        draining=draining,
        ready=lambda: healthy(pool),
        closers=[lambda: close_pool(pool)],
        stop=stop,
    )


async def bring_up_to_date(settings: ImprovementSettings) -> None:
    await prepare_schema(settings, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    run_command("improvement", __doc__, ImprovementSettings, run, bring_up_to_date)
