"""Calls from one service to another, each on behalf of a tenant."""

from __future__ import annotations

import grpc
from andon_client.channel import open_channel

from services.runtime.settings import CallSettings


def open_tenant_channel(settings: CallSettings, target: str, tenant: str) -> grpc.aio.Channel:
    """A channel with this process's certificate and its token for the tenant, read again at each call."""
    return open_channel(
        target,
        ca_file=settings.tls_ca_file,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file,
        token=lambda: settings.token(tenant),
    )
