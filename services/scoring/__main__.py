"""`python -m services.scoring serve|migrate`: puts scoring together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from andon.scoring.v1 import scoring_pb2, scoring_pb2_grpc
from andon_client.channel import open_channel

from services.runtime.command import prepare_schema, run_command
from services.runtime.database import Listener, close_pool, healthy, open_pool
from services.runtime.draining import Draining
from services.runtime.migrations import require_migrated
from services.runtime.ownership import Leases
from services.runtime.server import Endpoint, serve
from services.scoring import charts
from services.scoring.access import ACCESS
from services.scoring.servicer import ScoringServicer
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.statements import CHANNEL, MIGRATIONS, SCHEMA, SYSTEMS_CHANNEL
from services.scoring.tenants import Intake, OpenChannel


async def run(
    settings: ScoringSettings,
    *,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[Endpoint], Awaitable[None] | None] | None = None,
) -> None:
    """Serves until told to stop."""
    await require_migrated(settings.dsn, schema=SCHEMA, directory=MIGRATIONS)
    charts.prepare()
    pool = await open_pool(
        settings.dsn,
        role_settings={"search_path": SCHEMA},
        application_name=settings.service_name,
        min_size=settings.pool_connections_min,
        max_size=settings.pool_connections_max,
    )
    store, draining = Store(pool), Draining()
    leases = Leases(
        settings.dsn,
        schema=SCHEMA,
        resources=lambda: intake.resources(),
        beat_s=settings.lease_beat_s,
        silent_s=settings.lease_silent_s,
    )
    intake = Intake(store, settings, _channels(settings), str(leases.replica))
    servicer = ScoringServicer(store, intake, draining)

    async def listen() -> None:
        async for tenant in Listener(settings.dsn, CHANNEL):
            intake.committed(tenant)

    async def look_for_systems() -> None:
        async for _ in Listener(settings.dsn, SYSTEMS_CHANNEL):
            intake.look()

    await serve(
        settings=settings,
        servicers=[lambda server: scoring_pb2_grpc.add_ScoringServiceServicer_to_server(servicer, server)],
        access=ACCESS,
        health_names=[scoring_pb2.DESCRIPTOR.services_by_name["ScoringService"].full_name],
        background=[intake.run, lambda: leases.run(intake.work), listen, look_for_systems],
        draining=draining,
        ready=lambda: healthy(pool),
        on_ready=on_ready,
        closers=[lambda: close_pool(pool)],
        stop=stop,
    )


def _channels(settings: ScoringSettings) -> OpenChannel:
    def to_ingest(tenant: str) -> grpc.aio.Channel:
        return open_channel(
            settings.ingest_target,
            ca_file=settings.tls_ca_file,
            cert_file=settings.tls_cert_file,
            key_file=settings.tls_key_file,
            token=lambda: settings.token(tenant),
        )

    return to_ingest


async def bring_up_to_date(settings: ScoringSettings) -> None:
    await prepare_schema(settings, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    run_command("scoring", __doc__, ScoringSettings, run, bring_up_to_date)
