"""A served ingest on a fresh database, and small factories of events."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import grpc
import pyarrow as pa
import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc, quarantine_pb2_grpc
from andon_client.channel import open_channel

from services.ingest.__main__ import migrate, run
from services.ingest.settings import IngestSettings
from services.machine.authority import Authority

ROOT = Path(__file__).parents[3]
START_S = 1_700_000_000
COLUMNS = ("id", "source", "case_id", "activity", "time")
EVERYONE = ("writer", "reader", "operator")


class Served:
    """One replica and its clients."""

    def __init__(self, settings: IngestSettings, authority: Authority, port: int) -> None:
        self.settings = settings
        self.port = port
        self._authority = authority
        self._channels: list[grpc.aio.Channel] = []

    def client(self, tenant: str = "acme", roles: tuple[str, ...] = EVERYONE) -> Any:
        return ingest_pb2_grpc.IngestServiceStub(self._channel(tenant, roles))

    def channel(self, roles: tuple[str, ...] = EVERYONE) -> grpc.aio.Channel:
        return self._channel("acme", roles)

    def quarantine(self, tenant: str = "acme", roles: tuple[str, ...] = EVERYONE) -> Any:
        return quarantine_pb2_grpc.QuarantineServiceStub(self._channel(tenant, roles))

    def _channel(self, tenant: str, roles: tuple[str, ...]) -> grpc.aio.Channel:
        files = self._authority.certificate("client")
        channel = open_channel(
            f"127.0.0.1:{self.port}",
            ca_file=self._authority.ca_file,
            cert_file=files.certificate,
            key_file=files.key,
            token=self._authority.token("tester", tenant, roles),
            options=[("grpc.enable_retries", 0)],
        )
        self._channels.append(channel)
        return channel

    @contextmanager
    def blocking_client(self) -> Iterator[Any]:
        """For a thread: what it encodes is no turn of the loop that serves."""
        files = self._authority.certificate("client")
        tls = grpc.ssl_channel_credentials(
            self._authority.ca_file.read_bytes(), files.key.read_bytes(), files.certificate.read_bytes()
        )
        token = grpc.access_token_call_credentials(self._authority.token("tester", "acme", EVERYONE))
        credentials = grpc.composite_channel_credentials(tls, token)
        with grpc.secure_channel(f"127.0.0.1:{self.port}", credentials) as channel:
            yield ingest_pb2_grpc.IngestServiceStub(channel)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "tenant.key"
    file.write_bytes(bytes(range(48)))
    return file


@pytest.fixture
def make_settings(authority: Authority, key_file: Path, tmp_path: Path) -> Callable[..., IngestSettings]:
    def make(dsn: str, **changes: Any) -> IngestSettings:
        # The role is shared by all databases of the run, so its password is fixed.
        parts = urlsplit(dsn)
        own = urlunsplit(parts._replace(netloc=f"andon_ingest:ingest@{parts.hostname}:{parts.port}"))
        server = authority.certificate("server")
        values: dict[str, Any] = {
            "dsn": own,
            "migration_dsn": dsn,
            "listen": "127.0.0.1:0",
            "health_listen": "127.0.0.1:0",
            "endpoint_file": tmp_path / f"{uuid.uuid4().hex}.json",
            "tls_ca_file": authority.ca_file,
            "tls_cert_file": server.certificate,
            "tls_key_file": server.key,
            "jwks_file": authority.jwks_file,
            "tenant_key_file": key_file,
            "pool_connections_min": 1,
            "log_level": "error",
            "grace_s": 2.0,
            "poll_s": 0.2,
        }
        return IngestSettings(**{**values, **changes})

    return make


@pytest.fixture
async def migrated(databases: Any, make_settings: Callable[..., IngestSettings]) -> str:
    """The superuser's DSN on a fresh database with the schema of ingest."""
    template = await databases.template("ingest", lambda dsn: migrate(make_settings(dsn)))
    dsn: str = await databases.create(template)
    await migrate(make_settings(dsn))
    return dsn


@pytest.fixture
async def start(
    migrated: str, make_settings: Callable[..., IngestSettings], authority: Authority
) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Starts a replica of ingest on the test's database."""
    async with AsyncExitStack() as leaving:

        async def begin(**changes: Any) -> Served:
            settings = make_settings(migrated, **changes)
            stop = asyncio.Event()
            task = asyncio.create_task(run(settings, stop))
            assert settings.endpoint_file is not None
            while not settings.endpoint_file.exists():
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)
            served = Served(settings, authority, json.loads(settings.endpoint_file.read_text())["port"])

            async def end() -> None:
                stop.set()
                await task

            leaving.push_async_callback(end)
            leaving.push_async_callback(served.close)
            return served

        yield begin


@pytest.fixture
async def spawn(
    migrated: str, make_settings: Callable[..., IngestSettings], authority: Authority
) -> AsyncIterator[Callable[..., Awaitable[tuple[Served, asyncio.subprocess.Process]]]]:
    """Starts a replica as a process of its own, to be killed."""
    processes: list[asyncio.subprocess.Process] = []
    replicas: list[Served] = []

    async def begin(**changes: Any) -> tuple[Served, asyncio.subprocess.Process]:
        settings = make_settings(migrated, **changes)
        values = {name: value for name, value in settings.model_dump().items() if value not in (None, "")}
        environment = {**os.environ, **{f"ANDON_INGEST_{name.upper()}": str(value) for name, value in values.items()}}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ingest", "serve", env=environment, cwd=ROOT
        )
        processes.append(process)
        file = settings.endpoint_file
        assert file is not None
        while not file.exists():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        replicas.append(Served(settings, authority, json.loads(file.read_text())["port"]))
        return replicas[-1], process

    yield begin
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.wait()
    for replica in replicas:
        await replica.close()


@pytest.fixture
async def served(start: Callable[..., Awaitable[Served]]) -> Served:
    return await start()


def make_event(id: str, **fields: Any) -> event_pb2.Event:
    attributes = fields.pop("attributes", {})
    time_s = fields.pop("time_s", START_S)
    values = {"source": "desk", "case_id": "case-1", "activity": "Opened", **fields}
    one = event_pb2.Event(id=id, **values)
    if time_s is not None:
        one.time.FromMicroseconds(round(time_s * 1_000_000))
    for name, value in attributes.items():
        kind = {bool: "flag", int: "integer", float: "number", str: "text"}[type(value)]
        setattr(one.attributes[name], kind, value)
    return one


def make_rows(*events: event_pb2.Event) -> event_pb2.EventBatch:
    return event_pb2.EventBatch(rows=event_pb2.EventRows(events=events))


def make_table(count: int = 1, **columns: Any) -> pa.Table:
    """A valid Arrow batch; a column given as None is left out."""
    values: dict[str, Any] = {
        "id": [f"e{number}" for number in range(count)],
        "source": ["desk"] * count,
        "case_id": [f"case-{number % 7}" for number in range(count)],
        "activity": ["Opened"] * count,
        "time": pa.array([(START_S + number) * 1_000_000 for number in range(count)], pa.timestamp("us", tz="UTC")),
        **columns,
    }
    return pa.table({name: value for name, value in values.items() if value is not None})


def make_stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def make_arrow(table: pa.Table) -> event_pb2.EventBatch:
    return event_pb2.EventBatch(arrow_ipc=make_stream(table))


async def read_all(client: Any, **request: Any) -> list[dict[str, Any]]:
    """Every event of the log, as rows, each with its partition and offset."""
    found: list[dict[str, Any]] = []
    async for response in client.ReadEvents(ingest_pb2.ReadEventsRequest(**request)):
        for page in response.pages:
            rows = pa.ipc.open_stream(page.events.arrow_ipc).read_all().to_pylist()
            assert len(rows) == page.event_count
            for number, row in enumerate(rows):
                found.append({**row, "partition": page.partition, "offset": page.first_offset + number})
    return found


@pytest.fixture
def event() -> Callable[..., event_pb2.Event]:
    return make_event


@pytest.fixture
def rows() -> Callable[..., event_pb2.EventBatch]:
    return make_rows


@pytest.fixture
def table() -> Callable[..., pa.Table]:
    return make_table


@pytest.fixture
def stream() -> Callable[..., bytes]:
    return make_stream


@pytest.fixture
def arrow() -> Callable[..., event_pb2.EventBatch]:
    return make_arrow


@pytest.fixture
def everything() -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    return read_all
