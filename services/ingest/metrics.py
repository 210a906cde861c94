"""The metrics of ingest. No label ever names a tenant's person, case or event."""

from collections.abc import Mapping
from typing import Literal

from services.runtime.metrics import Instrument, Instruments, Kind

IngestMetric = Literal[
    "andon.ingest.events",
    "andon.ingest.commits",
    "andon.ingest.bytes",
    "andon.ingest.refused",
    "andon.ingest.quarantine",
    "andon.ingest.cleaned",
    "andon.ingest.read.pages",
    "andon.ingest.read.lag",
    "andon.ingest.batch.duration",
]

INGEST_METRICS: Mapping[IngestMetric, Instrument] = {
    "andon.ingest.events": Instrument(
        Kind.COUNTER, "{event}", "Events received, by outcome: accepted, duplicate, quarantined."
    ),
    "andon.ingest.commits": Instrument(Kind.COUNTER, "{commit}", "Commits of the log by this process."),
    "andon.ingest.bytes": Instrument(Kind.COUNTER, "By", "Compressed bytes of events written to the log."),
    "andon.ingest.refused": Instrument(
        Kind.COUNTER, "{event}", "Events refused with RESOURCE_EXHAUSTED: the queue was full."
    ),
    "andon.ingest.quarantine": Instrument(
        Kind.COUNTER,
        "{event}",
        "Entries of quarantine by what became of them: corrected, replayed, discarded, expired.",
    ),
    "andon.ingest.cleaned": Instrument(
        Kind.COUNTER, "{value}", "Values that rules of sources cleaned on admission, by rule."
    ),
    "andon.ingest.read.pages": Instrument(Kind.COUNTER, "{page}", "Pages sent to readers of the log."),
    "andon.ingest.read.lag": Instrument(
        Kind.HISTOGRAM, "s", "Time from a commit to its sending to a reader that tails."
    ),
    "andon.ingest.batch.duration": Instrument(
        Kind.HISTOGRAM, "s", "Time from a batch's arrival until it is durable, by encoding."
    ),
}

metrics: Instruments[IngestMetric] = Instruments("andon.ingest", INGEST_METRICS)
