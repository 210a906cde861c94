"""`python -m services.scoring serve|migrate`: puts scoring together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from andon.scoring.v1.alarm_review_pb2_grpc import add_AlarmReviewServiceServicer_to_server
from andon.scoring.v1.benchmark_comparison_pb2_grpc import add_BenchmarkComparisonServiceServicer_to_server
from andon.scoring.v1.capability_pb2_grpc import add_CapabilityServiceServicer_to_server
from andon.scoring.v1.clause_pb2_grpc import add_ClauseServiceServicer_to_server
from andon.scoring.v1.error_budget_pb2_grpc import add_ErrorBudgetServiceServicer_to_server
from andon.scoring.v1.funnel_pb2_grpc import add_FunnelServiceServicer_to_server
from andon.scoring.v1.overview_pb2_grpc import add_OverviewServiceServicer_to_server
from andon.scoring.v1.process_pb2_grpc import add_ProcessServiceServicer_to_server
from andon.scoring.v1.run_length_pb2_grpc import add_RunLengthServiceServicer_to_server
from andon.scoring.v1.scoring_pb2_grpc import add_ScoringServiceServicer_to_server
from andon.scoring.v1.simulation_pb2_grpc import add_SimulationServiceServicer_to_server
from andon.scoring.v1.system_review_pb2_grpc import add_SystemReviewServiceServicer_to_server
from andon.scoring.v1.weight_pb2_grpc import add_WeightServiceServicer_to_server

from services.runtime.clock import clock_us
from services.runtime.command import run_command
from services.runtime.contract import Contract
from services.runtime.database import Listener, close_pool, healthy
from services.runtime.drain import Draining
from services.runtime.ownership import Leases
from services.runtime.peers import open_tenant_channel
from services.runtime.schema import open_schema, prepare_schema
from services.runtime.server import Endpoint, serve
from services.runtime.settings import StoreSettings
from services.scoring.access import ACCESS
from services.scoring.replica.backtests import BacktestRunner
from services.scoring.replica.retention import Retention
from services.scoring.replica.tenants import Replica
from services.scoring.scores.charts.chart import prepare
from services.scoring.servicer import ScoringServicer
from services.scoring.servicer.alarm_review import AlarmReviewServicer
from services.scoring.servicer.benchmark_comparison import BenchmarkComparisonServicer
from services.scoring.servicer.capability import CapabilityServicer
from services.scoring.servicer.clauses import ClauseServicer
from services.scoring.servicer.error_budget import ErrorBudgetServicer
from services.scoring.servicer.funnel import FunnelServicer
from services.scoring.servicer.overview import OverviewServicer
from services.scoring.servicer.process import ProcessServicer
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.run_lengths import RunLengthServicer
from services.scoring.servicer.simulation import SimulationServicer
from services.scoring.servicer.system_review import SystemReviewServicer
from services.scoring.servicer.weights import WeightServicer
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.statements import CHANNEL, MIGRATIONS, SCHEMA, SYSTEMS_CHANNEL


async def run(
    settings: ScoringSettings,
    *,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[Endpoint], Awaitable[None] | None] | None = None,
) -> None:
    """Serves until told to stop."""
    pool = await open_schema(settings, SCHEMA, MIGRATIONS)
    prepare()
    store, draining = Store(pool), Draining()
    leases = Leases(
        settings.dsn,
        schema=SCHEMA,
        resources=lambda: replica.resources(),
        beat_s=settings.lease_heartbeat_s,
        silent_s=settings.lease_timeout_s,
    )
    replica = Replica(
        store,
        settings,
        lambda tenant: open_tenant_channel(settings, settings.ingest_target, tenant),
        str(leases.replica),
        draining,
    )
    retention = Retention(store, settings, replica.in_charge_of)
    backtests = BacktestRunner(store, settings, replica.in_charge_of, replica.ingest)
    requests = RequestContext(store, replica, draining)
    contracts = [
        Contract(
            "andon.scoring.v1.ScoringService",
            ScoringServicer(requests, settings.active_systems_max),
            add_ScoringServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.CapabilityService",
            CapabilityServicer(requests),
            add_CapabilityServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.OverviewService",
            OverviewServicer(requests),
            add_OverviewServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.BenchmarkComparisonService",
            BenchmarkComparisonServicer(requests),
            add_BenchmarkComparisonServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.ClauseService",
            ClauseServicer(requests, clock_us),
            add_ClauseServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.FunnelService",
            FunnelServicer(requests),
            add_FunnelServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.ErrorBudgetService",
            ErrorBudgetServicer(requests),
            add_ErrorBudgetServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.SimulationService",
            SimulationServicer(requests),
            add_SimulationServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.RunLengthService", RunLengthServicer(), add_RunLengthServiceServicer_to_server, ACCESS
        ),
        Contract(
            "andon.scoring.v1.WeightService", WeightServicer(requests), add_WeightServiceServicer_to_server, ACCESS
        ),
        Contract(
            "andon.scoring.v1.AlarmReviewService",
            AlarmReviewServicer(requests),
            add_AlarmReviewServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.SystemReviewService",
            SystemReviewServicer(requests),
            add_SystemReviewServiceServicer_to_server,
            ACCESS,
        ),
        Contract(
            "andon.scoring.v1.ProcessService",
            ProcessServicer(requests),
            add_ProcessServiceServicer_to_server,
            ACCESS,
        ),
    ]

    await serve(
        settings=settings,
        contracts=contracts,
        background=[
            replica.run,
            retention.run,
            backtests.run,
            lambda: leases.run(replica.work),
            lambda: Listener(settings.dsn, CHANNEL).run(replica.committed),
            lambda: Listener(settings.dsn, SYSTEMS_CHANNEL).run(lambda _: replica.look()),
        ],
        draining=draining,
        ready=lambda: healthy(pool),
        on_ready=on_ready,
        closers=[lambda: close_pool(pool)],
        stop=stop,
    )


async def migrate(settings: StoreSettings) -> None:
    await prepare_schema(settings, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    run_command("scoring", __doc__, ScoringSettings, run, migrate)
