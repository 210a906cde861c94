"""The metrics of improvement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from services.runtime.metrics import Instrument, Instruments, Kind

ImprovementMetric = Literal[
    "andon.improvement.signals",
    "andon.improvement.problems",
    "andon.improvement.verifications",
    "andon.improvement.intake.restarts",
    "andon.improvement.intake.stops",
]

IMPROVEMENT_METRICS: Mapping[ImprovementMetric, Instrument] = {
    "andon.improvement.signals": Instrument(Kind.COUNTER, "{signal}", "Changes of signals processed."),
    "andon.improvement.problems": Instrument(
        Kind.COUNTER, "{problem}", "Changes of problems made from signals, by the state after."
    ),
    "andon.improvement.verifications": Instrument(
        Kind.COUNTER, "{verification}", "Verifications that were run, by verdict."
    ),
    "andon.improvement.intake.restarts": Instrument(
        Kind.COUNTER, "{restart}", "Intakes of signals restarted because scoring or the database was unavailable."
    ),
    "andon.improvement.intake.stops": Instrument(
        Kind.COUNTER, "{stop}", "Intakes of signals stopped by a defect, to be tried again later."
    ),
}

metrics: Instruments[ImprovementMetric] = Instruments("andon.improvement", IMPROVEMENT_METRICS)
