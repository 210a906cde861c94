"""Metric instruments by typed name: each service parametrises `Instruments` with its own list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Literal, TypeVar

from opentelemetry import metrics as otel
from opentelemetry.metrics import CallbackOptions, Observation

NameT = TypeVar("NameT", bound=str)
Labels = tuple[tuple[str, str], ...]


class Kind(Enum):
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Instrument:
    """`unit` in UCUM (`s`, `By`, `{event}`); `meaning` is what the reference says of it."""

    kind: Kind
    unit: str
    meaning: str


class Instruments(Generic[NameT]):
    """Counters, histograms and gauges of one catalogue; a name outside of it is a type error."""

    def __init__(self, scope: str, catalogue: Mapping[NameT, Instrument], meter: otel.Meter | None = None) -> None:
        meter = meter or otel.get_meter(scope)
        self.catalogue = catalogue
        self._counters: dict[str, otel.Counter] = {}
        self._histograms: dict[str, otel.Histogram] = {}
        self._levels: dict[str, dict[Labels, float]] = {}
        for name, instrument in catalogue.items():
            self._create(meter, name, instrument)

    def add(self, name: NameT, amount: float = 1, **labels: str) -> None:
        self._counters[name].add(amount, labels)

    def record(self, name: NameT, value: float, **labels: str) -> None:
        self._histograms[name].record(value, labels)

    def set(self, name: NameT, value: float, **labels: str) -> None:
        self._levels[name][tuple(sorted(labels.items()))] = value

    def _create(self, meter: otel.Meter, name: str, instrument: Instrument) -> None:
        if instrument.kind is Kind.COUNTER:
            self._counters[name] = meter.create_counter(name, instrument.unit, instrument.meaning)
        elif instrument.kind is Kind.HISTOGRAM:
            self._histograms[name] = meter.create_histogram(name, instrument.unit, instrument.meaning)
        else:
            levels = self._levels[name] = {}

            def observe(_: CallbackOptions) -> list[Observation]:
                return [Observation(value, dict(labels)) for labels, value in list(levels.items())]

            meter.create_observable_gauge(name, [observe], instrument.unit, instrument.meaning)


RuntimeMetric = Literal[
    "rpc.server.call.duration",
    "http.server.request.duration",
    "db.client.connection.wait_time",
    "andon.runtime.calls.refused",
    "andon.runtime.streams.active",
    "andon.runtime.streams.stalled",
    "andon.runtime.background.restarts",
    "andon.runtime.tenants.failed",
    "andon.runtime.tail.log_reads",
    "andon.runtime.leases.held",
    "andon.runtime.leases.lost",
]

RUNTIME_METRICS: Mapping[RuntimeMetric, Instrument] = {
    "rpc.server.call.duration": Instrument(Kind.HISTOGRAM, "s", "Time from a call's arrival to its status."),
    "http.server.request.duration": Instrument(Kind.HISTOGRAM, "s", "Time from a request's headers to its last byte."),
    "db.client.connection.wait_time": Instrument(Kind.HISTOGRAM, "s", "Time waited for a pooled connection."),
    "andon.runtime.calls.refused": Instrument(Kind.COUNTER, "{call}", "Calls refused before they reached a servicer."),
    "andon.runtime.streams.active": Instrument(Kind.GAUGE, "{stream}", "Streams being served now."),
    "andon.runtime.streams.stalled": Instrument(
        Kind.COUNTER, "{stream}", "Streams ended because the client did not read."
    ),
    "andon.runtime.background.restarts": Instrument(Kind.COUNTER, "{restart}", "Background tasks restarted."),
    "andon.runtime.tenants.failed": Instrument(
        Kind.COUNTER, "{turn}", "Turns of background work that failed for a tenant, by task and sort of error."
    ),
    "andon.runtime.tail.log_reads": Instrument(Kind.COUNTER, "{read}", "Reads of a log by tailing readers."),
    "andon.runtime.leases.held": Instrument(Kind.GAUGE, "{lease}", "Leases that this replica holds."),
    "andon.runtime.leases.lost": Instrument(Kind.COUNTER, "{lease}", "Leases lost without release."),
}

runtime_metrics: Instruments[RuntimeMetric] = Instruments("andon.runtime", RUNTIME_METRICS)
