"""Settings of a process, read from its environment: of every process, and of a store, of calls, a contract and HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from andon_client.keepalive import (
    CONNECTION_AGE_S_MAX,
    CONNECTION_IDLE_S_MAX,
    HANDSHAKE_S_MAX,
    MESSAGE_BYTES_MAX,
)
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """Of every process. A service subclasses what it needs with its own `env_prefix`, such as ANDON_INGEST_."""

    # Addresses hold passwords, so an error names the setting and not what was given.
    model_config = SettingsConfigDict(env_prefix="ANDON_", frozen=True, extra="ignore", hide_input_in_errors=True)

    service_name: str = Field("andon", description="Name in telemetry and logs.")
    health_listen: str = Field("0.0.0.0:7480", description="Address of grpc.health.v1 in plaintext, nothing else.")
    endpoint_file: Path | None = Field(None, description="Where the bound ports are written as JSON. Absent: nowhere.")
    otlp_endpoint: str = Field("", description="OTLP/gRPC collector, such as http://127.0.0.1:4317. Empty: no export.")
    trace_ratio: float = Field(1.0, ge=0.0, le=1.0, description="Sampling ratio of new traces.")
    grace_s: float = Field(20.0, ge=0.0, description="Time in seconds for calls in flight to finish when draining.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum severity of log lines."
    )

    @classmethod
    def from_environment(cls, env_prefix: str | None = None) -> Self:
        """`env_prefix` reads another service's variables than the class's own."""
        # To a type checker the fields without default are arguments; here the environment gives them.
        given: dict[str, Any] = {} if env_prefix is None else {"_env_prefix": env_prefix}
        return cls(**given)


class StoreSettings(ProcessSettings):
    """Of a process with a database; all that migrating it takes."""

    dsn: str = Field("", repr=False, description="Postgres address of the service's own role. Empty: no database.")
    migration_dsn: str = Field("", repr=False, description="Postgres address of the schema's owner, for migrate only.")
    pool_connections_min: int = Field(2, ge=0, description="Minimum size of the connection pool to Postgres.")
    pool_connections_max: int = Field(10, ge=1, description="Maximum size of the connection pool to Postgres.")


class CallSettings(ProcessSettings):
    """Of a process that calls services, on behalf of its tenants."""

    tls_ca_file: Path = Field(description="CA certificates (PEM) that clients and services are verified against.")
    tls_cert_file: Path = Field(description="This process's certificate chain (PEM); re-read when it changes.")
    tls_key_file: Path = Field(description="This process's private key (PEM); re-read when it changes.")
    tokens_dir: Path | None = Field(
        None, description="The service's own tokens, one file <tenant>.jwt each: the tenants it serves. Absent: none."
    )
    message_bytes_max: int = Field(
        MESSAGE_BYTES_MAX, ge=1024, description="Maximum size of a message in bytes, in both directions."
    )

    def tenants(self) -> list[str]:
        """The tenants whose tokens this service holds, in order."""
        return sorted(path.stem for path in self.tokens_dir.glob("*.jwt")) if self.tokens_dir else []

    def token(self, tenant: str) -> str:
        if self.tokens_dir is None:
            raise FileNotFoundError(f"no tokens folder is set, so there is no token for {tenant}")
        return (self.tokens_dir / f"{tenant}.jwt").read_text(encoding="utf-8").strip()


class ListenerSettings(CallSettings):
    """Of a process that others call; limits of gRPC and HTTP together."""

    stall_s: float = Field(30.0, gt=0.0, description="A stream whose client reads nothing for this long is ended.")
    calls_in_flight_max: int = Field(2000, ge=1, description="Maximum concurrent calls; more get RESOURCE_EXHAUSTED.")
    connection_idle_s_max: float = Field(
        CONNECTION_IDLE_S_MAX, gt=0.0, description="Connections without a call for this long are closed."
    )
    handshake_s_max: float = Field(
        HANDSHAKE_S_MAX, gt=0.0, description="A connection that has not finished its TLS handshake by then is closed."
    )
    reuse_port: bool = Field(False, description="Let several processes share the listening port.")


class TokenSettings(ListenerSettings):
    """Of a process that finds out by their tokens who its callers are."""

    jwks_file: Path = Field(description="Public keys of the token issuer (JWKS); re-read when it changes.")
    token_issuer: str = Field("andon", description="The `iss` that a caller's token must carry.")
    token_audience: str = Field("andon", description="The `aud` that a caller's token must carry.")


class ServerSettings(TokenSettings):
    """Of a process that serves a contract."""

    listen: str = Field("0.0.0.0:7443", description="Address of the contract (mTLS). Port 0: any free port.")
    connection_age_s_max: float = Field(
        CONNECTION_AGE_S_MAX, gt=0.0, description="Maximum age of a connection, so that new replicas get calls."
    )


class HttpSettings(ListenerSettings):
    """Of a process that serves HTTP."""

    http_listen: str = Field("0.0.0.0:8443", description="Address of HTTP (TLS). Port 0: any free port.")


class RuntimeSettings(ServerSettings, StoreSettings):
    """Of a service with a contract and a store."""
