"""What the bridge takes from real peers is in the log once, though its process is killed three times on the way."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from andon.ingest.v1 import ingest_pb2
from andon_client.suite import Suite
from confluent_kafka import Producer
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from services.machine.authority import Authority
from tests.running_suite import RunningSuite

PATIENCE_S = 120.0
PARTS = 4
MILLION = pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(7_200)])
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

ROWS = 'source: {source}\nid: "{{ticket}}"\ncase_id: ticket\nactivity: step\ntime: at\n'
VALUES = (
    "source: {source}\nfields: {{ticket: value.ticket, step: value.step, at: value.at}}\n"
    'id: "{id}"\ncase_id: ticket\nactivity: step\ntime: at\n'
)
SAMPLES = 'source: samples\nid: "{series}/{time}"\ncase_id: series\nactivity: name\ntime: time\n'
PAGE = b'# TYPE orders counter\norders_total{shop="north"} 5\n# TYPE wait gauge\nwait 1.5\n'

Source = Callable[[str, str], Awaitable[None]]


def message(source: str, number: int) -> dict[str, str]:
    at = f"2026-01-{number // 86_400 + 1:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return {"ticket": f"{source}-{number}", "step": "Opened", "at": at}


class BridgeProcess:
    """`python -m services.bridge serve` for a tenant of the running suite."""

    def __init__(self, suite: RunningSuite, folder: Path) -> None:
        authority = Authority(suite.home / "authority")
        certificate, key = authority.certificate("bridge")
        self.connections = folder / "connections"
        self.connections.mkdir()
        values = {
            "HEALTH_LISTEN": "127.0.0.1:0",
            "TLS_CA_FILE": authority.ca_file,
            "TLS_CERT_FILE": certificate,
            "TLS_KEY_FILE": key,
            "TOKENS_DIR": suite.home / "tokens" / "bridge",
            "CONNECTIONS_DIR": self.connections,
            "STATE_DIR": folder / "state",
            "INGEST_TARGET": suite.connection("main").targets["ingest"],
            "LOG_LEVEL": "warning",
        }
        self._environment = {**os.environ, **{f"ANDON_BRIDGE_{name}": str(text) for name, text in values.items()}}
        self._process: asyncio.subprocess.Process | None = None

    def write(self, connections: list[dict[str, Any]]) -> None:
        text = json.dumps({"connections": connections})
        (self.connections / "connections.yaml").write_text(text, encoding="utf-8")

    async def start(self) -> None:
        command = (sys.executable, "-m", "services.bridge", "serve")
        self._process = await asyncio.create_subprocess_exec(*command, env=self._environment)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), PATIENCE_S)


@pytest_asyncio.fixture
async def bridge(suite: RunningSuite, tenant: str, tmp_path: Path) -> AsyncIterator[BridgeProcess]:
    made = BridgeProcess(suite, tmp_path)
    yield made
    if made._process is not None and made._process.returncode is None:
        await made.kill()


@pytest.fixture
def source(andon: Callable[..., str], tmp_path: Path) -> Source:
    async def create(name: str, mapping: str) -> None:
        file = tmp_path / f"{name}.yaml"
        file.write_text(mapping, encoding="utf-8")
        await asyncio.to_thread(andon, "source", "create", name, "--mapping", str(file))

    return create


async def counts_of(suite: Suite) -> Mapping[str, ingest_pb2.GetIntakeCountsResponse.Count]:
    answer = await suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())
    return {one.source: one for one in answer.counts}


async def taken(
    suite: Suite, least: Mapping[str, int], patience_s: float = PATIENCE_S
) -> Mapping[str, ingest_pb2.GetIntakeCountsResponse.Count]:
    async with asyncio.timeout(patience_s):
        while True:
            counts = await counts_of(suite)
            if all(name in counts and counts[name].accepted >= wanted for name, wanted in least.items()):
                return counts
            await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """The port of an MQTT broker of this test's own."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    port, conf = free_port(), tmp_path / "mosquitto.conf"
    # No limit of what waits, nor of what is under way.
    limits = "max_queued_messages 0\nmax_inflight_messages 0\n"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n{limits}", encoding="utf-8")
    process = subprocess.Popen([MOSQUITTO, "-c", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(30)


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page in the format of Prometheus."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()


class Kafka:
    """The mock cluster of the client, which lives in its producer."""

    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        (broker,) = self.producer.list_topics(timeout=30).brokers.values()
        self.address = f"{broker.host}:{broker.port}"

    def send(self, numbers: range) -> None:
        for number in numbers:
            body = json.dumps(message("topics", number)).encode()
            while True:
                try:
                    self.producer.produce("desk", body, key=str(number).encode())
                    break
                except BufferError:
                    self.producer.poll(0.1)
        assert self.producer.flush(10 * PATIENCE_S) == 0


class Sensors:
    """A client that publishes at least once, and waits until the broker has it."""

    def __init__(self, port: int) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="sensors")
        self._client.max_queued_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, numbers: range) -> None:
        sent = [self._client.publish("desk/a", json.dumps(message("sensors", one)), qos=1) for one in numbers]
        for one in sent:
            one.wait_for_publish(10 * PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def insert(connection: asyncpg.Connection, numbers: range) -> None:
    rows = [(one, message("rows", one)["at"]) for one in numbers]
    await connection.executemany(
        "INSERT INTO change (ticket, step, at) VALUES ('rows-' || $1::int, 'Opened', $2::text::timestamptz)", rows
    )


@pytest.mark.parametrize("records", [3_000, MILLION])
async def test_peers_of_every_kind_lose_none_and_double_none_though_the_bridge_is_killed_three_times(
    bridge: BridgeProcess,
    source: Source,
    connection: Any,
    tenant: str,
    database: str,
    broker: int,
    page: str,
    tmp_path: Path,
    records: int,
) -> None:
    drop, mapping = tmp_path / "drop", tmp_path / "files.mapping.yaml"
    drop.mkdir()
    mapping.write_text(ROWS.format(source="files"), encoding="utf-8")
    kafka, sensors = await asyncio.to_thread(Kafka), await asyncio.to_thread(Sensors, broker)
    table = await asyncpg.connect(database)
    await table.execute("CREATE TABLE change (id BIGSERIAL PRIMARY KEY, ticket TEXT, step TEXT, at TIMESTAMPTZ)")
    late = await asyncpg.connect(database)
    await source("files", ROWS.format(source="files"))
    await source("rows", ROWS.format(source="rows"))
    await source("topics", VALUES.format(source="topics", id="{topic}/{partition}/{offset}"))
    await source("sensors", VALUES.format(source="sensors", id="{digest}"))
    await source("samples", SAMPLES)
    (bridge.connections / "dsn").write_text(database, encoding="utf-8")
    query = "SELECT id, ticket, step, at FROM change WHERE id >= $1 ORDER BY id"
    of = {"tenant": tenant}
    bridge.write(
        [
            {
                **{**of, "name": "files", "source": "files", "kind": "folder", "path": str(drop)},
                **{"mapping": str(mapping), "settle_s": 0.2, "every_s": 0.2, "pattern": "*.csv"},
            },
            {
                **{**of, "name": "rows", "source": "rows", "kind": "postgres", "dsn_file": "dsn", "query": query},
                **{"cursor": "id", "begin": "0", "every_s": 0.2},
            },
            {
                **{**of, "name": "topics", "source": "topics", "kind": "kafka", "brokers": kafka.address},
                **{"topics": ["desk"], "options": {"session.timeout.ms": 6000}},
            },
            {
                **{**of, "name": "sensors", "source": "sensors", "kind": "mqtt", "host": "127.0.0.1", "port": broker},
                **{"topics": ["desk/#"], "tls": False},
            },
            {**of, "name": "samples", "source": "samples", "kind": "prometheus", "url": page, "every_s": 0.5},
        ]
    )
    await bridge.start()
    async with Suite(connection) as suite:
        # The session of the broker begins with the subscription: what came before is nobody's.
        async with asyncio.timeout(PATIENCE_S):
            while "sensors" not in await counts_of(suite):
                await asyncio.to_thread(sensors.send, range(1))
                await asyncio.sleep(0.2)
        # It takes the first number of the table, and ends after others that took later ones.
        hanging = late.transaction()
        await hanging.start()
        await insert(late, range(1))
        size, patience_s = records // PARTS, PATIENCE_S + records / 500
        for part in range(PARTS):
            numbers = range(part * size, (part + 1) * size)
            lines = [",".join(message("files", number).values()) for number in numbers]
            unfinished = drop / f".{part}"
            unfinished.write_text("ticket,step,at\n" + "\n".join(lines) + "\n", encoding="utf-8")
            unfinished.rename(drop / f"{part}.csv")
            await insert(table, range(max(1, numbers.start), numbers.stop))
            await asyncio.to_thread(kafka.send, numbers)
            await asyncio.to_thread(sensors.send, numbers)
            if part < PARTS - 1:
                # Somewhere on the way: one of them has begun with this part.
                await taken(suite, {("topics", "files", "sensors")[part]: numbers.start + 1}, patience_s)
                await bridge.kill()
                await bridge.start()
        await hanging.commit()
        total = size * PARTS
        wanted = dict.fromkeys(("files", "rows", "topics", "sensors"), total) | {"samples": 4}
        counts = await taken(suite, wanted, patience_s)
    assert {name: counts[name].accepted for name in wanted if name != "samples"} == dict.fromkeys(
        ("files", "rows", "topics", "sensors"), total
    )
    assert {name: counts[name].quarantined for name in wanted} == dict.fromkeys(wanted, 0)
    async with asyncio.timeout(PATIENCE_S):
        while len(list((drop / "done").glob("*.csv"))) < PARTS:
            await asyncio.sleep(0.1)
    assert list(drop.glob("*.csv")) == []
    assert await bridge.stop() == 0
    sensors.close()
    await table.close()
    await late.close()


async def test_a_file_that_is_none_of_the_mapping_goes_to_failed_with_its_report(
    bridge: BridgeProcess, source: Source, tenant: str, tmp_path: Path
) -> None:
    drop, mapping = tmp_path / "drop", tmp_path / "files.mapping.yaml"
    drop.mkdir()
    mapping.write_text(ROWS.format(source="files"), encoding="utf-8")
    await source("files", ROWS.format(source="files"))
    header = "ticket,step,at\n"
    (drop / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (drop / "partly.csv").write_text(header + "T1,Opened,2026-01-05T10:00:00Z\nT2,Opened,soon\n", encoding="utf-8")
    bridge.write(
        [
            {
                **{"name": "files", "tenant": tenant, "source": "files", "kind": "folder", "path": str(drop)},
                **{"mapping": str(mapping), "settle_s": 0.1, "every_s": 0.1},
            }
        ]
    )
    await bridge.start()
    failed, done = drop / "failed" / "other.csv", drop / "done" / "partly.csv"
    async with asyncio.timeout(PATIENCE_S):
        while not (failed.exists() and done.exists()):
            await asyncio.sleep(0.05)
    report = json.loads(failed.with_name("other.csv.report.json").read_text(encoding="utf-8"))
    assert "ticket" in report["error"]
    report = json.loads(done.with_name("partly.csv.report.json").read_text(encoding="utf-8"))
    assert (report["accepted"], report["quarantined"], report["rejected"][0]["row"]) == (1, 1, 2)
    assert await bridge.stop() == 0


async def test_a_bad_document_stops_the_bridge_with_one_line(bridge: BridgeProcess) -> None:
    (bridge.connections / "connections.yaml").write_text("connections: [{kind: ftp}]\n", encoding="utf-8")
    await bridge.start()
    assert await bridge.ended() == 1
