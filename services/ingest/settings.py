"""Settings of an ingest process, read from its environment (ANDON_INGEST_*)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import RuntimeSettings


class IngestSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_INGEST_", frozen=True, extra="ignore")

    service_name: str = Field("andon-ingest", description="Name in telemetry and logs.")
    tenant_key_file: Path = Field(
        description="32 or more secret bytes that the keys of tenants are derived from: persons, quarantine, ids. "
        "Without it quarantined events and encrypted values cannot be read, persons get new "
        "pseudonyms and repeats are not recognised."
    )
    partition_count: int = Field(
        4, ge=1, le=255, description="Partitions of a tenant's log; fixed for a tenant by its first call."
    )
    commit_rows_max: int = Field(
        10_000,
        ge=2,
        le=500_000,
        description="Maximum number of events per commit; a batch of more than half of it is written in parts.",
    )
    queue_rows_max: int = Field(
        400_000, ge=1, description="Maximum number of events queued per tenant; more get RESOURCE_EXHAUSTED."
    )
    response_bytes_max: int = Field(
        4_000_000, ge=1, description="Approximate maximum size in bytes of a response with several commits."
    )
    segment_cache_bytes_max: int = Field(
        64 * 1024 * 1024, ge=0, description="Cache of decoded segments in bytes, per tenant, for deduplication."
    )
    archive_every_s: float = Field(
        3600.0,
        gt=0.0,
        description="Time in seconds between moves of event ids behind the horizon to their archive.",
    )
    archive_url: str = Field(
        "",
        description="Where events go that are older than their source says: a folder, or s3://bucket/prefix with what "
        "pyarrow's filesystem takes after it, such as ?region=eu-central-1. Empty: they stay in the database.",
    )
    archive_after_s: float = Field(
        0.0,
        ge=0.0,
        description="Time in seconds after their commit after which events are archived, of sources that do not say so "
        "themselves. 0: never.",
    )
    archive_events_every_s: float = Field(
        3600.0, gt=0.0, description="Time in seconds between moves of old events to the archive."
    )
    archive_file_bytes_max: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Approximate maximum size in bytes of the events that become one file of the archive.",
    )
    transfer_bytes_max: int = Field(
        1 << 28,
        ge=1,
        description="Maximum size in bytes of a file that is uploaded. While it is read, it lies in the folder for "
        "temporary files.",
    )
    quarantine_retention_s: float = Field(
        90 * 86_400.0,
        gt=0.0,
        description="Time in seconds after which a refused event is deleted from quarantine and counted as expired.",
    )
    quarantine_expiry_every_s: float = Field(
        600.0, gt=0.0, description="Time in seconds between deletions of refused events whose retention is over."
    )
    quota_events_per_s: int = Field(
        0, ge=0, description="Events per second that each tenant may send, over all replicas. 0: no limit."
    )
    quota_bytes_per_s: int = Field(
        0,
        ge=0,
        description="Bytes per second that each tenant may send, as columns in memory, over all replicas. 0: no limit.",
    )
    quota_burst_s: float = Field(
        10.0, gt=0.0, description="Time in seconds whose quota may come at once, of tenants and of sources."
    )
    quality_publication_every_s: float = Field(
        10.0,
        gt=0.0,
        description="Time in seconds between publications of data quality: of days that are over and have changed, for "
        "tenants that have the source andon.quality.",
    )
    silence_false_alarm_days: float = Field(
        365.0,
        gt=0.0,
        description="Mean days between false alarms of silence, of a source whose learned rhythm does not change.",
    )
    pseudonym_days: int = Field(
        0,
        ge=0,
        description="Days of event time for which a person has the same pseudonym. 0: for ever.",
    )
    pseudonym_horizon_days: int = Field(
        400,
        ge=1,
        description="How late an event may be to get the pseudonym of its time. Earlier ones get the oldest that can "
        "still be made; of earlier ones nobody can find the person any more. Only if pseudonyms rotate.",
    )
    poll_s: float = Field(1.0, gt=0.0, description="Time in seconds between polls of the log by tailing readers.")
