"""Compares results with injected faults: faults detected and missed, false alarms against the in-control ARL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
    return [_find(fault, begin, signals, problems) for fault in faults]


def _find(
    fault: PlantedFault,
    begin: datetime,
    signals: Sequence[score_pb2.Signal],
    problems: Sequence[problem_pb2.Problem],
) -> FaultFinding:
    start, end = begin + timedelta(days=fault.first_day), begin + timedelta(days=fault.last_day)
    hits = [signal for signal in signals if signal.adverse and _shows(fault, signal) and _within(signal, start, end)]
    first = min(hits, key=lambda signal: signal.interval.end.seconds, default=None)
    names = {signal.name for signal in hits}
    owners = [problem for problem in problems if names & {reference.signal for reference in problem.signals}]
    return FaultFinding(fault, start, end, first, owners[0] if owners else None)


def _shows(fault: PlantedFault, signal: score_pb2.Signal) -> bool:
    return signal.series.split("/")[-1].split("@")[0] in fault.indicators


def _within(signal: score_pb2.Signal, start: datetime, end: datetime) -> bool:
    return time_of(signal.interval.end) > start and time_of(signal.interval.start) < end


def false_alarms(
    faults: Sequence[PlantedFault], begin: datetime, charts: Sequence[scoring_pb2.GetControlChartResponse]
) -> FalseAlarms:
    """Counts charted windows outside of every fault (and its aftermath), and the adverse alarms among them."""
    quiet = [(begin + timedelta(days=f.first_day), begin + timedelta(days=f.last_day) + AFTERMATH) for f in faults]
    windows, expected, seen = 0, 0.0, 0
    for chart in charts:
        calm = [point for point in chart.points if not point.in_baseline and not _touches(point, quiet)]
        windows += len(calm)
        expected += len(calm) / chart.arl0
        starts = {point.interval.start.seconds for point in calm}
        alarms = {signal.interval.start.seconds for signal in chart.signals}
        seen += len(starts & alarms)
    return FalseAlarms(len(charts), windows, expected, seen)


def _touches(point: scoring_pb2.ChartPoint, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    start, end = time_of(point.interval.start), time_of(point.interval.end)
    return any(start < late and end > early for early, late in spans)
