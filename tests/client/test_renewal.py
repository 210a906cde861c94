"""A channel outlives its certificates: who renews the files is known by the new ones at the next call."""

from __future__ import annotations

import asyncio
import shutil
import time

import grpc
import pytest
from andon_client import renewal
from andon_client.channel import open_channel

from services.machine.authority import Authority

WHO, HOLD, NEVER = "/andon.test.v1.Door/Who", "/andon.test.v1.Door/Hold", "/andon.test.v1.Door/Never"
CLOSED_WITHIN_S = 2.0


def caller_of(context):
    return context.auth_context()["x509_common_name"][0]


async def who(request, context):
    return caller_of(context)


async def never(request, context):
    await asyncio.Event().wait()


async def hold(requests, context):
    async for _ in requests:
        yield caller_of(context)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
async def door(authority):
    """The port of a server that says by which certificate it is called."""
    server = grpc.aio.server()
    methods = {
        "Who": grpc.unary_unary_rpc_method_handler(who),
        "Never": grpc.unary_unary_rpc_method_handler(never),
        "Hold": grpc.stream_stream_rpc_method_handler(hold),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("andon.test.v1.Door", methods),))
    certificate, key = authority.certificate("server")
    pair, ca = (key.read_bytes(), certificate.read_bytes()), authority.ca_file.read_bytes()
    credentials = grpc.ssl_server_credentials([pair], root_certificates=ca, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield port
    await server.stop(None)


@pytest.fixture
def carry(authority, tmp_path):
    """Puts the certificate of a name where the channel reads it, one file after the other."""

    def put(name):
        for source, target in zip(
            authority.certificate(name), (tmp_path / "tls.crt", tmp_path / "tls.key"), strict=True
        ):
            shutil.copy(source, tmp_path / "new")
            (tmp_path / "new").replace(target)

    return put


@pytest.fixture
async def channel(door, authority, tmp_path, carry, monkeypatch):
    monkeypatch.setattr(renewal, "CHECK_S", 0.0)
    carry("first")
    made = open_channel(
        f"127.0.0.1:{door}",
        ca_file=authority.ca_file,
        cert_file=tmp_path / "tls.crt",
        key_file=tmp_path / "tls.key",
        token="t",
    )
    async with made:
        yield made


async def test_a_renewed_certificate_is_used_by_the_next_call_of_the_same_stub(channel, carry):
    call = channel.unary_unary(WHO)
    assert await call(b"") == b"first"
    carry("second")
    assert await call(b"") == b"second"
    assert await channel.unary_unary(WHO)(b"") == b"second"


async def test_a_stream_that_is_open_goes_on(channel, carry):
    stream = channel.stream_stream(HOLD)()
    await stream.write(b"")
    assert await stream.read() == b"first"
    carry("second")
    assert await channel.unary_unary(WHO)(b"") == b"second"
    await stream.write(b"")
    assert await stream.read() == b"first"
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


async def test_files_that_are_away_for_a_moment_change_nothing(channel, carry, tmp_path):
    call = channel.unary_unary(WHO)
    (tmp_path / "tls.key").unlink()
    assert await call(b"") == b"first"
    carry("second")
    assert await call(b"") == b"second"


async def test_a_token_is_asked_for_at_each_call(door, authority):
    asked = []
    certificate, key = authority.certificate("first")
    async with open_channel(
        f"localhost:{door}",
        ca_file=authority.ca_file,
        cert_file=certificate,
        key_file=key,
        token=lambda: asked.append(None) or "t",
    ) as channel:
        await asyncio.gather(*(channel.unary_unary(WHO)(b"") for _ in range(3)))
    assert len(asked) == 3


async def test_what_a_call_sends_itself_is_sent_along_with_the_token(channel):
    call = channel.unary_unary(WHO)
    assert await call(b"", metadata=(("at", "home"),)) == b"first"
    assert await call(b"", metadata=grpc.aio.Metadata(("at", "home"))) == b"first"


async def test_a_token_that_cannot_be_read_ends_the_call_alone(door, authority):
    found = iter([OSError("no such file"), "t"])

    def token():
        now = next(found)
        if isinstance(now, OSError):
            raise now
        return now

    async with opened(f"localhost:{door}", authority, token) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="no such file") as caught:
            await channel.unary_unary(WHO)(b"")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert await channel.unary_unary(WHO)(b"") == b"first"


def opened(target, authority, token="t"):
    certificate, key = authority.certificate("first")
    return open_channel(target, ca_file=authority.ca_file, cert_file=certificate, key_file=key, token=token)


@pytest.fixture
async def silent():
    """The port of somebody who takes connections and says nothing, not even of TLS."""
    taken = []
    server = await asyncio.start_server(lambda reader, writer: taken.append((reader, writer)), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for _, writer in taken:
        writer.transport.abort()
    server.close()


@pytest.mark.parametrize("where", ["door", "silent"])
async def test_closing_waits_for_nobody(where, authority, door, silent):
    channel = opened(f"localhost:{door if where == 'door' else silent}", authority)
    calls = [asyncio.ensure_future(channel.unary_unary(NEVER)(b"")) for _ in range(20)]
    stream = channel.stream_stream(HOLD)()
    done, _ = await asyncio.wait(calls, timeout=0.5)
    assert not done
    started_s = time.monotonic()
    await channel.close()
    assert time.monotonic() - started_s < CLOSED_WITHIN_S
    ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), CLOSED_WITHIN_S)
    assert all(isinstance(one, (asyncio.CancelledError, grpc.aio.AioRpcError)) for one in ended)
    assert stream.done()


async def test_a_channel_that_does_not_close_is_left_behind(channel, monkeypatch):
    monkeypatch.setattr(renewal, "CLOSE_S_MAX", 0.1)
    monkeypatch.setattr(channel.current.uploads, "close", lambda grace: asyncio.Event().wait())
    started_s = time.monotonic()
    await channel.close()
    assert time.monotonic() - started_s < CLOSED_WITHIN_S
    monkeypatch.undo()


async def test_grpc_tries_a_single_request_again_and_never_a_stream_of_them(authority):
    tries = []

    async def busy(request, context):
        tries.append("single")
        await context.abort(grpc.StatusCode.UNAVAILABLE, "busy")

    async def busy_stream(requests, context):
        tries.append("stream")
        await context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        yield b""

    server = grpc.aio.server()
    methods = {
        "Who": grpc.unary_unary_rpc_method_handler(busy),
        "Hold": grpc.stream_stream_rpc_method_handler(busy_stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("andon.test.v1.Door", methods),))
    certificate, key = authority.certificate("server")
    pair, ca = (key.read_bytes(), certificate.read_bytes()), authority.ca_file.read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], ca, require_client_auth=True))
    await server.start()
    async with opened(f"localhost:{port}", authority) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="busy"):
            await channel.unary_unary(WHO)(b"")
        # Whatever the status: the refusal may come before the request is sent, which gRPC then calls internal.
        with pytest.raises(grpc.aio.AioRpcError):
            _ = [one async for one in channel.stream_stream(HOLD)(iter([b""]))]
    await server.stop(None)
    assert tries.count("single") > 1
    assert tries.count("stream") == 1
