"""What forms are made of: items with their rubrics, a sampling plan, and observations."""

from dataclasses import dataclass
from enum import IntEnum

from services.ingest.model import ATTRIBUTE_PREFIX, AnswerRule, SourceId
from services.ingest.registry.surveys.model import RESERVED_NAMES, Response

# Keys of an observation that are no grades.
NOT_GRADED = (*RESERVED_NAMES, "rater", "object", "place")


class PlanPeriod(IntEnum):
    DAY = 1
    WEEK = 2
    MONTH = 3


class PlanStratum(IntEnum):
    """What a number of observations is for: each period, each shift of it, or each unit of it."""

    PERIOD = 1
    SHIFT = 2
    UNIT = 3


class PlannedState(IntEnum):
    OPEN = 1
    DONE = 2
    MISSED = 3


class AgreementMethod(IntEnum):
    COHEN = 1
    FLEISS = 2
    KRIPPENDORFF = 3


@dataclass(frozen=True)
class Grade:
    value: float
    label_en: str = ""
    label_zh: str = ""
    meaning_en: str = ""
    meaning_zh: str = ""


@dataclass(frozen=True)
class FormItem:
    """One thing that is looked at. grades: ascending by value; empty: the observer's own words."""

    name: str
    text_en: str = ""
    text_zh: str = ""
    grades: tuple[Grade, ...] = ()
    unordered: bool = False

    @property
    def field(self) -> str:
        return ATTRIBUTE_PREFIX + self.name

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(one.value for one in self.grades)

    @property
    def rule(self) -> AnswerRule:
        """What a grade of it may be."""
        return AnswerRule(self.field, grades=self.values)


@dataclass(frozen=True)
class PlanShift:
    """Minutes after midnight; an end that is not after the start is on the next day."""

    name: str
    start_min: int
    end_min: int


@dataclass(frozen=True)
class SamplingPlan:
    """Days are ordinals of the proleptic Gregorian calendar; `last_day` absent: there is none."""

    seed: int
    period: PlanPeriod
    count: int
    stratum: PlanStratum
    units: tuple[str, ...]
    shifts: tuple[PlanShift, ...]
    time_zone: str
    first_day: int
    last_day: int | None = None


@dataclass(frozen=True)
class ObservationForm:
    """`id` is that of its source, too. object_kind: as in `model.OBJECT_KINDS`."""

    id: SourceId
    items: tuple[FormItem, ...]
    object_kind: str
    title_en: str = ""
    title_zh: str = ""
    plan: SamplingPlan | None = None
    created_at_us: int = 0


@dataclass(frozen=True)
class Observation(Response):
    """`answers` holds the grades: float64 for each item, NaN where there is none, 1 for words."""

    case_id: str = ""
    rater: str = ""
    object: str = ""
    place: str = ""
