"""HTTP next to gRPC: the same certificates, limits, health and drain, met with a real client."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx2 as httpx
import pytest
import structlog
from grpc.aio import AioRpcError, Metadata
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from services.machine.authority import Authority
from services.runtime import statuses
from services.runtime.contract import Contract
from services.runtime.drain import Draining
from services.runtime.errors import NotFound
from services.runtime.http_calls import Application, HttpCalls, Message, Receive, Send
from services.runtime.server import Endpoint, serve
from services.runtime.settings import CallSettings, HttpSettings, ServerSettings
from services.runtime.telemetry import current_traceparent
from services.runtime.traffic import Traffic
from tests.services.runtime.serving_process import begun, closed_after_s

PATIENCE_S = 60.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


TRACE = "0af7651916cd43dd8448eb211c80319c"


class BothSettings(ServerSettings, HttpSettings):
    """Of a process that serves a contract and HTTP."""


@dataclass
class Process:
    endpoint: Endpoint
    authority: Authority
    stop: asyncio.Event
    task: asyncio.Task[None]

    def client(self, *, http2: bool = True) -> httpx.AsyncClient:
        trusted = ssl.create_default_context(cafile=str(self.authority.ca_file))
        address = f"https://localhost:{self.endpoint.http_port}"
        return httpx.AsyncClient(verify=trusted, base_url=address, http1=not http2, http2=http2, timeout=PATIENCE_S)

    async def until(self, status: Any) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.endpoint.health_port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            async for answer in stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S):
                if answer.status == status:
                    return


Serving = Callable[..., Awaitable[Process]]


@pytest.fixture
async def serving(authority: Authority) -> AsyncIterator[Serving]:
    """Serves an application, and a contract where one is given; stops it at the end of the test."""
    processes: list[Process] = []

    async def start(application: Application, contract: Contract | None = None, **given: Any) -> Process:
        stop = asyncio.Event()
        certificate, key = authority.certificate("server")
        fields: dict[str, Any] = {
            "http_listen": "127.0.0.1:0",
            "health_listen": "127.0.0.1:0",
            "tls_ca_file": authority.ca_file,
            "tls_cert_file": certificate,
            "tls_key_file": key,
            "grace_s": PATIENCE_S,
        }
        draining = given.pop("draining", None)
        if contract is not None:
            fields |= {"listen": "127.0.0.1:0", "jwks_file": authority.jwks_file}
        settings = (BothSettings if contract else HttpSettings)(**{**fields, **given})
        endpoint, task = await begun(
            stop, settings=settings, contracts=[contract] if contract else [], http=application, draining=draining
        )
        processes.append(Process(endpoint, authority, stop, task))
        return processes[-1]

    yield start
    for one in processes:
        one.stop.set()
        await asyncio.wait_for(asyncio.gather(one.task, return_exceptions=True), PATIENCE_S)


async def answer(send: Send, body: bytes, kind: bytes = b"text/plain") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await answer(send, scope["http_version"].encode() + b" " + scope["path"].encode() + b" " + body)


@pytest.mark.parametrize(("http2", "version"), [(True, b"2"), (False, b"1.1")])
async def test_a_request_is_answered_over_tls_in_both_versions_of_http(
    serving: Serving, http2: bool, version: bytes
) -> None:
    process = await serving(echo)
    async with process.client(http2=http2) as client:
        answers = await asyncio.gather(*(client.post("/here", content=b"x" * size) for size in (0, 1, 300_000)))
    assert [one.content for one in answers] == [version + b" /here " + b"x" * size for size in (0, 1, 300_000)]
    assert "server" not in answers[0].headers


async def test_without_tls_and_under_another_authority_nothing_is_answered(serving: Serving, tmp_path: Path) -> None:
    process = await serving(echo)
    other = ssl.create_default_context(cafile=str(Authority(tmp_path / "other").ca_file))
    for client, scheme in ((httpx.AsyncClient(verify=other), "https"), (httpx.AsyncClient(), "http")):
        async with client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"{scheme}://localhost:{process.endpoint.http_port}/")


async def test_a_rotated_certificate_is_shown_to_the_next_connection(serving: Serving, authority: Authority) -> None:
    process = await serving(echo)
    port = process.endpoint.http_port
    before = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    (authority.ca_file.parent / "server.crt").unlink()
    authority.certificate("server")
    after = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    assert before != after
    assert after.strip() == (authority.ca_file.parent / "server.crt").read_text().strip()
    async with process.client() as client:
        assert (await client.get("/")).content == b"2 / "


async def test_a_process_may_serve_a_contract_and_http_together(serving: Serving, authority: Authority) -> None:
    async def say(request: bytes, _: Any) -> bytes:
        return request

    methods: dict[str, Any] = {"Say": grpc.unary_unary_rpc_method_handler(say)}
    generic = grpc.method_handlers_generic_handler("andon.test.v1.EchoService", methods)
    access = {"/andon.test.v1.EchoService/Say": frozenset({"reader"})}
    contract = Contract(
        "andon.test.v1.EchoService", generic, lambda one, server: server.add_generic_rpc_handlers((one,)), access
    )
    process = await serving(echo, contract)
    certificate, key = authority.certificate("client")
    credentials = grpc.ssl_channel_credentials(
        authority.ca_file.read_bytes(), key.read_bytes(), certificate.read_bytes()
    )
    metadata = [("authorization", f"Bearer {authority.token('tester', 'acme', ['reader'])}")]
    async with grpc.aio.secure_channel(f"localhost:{process.endpoint.port}", credentials) as channel:
        say_again: Any = channel.unary_unary("/andon.test.v1.EchoService/Say")
        assert await say_again(b"x", metadata=metadata) == b"x"
    async with process.client() as client:
        assert (await client.get("/x")).content == b"2 /x "
    await process.until(SERVING)


async def test_a_process_that_serves_http_has_settings_of_http(authority: Authority) -> None:
    certificate, key = authority.certificate("server")
    files: dict[str, Any] = {"tls_ca_file": authority.ca_file, "tls_cert_file": certificate, "tls_key_file": key}
    settings = CallSettings(**files, health_listen="127.0.0.1:0")
    with pytest.raises(TypeError, match="HttpSettings"):
        await serve(settings=settings, http=echo)


async def test_errors_are_statuses_with_a_sentence_in_the_language_of_the_reader(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that was used before is bound to where it wrote then.
    monkeypatch.setattr(statuses, "log", structlog.get_logger())
    failures: dict[str, Exception] = {
        "/missing": NotFound(),
        "/away": AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata()),
        "/broken": RuntimeError("secret"),
    }

    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        raise failures[scope["path"]]

    process = await serving(failing)
    with capture_logs() as lines:
        async with process.client() as client:
            found = {path: await client.get(path, headers={"accept-language": "zh-CN"}) for path in failures}
    assert {path: one.status_code for path, one in found.items()} == {"/missing": 404, "/away": 503, "/broken": 500}
    assert found["/missing"].text == "未找到所请求的内容。"
    assert found["/missing"].headers["content-language"] == "zh-CN"
    assert found["/away"].headers["retry-after"] == "1"
    (logged,) = [line for line in lines if line["event"] == "unexpected error"]
    assert logged["incident"] in found["/broken"].text
    assert "secret" not in found["/broken"].text


async def test_more_requests_than_can_be_served_have_to_come_again(serving: Serving) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold(scope: Message, receive: Receive, send: Send) -> None:
        begun.set()
        await release.wait()
        await answer(send, b"done")

    process = await serving(hold, calls_in_flight_max=1)
    async with process.client() as client:
        first = asyncio.ensure_future(client.get("/"))
        await begun.wait()
        refused = await client.get("/")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        release.set()
        assert (await first).content == b"done"
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("http2", [True, False])
async def test_a_body_that_is_too_large_is_refused_and_one_that_nobody_reads_holds_nothing_up(
    serving: Serving, http2: bool
) -> None:
    async def deaf(scope: Message, receive: Receive, send: Send) -> None:
        await answer(send, b"unread") if scope["path"] == "/deaf" else await echo(scope, receive, send)

    process = await serving(deaf, message_bytes_max=1_000_000)
    async with process.client(http2=http2) as client:
        assert (await client.post("/", content=b"x" * 1_000_000)).status_code == 200
        assert (await client.post("/", content=b"x" * 1_000_001)).status_code == 413
        assert (await client.post("/deaf", content=b"x" * 3_000_000)).content == b"unread"
        assert (await client.get("/")).status_code == 200
    assert process.endpoint.port == 0


async def nobody_listens(port: int) -> None:
    """Returns once the port takes no connections."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()
            await asyncio.sleep(0.02)


async def test_a_request_that_comes_while_the_process_drains_has_to_come_again_elsewhere() -> None:
    calls, sent = HttpCalls(echo, Traffic(10), body_bytes_max=10, stall_s=1.0), list[Message]()
    calls.refuses = True

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await calls({"type": "http", "http_version": "2", "method": "GET", "path": "/", "headers": []}, receive, send)
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]


async def test_draining_finishes_requests_ends_event_streams_and_closes_idle_connections(serving: Serving) -> None:
    begun, release, draining = asyncio.Event(), asyncio.Event(), Draining()

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/events":
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await asyncio.Event().wait()
        elif scope["path"] == "/slow":
            begun.set()
            await release.wait()
            await answer(send, b"finished")
        else:
            await answer(send, b"quick")

    process = await serving(application, draining=draining)
    await process.until(SERVING)
    async with process.client(http2=False) as client, process.client() as idle:
        assert (await idle.get("/")).content == b"quick"
        slow = asyncio.ensure_future(client.get("/slow"))
        await begun.wait()
        async with client.stream("GET", "/events") as events:
            chunks = events.aiter_raw()
            assert await anext(chunks) == b"data: 1\n\n"
            process.stop.set()
            # A client that has to come again sees a whole answer, not a broken one.
            assert [one async for one in chunks] == []
        assert draining.started
        assert not process.task.done()
        await asyncio.wait_for(nobody_listens(process.endpoint.http_port), PATIENCE_S)
        release.set()
        assert (await slow).content == b"finished"
        await asyncio.wait_for(process.task, PATIENCE_S)


async def test_what_does_not_finish_within_the_grace_period_is_cut_off(serving: Serving) -> None:
    begun = asyncio.Event()

    async def forever(scope: Message, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    process = await serving(forever, grace_s=0.3)
    async with process.client() as client:
        call = asyncio.ensure_future(client.get("/"))
        await begun.wait()
        process.stop.set()
        with pytest.raises(httpx.TransportError):
            (await call).raise_for_status()
        await asyncio.wait_for(process.task, 10)


async def test_a_stream_that_nobody_reads_is_ended(serving: Serving) -> None:
    sent, ended = 0, asyncio.Event()

    async def flood(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal sent
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                sent += 1
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        finally:
            ended.set()

    process = await serving(flood, stall_s=0.5)
    for http2 in (True, False):
        ended.clear()
        sent = 0
        async with process.client(http2=http2) as client, client.stream("GET", "/"):
            await asyncio.wait_for(ended.wait(), PATIENCE_S)
        assert sent < 200


@pytest.mark.parametrize("first", [b"", bytes.fromhex("16030100f8010000f40303")])
async def test_a_handshake_that_is_never_finished_ends(serving: Serving, first: bytes) -> None:
    process = await serving(echo, handshake_s_max=1.0)
    async with asyncio.timeout(30):
        assert await closed_after_s(process.endpoint.http_port, first) > 0.5


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: "])
async def test_a_connection_without_a_whole_request_ends(serving: Serving, authority: Authority, sent: bytes) -> None:
    process = await serving(echo, connection_idle_s_max=1.0)
    trusted = ssl.create_default_context(cafile=str(authority.ca_file))
    reader, writer = await asyncio.open_connection("localhost", process.endpoint.http_port, ssl=trusted)
    writer.write(sent)
    async with asyncio.timeout(30):
        while await reader.read(1024):
            pass
    writer.close()


async def test_a_request_runs_in_the_trace_of_its_caller(serving: Serving) -> None:
    async def traced(scope: Message, receive: Receive, send: Send) -> None:
        await answer(send, current_traceparent().encode())

    process = await serving(traced)
    async with process.client() as client:
        found = await client.get("/", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert found.text.split("-")[1] == TRACE
