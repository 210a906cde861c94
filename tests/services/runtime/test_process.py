"""A served process seen from outside: signals, exit code, and what a collector receives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

from services.machine.authority import Authority

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

PROGRAM = """
import asyncio
import grpc
import pathlib
import structlog
from services.runtime.contract import Contract
from services.runtime.errors import NotFound
from services.runtime.server import serve
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import batch_span, current_traceparent

class Settings(RuntimeSettings):
    model_config = {**RuntimeSettings.model_config, "env_prefix": "ANDON_ECHO_"}

async def echo(request, context):
    structlog.get_logger("echo").info("asked", body=request, subject="Mr Li")
    if request == b"missing":
        raise NotFound()
    if request == b"broken":
        raise RuntimeError("secret")
    with batch_span("echo step", [current_traceparent()]):
        return request

async def held(request, context):
    folder = pathlib.Path(request.decode())
    (folder / "begun").touch()
    while not (folder / "let go").exists():
        await asyncio.sleep(0.02)
    return request

async def forever(request, context):
    yield request
    await asyncio.Event().wait()

methods = {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Held": grpc.unary_unary_rpc_method_handler(held),
    "Forever": grpc.unary_stream_rpc_method_handler(forever),
}
register = lambda server: server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler("andon.test.v1.EchoService", methods),)
)
access = {f"/andon.test.v1.EchoService/{name}": frozenset({"reader"}) for name in methods}
contract = Contract("andon.test.v1.EchoService", register, lambda add, server: add(server), access)
asyncio.run(serve(settings=Settings(), contracts=[contract]))
"""


class Sink(trace_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.resources: set[str] = set()

    async def Export(self, request: Any, context: Any) -> Any:
        if isinstance(request, metrics_pb2.ExportMetricsServiceRequest):
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics.update({metric.name: metric for metric in scope.metrics})
            return metrics_pb2.ExportMetricsServiceResponse()
        for resource in request.resource_spans:
            self.resources |= {one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return trace_pb2.ExportTraceServiceResponse()


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, str]]:
    kept, server = Sink(), grpc.aio.server()
    register: list[Any] = [
        trace_grpc.add_TraceServiceServicer_to_server,
        metrics_grpc.add_MetricsServiceServicer_to_server,
    ]
    for add in register:
        add(kept, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield kept, f"http://127.0.0.1:{port}"
    await server.stop(0)


async def there_is(file: Path, unless: subprocess.Popen[str] | None = None) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not file.exists() and not (unless and unless.poll() is not None):
            await asyncio.sleep(0.02)


class Process:
    def __init__(self, process: subprocess.Popen[str], port: int, authority: Authority) -> None:
        self.process, self.port, self.authority = process, port, authority

    async def ended(self) -> tuple[int, list[dict[str, Any]]]:
        """Exit code and log lines."""
        _, lines = await asyncio.to_thread(self.process.communicate, timeout=PATIENCE_S)
        return self.process.returncode, [json.loads(line) for line in lines.splitlines()]

    def channel(self) -> Any:
        certificate, key = self.authority.certificate("client")
        credentials = grpc.ssl_channel_credentials(
            self.authority.ca_file.read_bytes(), key.read_bytes(), certificate.read_bytes()
        )
        return grpc.aio.secure_channel(f"localhost:{self.port}", credentials)

    def metadata(self) -> list[tuple[str, str]]:
        token = self.authority.token("tester", "acme", ["reader"])
        return [("authorization", f"Bearer {token}"), ("traceparent", f"00-{TRACE}-{PARENT}-01")]


@contextlib.asynccontextmanager
async def process(tmp_path: Path, **environment: str) -> AsyncIterator[Process]:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.certificate("server")
    file = tmp_path / "endpoint.json"
    settings = {
        "LISTEN": "127.0.0.1:0",
        "HEALTH_LISTEN": "127.0.0.1:0",
        "ENDPOINT_FILE": str(file),
        "TLS_CA_FILE": str(authority.ca_file),
        "TLS_CERT_FILE": str(certificate),
        "TLS_KEY_FILE": str(key),
        "JWKS_FILE": str(authority.jwks_file),
        "SERVICE_NAME": "echo",
        "GRACE_S": "60",
        **environment,
    }
    started = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={**os.environ, **{f"ANDON_ECHO_{name}": value for name, value in settings.items()}},
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        await there_is(file, unless=started)
        assert file.exists(), started.communicate()[1]
        yield Process(started, json.loads(file.read_text())["port"], authority)
    finally:
        if started.poll() is None:
            started.kill()
            started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_calls_finish_and_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    async with process(tmp_path) as running, running.channel() as channel:
        stream = channel.unary_stream("/andon.test.v1.EchoService/Forever")(b"x", metadata=running.metadata())
        assert await stream.read() == b"x"
        held = asyncio.ensure_future(
            channel.unary_unary("/andon.test.v1.EchoService/Held")(str(tmp_path).encode(), metadata=running.metadata())
        )
        await there_is(tmp_path / "begun")
        running.process.send_signal(number)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        (tmp_path / "let go").touch()
        assert await held == str(tmp_path).encode()
        code, lines = await running.ended()
    assert code == 0
    assert [line["event"] for line in lines] == ["serving", "draining", "stopped"]


async def test_a_collector_receives_the_callers_trace_the_linked_step_and_the_durations(
    tmp_path: Path, sink: tuple[Sink, str]
) -> None:
    kept, endpoint = sink
    async with process(tmp_path, OTLP_ENDPOINT=endpoint) as running, running.channel() as channel:
        echo = channel.unary_unary("/andon.test.v1.EchoService/Echo")
        assert await echo(b"hello", metadata=running.metadata()) == b"hello"
        for request in (b"missing", b"broken"):
            with pytest.raises(grpc.aio.AioRpcError):
                await echo(request, metadata=running.metadata())
        running.process.send_signal(signal.SIGTERM)
        code, lines = await running.ended()
    assert code == 0
    served = [span for span in kept.spans if span.name == "andon.test.v1.EchoService/Echo"]
    assert {span.trace_id.hex() for span in served} == {TRACE}
    assert {span.parent_span_id.hex() for span in served} == {PARENT}
    attributes = [{one.key: one.value.string_value for one in span.attributes} for span in served]
    assert {one.get("error.type") for one in attributes} == {None, "NOT_FOUND", "INTERNAL"}
    assert all(one["rpc.system.name"] == "grpc" for one in attributes)
    (step,) = [span for span in kept.spans if span.name == "echo step"]
    assert step.trace_id.hex() != TRACE
    assert [link.trace_id.hex() for link in step.links] == [TRACE]
    assert kept.metrics["rpc.server.call.duration"].unit == "s"
    assert "echo" in kept.resources
    asked = [line for line in lines if line["event"] == "asked"]
    assert {line["trace_id"] for line in asked} == {TRACE}
    assert {(line["body"], line["subject"]) for line in asked} == {("[withheld]", "[withheld]")}


@pytest.fixture
def mute() -> Iterator[str]:
    """A collector that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_mute_collector_neither_slows_calls_nor_holds_up_the_end(tmp_path: Path, mute: str) -> None:
    async with process(tmp_path, OTLP_ENDPOINT=mute) as running, running.channel() as channel:
        echo = channel.unary_unary("/andon.test.v1.EchoService/Echo")
        # Calls that each waited for the collector would take more than four times as long as they are given.
        async with asyncio.timeout(PATIENCE_S / 2):
            for _ in range(50):
                await echo(b"x", metadata=running.metadata())
        running.process.send_signal(signal.SIGTERM)
        code, _ = await running.ended()
    assert code == 0


async def test_bad_settings_stop_the_process_before_it_listens(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="grace_s"):
        async with process(tmp_path, GRACE_S="-1"):
            pass


async def test_a_missing_key_file_stops_the_process_before_it_listens(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="No such file"):
        async with process(tmp_path, JWKS_FILE=str(tmp_path / "absent.json")):
            pass


async def test_a_made_up_method_never_becomes_a_label(tmp_path: Path, sink: tuple[Sink, str]) -> None:
    kept, endpoint = sink
    async with process(tmp_path, OTLP_ENDPOINT=endpoint) as running, running.channel() as channel:
        for metadata in ([], running.metadata()):
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary("/made.Up/ByAStranger")(b"", metadata=metadata)
        running.process.send_signal(signal.SIGTERM)
        await running.ended()
    points = kept.metrics["rpc.server.call.duration"].histogram.data_points
    labels = [{one.key: one.value.string_value for one in point.attributes} for point in points]
    assert {one["rpc.method"] for one in labels} == {"_OTHER"}
    assert not any("Stranger" in span.name for span in kept.spans)
