"""What other systems send over HTTP is in the log, once, when they hear that it was taken; a real client each."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import os
import signal
import ssl
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pyarrow as pa
import pytest
import pytest_asyncio
from andon.ingest.v1 import ingest_pb2
from andon_client.suite import Suite
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from services.gateway.__main__ import run
from services.gateway.settings import GatewaySettings
from services.machine.authority import Authority
from tests.running_suite import RunningSuite
from tests.services.ingest.writer.test_large_batches import longest_turns_s

PATIENCE_S = 60.0
LOOP_S_MAX = 0.050
# Nearly what the contract allows.
NOTE_BYTES = 15_000_000
POINTS = 150_000
SECRET = "a-secret-of-some-length"
DESK = """
source: desk
fields: {at: at, step: step}
id: "{ticket}/{step}"
case_id: ticket
activity: step
time: at
"""
CLOUD = """
source: desk
fields: {ticket: data.ticket}
id: "{source}/{id}"
case_id: ticket
activity: type
time: time
"""
METRICS = """
source: metrics
id: "{series}/{time_unix_nano}"
case_id: series
activity: name
time: time
attributes: {value: number, mean: number, kind: text}
"""
LOGS = """
source: logs
fields: {shown: body, shop: attributes.shop}
id: digest
case_id: trace_id
activity: severity
time: time
attributes: {shown: text, shop: text}
"""


Source = Callable[[str, str], Awaitable[None]]


def ticket(number: int, step: str = "Opened") -> dict[str, str]:
    return {"ticket": f"T{number}", "step": step, "at": f"2026-01-05T10:{number % 60:02d}:00Z"}


@dataclass
class Running:
    """A gateway and one of its senders."""

    client: httpx.AsyncClient
    webhooks: Path

    async def post(self, path: str, body: Any, kind: str = "application/json", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(path, content=content, headers={"content-type": kind, **headers})


def settings_of(suite: RunningSuite, folder: Path, **changes: Any) -> dict[str, Any]:
    authority = Authority(suite.home / "authority")
    certificate, key = authority.certificate("gateway")
    return {
        "http_listen": "127.0.0.1:0",
        "health_listen": "127.0.0.1:0",
        "endpoint_file": folder / f"{uuid.uuid4().hex}.json",
        "tls_ca_file": authority.ca_file,
        "tls_cert_file": certificate,
        "tls_key_file": key,
        "jwks_file": authority.jwks_file,
        "tokens_dir": suite.home / "tokens" / "gateway",
        "webhooks_dir": folder / "webhooks",
        "ingest_target": suite.connection("main").targets["ingest"],
        "log_level": "error",
        "grace_s": 5.0,
        **changes,
    }


async def port_of(file: Path) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while not file.exists():
            await asyncio.sleep(0.02)
    return int(json.loads(file.read_text(encoding="utf-8"))["http_port"])


def client_of(suite: RunningSuite, port: int, token: str) -> httpx.AsyncClient:
    trusted = ssl.create_default_context(cafile=str(Authority(suite.home / "authority").ca_file))
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        verify=trusted, base_url=f"https://localhost:{port}", http2=True, timeout=PATIENCE_S, headers=headers
    )


@asynccontextmanager
async def serving(suite: RunningSuite, tenant: str, folder: Path, **changes: Any) -> AsyncIterator[Running]:
    (folder / "webhooks").mkdir(exist_ok=True)
    settings = GatewaySettings(**settings_of(suite, folder, **changes))
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop))
    assert settings.endpoint_file is not None
    token = Authority(suite.home / "authority").token("tester", tenant, ["writer"])
    async with client_of(suite, await port_of(settings.endpoint_file), token) as client:
        yield Running(client, folder / "webhooks")
    stop.set()
    await task


@pytest_asyncio.fixture
async def gateway(suite: RunningSuite, tenant: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(suite, tenant, tmp_path) as running:
        yield running


@pytest.fixture
def source(andon: Callable[..., str], tmp_path: Path) -> Source:
    async def create(name: str, mapping: str) -> None:
        file = tmp_path / f"{name}.yaml"
        file.write_text(mapping, encoding="utf-8")
        await asyncio.to_thread(andon, "source", "create", name, "--mapping", str(file))

    return create


async def counts_of(connection: Any, source: str) -> ingest_pb2.GetIntakeCountsResponse.Count:
    async with Suite(connection) as suite:
        counts = (await suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
        return next(one for one in counts if one.source == source)


def one_record() -> tuple[str, bytes, str]:
    """Address, body and media type; it is one call to ingest."""
    return "/v1/sources/desk/records", json.dumps({**ticket(1), "note": "x" * NOTE_BYTES}).encode(), "application/json"


def many_points() -> tuple[str, bytes, str]:
    """Their records are much larger than they are. They differ in their values only, so that ingest takes one."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    gauge = request.resource_metrics.add().scope_metrics.add().metrics.add(name="queue").gauge
    for number in range(POINTS):
        gauge.data_points.add(time_unix_nano=1_767_600_000_000_000_000, as_double=number)
    return "/v1/sources/metrics/otlp/v1/metrics", request.SerializeToString(), "application/x-protobuf"


async def test_records_of_every_form_are_in_the_log_once(gateway: Running, source: Source, connection: Any) -> None:
    await source("desk", DESK)
    records = [ticket(number) for number in range(3)]
    path = "/v1/sources/desk/records"
    first = await gateway.post(path, records)
    assert first.status_code == 200, first.text
    assert {name: first.json()[name] for name in ("accepted", "duplicate", "quarantined", "omitted")} == {
        "accepted": 3,
        "duplicate": 0,
        "quarantined": 0,
        "omitted": 0,
    }
    assert first.json()["events"]["accepted"] == 3
    assert first.json()["through"]
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    table, sink = pa.Table.from_pylist(records), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    forms = [
        ("application/x-ndjson", lines, {}),
        ("application/json; charset=utf-8", gzip.compress(json.dumps(records).encode()), {"content-encoding": "gzip"}),
        ("application/vnd.apache.arrow.stream", sink.getvalue().to_pybytes(), {}),
    ]
    for kind, body, headers in forms:
        again = await gateway.post(path, body, kind, **headers)
        assert again.json()["duplicate"] == 3, again.text
    single = await gateway.post(path, ticket(3))
    assert single.json()["accepted"] == 1
    assert (await counts_of(connection, "desk")).accepted == 4


async def test_a_bad_record_is_answered_for_and_the_others_are_taken(gateway: Running, source: Source) -> None:
    await source("desk", DESK)
    answer = await gateway.post("/v1/sources/desk/records", [ticket(1), {"ticket": "T2"}, "text", ticket(3)])
    shown = answer.json()
    assert (answer.status_code, shown["accepted"], shown["quarantined"]) == (200, 2, 2)
    assert [one["index"] for one in shown["rejections"]] == [1, 2]
    assert all(one["quarantine_id"] for one in shown["rejections"])


async def test_many_records_are_written_in_parts_with_one_answer(
    gateway: Running, source: Source, connection: Any
) -> None:
    await source("desk", DESK)
    records: list[Any] = [{**ticket(number), "ticket": f"M{number}"} for number in range(4_500)]
    records[4_400] = "no object"
    key = str(uuid.uuid4())
    for _ in range(2):
        shown = (await gateway.post("/v1/sources/desk/records", records, **{"idempotency-key": key})).json()
        assert (shown["accepted"], shown["quarantined"], shown["rejections"][0]["index"]) == (4_499, 1, 4_400)
    assert (await counts_of(connection, "desk")).accepted == 4_499


@pytest.mark.parametrize("large", [one_record, pytest.param(many_points, marks=pytest.mark.slow)])
async def test_a_request_of_the_largest_size_holds_the_loop_of_the_gateway_no_longer_than_50_ms(
    suite: RunningSuite, tenant: str, source: Source, tmp_path: Path, large: Callable[[], tuple[str, bytes, str]]
) -> None:
    await source("desk", DESK)
    await source("metrics", METRICS)
    path, body, kind = large()
    async with serving(suite, tenant, tmp_path) as gateway:
        headers = {**gateway.client.headers, "content-type": kind}
        trusted = ssl.create_default_context(cafile=str(Authority(suite.home / "authority").ca_file))

        def ask() -> httpx.Response:
            """In a thread: what a client does is no turn of the loop that serves."""
            with httpx.Client(verify=trusted, base_url=gateway.client.base_url, timeout=2 * PATIENCE_S) as client:
                return client.post(path, content=body, headers=headers)

        async with longest_turns_s() as turns:
            answer = await asyncio.to_thread(ask)
    assert answer.status_code == 200, answer.text
    assert max(turns) < LOOP_S_MAX


async def test_a_cloud_event_has_one_effect_in_whatever_mode_it_comes(gateway: Running, source: Source) -> None:
    await source("desk", CLOUD)
    path = "/v1/sources/desk/records"
    attributes = {"specversion": "1.0", "id": "e1", "source": "/desk", "type": "opened", "time": "2026-01-05T10:00:00Z"}
    event = {**attributes, "data": {"ticket": "T1"}}
    batch = await gateway.post(path, [event, {**event, "id": "e2"}], "application/cloudevents-batch+json")
    assert batch.json()["accepted"] == 2, batch.text
    alone = await gateway.post(path, event, "application/cloudevents+json; charset=utf-8")
    assert alone.json()["duplicate"] == 1
    headers = {f"ce-{name}": text for name, text in attributes.items()}
    assert (await gateway.post(path, event["data"], **headers)).json()["duplicate"] == 1
    bad = await gateway.post(path, [event, {**event, "specversion": "0.3"}], "application/cloudevents-batch+json")
    assert (bad.status_code, bad.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "event[1].specversion" in bad.text


async def test_errors_are_google_rpc_in_json_with_their_details(
    gateway: Running, source: Source, suite: RunningSuite, tenant: str
) -> None:
    await source("desk", DESK)
    authority = Authority(suite.home / "authority")
    reader = {"authorization": f"Bearer {authority.token('r', tenant, ['reader'])}"}
    path = "/v1/sources/desk/records"
    cases = [
        (await gateway.post("/v1/sources/none/records", [ticket(1)]), 404, "NOT_FOUND", "NOT_FOUND"),
        (await gateway.post("/v1/elsewhere", [ticket(1)]), 404, "NOT_FOUND", "NOT_FOUND"),
        (await gateway.client.get(path), 404, "NOT_FOUND", "NOT_FOUND"),
        (await gateway.post(path, b"{", "application/json"), 400, "INVALID_ARGUMENT", "FIELD_INVALID"),
        (await gateway.post(path, b"a,b", "text/csv"), 400, "INVALID_ARGUMENT", "FIELD_INVALID"),
        (await gateway.post(path, b"xx", **{"content-encoding": "gzip"}), 400, "INVALID_ARGUMENT", "FIELD_INVALID"),
        (await gateway.post(path, [], authorization=""), 401, "UNAUTHENTICATED", "TOKEN_MISSING"),
        (await gateway.post(path, [], authorization="Bearer x"), 401, "UNAUTHENTICATED", "TOKEN_INVALID"),
        (await gateway.post(path, [], **reader), 403, "PERMISSION_DENIED", "ROLE_NOT_ALLOWED"),
        (await gateway.post(path, b" " * (17 << 20)), 413, "INVALID_ARGUMENT", "BATCH_TOO_LARGE"),
        (
            await gateway.post(path, gzip.compress(b" " * (17 << 20)), **{"content-encoding": "gzip"}),
            413,
            "INVALID_ARGUMENT",
            "BATCH_TOO_LARGE",
        ),
    ]
    for answer, code, status, reason in cases:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (code, code, status), answer.text
        (info,) = (one for one in error["details"] if one["@type"].endswith("google.rpc.ErrorInfo"))
        assert (info["reason"], info["domain"]) == (reason, "andon")
    chinese = await gateway.post("/v1/sources/none/records", [ticket(1)], **{"accept-language": "zh"})
    assert "未找到" in chinese.text
    assert chinese.headers["content-language"] == "zh-CN"


async def test_a_quota_is_answered_with_when_to_come_again(gateway: Running, source: Source) -> None:
    await source("desk", f"{DESK}quota: {{events_per_second: 1}}\n")
    path = "/v1/sources/desk/records"
    # A replica hears of a new source with its first commit, and of its quota with it.
    for attempt in range(8):
        refused = await gateway.post(path, [{**ticket(number), "ticket": f"{attempt}"} for number in range(60)])
        if refused.status_code != 200:
            break
    assert (refused.status_code, refused.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert int(refused.headers["retry-after"]) >= 1


async def test_a_webhook_is_taken_by_its_signature_alone(
    gateway: Running, source: Source, tenant: str, connection: Any
) -> None:
    await source("desk", DESK.replace('"{ticket}/{step}"', '"{delivery}"'))
    document: dict[str, Any] = {"tenant": tenant, "source": "desk", "sender": "github", "secrets": [SECRET]}
    document["fields"] = {"delivery": "X-GitHub-Delivery"}
    (gateway.webhooks / "issues.yaml").write_text(json.dumps(document), encoding="utf-8")
    await asyncio.sleep(1.1)
    body = json.dumps(ticket(1)).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": "d-1", "authorization": ""}
    taken = await gateway.post("/v1/webhooks/issues", body, **signed)
    assert (taken.status_code, taken.json()["accepted"]) == (200, 1), taken.text
    assert (await gateway.post("/v1/webhooks/issues", body, **signed)).json()["duplicate"] == 1
    wrong = [
        await gateway.post("/v1/webhooks/issues", body + b" ", **signed),
        await gateway.post("/v1/webhooks/none", body, **signed),
        # A token is no signature.
        await gateway.post("/v1/webhooks/issues", body),
    ]
    assert {(one.status_code, one.text) for one in wrong} == {(401, wrong[0].text)}
    assert "SIGNATURE_INVALID" in wrong[0].text
    assert (await counts_of(connection, "desk")).accepted == 1


async def test_metrics_of_an_exporter_are_records_in_both_encodings(
    gateway: Running, source: Source, connection: Any
) -> None:
    await source("metrics", METRICS)
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("shop")
    meter.create_counter("orders", "{order}").add(3, {"shop": "north"})
    for value in (0.1, 0.3):
        meter.create_histogram("duration", "s").record(value, {"shop": "north"})
    data = reader.get_metrics_data()
    assert data is not None
    request = metrics_service_pb2.ExportMetricsServiceRequest.FromString(encode_metrics(data).SerializeToString())
    path, kind = "/v1/sources/metrics/otlp/v1/metrics", "application/x-protobuf"
    taken = await gateway.post(path, request.SerializeToString(), kind)
    assert (taken.status_code, taken.headers["content-type"]) == (200, kind), taken.text
    assert not metrics_service_pb2.ExportMetricsServiceResponse.FromString(taken.content).HasField("partial_success")
    again = await gateway.post(path, json_format.MessageToJson(request).encode())
    assert (again.status_code, again.json()) == (200, {})
    counts = await counts_of(connection, "metrics")
    assert (counts.accepted, counts.duplicate) == (2, 2)
    refused = await gateway.post(path, b"\xff", kind, authorization="Bearer x")
    assert (refused.status_code, refused.headers["content-type"]) == (401, kind)


async def test_logs_are_records_and_what_cannot_be_mapped_is_a_partial_success(
    gateway: Running, source: Source
) -> None:
    await source("logs", LOGS)
    request = logs_service_pb2.ExportLogsServiceRequest()
    lines = request.resource_logs.add().scope_logs.add().log_records
    for number, trace in enumerate((b"\x01" * 16, b"\x02" * 16, b"")):
        line = lines.add(time_unix_nano=1_767_600_000_000_000_000 + number, severity_text="ERROR", trace_id=trace)
        line.body.string_value = "card was declined"
        line.attributes.add(key="shop").value.string_value = "north"
    path = "/v1/sources/logs/otlp/v1/logs"
    answer = await gateway.post(path, request.SerializeToString(), "application/x-protobuf")
    said = logs_service_pb2.ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, said.rejected_log_records) == (200, 1)
    assert "case_id" in said.error_message
    # Ids are hexadecimal in the JSON of OTLP.
    as_json = {
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "logRecords": [
                            {
                                "timeUnixNano": "1767600000000000000",
                                "severityText": "ERROR",
                                "traceId": "01" * 16,
                                "body": {"stringValue": "card was declined"},
                                "attributes": [{"key": "shop", "value": {"stringValue": "north"}}],
                            }
                        ]
                    }
                ]
            }
        ]
    }
    same = await gateway.post("/v1/sources/logs/records", [])
    assert same.json()["accepted"] == 0
    assert (await gateway.post(path, as_json)).json() == {}


async def test_ingest_that_is_away_is_503_with_when_to_come_again(
    suite: RunningSuite, tenant: str, tmp_path: Path
) -> None:
    async with serving(suite, tenant, tmp_path, ingest_target="127.0.0.1:1", write_s_max=3.0) as gateway:
        answer = await gateway.post("/v1/sources/desk/records", [ticket(1)])
    assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("total", "batch"),
    [(4_000, 200), pytest.param(1_000_000, 2_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)])],
)
async def test_a_gateway_killed_three_times_loses_none_and_doubles_none(
    suite: RunningSuite, tenant: str, source: Source, connection: Any, tmp_path: Path, total: int, batch: int
) -> None:
    await source("desk", DESK)
    (tmp_path / "webhooks").mkdir()
    values = settings_of(suite, tmp_path)
    environment = {**os.environ, **{f"ANDON_GATEWAY_{name.upper()}": str(text) for name, text in values.items()}}
    token = Authority(suite.home / "authority").token("tester", tenant, ["writer"])
    endpoint: Path = values["endpoint_file"]
    processes: list[asyncio.subprocess.Process] = []

    async def begin() -> httpx.AsyncClient:
        endpoint.unlink(missing_ok=True)
        command = (sys.executable, "-m", "services.gateway", "serve")
        processes.append(await asyncio.create_subprocess_exec(*command, env=environment))
        return client_of(suite, await port_of(endpoint), token)

    client, killed_at = await begin(), {total * part // 4 // batch * batch for part in (1, 2, 3)}
    for start in range(0, total, batch):
        body = [{**ticket(number), "ticket": f"K{number}"} for number in range(start, start + batch)]
        sending = asyncio.create_task(client.post("/v1/sources/desk/records", json=body))
        if start in killed_at:
            await asyncio.sleep(0.005 * len(processes))
            processes[-1].send_signal(signal.SIGKILL)
            await processes[-1].wait()
            await asyncio.gather(sending, return_exceptions=True)
            await client.aclose()
            client = await begin()
            sending = asyncio.create_task(client.post("/v1/sources/desk/records", json=body))
        answer = await sending
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] + answer.json()["duplicate"] == batch
    await client.aclose()
    processes[-1].send_signal(signal.SIGTERM)
    assert [await one.wait() for one in processes] == [-signal.SIGKILL] * 3 + [0]
    assert (await counts_of(connection, "desk")).accepted == total


def test_base64_of_an_id_in_json_is_its_hexadecimal_text() -> None:
    """What `otlp` relies on: protobuf's JSON reads hexadecimal digits as base64, which can be undone."""
    digits = "0af7651916cd43dd8448eb211c80319c"
    assert base64.b64encode(base64.b64decode(digits)).decode() == digits
