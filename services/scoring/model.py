"""The indicator system as plain values: what is measured, how it is weighed, and when it alarms.

Absent fields of the contract arrive here with the contract's defaults already filled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

# The contract between the fold and the shell, importable from here.
from services.scoring.statistics import OBSERVATION_SCHEMA as OBSERVATION_SCHEMA
from services.scoring.statistics import FoldStep as FoldStep
from services.scoring.statistics import Page as Page
from services.scoring.statistics import PartChange as PartChange
from services.scoring.statistics import PartStats as PartStats
from services.scoring.statistics import SeriesKey as SeriesKey
from services.scoring.statistics import WindowId as WindowId

ALL_TIME = WindowId(0, 2**62)
"""The one window of `Window.ALL`."""

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
    ALL = "all"


class Pick(Enum):
    FIRST = "first"
    LAST = "last"


class Aggregate(Enum):
    UNSPECIFIED = "unspecified"
    MEAN = "mean"
    MEDIAN = "median"
    SHARE = "share"
    SUM = "sum"
    QUANTILE = "quantile"

    @property
    def needs_histogram(self) -> bool:
        return self in (Aggregate.MEDIAN, Aggregate.QUANTILE)


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


class SystemState(Enum):
    UNSPECIFIED = "unspecified"
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True)
class Text:
    """A text for people in both languages; an empty one falls back to the other."""

    en: str = ""
    zh: str = ""


@dataclass(frozen=True)
class TimeValue:
    """A time as the value of an attribute, in microseconds since 1970 UTC."""

    us: int


AttributeValue = str | int | float | bool | TimeValue


@dataclass(frozen=True)
class Hours:
    """Working hours of one weekday (1 Monday to 7 Sunday), in local minutes since midnight."""

    weekday: int
    start_minute: int
    end_minute: int


@dataclass(frozen=True)
class Calendar:
    """Working time. No hours: around the clock; holidays are local dates such as "2026-01-01"."""

    hours: tuple[Hours, ...] = ()
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True)
class FirstOf:
    """Time of the first event whose activity is one of these (none named: any)."""

    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastOf:
    """Time of the last event whose activity is one of these (none named: any)."""

    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttributeTime:
    """The last known value of a time attribute."""

    attribute: str


@dataclass(frozen=True)
class Opened:
    """The case's `opened` moment."""


@dataclass(frozen=True)
class Closed:
    """The case's `closed` moment."""


Moment = FirstOf | LastOf | AttributeTime | Opened | Closed


@dataclass(frozen=True)
class CaseRule:
    """When a case begins and ends. opened None: its first event; closed None: it never closes."""

    opened: Moment | None = None
    closed: Moment | None = None


@dataclass(frozen=True)
class Step:
    name: str
    title: Text = Text()
    phase: Phase = Phase.UNSPECIFIED
    activities: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Elapsed:
    """Time between two moments, in whole seconds. A moment of None was left out (the linter refuses that)."""

    start: Moment | None
    end: Moment | None
    business_time: bool = False


@dataclass(frozen=True)
class Count:
    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttributeIs:
    attribute: str
    equals: tuple[AttributeValue, ...]
    pick: Pick = Pick.LAST


@dataclass(frozen=True)
class Above:
    """Another measure lies above the limit, in its own unit (durations: seconds)."""

    measure: str
    limit: float


@dataclass(frozen=True)
class Occurred:
    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flag:
    condition: AttributeIs | Above | Occurred | None
    negate: bool = False


@dataclass(frozen=True)
class Reading:
    attribute: str
    pick: Pick = Pick.LAST
    quantum: float = 0.001


@dataclass(frozen=True)
class Rework:
    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handover:
    """Changes of an attribute between consecutive events. Empty: of the resource."""

    attribute: str = ""


MeasureKind = Elapsed | Count | Flag | Reading | Rework | Handover


@dataclass(frozen=True)
class Measure:
    """One number per case. kind None was left out by the author (the linter refuses it)."""

    name: str
    kind: MeasureKind | None
    title: Text = Text()

    @property
    def quantum(self) -> float:
        """The smallest step that is kept: seconds for durations, 1 for counts and flags."""
        return self.kind.quantum if isinstance(self.kind, Reading) else 1.0


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
    """requested_arl 0: what 3-sigma limits give. Baseline interval in microseconds, start <= t < end; None: open."""

    kind: ChartKind = ChartKind.UNSPECIFIED
    rules: tuple[str, ...] = ()
    requested_arl: float = 0.0
    baseline_windows: int = 20
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
    anchor: Moment | None = None
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
    case_rule: CaseRule = CaseRule()
    steps: tuple[Step, ...] = ()
    measures: tuple[Measure, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    composites: tuple[Composite, ...] = ()
    lateness_us: int = 0

    def measure(self, name: str) -> Measure:
        return next(measure for measure in self.measures if measure.name == name)

    def indicator(self, name: str) -> Indicator:
        return next(indicator for indicator in self.indicators if indicator.name == name)

    def anchor(self, indicator: Indicator) -> Moment:
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

    def quantum(self, indicator: Indicator) -> float:
        """Value of one quantum in the reported unit of the indicator: 1/3600 for a duration in hours."""
        measure = self.measure(indicator.measure)
        if isinstance(measure.kind, Elapsed):
            return 1.0 / SECONDS_BY_UNIT.get(indicator.unit, 1)
        return measure.quantum


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
