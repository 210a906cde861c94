"""What a scoring process is told by its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import RuntimeSettings


class ScoringSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_SCORING_", frozen=True, extra="ignore")

    service_name: str = Field("andon-scoring", description="Name in telemetry and logs.")
    ingest_target: str = Field("127.0.0.1:7443", description="Address of ingest's contract, whose log is folded.")
    ingest_heartbeat_s: float = Field(
        0.5, ge=0.1, le=60.0, description="Time in seconds after which an idle ingest says that it is still there."
    )
    inbox_bytes_max: int = Field(
        64 * 1024 * 1024, ge=1024, description="Bytes of events read ahead of the fold, per tenant and system."
    )
    step_bytes_max: int = Field(
        16 * 1024 * 1024, ge=1024, description="Bytes of events that one step of the fold takes at most."
    )
    snapshot_events: int = Field(
        200_000, ge=1, description="Events of a partition after which its state is kept as a snapshot."
    )
    snapshot_interval_s: float = Field(
        300.0, gt=0.0, description="Time in seconds after which a partition that changed is kept as a snapshot."
    )
    case_idle_days: float = Field(
        30.0,
        ge=0.0,
        description="Days of event time after which a case that nothing touched leaves memory, until an event names it."
        " 0: never.",
    )
    score_log_days: float = Field(
        30.0, ge=0.0, description="Days for which a watch can be resumed: older entries of the score log go. 0: never."
    )
    score_history_days: float = Field(
        400.0, ge=0.0, description="Days back that scores can be read as of: older revisions go. 0: never."
    )
    observation_days: float = Field(
        400.0,
        ge=0.0,
        description="Days behind the watermark, and since it was observed, that a score shows its cases. 0: always.",
    )
    retention_interval_s: float = Field(
        300.0, gt=0.0, description="Time in seconds between looks for what is older than it has to be kept."
    )
    systems_poll_s: float = Field(
        2.0, gt=0.0, description="Time in seconds between looks for tenants and for activated indicator systems."
    )
    lease_heartbeat_s: float = Field(0.5, gt=0.0, description="Time in seconds between signs of life of a replica.")
    lease_timeout_s: float = Field(
        3.0, gt=0.0, description="A replica that was silent for so many seconds loses its partitions to the others."
    )
