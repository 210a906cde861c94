"""A served process: who gets in, how it answers, and how it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.machine.authority import Authority
from services.runtime.drain import Draining
from services.runtime.identity import current_caller
from services.runtime.notifier import Notifier
from services.runtime.tail import Tail
from tests.services.runtime.serving_process import closed_after_s

ECHO = "/andon.test.v1.EchoService/"
SERVING = health_pb2.HealthCheckResponse.SERVING
GRACE_S = 120.0
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def echo(request: bytes, _: Any) -> bytes:
    return request


async def ask(channel: Any, running: Any) -> Any:
    return await channel.unary_unary(ECHO + "Echo")(b"", metadata=running.metadata("reader"), timeout=60)


async def test_a_caller_with_the_role_is_served(started: Any) -> None:
    async def whoami(_: bytes, __: Any) -> bytes:
        caller = current_caller()
        return f"{caller.subject} {caller.tenant} {sorted(caller.roles)}".encode()

    running = await started({"Who": ("unary_unary", whoami)})
    answer = await running.channel().unary_unary(ECHO + "Who")(b"", metadata=running.metadata("reader"))
    assert answer == b"tester acme ['reader']"


async def test_a_caller_without_a_certificate_does_not_get_through(started: Any, authority: Authority) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    credentials = grpc.ssl_channel_credentials(authority.ca_file.read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{running.endpoint.port}", credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, running)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_certificate_of_another_authority_does_not_get_through(started: Any, tmp_path: Path) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    channel = running.channel(authority=Authority(tmp_path / "other"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, running)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_rotated_certificate_is_shown_to_the_next_connection(started: Any, authority: Authority) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    port = running.endpoint.port

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", port))

    before = await asyncio.to_thread(shown)
    (authority.ca_file.parent / "server.crt").unlink()
    authority.certificate("server")
    after = await asyncio.to_thread(shown)
    assert before != after
    assert after.strip() == (authority.ca_file.parent / "server.crt").read_text().strip()
    channel = running.channel("fresh")
    assert await channel.unary_unary(ECHO + "Echo")(b"x", metadata=running.metadata("reader")) == b"x"


async def test_all_four_kinds_of_call_pass_the_door(started: Any) -> None:
    async def count(request: bytes, _: Any) -> AsyncIterator[bytes]:
        for _n in range(3):
            yield request

    async def join(requests: Any, _: Any) -> bytes:
        return b"".join([one async for one in requests])

    async def both(requests: Any, _: Any) -> AsyncIterator[bytes]:
        async for one in requests:
            yield one.upper()

    async def by_write(request: bytes, context: Any) -> None:
        await context.write(request)

    async def several() -> AsyncIterator[bytes]:
        for one in (b"a", b"b"):
            yield one

    running = await started(
        {
            "UU": ("unary_unary", echo),
            "US": ("unary_stream", count),
            "SU": ("stream_unary", join),
            "SS": ("stream_stream", both),
            "W": ("unary_stream", by_write),
        }
    )
    channel, metadata = running.channel(), running.metadata("reader")
    assert await channel.unary_unary(ECHO + "UU")(b"x", metadata=metadata) == b"x"
    assert [one async for one in channel.unary_stream(ECHO + "US")(b"x", metadata=metadata)] == [b"x"] * 3
    assert await channel.stream_unary(ECHO + "SU")(several(), metadata=metadata) == b"ab"
    assert [one async for one in channel.stream_stream(ECHO + "SS")(several(), metadata=metadata)] == [b"A", b"B"]
    assert [one async for one in channel.unary_stream(ECHO + "W")(b"w", metadata=metadata)] == [b"w"]


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
@pytest.mark.parametrize(
    ("roles", "listed", "expected"),
    [
        (["reader"], True, grpc.StatusCode.OK),
        (["writer"], True, grpc.StatusCode.PERMISSION_DENIED),
        ([], True, grpc.StatusCode.PERMISSION_DENIED),
        (["reader"], False, grpc.StatusCode.PERMISSION_DENIED),
        (None, True, grpc.StatusCode.UNAUTHENTICATED),
    ],
    ids=["role", "other role", "no role", "not in the table", "no token"],
)
async def test_access_is_denied_by_default(started: Any, kind: str, roles: Any, listed: bool, expected: Any) -> None:
    async def unary(_: Any, __: Any) -> bytes:
        return b"in"

    async def stream(_: Any, __: Any) -> AsyncIterator[bytes]:
        yield b"in"

    async def nothing() -> AsyncIterator[bytes]:
        for one in list[bytes]():
            yield one

    behaviour = stream if kind.endswith("stream") else unary
    access = {ECHO + "M": frozenset({"reader"})} if listed else {}
    running = await started({"M": (kind, behaviour)}, access=access)
    metadata = running.metadata(*roles) if roles is not None else []
    request = nothing() if kind.startswith("stream") else b""
    call = getattr(running.channel(), kind)(ECHO + "M")(request, metadata=metadata, timeout=60)
    if kind.endswith("stream"):
        with contextlib.suppress(grpc.aio.AioRpcError):
            assert [one async for one in call] == [b"in"]
    assert await call.code() is expected


async def test_an_unreadable_request_is_invalid_but_only_for_those_who_may_ask(started: Any, failing_with: Any) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    check = running.channel().unary_unary("/grpc.health.v1.Health/Check")
    async with failing_with(grpc.StatusCode.INVALID_ARGUMENT):
        await check(b"\xff\xff", metadata=running.metadata("reader"))
    async with failing_with(grpc.StatusCode.UNAUTHENTICATED):
        await check(b"\xff\xff")
    reflect = running.channel().stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    async with failing_with(grpc.StatusCode.INVALID_ARGUMENT):
        await reflect(iter([b"\xff\xff"]), metadata=running.metadata("reader")).read()


async def test_a_method_that_does_not_exist_is_unimplemented_only_for_known_callers(
    started: Any, failing_with: Any
) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    call = running.channel().unary_unary(ECHO + "Nothing")
    async with failing_with(grpc.StatusCode.UNIMPLEMENTED):
        await call(b"", metadata=running.metadata("reader"))
    async with failing_with(grpc.StatusCode.UNAUTHENTICATED):
        await call(b"")


async def test_more_calls_than_can_be_served_are_told_to_retry(started: Any, failing_with: Any) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold(_: bytes, __: Any) -> bytes:
        begun.set()
        await release.wait()
        return b"done"

    running = await started({"Hold": ("unary_unary", hold)}, overrides={"calls_in_flight_max": 1})
    call, metadata = running.channel().unary_unary(ECHO + "Hold"), running.metadata("reader")
    first = asyncio.ensure_future(call(b"", metadata=metadata))
    await begun.wait()
    async with failing_with(grpc.StatusCode.RESOURCE_EXHAUSTED):
        await call(b"", metadata=metadata)
    release.set()
    assert await first == b"done"


async def test_health_answers_in_plaintext_on_its_own_port_and_nothing_else_does(started: Any) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.endpoint.health_port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        await _until(stub, "", SERVING)
        assert (await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, running)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def _until(stub: Any, service: str, status: Any) -> None:
    async for answer in stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60):
        if answer.status == status:
            return


async def test_a_service_that_is_not_ready_is_alive_but_not_serving(started: Any) -> None:
    able, asked = False, asyncio.Event()

    async def ready() -> bool:
        asked.set()
        if not able:
            raise ConnectionError("not yet")
        return True

    running = await started({"Echo": ("unary_unary", echo)}, ready=ready)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.endpoint.health_port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        await asked.wait()
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        assert (await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == SERVING
        able = True
        await _until(stub, "", SERVING)


async def test_reflection_lists_services_for_those_who_are_known(started: Any, failing_with: Any) -> None:
    running = await started({"Echo": ("unary_unary", echo)})
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(running.channel())
    request = reflection_pb2.ServerReflectionRequest(list_services="")

    async def ask(metadata: Any) -> set[str]:
        async for answer in stub.ServerReflectionInfo(iter([request]), metadata=metadata):
            return {service.name for service in answer.list_services_response.service}
        return set()

    assert "grpc.health.v1.Health" in await ask(running.metadata("anything"))
    async with failing_with(grpc.StatusCode.UNAUTHENTICATED):
        await ask([])


async def test_channelz_is_for_operators(started: Any, failing_with: Any) -> None:
    from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

    running = await started({"Echo": ("unary_unary", echo)})
    stub = channelz_pb2_grpc.ChannelzStub(running.channel())
    answer = await stub.GetServers(channelz_pb2.GetServersRequest(), metadata=running.metadata("operator"))
    assert answer.server
    async with failing_with(grpc.StatusCode.PERMISSION_DENIED):
        await stub.GetServers(channelz_pb2.GetServersRequest(), metadata=running.metadata("reader"))


async def test_draining_finishes_what_is_in_flight_and_tells_streams_to_reconnect(
    started: Any, failing_with: Any
) -> None:
    begun, draining, signal = asyncio.Event(), Draining(), Notifier()

    async def slow(_: bytes, __: Any) -> bytes:
        begun.set()
        await asyncio.sleep(0.6)
        return b"finished"

    async def nothing(_after: int, _limit: int) -> list[tuple[int, bytes]]:
        return []

    async def watch(_: bytes, __: Any) -> AsyncIterator[bytes]:
        async for batch in Tail(nothing, signal, draining).follow(0, heartbeat_s=60):
            yield str(batch.through).encode()

    async def deaf(_: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    behaviours = {"Slow": ("unary_unary", slow), "Watch": ("unary_stream", watch), "Deaf": ("unary_stream", deaf)}
    running = await started(behaviours, draining=draining, overrides={"grace_s": GRACE_S})
    channel, metadata = running.channel(), running.metadata("reader")
    watching = channel.unary_stream(ECHO + "Watch")(b"", metadata=metadata)
    hearing_nothing = channel.unary_stream(ECHO + "Deaf")(b"", metadata=metadata)
    assert await hearing_nothing.read() == b"first"
    slow_call = asyncio.ensure_future(channel.unary_unary(ECHO + "Slow")(b"", metadata=metadata))
    await begun.wait()
    running.stop.set()
    # Half of the grace period: watchers who would never end by themselves are not waited for.
    async with asyncio.timeout(GRACE_S / 2):
        async with failing_with(grpc.StatusCode.UNAVAILABLE) as seen:
            assert [one async for one in watching] == [b"0"]
        assert "draining" in str(seen[0].details())
        async with failing_with(grpc.StatusCode.UNAVAILABLE):
            await hearing_nothing.read()
        assert await slow_call == b"finished"
        await running.task


async def test_health_says_not_serving_before_anything_else_when_draining(started: Any) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold(_: bytes, __: Any) -> bytes:
        begun.set()
        await release.wait()
        return b"done"

    running = await started({"Hold": ("unary_unary", hold)})
    call = asyncio.ensure_future(running.channel().unary_unary(ECHO + "Hold")(b"", metadata=running.metadata("reader")))
    await begun.wait()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.endpoint.health_port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        running.stop.set()
        await _until(stub, "", NOT_SERVING)
        assert (await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == SERVING
        release.set()
        assert await call == b"done"


async def test_background_work_is_begun_again_after_a_failure_and_cancelled_at_the_end(started: Any) -> None:
    begun: list[str] = []
    again, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.append("once")
        if len(begun) == 1:
            raise RuntimeError("first time")
        again.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    closed: list[str] = []

    async def close_first() -> None:
        closed.append("first")

    async def close_second() -> None:
        assert cancelled.is_set()
        closed.append("second")

    running = await started({"Echo": ("unary_unary", echo)}, background=[work], closers=[close_first, close_second])
    await asyncio.wait_for(again.wait(), 60)
    running.stop.set()
    await running.task
    assert cancelled.is_set()
    assert closed == ["first", "second"]


async def test_the_bound_ports_are_written_down(started: Any, tmp_path: Path) -> None:
    file = tmp_path / "endpoint.json"
    running = await started({"Echo": ("unary_unary", echo)}, overrides={"endpoint_file": file})
    assert json.loads(file.read_text()) == {
        "host": "127.0.0.1",
        "port": running.endpoint.port,
        "health_port": running.endpoint.health_port,
        "http_port": 0,
    }


async def test_a_stream_that_nobody_reads_is_ended_with_a_retryable_status(started: Any, failing_with: Any) -> None:
    yielded, ended = 0, asyncio.Event()

    async def flood(_: bytes, __: Any) -> AsyncIterator[bytes]:
        nonlocal yielded
        try:
            while True:
                yielded += 1
                yield b"x" * 100_000
        finally:
            ended.set()

    running = await started({"Flood": ("unary_stream", flood)}, overrides={"stall_s": 0.5})
    call = running.channel().unary_stream(ECHO + "Flood")(b"", metadata=running.metadata("reader"))
    await call.read()
    await asyncio.wait_for(ended.wait(), 60)
    buffered = yielded
    # What flow control and the sockets hold, which the kernel sizes; without flow control there would be no end.
    assert buffered < 500
    async with failing_with(grpc.StatusCode.UNAVAILABLE) as seen:
        while await call.read() is not grpc.aio.EOF:
            pass
    assert "resume" in str(seen[0].details())
    assert yielded == buffered


async def test_a_handshake_that_is_never_finished_ends(started: Any) -> None:
    running = await started({"Echo": ("unary_unary", echo)}, overrides={"handshake_s_max": 1.0})
    begun_hello = bytes.fromhex("16030100f8010000f40303")
    for port, first in (
        (running.endpoint.port, b""),
        (running.endpoint.port, begun_hello),
        (running.endpoint.health_port, b""),
    ):
        async with asyncio.timeout(30):
            assert await closed_after_s(port, first) > 0.5


async def test_a_connection_without_calls_ends_and_the_next_call_opens_another(started: Any) -> None:
    running = await started({"Echo": ("unary_unary", echo)}, overrides={"connection_idle_s_max": 1.0})
    channel = running.channel()
    await ask(channel, running)
    assert channel.get_state() is grpc.ChannelConnectivity.READY
    async with asyncio.timeout(60):
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
    assert await ask(channel, running) == b""
