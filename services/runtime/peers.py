"""Calls from one service to another, each on behalf of a tenant, and what their errors mean."""

from __future__ import annotations

import grpc
from andon_client.channel import open_channel
from andon_client.follow import is_retryable

from services.runtime.database import is_unavailable
from services.runtime.errors import Aborted, ResourceExhausted, Unavailable
from services.runtime.settings import CallSettings

PASSING = (Unavailable, ResourceExhausted, Aborted)


def open_tenant_channel(settings: CallSettings, target: str, tenant: str) -> grpc.aio.Channel:
    """A channel with this process's certificate and its token for the tenant, read again at each call."""
    return open_channel(
        target,
        ca_file=settings.tls_ca_file,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file,
        token=lambda: settings.token(tenant),
    )


def defect_of(error: Exception, peer: str) -> str | None:
    """What to call an error that trying again does not cure. None: `peer` or the database is away for a while."""
    if not isinstance(error, grpc.aio.AioRpcError):
        return None if isinstance(error, PASSING) or is_unavailable(error) else type(error).__name__
    if is_retryable(error) or error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return None
    return f"{error.code().name} of {peer}"
