"""What a back-test is asked and what it reports: alarms, incidents found or missed, false alarms to expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scoring.system.case_model import Text
from services.scoring.system.model import DAY_US, HOUR_US, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import WindowId

MONTH_US = 30.4375 * DAY_US
WINDOWS_A_MONTH: Mapping[Window, float] = {
    Window.HOUR: MONTH_US / HOUR_US,
    Window.DAY: MONTH_US / DAY_US,
    Window.WEEK: MONTH_US / (7 * DAY_US),
    Window.MONTH: 1.0,
    Window.QUARTER: 1 / 3,
    Window.YEAR: 1 / 12,
}


@dataclass(frozen=True)
class Incident:
    """Something that alarms should have found. indicators: none means any."""

    title: str
    start_us: int
    end_us: int
    indicators: frozenset[str] = frozenset()


@dataclass(frozen=True)
class BacktestPlan:
    """span: alarms of windows that end in it, start < end <= ... in microseconds. catch_us: after an incident's end."""

    span: tuple[int, int]
    incidents: tuple[Incident, ...] = ()
    catch_us: int = 0


@dataclass(frozen=True)
class BacktestAlarm:
    """One window with at least one rule. incidents: titles of those that it overlaps."""

    series: SeriesKey
    window: WindowId
    rules: tuple[str, ...]
    value: float
    centre: float
    lower: float
    upper: float
    adverse: bool
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesBacktest:
    """arl0 None: phase I is not complete."""

    series: SeriesKey
    window_count: int
    arl0: float | None
    alarms: tuple[BacktestAlarm, ...]

    @property
    def false_alarms_per_month(self) -> float:
        return WINDOWS_A_MONTH[series_name(self.series).window] / self.arl0 if self.arl0 else 0.0


@dataclass(frozen=True)
class IncidentOutcome:
    """series None: missed. delay_us: from the incident's start to the end of the alarm's window."""

    incident: Incident
    series: SeriesKey | None = None
    delay_us: int | None = None


@dataclass(frozen=True)
class BacktestReport:
    span: tuple[int, int]
    series: tuple[SeriesBacktest, ...]
    outcomes: tuple[IncidentOutcome, ...]
    summary: Text

    @property
    def alarm_count(self) -> int:
        return sum(len(one.alarms) for one in self.series)

    @property
    def unmatched_count(self) -> int | None:
        """None: no incident was marked."""
        if not self.outcomes:
            return None
        return sum(not alarm.incidents for one in self.series for alarm in one.alarms)

    @property
    def false_alarms_per_month(self) -> float:
        return sum(one.false_alarms_per_month for one in self.series)
