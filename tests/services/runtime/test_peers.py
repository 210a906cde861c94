"""A service calls another as itself, on behalf of one tenant at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest

from services.runtime.identity import current_caller
from services.runtime.peers import open_tenant_channel
from services.runtime.settings import RuntimeSettings

WHOSE = "/andon.test.v1.EchoService/Whose"


async def whose(_: bytes, __: Any) -> bytes:
    caller = current_caller()
    return f"{caller.subject} for {caller.tenant}".encode()


@pytest.fixture
async def settings(started: Any, authority: Any, tmp_path: Path) -> Any:
    """Of a service that knows the echo service and holds the tokens of two tenants."""
    running = await started({"Whose": ("unary_unary", whose)}, access={WHOSE: frozenset({"service"})})
    certificate, key = authority.certificate("scoring")
    for tenant in ("acme", "umbrella"):
        authority.token_file(tmp_path / "tokens", "andon-scoring", tenant, ["service"])
    files = {"tls_ca_file": authority.ca_file, "tls_cert_file": certificate, "tls_key_file": key}
    given: dict[str, Any] = {**files, "jwks_file": authority.jwks_file, "tokens_dir": tmp_path / "tokens"}
    return RuntimeSettings(**given), f"localhost:{running.endpoint.port}"


def asking(channel: Any) -> Any:
    return channel.unary_unary(WHOSE)


async def test_each_channel_speaks_for_its_tenant(settings: Any) -> None:
    known, target = settings
    for tenant in known.tenants():
        async with open_tenant_channel(known, target, tenant) as channel:
            assert await asking(channel)(b"") == f"andon-scoring for {tenant}".encode()


async def test_a_tenant_is_served_from_the_moment_that_its_token_is_there(settings: Any, authority: Any) -> None:
    known, target = settings
    async with open_tenant_channel(known, target, "newcomer") as channel:
        call = asking(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        authority.token_file(known.tokens_dir, "andon-scoring", "newcomer", ["service"])
        assert await call(b"") == b"andon-scoring for newcomer"
