"""What the bridge counts. No label ever names a tenant's person, case or event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from services.runtime.metrics import Instrument, Instruments, Kind

BridgeMetric = Literal["andon.bridge.records", "andon.bridge.files", "andon.bridge.refused"]

BRIDGE_METRICS: Mapping[BridgeMetric, Instrument] = {
    "andon.bridge.records": Instrument(
        Kind.COUNTER, "{record}", "Records that ingest answered for, by outcome and connection."
    ),
    "andon.bridge.files": Instrument(
        Kind.COUNTER, "{file}", "Files that were loaded, by connection and done or failed."
    ),
    "andon.bridge.refused": Instrument(
        Kind.COUNTER, "{call}", "Calls that ingest refused for a reason that time does not cure, by connection."
    ),
}

metrics: Instruments[BridgeMetric] = Instruments("andon.bridge", BRIDGE_METRICS)
