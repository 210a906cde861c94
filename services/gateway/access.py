"""Who may use which address. What is not in the table may be used by nobody."""

from __future__ import annotations

from services.runtime.identity import Access

_WRITE = frozenset({"writer", "admin"})

RECORDS = "/v1/sources/{source}/records"
OTLP_METRICS = "/v1/sources/{source}/otlp/v1/metrics"
OTLP_LOGS = "/v1/sources/{source}/otlp/v1/logs"
# Its callers have a secret instead of a token.
WEBHOOK = "/v1/webhooks/{webhook}"

ACCESS: Access = {RECORDS: _WRITE, OTLP_METRICS: _WRITE, OTLP_LOGS: _WRITE}
