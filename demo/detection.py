"""Compares results with injected faults: faults detected and missed, false alarms against the in-control ARL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from andon.common.v1 import interval_pb2
from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import score_pb2, scoring_pb2

from demo.simulation import PlantedFault

# A case that the fault touched may close days after it has ended.
AFTERMATH = timedelta(days=3)


@dataclass(frozen=True)
class FaultFinding:
    """`signal`: the first alarm on an indicator that the fault must show in. None: missed."""

    fault: PlantedFault
    start: datetime
    end: datetime
    signal: score_pb2.Signal | None
    problem: problem_pb2.Problem | None

    @property
    def delay(self) -> timedelta | None:
        """From the begin of the fault to the end of the first window that alarmed."""
        return None if self.signal is None else time_of(self.signal.interval.end) - self.start

    @property
    def cause_is_right(self) -> bool:
        """The problem's slice names what was done. A fault of the whole desk has none to name."""
        return self.problem is not None and dict(self.problem.slice) == dict(self.fault.slice)


@dataclass(frozen=True)
class FalseAlarms:
    """False alarms over in-control windows, and how many the in-control ARL of the charts predicts."""

    series: int
    windows: int
    expected: float
    seen: int


def time_of(stamp: object) -> datetime:
    return datetime.fromtimestamp(stamp.seconds, UTC)  # type: ignore[attr-defined]


def judge(
    faults: Sequence[PlantedFault],
    begin: datetime,
    signals: Sequence[score_pb2.Signal],
    problems: Sequence[problem_pb2.Problem],
) -> list[FaultFinding]:
    """A fault is detected by adverse signals of its indicators whose windows overlap it."""
    findings = []
    for fault in faults:
        start, end = begin + timedelta(days=fault.first_day), begin + timedelta(days=fault.last_day)
        hits = [
            signal
            for signal in signals
            if signal.adverse
            and signal.series.split("/")[-1].split("@")[0] in fault.indicators
            and _overlaps(signal.interval, start, end)
        ]
        first = min(hits, key=lambda signal: signal.interval.end.seconds, default=None)
        names = {signal.name for signal in hits}
        owners = [problem for problem in problems if names & {reference.signal for reference in problem.signals}]
        findings.append(FaultFinding(fault, start, end, first, owners[0] if owners else None))
    return findings


def false_alarms(
    faults: Sequence[PlantedFault], begin: datetime, charts: Sequence[scoring_pb2.GetControlChartResponse]
) -> FalseAlarms:
    """Counts charted windows outside of every fault (and its aftermath), and the adverse alarms among them."""
    quiet = [(begin + timedelta(days=f.first_day), begin + timedelta(days=f.last_day) + AFTERMATH) for f in faults]
    windows, expected, seen = 0, 0.0, 0
    for chart in charts:
        calm = [
            point
            for point in chart.points
            if not point.in_baseline and not any(_overlaps(point.interval, start, end) for start, end in quiet)
        ]
        windows += len(calm)
        expected += len(calm) / chart.arl0
        starts = {point.interval.start.seconds for point in calm}
        alarms = {signal.interval.start.seconds for signal in chart.signals}
        seen += len(starts & alarms)
    return FalseAlarms(len(charts), windows, expected, seen)


def _overlaps(interval: interval_pb2.Interval, start: datetime, end: datetime) -> bool:
    return time_of(interval.end) > start and time_of(interval.start) < end
