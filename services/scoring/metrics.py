"""The metrics of scoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from services.runtime.metrics import Instrument, Instruments, Kind

ScoringMetric = Literal[
    "andon.scoring.events.folded",
    "andon.scoring.steps",
    "andon.scoring.step.duration",
    "andon.scoring.decision.duration",
    "andon.scoring.intake.lag",
    "andon.scoring.scores.published",
    "andon.scoring.signals.opened",
    "andon.scoring.signals.retracted",
    "andon.scoring.cases.corrected",
    "andon.scoring.cases.evicted",
    "andon.scoring.cases.reloaded",
    "andon.scoring.durations.negative",
    "andon.scoring.snapshots",
    "andon.scoring.events.replayed",
    "andon.scoring.restarts",
    "andon.scoring.folds.stopped",
    "andon.scoring.slices.dropped",
    "andon.scoring.rows.expired",
]

CATALOGUE: Mapping[ScoringMetric, Instrument] = {
    "andon.scoring.events.folded": Instrument(Kind.COUNTER, "{event}", "Events folded into scores."),
    "andon.scoring.steps": Instrument(Kind.COUNTER, "{step}", "Committed steps of the fold."),
    "andon.scoring.step.duration": Instrument(
        Kind.HISTOGRAM, "s", "Time of a step, from its first page to its commit."
    ),
    "andon.scoring.decision.duration": Instrument(Kind.HISTOGRAM, "s", "Time to decide what a step changes."),
    "andon.scoring.intake.lag": Instrument(Kind.HISTOGRAM, "s", "Time from ingest's commit to its delivery here."),
    "andon.scoring.scores.published": Instrument(Kind.COUNTER, "{score}", "Scores published or restated."),
    "andon.scoring.signals.opened": Instrument(Kind.COUNTER, "{signal}", "Signals opened or revised."),
    "andon.scoring.signals.retracted": Instrument(Kind.COUNTER, "{signal}", "Signals retracted."),
    "andon.scoring.cases.corrected": Instrument(Kind.COUNTER, "{case}", "Cases rebuilt because of a correction."),
    "andon.scoring.cases.evicted": Instrument(Kind.COUNTER, "{case}", "Idle cases evicted from memory."),
    "andon.scoring.cases.reloaded": Instrument(Kind.COUNTER, "{case}", "Evicted cases reloaded into memory."),
    "andon.scoring.durations.negative": Instrument(
        Kind.COUNTER, "{span}", "Durations whose end lies before their start."
    ),
    "andon.scoring.snapshots": Instrument(Kind.COUNTER, "{snapshot}", "Snapshots of a partition's state."),
    "andon.scoring.events.replayed": Instrument(Kind.COUNTER, "{event}", "Events folded again during recovery."),
    "andon.scoring.restarts": Instrument(Kind.COUNTER, "{restart}", "Folds restarted from a snapshot."),
    "andon.scoring.folds.stopped": Instrument(
        Kind.COUNTER, "{stop}", "Folds of a system stopped by a defect, to be tried again later."
    ),
    "andon.scoring.slices.dropped": Instrument(
        Kind.COUNTER, "{slice}", "Slices that a replica found to have too many combinations of values, since it began."
    ),
    "andon.scoring.rows.expired": Instrument(Kind.COUNTER, "{row}", "Rows expired, by table."),
}

scoring_metrics: Instruments[ScoringMetric] = Instruments("andon.scoring", CATALOGUE)
