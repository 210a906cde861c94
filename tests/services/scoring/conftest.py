"""Ingest and scoring served side by side on a fresh database, and small factories of events and systems."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import grpc
import pytest
from andon.ingest.v1 import benchmark_pb2_grpc, event_pb2, ingest_pb2, ingest_pb2_grpc
from andon.scoring.v1 import (
    alarm_review_pb2_grpc,
    benchmark_comparison_pb2_grpc,
    capability_pb2_grpc,
    clause_pb2_grpc,
    error_budget_pb2_grpc,
    funnel_pb2_grpc,
    overview_pb2_grpc,
    process_pb2_grpc,
    scoring_pb2,
    scoring_pb2_grpc,
    simulation_pb2_grpc,
    system_review_pb2_grpc,
    weight_pb2_grpc,
)
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon_client.keepalive import channel_options

from services.ingest.__main__ import migrate as migrate_ingest
from services.ingest.__main__ import run as run_ingest
from services.ingest.settings import IngestSettings
from services.machine.authority import Authority
from services.scoring.__main__ import migrate as migrate_scoring
from services.scoring.__main__ import run as run_scoring
from services.scoring.settings import ScoringSettings

TENANT = "acme"
TENANTS = (TENANT, "quiet")
ROOT = Path(__file__).parents[3]
SYSTEM = "processes/desk/indicatorSystems/main"
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HOUR_S, DAY_S, WEEK_S = 3_600, 86_400, 604_800
ROLES = ("writer", "reader", "analyst", "operator", "admin", "service")


def start_process(environment: dict[str, str], log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services.scoring", "serve"], env={**os.environ, **environment}, cwd=ROOT, stderr=log
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def port_in(endpoint_file: Path) -> int | None:
    return int(json.loads(endpoint_file.read_text())["port"]) if endpoint_file.exists() else None


class Suite:
    """One ingest, any number of scoring replicas, and clients of both."""

    def __init__(self, dsn: str, authority: Authority, folder: Path) -> None:
        self.dsn = dsn
        self.authority = authority
        self.folder = folder
        self.ingest_port = 0
        self.scoring_ports: list[int] = []
        self._leaving = AsyncExitStack()
        self._serving: dict[asyncio.Event, asyncio.Task[Any]] = {}
        self._writers: dict[str, Any] = {}
        (folder / "tokens").mkdir()
        for tenant in TENANTS:
            self.serve_tenant(tenant, served=True)

    def serve_tenant(self, tenant: str, served: bool) -> None:
        """Scoring looks after the tenants that it holds a token of."""
        file = self.folder / "tokens" / f"{tenant}.jwt"
        if served:
            file.write_text(self.authority.token("andon-scoring", tenant, ["service"]))
        else:
            file.unlink(missing_ok=True)

    def settings(self, role: str) -> dict[str, Any]:
        # The role is shared by all databases of the run, so its password is fixed.
        parts = urlsplit(self.dsn)
        server = self.authority.certificate("server")
        return {
            "dsn": urlunsplit(parts._replace(netloc=f"andon_{role}:{role}@{parts.hostname}:{parts.port}")),
            "migration_dsn": self.dsn,
            "listen": "127.0.0.1:0",
            "health_listen": "127.0.0.1:0",
            "endpoint_file": self.folder / f"{uuid.uuid4().hex}.json",
            "tls_ca_file": self.authority.ca_file,
            "tls_cert_file": server.certificate,
            "tls_key_file": server.key,
            "jwks_file": self.authority.jwks_file,
            "pool_connections_min": 1,
            "log_level": "warning",
            "grace_s": 2.0,
        }

    def ingest_settings(self) -> IngestSettings:
        key_file = self.folder / "tenant.key"
        key_file.write_bytes(bytes(range(48)))
        return IngestSettings(**self.settings("ingest"), tenant_key_file=key_file, poll_s=0.2)

    def scoring_settings(self, **changes: Any) -> ScoringSettings:
        values = {
            **self.settings("scoring"),
            "ingest_target": f"127.0.0.1:{self.ingest_port}",
            "ingest_heartbeat_s": 0.1,
            "systems_poll_s": 0.2,
            "lease_heartbeat_s": 0.25,
            "lease_timeout_s": 3.0,
            "tokens_dir": self.folder / "tokens",
        }
        return ScoringSettings(**{**values, **changes})

    async def migrate(self) -> None:
        await migrate_ingest(self.ingest_settings())
        await migrate_scoring(self.scoring_settings())

    async def start_ingest(self) -> None:
        settings, stop = self.ingest_settings(), asyncio.Event()
        self.ingest_port = await self._started(settings.endpoint_file, run_ingest(settings, stop), stop)

    async def start_scoring(self, **changes: Any) -> asyncio.Event:
        """Returns what stops it."""
        settings, stop = self.scoring_settings(**changes), asyncio.Event()
        self.scoring_ports.append(await self._started(settings.endpoint_file, run_scoring(settings, stop=stop), stop))
        return stop

    async def end_scoring(self, stop: asyncio.Event) -> None:
        """As a rolling update does: it drains, and is gone."""
        stop.set()
        await self._serving.pop(stop)

    async def start_scoring_process(self, **changes: Any) -> subprocess.Popen[bytes]:
        """A replica in a process of its own, which can be killed."""
        settings = self.scoring_settings(**changes)
        environment = {f"ANDON_SCORING_{name.upper()}": str(value) for name, value in settings if value is not None}
        process = start_process(environment, self.folder / "scoring.log")
        self._leaving.callback(_end, process)
        assert settings.endpoint_file is not None
        while (port := port_in(settings.endpoint_file)) is None:
            assert process.poll() is None, (self.folder / "scoring.log").read_text()[-2000:]
            await asyncio.sleep(0.02)
        self.scoring_ports.append(port)
        return process

    async def _started(self, endpoint_file: Path | None, serving: Any, stop: asyncio.Event) -> int:
        task = asyncio.create_task(serving)
        assert endpoint_file is not None
        while (port := port_in(endpoint_file)) is None:
            if task.done():
                task.result()
            await asyncio.sleep(0.01)

        self._serving[stop] = task

        async def end() -> None:
            stop.set()
            await task

        self._leaving.push_async_callback(end)
        return port

    def _channel(self, port: int, tenant: str, roles: Sequence[str], subject: str = "tester") -> grpc.aio.Channel:
        # Without the retries of andon_client, so that a test sees each answer.
        files = self.authority.certificate("client")
        tls = grpc.ssl_channel_credentials(
            self.authority.ca_file.read_bytes(), files.key.read_bytes(), files.certificate.read_bytes()
        )
        token = grpc.access_token_call_credentials(self.authority.token(subject, tenant, roles))
        channel = grpc.aio.secure_channel(
            f"127.0.0.1:{port}",
            grpc.composite_channel_credentials(tls, token),
            options=[*channel_options(), ("grpc.enable_retries", 0)],
        )
        self._leaving.push_async_callback(channel.close)
        return channel

    def ingest(self, tenant: str = TENANT) -> Any:
        return ingest_pb2_grpc.IngestServiceStub(self._channel(self.ingest_port, tenant, ROLES))

    def scoring(self, replica: int = 0, tenant: str = TENANT, roles: Sequence[str] = ROLES) -> Any:
        return scoring_pb2_grpc.ScoringServiceStub(self._channel(self.scoring_ports[replica], tenant, roles))

    def capability(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return capability_pb2_grpc.CapabilityServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def system_review(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return system_review_pb2_grpc.SystemReviewServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def alarm_review(
        self, replica: int = 0, tenant: str = TENANT, roles: Sequence[str] = ROLES, subject: str = "tester"
    ) -> Any:
        return alarm_review_pb2_grpc.AlarmReviewServiceStub(
            self._channel(self.scoring_ports[replica], tenant, roles, subject)
        )

    def benchmarks(self) -> Any:
        return benchmark_pb2_grpc.BenchmarkServiceStub(self._channel(self.ingest_port, TENANT, ROLES))

    def benchmark_comparisons(self) -> Any:
        return benchmark_comparison_pb2_grpc.BenchmarkComparisonServiceStub(
            self._channel(self.scoring_ports[0], TENANT, ROLES)
        )

    def clauses(self, tenant: str = TENANT) -> Any:
        return clause_pb2_grpc.ClauseServiceStub(self._channel(self.scoring_ports[0], tenant, ROLES))

    def funnels(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return funnel_pb2_grpc.FunnelServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def error_budgets(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return error_budget_pb2_grpc.ErrorBudgetServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def simulation(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return simulation_pb2_grpc.SimulationServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def weights(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return weight_pb2_grpc.WeightServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def process(self, replica: int = 0, tenant: str = TENANT) -> Any:
        return process_pb2_grpc.ProcessServiceStub(self._channel(self.scoring_ports[replica], tenant, ROLES))

    def overview(self, replica: int = 0, tenant: str = TENANT, roles: Sequence[str] = ROLES) -> Any:
        return overview_pb2_grpc.OverviewServiceStub(self._channel(self.scoring_ports[replica], tenant, roles))

    async def write(self, events: Sequence[event_pb2.Event], tenant: str = TENANT) -> str:
        """The cursor through which they are durable."""
        batch = event_pb2.EventBatch(rows=event_pb2.EventRows(events=events))
        if tenant not in self._writers:
            self._writers[tenant] = self.ingest(tenant)
        answer = await self._writers[tenant].WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        assert answer.quarantined == 0, answer.rejections[:3]
        return str(answer.through)

    async def content_hash(self, through: str, tenant: str = TENANT, replica: int = -1) -> str:
        """Of everything through this cursor of ingest."""
        stub = self.scoring(replica, tenant)
        await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
        return str((await stub.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())).content_hash)

    async def activate(
        self, spec: system_pb.IndicatorSystemSpec, tenant: str = TENANT, replica: int = -1
    ) -> system_pb.IndicatorSystem:
        stub = self.scoring(replica, tenant)
        parent, _, system_id = SYSTEM.partition("/indicatorSystems/")
        made = await stub.CreateIndicatorSystem(
            scoring_pb2.CreateIndicatorSystemRequest(parent=parent, indicator_system_id=system_id, spec=spec)
        )
        answer = await stub.ActivateIndicatorSystem(
            scoring_pb2.ActivateIndicatorSystemRequest(name=SYSTEM, version=made.indicator_system.version)
        )
        return answer.indicator_system

    async def close(self) -> None:
        await self._leaving.aclose()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def database(databases: Any, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The superuser's DSN on a fresh database with the schemas of ingest and scoring."""
    template = await databases.template(
        "ingest and scoring", lambda dsn: Suite(dsn, authority, tmp_path_factory.mktemp("migrated")).migrate()
    )
    return str(await databases.create(template))


@pytest.fixture
async def suite_of(
    database: str, authority: Authority, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[Suite]]]:
    made: list[Suite] = []

    async def make() -> Suite:
        suite = Suite(database, authority, tmp_path)
        await suite.migrate()
        await suite.start_ingest()
        made.append(suite)
        return suite

    yield make
    for suite in made:
        await suite.close()


@pytest.fixture
async def suite(suite_of: Callable[[], Awaitable[Suite]]) -> Suite:
    """Ingest and one scoring replica."""
    made = await suite_of()
    await made.start_scoring()
    return made


def make_event(id: str, case: str, activity: str, at_s: float, **attributes: Any) -> event_pb2.Event:
    """`at_s` counts from Monday 2026-01-05 UTC."""
    event = event_pb2.Event(id=id, source="desk", case_id=case, activity=activity)
    event.time.FromMicroseconds(round((MONDAY.timestamp() + at_s) * 1e6))
    for name, value in attributes.items():
        kind = {bool: "flag", int: "integer", float: "number", str: "text"}[type(value)]
        setattr(event.attributes[name], kind, value)
    return event


def make_case(
    number: int, opened_s: float, hours: float, breached: bool, priority: str = "low"
) -> list[event_pb2.Event]:
    """A ticket that is opened, worked on and closed."""
    case, closed_s = f"case-{number:05d}", opened_s + hours * HOUR_S
    return [
        make_event(f"{case}-1", case, "Opened", opened_s, priority=priority),
        make_event(f"{case}-2", case, "Assigned", (opened_s + closed_s) / 2, priority=priority),
        make_event(f"{case}-3", case, "Closed", closed_s, priority=priority, breached=breached),
    ]


def make_weeks(weeks: int, cases: int, breached: Callable[[int, int], bool]) -> list[event_pb2.Event]:
    """`cases` tickets a week, evenly spread; `breached(week, place)` says which breach their agreement."""
    return [
        event
        for week in range(weeks)
        for place in range(cases)
        for event in make_case(
            week * cases + place,
            week * WEEK_S + place * (5 * DAY_S / cases),
            hours=4.0 + (week * 7 + place * 3) % 11,
            breached=breached(week, place),
            priority=("low", "high")[place % 2],
        )
    ]


def make_spec(baseline_windows: int = 6) -> system_pb.IndicatorSystemSpec:
    """Share of breaches (charted, sliced by priority), mean and median hours to close."""
    spec = system_pb.IndicatorSystemSpec()
    spec.title.en = "Desk"
    spec.case_rule.opened.first.activities.append("Opened")
    spec.case_rule.closed.last.activities.append("Closed")
    for name, phase in (("Opened", system_pb.PHASE_BEFORE), ("Assigned", system_pb.PHASE_DURING), ("Closed", 3)):
        step = spec.steps.add(name=name.lower(), phase=phase, activities=[name])
        step.title.en = name
    breach = spec.measures.add(name="breach").flag.attribute
    breach.attribute = "breached"
    breach.equals.add(flag=True)
    duration = spec.measures.add(name="to_close").duration
    getattr(duration, "from").opened = True
    duration.to.closed = True
    spec.dimensions.add(name="priority", attribute="priority")
    windows = [system_pb.WINDOW_WEEK, system_pb.WINDOW_ALL]
    share = spec.indicators.add(
        name="sla_breach",
        measure="breach",
        aggregate=system_pb.Indicator.AGGREGATE_SHARE,
        direction=system_pb.DIRECTION_LOWER_IS_BETTER,
        phase=system_pb.PHASE_DURING,
        windows=windows,
        weight=3.0,
        owner="service desk lead",
        symptom_of=["to_close"],
    )
    share.title.en, share.title.zh = "Breaches", "违约率"
    share.target.value, share.target.worst = 0.1, 0.5
    share.slices.add(dimensions=["priority"])
    share.chart.baseline_windows = baseline_windows
    mean = spec.indicators.add(
        name="to_close",
        measure="to_close",
        aggregate=system_pb.Indicator.AGGREGATE_MEAN,
        direction=system_pb.DIRECTION_LOWER_IS_BETTER,
        phase=system_pb.PHASE_AFTER,
        unit="h",
        windows=windows,
        owner="service desk lead",
    )
    mean.target.value = 8.0
    mean.chart.baseline_windows = baseline_windows
    spec.indicators.add(
        name="to_close_median",
        measure="to_close",
        aggregate=system_pb.Indicator.AGGREGATE_MEDIAN,
        direction=system_pb.DIRECTION_LOWER_IS_BETTER,
        phase=system_pb.PHASE_AFTER,
        unit="h",
        windows=windows,
        owner="service desk lead",
    )
    return spec


def make_ratio_spec() -> system_pb.IndicatorSystemSpec:
    """As `make_spec`, and "parts": a mean of rows that represent many, sliced by priority; squares are unknown."""
    spec = make_spec()
    for name in ("hits", "size"):
        value = spec.measures.add(name=name).value
        value.attribute, value.resolution = name, 1.0
    ratio = spec.measures.add(name="rate").ratio
    ratio.of, ratio.per = "hits", "size"
    parts = spec.indicators.add(name="parts", measure="rate", aggregate=system_pb.Indicator.AGGREGATE_MEAN)
    parts.windows.extend([system_pb.WINDOW_WEEK, system_pb.WINDOW_ALL])
    parts.slices.add(dimensions=["priority"])
    parts.direction, parts.owner, parts.target.value = system_pb.DIRECTION_LOWER_IS_BETTER, "desk lead", 0.5
    return spec


class Factories:
    """What tests build their worlds from."""

    system = SYSTEM
    tenant = TENANT
    event = staticmethod(make_event)
    case = staticmethod(make_case)
    weeks = staticmethod(make_weeks)
    spec = staticmethod(make_spec)
    ratio_spec = staticmethod(make_ratio_spec)


@pytest.fixture
def make() -> type[Factories]:
    return Factories
