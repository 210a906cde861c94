"""Settings of a scoring process, read from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import RuntimeSettings


class ScoringSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_SCORING_", frozen=True, extra="ignore")

    service_name: str = Field("andon-scoring", description="Name in telemetry and logs.")
    ingest_target: str = Field("127.0.0.1:7443", description="Address of ingest's contract, whose log is folded.")
    ingest_heartbeat_s: float = Field(
        0.5, ge=0.1, le=60.0, description="Time in seconds between heartbeats of an idle ingest stream."
    )
    inbox_bytes_max: int = Field(
        64 * 1024 * 1024, ge=1024, description="Bytes of events read ahead of the fold, per tenant and system."
    )
    step_bytes_max: int = Field(16 * 1024 * 1024, ge=1024, description="Maximum bytes of events per step of the fold.")
    snapshot_events: int = Field(200_000, ge=1, description="Events of a partition between two snapshots of its state.")
    snapshot_interval_s: float = Field(
        300.0, gt=0.0, description="Time in seconds after which a changed partition is snapshotted."
    )
    case_idle_days: float = Field(
        30.0,
        ge=0.0,
        description="Days of event time after which an idle case leaves memory, until an event names it. 0: never.",
    )
    score_log_days: float = Field(
        30.0, ge=0.0, description="Retention of the score log in days: how long a watch can be resumed. 0: unlimited."
    )
    score_history_days: float = Field(
        400.0, ge=0.0, description="Retention of score revisions in days: how far back `as_of` reaches. 0: unlimited."
    )
    observation_days: float = Field(
        400.0,
        ge=0.0,
        description="Retention in days of the cases behind a score, after the watermark. 0: unlimited.",
    )
    active_systems_max: int = Field(
        100, ge=1, description="Active indicator systems per tenant; activating one more is FAILED_PRECONDITION."
    )
    backtest_cases_max: int = Field(
        1_000_000, ge=1, description="Cases of a log that a back-test may hold in memory; one with more fails."
    )
    retention_interval_s: float = Field(300.0, gt=0.0, description="Time in seconds between runs of retention.")
    systems_poll_s: float = Field(
        2.0, gt=0.0, description="Time in seconds between polls for tenants and activated indicator systems."
    )
    defect_retry_s: float = Field(
        60.0, gt=0.0, description="Time in seconds until a system that a defect stopped is tried again."
    )
    lease_heartbeat_s: float = Field(0.5, gt=0.0, description="Time in seconds between heartbeats of a replica.")
    lease_timeout_s: float = Field(
        3.0, gt=0.0, description="Time in seconds without heartbeat after which a replica loses its leases."
    )
