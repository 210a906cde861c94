"""Settings of a bridge process, read from its environment (ANDON_BRIDGE_*)."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import CallSettings


class BridgeSettings(CallSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_BRIDGE_", frozen=True, extra="ignore")

    service_name: str = Field("andon-bridge", description="Name in telemetry and logs.")
    ingest_target: str = Field("127.0.0.1:7443", description="Address of ingest's contract, which takes the records.")
    connections_dir: Path | None = Field(
        None,
        description="Folder with connections.yaml and the secrets that it names. Absent, or without the file: no "
        "connection.",
    )
    state_dir: Path = Field(
        Path(".andon/bridge"),
        description="Where positions are stored. Losing them costs reading again, and no record is lost or doubled.",
    )
    replica_count: int = Field(1, ge=1, description="Processes that share the connections.")
    replica_name: str = Field(
        "",
        description="Name of this process, ending in its number from 0, such as bridge-1. Empty: the name of the host.",
    )

    @property
    def member(self) -> str:
        """What this process is called, also after it was started again."""
        return self.replica_name or socket.gethostname()

    @property
    def replica(self) -> int:
        """This process's number, from 0."""
        return int(self.member.rpartition("-")[2]) if self.replica_count > 1 else 0
