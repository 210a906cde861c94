"""What the ingest benches send, and the ingest process of their own that they send it to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc
from andon_client.channel import open_channel
from numpy.typing import NDArray

from services.machine.authority import Authority
from services.machine.postgres import EmbeddedPostgres

BATCH_EVENTS = 5_000
ACTIVITIES = ("Opened", "Assigned", "In progress", "Waiting", "Resolved", "Closed")
PRIORITIES = ("1 - critical", "2 - high", "3 - moderate", "4 - low")
START = datetime(2025, 1, 1, tzinfo=UTC)
FIELDS = ("id", "source", "case_id", "activity", "time", "resource")
COLUMNS = (*FIELDS, "priority", "cost", "reopened")


@dataclass(frozen=True)
class Events:
    """One batch, in the columns of COLUMNS."""

    table: pa.Table

    def lists(self) -> list[list[Any]]:
        return [column.to_pylist() for column in self.table.columns]

    def arrow(self) -> event_pb2.EventBatch:
        sent = self.table.rename_columns([name if name in FIELDS else f"attributes.{name}" for name in COLUMNS])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, sent.schema) as writer:
            writer.write_table(sent)
        return event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())

    def rows(self) -> event_pb2.EventBatch:
        batch = event_pb2.EventBatch()
        for one in self.table.to_pylist():
            event = batch.rows.events.add(**{name: one[name] for name in FIELDS[:4]}, resource=one["resource"])
            event.time.FromDatetime(one["time"])
            event.attributes["priority"].text = one["priority"]
            event.attributes["cost"].number = one["cost"]
            event.attributes["reopened"].integer = one["reopened"]
        return batch


def made_events(first: int, count: int = BATCH_EVENTS) -> Events:
    numbers = np.arange(first, first + count)
    begun_us = int(START.timestamp()) * 1_000_000
    return Events(
        pa.table(
            [
                _named("evt-", numbers, 10),
                _coded(["helpdesk"], numbers * 0),
                _named("INC", numbers * 7919 % (first + count) // 6, 8),
                _coded(ACTIVITIES, numbers % 6),
                pa.array(begun_us + numbers * 1_000_000, pa.timestamp("us", "UTC")),
                _coded([f"agent {number}" for number in range(60)], numbers % 60),
                _coded(PRIORITIES, numbers * 31 % 4).dictionary_decode(),
                pa.array(numbers * 0.25),
                pa.array(numbers % 3),
            ],
            names=list(COLUMNS),
        )
    )


def _named(prefix: str, numbers: NDArray[np.int64], digits: int) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0"), "")


def _coded(values: Sequence[str], codes: NDArray[np.int64]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values))


class Served:
    """A running ingest process."""

    def __init__(self, pid: int, port: int, authority: Authority, leaving: AsyncExitStack) -> None:
        self.pid = pid
        self._port = port
        self._authority = authority
        self._certificate = authority.certificate("client")
        self._leaving = leaving

    def access(self, tenant: str) -> dict[str, Any]:
        """What `open_channel` takes."""
        return {
            "target": f"127.0.0.1:{self._port}",
            "ca_file": self._authority.ca_file,
            "cert_file": self._certificate.certificate,
            "key_file": self._certificate.key,
            "token": self._authority.token("bench", tenant, ["writer", "reader", "operator"]),
        }

    async def client(self, tenant: str) -> Any:
        channel = open_channel(**self.access(tenant))
        return ingest_pb2_grpc.IngestServiceStub(await self._leaving.enter_async_context(channel))


@asynccontextmanager
async def served(folder: Path, postgres: EmbeddedPostgres) -> AsyncIterator[Served]:
    authority = Authority(folder / "authority")
    endpoint = folder / "endpoint.json"
    environment = _environment(folder, postgres, authority, endpoint)
    command = (sys.executable, "-m", "services.ingest")
    migrating = await asyncio.create_subprocess_exec(*command, "migrate", env=environment)
    if await migrating.wait():
        raise SystemExit("migrate failed")
    process = await asyncio.create_subprocess_exec(*command, "serve", env=environment)
    try:
        while not endpoint.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        async with AsyncExitStack() as leaving:
            yield Served(process.pid, json.loads(endpoint.read_text())["port"], authority, leaving)
    finally:
        process.terminate()
        await process.wait()


def _environment(folder: Path, postgres: EmbeddedPostgres, authority: Authority, endpoint: Path) -> dict[str, str]:
    server = authority.certificate("server")
    key = folder / "tenant.key"
    key.write_bytes(os.urandom(32))
    settings = {
        "DSN": postgres.role_dsn("andon_ingest"),
        "MIGRATION_DSN": postgres.dsn(),
        "LISTEN": "127.0.0.1:0",
        "HEALTH_LISTEN": "127.0.0.1:0",
        "ENDPOINT_FILE": endpoint,
        "TLS_CA_FILE": authority.ca_file,
        "TLS_CERT_FILE": server.certificate,
        "TLS_KEY_FILE": server.key,
        "JWKS_FILE": authority.jwks_file,
        "TENANT_KEY_FILE": key,
        "LOG_LEVEL": "error",
    }
    return {**os.environ, **{f"ANDON_INGEST_{name}": str(value) for name, value in settings.items()}}


async def written_s(
    client: Any, batches: Sequence[event_pb2.EventBatch], in_flight: int, batch_events: int = BATCH_EVENTS
) -> float:
    """Seconds until every event is acknowledged as durable; that all are new is demanded."""
    waiting: Iterator[event_pb2.EventBatch] = iter(batches)
    accepted = 0

    async def write() -> None:
        nonlocal accepted
        for batch in waiting:
            answer = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
            accepted += answer.accepted

    begun = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(in_flight)))
    elapsed = time.perf_counter() - begun
    if accepted != len(batches) * batch_events:
        raise SystemExit(f"only {accepted} events were accepted")
    return elapsed
