"""The indicator system as plain values: what is measured, how it is weighed, and when it alarms.

Absent fields of the contract arrive here with the contract's defaults already filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import assert_never

from services.scoring.system.case_model import (
    Calendar,
    CalendarBy,
    CaseRule,
    Closed,
    Measure,
    Milestone,
    Opened,
    Pick,
    Ratio,
    Text,
)
from services.scoring.system.decimals import exact
from services.scoring.system.windows import EARLIEST_US

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
BASELINE_WINDOWS = 20
SECONDS_BY_UNIT = {"": 1, "s": 1, "min": 60, "h": 3_600, "d": 86_400}


class Phase(Enum):
    UNSPECIFIED = "unspecified"
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class Direction(Enum):
    UNSPECIFIED = "unspecified"
    LOWER_IS_BETTER = "lower_is_better"
    HIGHER_IS_BETTER = "higher_is_better"
    TARGET_IS_BETTER = "target_is_better"


class Window(Enum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALL = "all"


class Aggregate(Enum):
    UNSPECIFIED = "unspecified"
    MEAN = "mean"
    MEDIAN = "median"
    SHARE = "share"
    SUM = "sum"
    QUANTILE = "quantile"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"

    @property
    def needs_histogram(self) -> bool:
        return self in (Aggregate.MEDIAN, Aggregate.QUANTILE, Aggregate.MINIMUM, Aggregate.MAXIMUM)


class Observe(Enum):
    UNSPECIFIED = "unspecified"
    WHEN_CLOSED = "when_closed"
    ALWAYS = "always"


class ChartKind(Enum):
    UNSPECIFIED = "unspecified"
    XMR = "xmr"
    XBAR_S = "xbar_s"
    P = "p"
    EWMA = "ewma"
    U = "u"
    C = "c"


class SystemState(Enum):
    UNSPECIFIED = "unspecified"
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True)
class ProcessStep:
    name: str
    title: Text = Text()
    phase: Phase = Phase.UNSPECIFIED
    activities: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Dimension:
    name: str
    attribute: str
    title: Text = Text()
    pick: Pick = Pick.LAST
    unknown_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """In the reported unit of the indicator."""

    value: float
    worst: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class ChartRule:
    """requested_arl0 0: what 3-sigma limits give. Baseline interval in microseconds, start <= t < end; None: open."""

    kind: ChartKind = ChartKind.UNSPECIFIED
    rules: tuple[str, ...] = ()
    requested_arl0: float = 0.0
    baseline_windows: int = BASELINE_WINDOWS
    baseline_start_us: int | None = None
    baseline_end_us: int | None = None
    both_sides: bool = False
    smoothing: float = 0.2


@dataclass(frozen=True)
class Indicator:
    name: str
    measure: str
    aggregate: Aggregate
    title: Text = Text()
    phase: Phase = Phase.UNSPECIFIED
    quantile: float = 0.0
    direction: Direction = Direction.UNSPECIFIED
    unit: str = ""
    target: Target | None = None
    weight: float = 1.0
    parent: str = ""
    anchor: Milestone | None = None
    observe: Observe = Observe.UNSPECIFIED
    windows: tuple[Window, ...] = (Window.WEEK,)
    count_min: int = 5
    slices: tuple[Slice, ...] = ()
    chart: ChartRule | None = None
    owner: str = ""
    symptom_of: tuple[str, ...] = ()

    @property
    def needs_histogram(self) -> bool:
        return self.aggregate.needs_histogram

    @property
    def life_windows(self) -> int:
        """So many windows without cases are part of the life of a series; more of them end it."""
        return BASELINE_WINDOWS if self.chart is None else self.chart.baseline_windows

    @property
    def has_points(self) -> bool:
        """Whether there is something to reach. What has no target has no points, and no weight in the whole."""
        return self.target is not None and self.direction is not Direction.UNSPECIFIED


@dataclass(frozen=True)
class Composite:
    name: str
    title: Text = Text()
    weight: float = 1.0
    parent: str = ""


@dataclass(frozen=True)
class SystemSpec:
    """The document that people write."""

    title: Text = Text()
    sources: tuple[str, ...] = ()
    time_zone: str = "UTC"
    calendar: Calendar = Calendar()
    calendar_by: CalendarBy | None = None
    case_rule: CaseRule = CaseRule()
    steps: tuple[ProcessStep, ...] = ()
    measures: tuple[Measure, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    composites: tuple[Composite, ...] = ()
    lateness_us: int = 0
    event_span_us: int = 0
    source_idle_timeout_us: int | None = None

    def passed_us(self, watermark_us: int | None) -> int:
        """Windows that end here or earlier are complete. watermark_us None: there is none yet."""
        return EARLIEST_US if watermark_us is None else watermark_us - self.lateness_us + self.event_span_us

    @cached_property
    def idle_us(self) -> int:
        """How long the server's clock waits for a source that lags: see `event_clock`."""
        if self.source_idle_timeout_us is not None:
            return self.source_idle_timeout_us
        is_hourly = any(Window.HOUR in indicator.windows for indicator in self.indicators)
        return HOUR_US if is_hourly else DAY_US

    @cached_property
    def calendars(self) -> tuple[Calendar, ...]:
        """`calendar`, then those of `calendar_by` in their order."""
        choices = () if self.calendar_by is None else self.calendar_by.choices
        return (self.calendar, *(one.calendar for one in choices))

    @cached_property
    def measure_by_name(self) -> Mapping[str, Measure]:
        return {measure.name: measure for measure in self.measures}

    @cached_property
    def indicator_by_name(self) -> Mapping[str, Indicator]:
        return {indicator.name: indicator for indicator in self.indicators}

    @cached_property
    def dimension_names(self) -> frozenset[str]:
        return frozenset(dimension.name for dimension in self.dimensions)

    @cached_property
    def composite_names(self) -> frozenset[str]:
        return frozenset(composite.name for composite in self.composites)

    @cached_property
    def step_activities(self) -> frozenset[str]:
        return frozenset(activity for step in self.steps for activity in step.activities)

    def anchor(self, indicator: Indicator) -> Milestone:
        """Which moment puts a case into its window."""
        if indicator.anchor is not None:
            return indicator.anchor
        return Opened() if self.case_rule.closed is None else Closed()

    def waits_for_close(self, indicator: Indicator) -> bool:
        """Whether a case counts only once it is closed."""
        match indicator.observe:
            case Observe.WHEN_CLOSED:
                return True
            case Observe.ALWAYS:
                return False
            case Observe.UNSPECIFIED:
                return self.case_rule.closed is not None
            case _:
                assert_never(indicator.observe)

    def ratio(self, indicator: Indicator) -> Ratio | None:
        """None: each case is one observation."""
        kind = self.measure_by_name[indicator.measure].kind
        return kind if isinstance(kind, Ratio) else None

    def knows_squares(self, indicator: Indicator) -> bool:
        """Whether sums of squares are known, of which a spread of cases follows: of zeros and ones they always are."""
        ratio = self.ratio(indicator)
        return ratio is None or bool(ratio.squares) or indicator.aggregate is Aggregate.SHARE

    def resolution(self, indicator: Indicator) -> float:
        """The fixed-point resolution in the reported unit of the indicator: 1/3600 for a duration in hours.

        Of a ratio: that of its numerator over that of its denominator, which are counted in multiples of their own.
        """
        measure = self.measure_by_name[indicator.measure]
        if isinstance(measure.kind, Ratio):
            of, per = (self.measure_by_name[name].resolution for name in (measure.kind.of, measure.kind.per))
            return float(exact(of) / exact(per))
        if measure.is_duration:
            return 1.0 / SECONDS_BY_UNIT.get(indicator.unit, 1)
        return measure.resolution


@dataclass(frozen=True)
class IndicatorSystem:
    """One version of an indicator system: "processes/it-desk/indicatorSystems/main"."""

    name: str
    version: int
    spec: SystemSpec
    state: SystemState = SystemState.DRAFT
    etag: str = ""
    create_us: int = 0
    activate_us: int | None = field(default=None)

    @property
    def process(self) -> str:
        """ "it-desk" of "processes/it-desk/indicatorSystems/main"."""
        return self.name.split("/")[1]

    @property
    def system(self) -> str:
        """ "main" of "processes/it-desk/indicatorSystems/main"."""
        return self.name.split("/")[3]
