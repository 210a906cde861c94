"""What the gateway counts. No label ever names a tenant's person, case or event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from services.runtime.metrics import Instrument, Instruments, Kind

GatewayMetric = Literal["andon.gateway.records", "andon.gateway.webhooks.refused"]

GATEWAY_METRICS: Mapping[GatewayMetric, Instrument] = {
    "andon.gateway.records": Instrument(
        Kind.COUNTER, "{record}", "Records that ingest answered for, by outcome and by the address they came to."
    ),
    "andon.gateway.webhooks.refused": Instrument(
        Kind.COUNTER, "{request}", "Requests to webhooks whose secret, signature or time was not right."
    ),
}

metrics: Instruments[GatewayMetric] = Instruments("andon.gateway", GATEWAY_METRICS)
