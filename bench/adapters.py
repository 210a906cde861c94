"""Records per second through each adapter, against WriteRecords of the same records by gRPC in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2 as httpx
from andon.ingest.v1 import ingest_pb2, record_pb2
from andon_client.channel import open_channel
from andon_client.commands.source import source_of
from andon_client.record_stream import batched
from andon_records.mapping.document import parse_mapping
from confluent_kafka import Producer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.ingest_load import Served, served
from services.bridge.adapters.folder import WatchedFolder
from services.bridge.adapters.kafka import ConsumedTopics
from services.bridge.adapters.mqtt import SubscribedTopics
from services.bridge.adapters.postgres import PolledTable
from services.bridge.connections import parse_connections
from services.bridge.positions import Position
from services.bridge.record_sink import RecordSink
from services.machine.authority import Authority
from services.machine.ports import free_port
from services.machine.postgres import EmbeddedPostgres

RECORDS, BATCH = 20_000, 2_000
START = datetime(2026, 1, 5, tzinfo=UTC)
PLAIN = {"id": "{ticket}", "case_id": "ticket", "activity": "step", "time": "at"}
OF_VALUE = {**PLAIN, "fields": {"ticket": "value.ticket", "step": "value.step", "at": "value.at"}}
OF_DATA = {**PLAIN, "fields": {"ticket": "data.ticket", "step": "data.step", "at": "data.at"}}
OF_LOG = {**PLAIN, "fields": {"ticket": "attributes.ticket", "step": "body", "at": "time"}}
MAPPINGS = {
    **dict.fromkeys(("grpc", "json", "lines", "folder", "postgres"), PLAIN),
    **dict.fromkeys(("kafka", "mqtt"), OF_VALUE),
    "cloudevents": OF_DATA,
    "otlp": OF_LOG,
}
Work = Callable[[], Coroutine[Any, Any, None]]


def made_record(number: int) -> dict[str, str]:
    return {"ticket": f"T{number}", "step": "Opened", "at": (START + timedelta(seconds=number)).isoformat()}


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


class Bench:
    def __init__(self, folder: Path, ingest: Served, postgres: EmbeddedPostgres, client: Any) -> None:
        self.folder = folder
        self.access = ingest.access("bench")
        self.postgres = postgres
        self.client = client
        self.records = [made_record(number) for number in range(RECORDS)]

    async def measured(self, source: str, send: Callable[[], Awaitable[None]]) -> float:
        """Records per second until all are durable; each of them is new."""
        mapping = {"source": source, **MAPPINGS[source]}
        made = source_of(mapping, parse_mapping(mapping))
        await self.client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=source, source=made))
        begun_s = time.perf_counter()
        await send()
        while True:
            counts = (await self.client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
            if any(one.source == source and one.accepted == RECORDS for one in counts):
                return RECORDS / (time.perf_counter() - begun_s)
            await asyncio.sleep(0.02)

    async def by_grpc(self) -> None:
        for batch in batched(map(encoded, self.records)):
            records = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=batch))
            await self.client.WriteRecords(record_pb2.WriteRecordsRequest(source="sources/grpc", records=records))

    def bodies(self) -> dict[str, tuple[str, str, list[bytes]]]:
        """By source: path, content type and bodies of BATCH records each."""
        parts = [self.records[start : start + BATCH] for start in range(0, RECORDS, BATCH)]
        event = {"specversion": "1.0", "source": "/desk", "type": "opened"}
        logs = []
        for part in parts:
            request = ExportLogsServiceRequest()
            lines = request.resource_logs.add().scope_logs.add().log_records
            for number, one in enumerate(part):
                line = lines.add(time_unix_nano=1_767_600_000_000_000_000 + number)
                line.body.string_value = one["step"]
                line.attributes.add(key="ticket").value.string_value = one["ticket"]
            logs.append(request.SerializeToString())
        return {
            "json": ("records", "application/json", [encoded(part) for part in parts]),
            "lines": ("records", "application/x-ndjson", [b"\n".join(map(encoded, part)) for part in parts]),
            "cloudevents": (
                "records",
                "application/cloudevents-batch+json",
                [encoded([{**event, "id": one["ticket"], "data": one} for one in part]) for part in parts],
            ),
            "otlp": ("otlp/v1/logs", "application/x-protobuf", logs),
        }

    @asynccontextmanager
    async def sink(self, source: str) -> AsyncIterator[RecordSink]:
        async with open_channel(**self.access) as channel:
            yield RecordSink(channel, source, source)

    async def fetched(self, source: str, kind: dict[str, Any], start: Callable[[Any, RecordSink], Work]) -> float:
        (connection,) = parse_connections(
            encoded({"connections": [{"name": source, "tenant": "bench", "source": source, **kind}]}).decode()
        )
        async with self.sink(source) as sink:
            tasks: list[asyncio.Task[None]] = []

            async def send() -> None:
                tasks.append(asyncio.create_task(start(connection, sink)()))

            rate = await self.measured(source, send)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return rate


@asynccontextmanager
async def gateway(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    authority, endpoint = Authority(bench.folder / "authority"), bench.folder / "gateway.json"
    certificate, key = authority.certificate("gateway")
    settings = {
        "HTTP_LISTEN": "127.0.0.1:0",
        "HEALTH_LISTEN": "127.0.0.1:0",
        "ENDPOINT_FILE": endpoint,
        "TLS_CA_FILE": authority.ca_file,
        "TLS_CERT_FILE": certificate,
        "TLS_KEY_FILE": key,
        "JWKS_FILE": authority.jwks_file,
        "INGEST_TARGET": bench.access["target"],
        "LOG_LEVEL": "error",
    }
    environment = {**os.environ, **{f"ANDON_GATEWAY_{name}": str(value) for name, value in settings.items()}}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.gateway", "serve", env=environment)
    try:
        while not endpoint.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        trusted = ssl.create_default_context(cafile=str(authority.ca_file))
        address = f"https://localhost:{json.loads(endpoint.read_text())['http_port']}"
        headers = {"authorization": f"Bearer {bench.access['token']}"}
        async with httpx.AsyncClient(verify=trusted, base_url=address, http2=True, headers=headers) as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


async def by_http(bench: Bench) -> dict[str, float]:
    rates = {}
    async with gateway(bench) as client:
        for source, (path, kind, bodies) in bench.bodies().items():

            async def send(source: str = source, path: str = path, kind: str = kind, bodies: Any = bodies) -> None:
                for body in bodies:
                    place = f"/v1/sources/{source}/{path}"
                    answer = await client.post(place, content=body, headers={"content-type": kind}, timeout=60)
                    answer.raise_for_status()

            rates[source] = await bench.measured(source, send)
    return rates


async def by_folder(bench: Bench) -> float:
    drop, mapping = bench.folder / "drop", bench.folder / "folder.yaml"
    drop.mkdir()
    mapping.write_text(json.dumps({"source": "folder", **PLAIN}), encoding="utf-8")
    lines = [",".join(one.values()) for one in bench.records]
    (drop / "records.csv").write_text("\n".join(["ticket,step,at", *lines]) + "\n", encoding="utf-8")
    kind = {"kind": "folder", "path": str(drop), "mapping": str(mapping), "settle_s": 0.01}
    return await bench.fetched(
        "folder", kind, lambda connection, sink: WatchedFolder(connection, sink.ingest, bench.folder / "marks").run
    )


async def by_postgres(bench: Bench) -> float:
    connection = await asyncpg.connect(bench.postgres.dsn())
    await connection.execute("CREATE TABLE change (id BIGSERIAL PRIMARY KEY, ticket TEXT, step TEXT, at TEXT)")
    rows = [tuple(one.values()) for one in bench.records]
    await connection.copy_records_to_table("change", records=rows, columns=["ticket", "step", "at"])
    await connection.close()
    query = "SELECT * FROM change WHERE id >= $1 ORDER BY id"
    kind = {"kind": "postgres", "dsn_file": "dsn", "query": query, "cursor": "id", "begin": "0"}
    position = Position(bench.folder / "positions", "postgres")
    return await bench.fetched(
        "postgres", kind, lambda connection, sink: PolledTable(connection, bench.postgres.dsn(), sink, position).run
    )


async def by_kafka(bench: Bench) -> float:
    """From the mock cluster of the client, which this process runs."""
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "queue.buffering.max.messages": 0})
    (broker,) = producer.list_topics(timeout=30).brokers.values()
    for one in bench.records:
        producer.produce("desk", encoded(one))
    producer.flush(60)
    kind = {"kind": "kafka", "brokers": f"{broker.host}:{broker.port}", "topics": ["desk"]}
    return await bench.fetched(
        "kafka", kind, lambda connection, sink: ConsumedTopics(connection, sink, "bench", {}).run
    )


async def by_mqtt(bench: Bench) -> float:
    """What waited in the session, from a broker of this bench's own."""
    program = shutil.which("mosquitto", path=f"{os.defpath}:/usr/sbin")
    if program is None:
        return float("nan")
    port, conf = free_port(), bench.folder / "mosquitto.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(program, "-c", str(conf), stderr=subprocess.DEVNULL)
    document = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "topics": ["desk/#"], "tls": False}
    try:
        await asyncio.to_thread(begin_session, port)
        await asyncio.to_thread(publish, port, bench.records)
        return await bench.fetched("mqtt", document, lambda connection, sink: SubscribedTopics(connection, sink).run)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def begin_session(port: int) -> None:
    """That of the connection: a session that has its subscription gets what comes while nobody is there."""
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="andon-bench-mqtt", protocol=MQTTv5)

    def on_connect(*_: Any) -> None:
        client.subscribe("desk/#", 1)

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.set()
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3_600
    for _ in range(100):
        with suppress(ConnectionRefusedError):
            client.connect("127.0.0.1", port, clean_start=False, properties=properties)
            break
        time.sleep(0.1)
    client.loop_start()
    if not subscribed.wait(60):
        raise SystemExit("the broker took no subscription")
    client.disconnect()
    client.loop_stop()


def publish(port: int, records: list[dict[str, str]]) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for one in [client.publish("desk/a", encoded(record), qos=1) for record in records]:
        one.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def show(source: str, rate: float, bare: float) -> None:
    print(f"  {source:12} {rate:10,.0f}/s  {rate / bare:5.2f} x", flush=True)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        folder = Path(name)
        # Postgres may run as a user of its own, which has to get through.
        os.chmod(folder, 0o755)
        postgres = EmbeddedPostgres(folder / "postgres")
        await postgres.start()
        try:
            async with served(folder, postgres) as ingest:
                bench = Bench(folder, ingest, postgres, await ingest.client("bench"))
                bare = await bench.measured("grpc", bench.by_grpc)
                print(
                    f"{RECORDS:,} records of 3 fields, calls of {BATCH:,}, one at a time; WriteRecords: {bare:,.0f}/s"
                )
                rates = await by_http(bench)
                for source, measure in (
                    ("folder", by_folder),
                    ("postgres", by_postgres),
                    ("kafka", by_kafka),
                    ("mqtt", by_mqtt),
                ):
                    rates[source] = await measure(bench)
                for source, rate in rates.items():
                    print(f"  {source:12} {rate:10,.0f}/s  {rate / bare:5.2f} x")
        finally:
            await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
