"""Contracts, served over mTLS with health, reflection and channelz."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from andon_client.keepalive import server_options
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.runtime.addresses import bound
from services.runtime.certificates import ServerCertificates
from services.runtime.contract import Contract
from services.runtime.identity import ANY_CALLER, Access, TokenVerifier
from services.runtime.interceptor import CallInterceptor
from services.runtime.settings import ServerSettings
from services.runtime.traffic import Traffic

OPERATOR = "operator"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CHANNELZ = ("GetTopChannels", "GetServers", "GetServer", "GetServerSockets", "GetChannel", "GetSubchannel", "GetSocket")
PLATFORM_ACCESS: Access = {
    REFLECTION: ANY_CALLER,
    "/grpc.health.v1.Health/Check": ANY_CALLER,
    "/grpc.health.v1.Health/Watch": ANY_CALLER,
    # Channelz shows the connections of every tenant.
    **{f"/grpc.channelz.v1.Channelz/{method}": frozenset({OPERATOR}) for method in CHANNELZ},
}


class GrpcServer:
    def __init__(
        self,
        settings: ServerSettings,
        contracts: Sequence[Contract],
        health_servicer: health.aio.HealthServicer,
        traffic: Traffic,
    ) -> None:
        self._settings = settings
        interceptor = CallInterceptor(
            TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience),
            {**PLATFORM_ACCESS, **{method: roles for one in contracts for method, roles in one.access.items()}},
            traffic,
            stall_s=settings.stall_s,
            texts={reason: texts for one in contracts for reason, texts in one.texts.items()},
            readers={method: reader for one in contracts for method, reader in one.readers.items()},
        )
        options = server_options(
            settings.message_bytes_max,
            settings.connection_age_s_max,
            settings.reuse_port,
            settings.connection_idle_s_max,
            settings.handshake_s_max,
        )
        self._server = grpc.aio.server(interceptors=[interceptor], options=options)
        for one in contracts:
            one.add_to_server(one.servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, self._server)
        channelz.add_channelz_servicer(self._server)
        platform = [health.SERVICE_NAME, reflection.SERVICE_NAME, "grpc.channelz.v1.Channelz"]
        reflection.enable_server_reflection([*(one.name for one in contracts), *platform], self._server)

    async def start(self) -> int:
        """The port that was bound."""
        settings = self._settings
        certificates = ServerCertificates(settings.tls_ca_file, settings.tls_cert_file, settings.tls_key_file)
        credentials = certificates.credentials()
        port = bound(settings.listen, lambda address: self._server.add_secure_port(address, credentials))
        await self._server.start()
        return port

    async def stop(self, grace_s: float) -> None:
        """No new calls; what is in flight has `grace_s` to finish."""
        await self._server.stop(grace_s)
