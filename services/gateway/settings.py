"""Settings of a gateway process, read from its environment (ANDON_GATEWAY_*)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import HttpSettings, TokenSettings


class GatewaySettings(TokenSettings, HttpSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_GATEWAY_", frozen=True, extra="ignore")

    service_name: str = Field("andon-gateway", description="Name in telemetry and logs.")
    ingest_target: str = Field("127.0.0.1:7443", description="Address of ingest's contract, which takes the records.")
    webhooks_dir: Path | None = Field(
        None,
        description="Webhooks with their secrets, one file <name>.yaml each; re-read when they change. Absent: none.",
    )
    write_s_max: float = Field(
        30.0, gt=0.0, description="Maximum time in seconds until records are durable; later ones get 503."
    )
