"""Settings of an improvement process, read from its environment (ANDON_IMPROVEMENT_*)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import RuntimeSettings


class ImprovementSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_IMPROVEMENT_", frozen=True, extra="ignore")

    service_name: str = Field("andon-improvement", description="Name in telemetry and logs.")
    scoring_target: str = Field(
        "127.0.0.1:7443", description="Address of scoring's contract, whose signals are followed."
    )
    lease_heartbeat_s: float = Field(0.5, gt=0.0, description="Time in seconds between heartbeats of a replica.")
    lease_timeout_s: float = Field(
        3.0, gt=0.0, description="Time in seconds without heartbeat after which a replica loses its leases."
    )
    defect_retry_s: float = Field(
        60.0, gt=0.0, description="Time in seconds until an intake of signals that a defect stopped is tried again."
    )
