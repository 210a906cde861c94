"""A channel outlives its certificates: who renews the files is known by the new ones at the next call."""

from __future__ import annotations

import asyncio
import shutil

import grpc
import pytest
from andon_client import renewal
from andon_client.channel import open_channel

from services.machine.authority import Authority

WHO, HOLD = "/andon.test.v1.Door/Who", "/andon.test.v1.Door/Hold"


def caller_of(context):
    return context.auth_context()["x509_common_name"][0]


async def who(request, context):
    return caller_of(context)


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
    methods = {"Who": grpc.unary_unary_rpc_method_handler(who), "Hold": grpc.stream_stream_rpc_method_handler(hold)}
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
