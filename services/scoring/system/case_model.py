"""A case as plain values: when it begins and ends, and what is measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Pick(Enum):
    FIRST = "first"
    LAST = "last"


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
    """Working hours of one weekday (1 Monday to 7 Sunday), in local minutes; beyond 1440 they are of the next day."""

    weekday: int
    start_minute: int
    end_minute: int


@dataclass(frozen=True)
class Calendar:
    """Working time. No hours: around the clock; holidays are local dates such as "2026-01-01"."""

    hours: tuple[Hours, ...] = ()
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True)
class CalendarChoice:
    values: tuple[str, ...]
    calendar: Calendar


@dataclass(frozen=True)
class CalendarBy:
    """Cases whose attribute has one of the values of a choice follow its calendar."""

    attribute: str
    choices: tuple[CalendarChoice, ...]
    pick: Pick = Pick.LAST


@dataclass(frozen=True)
class FirstOf:
    """Time of the first event whose activity is one of these (none named: any), strictly between two moments.

    A bound of None is none; one that the case does not have leaves no event.
    """

    activities: tuple[str, ...] = ()
    after: Milestone | None = None
    before: Milestone | None = None

    @property
    def is_bounded(self) -> bool:
        return self.after is not None or self.before is not None


@dataclass(frozen=True)
class LastOf:
    """Time of the last event whose activity is one of these (none named: any), strictly between two moments.

    A bound of None is none; one that the case does not have leaves no event.
    """

    activities: tuple[str, ...] = ()
    after: Milestone | None = None
    before: Milestone | None = None

    @property
    def is_bounded(self) -> bool:
        return self.after is not None or self.before is not None


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


Milestone = FirstOf | LastOf | AttributeTime | Opened | Closed


def bounds_of(given: object) -> tuple[tuple[str, Milestone], ...]:
    """The moments between which events are looked for, by the name of the bound; most things have none."""
    if not isinstance(given, (FirstOf, LastOf, Count, Occurred)):
        return ()
    return tuple(
        (name, bound) for name, bound in (("after", given.after), ("before", given.before)) if bound is not None
    )


def mentions(moment: Milestone | None, kind: type[Opened] | type[Closed]) -> bool:
    """Whether the moment, or one that bounds it, is the case's `opened` or `closed`."""
    return isinstance(moment, kind) or any(mentions(bound, kind) for _, bound in bounds_of(moment))


@dataclass(frozen=True)
class CaseRule:
    """When a case begins and ends. opened None: its first event; closed None: it never closes.

    reopened: activities after which a closed case is open again; empty: those that `reopens` by their name.
    """

    opened: Milestone | None = None
    closed: Milestone | None = None
    reopened: tuple[str, ...] = ()


def reopens(activity: str) -> bool:
    return "reopen" in activity.casefold()


@dataclass(frozen=True)
class Paused:
    """When a clock stands still: from an event that says one of these states to the next with one of `until`.

    until empty: to the next that says another state. attribute: what says the state; empty: the activity.
    """

    states: tuple[str, ...]
    until: tuple[str, ...] = ()
    attribute: str = ""


@dataclass(frozen=True)
class Elapsed:
    """Time between two moments, in whole seconds. A moment of None was left out (the linter refuses that)."""

    start: Milestone | None
    end: Milestone | None
    business_time: bool = False
    paused: Paused | None = None


@dataclass(frozen=True)
class Count:
    """How many events have one of these activities, strictly between two moments where they are given."""

    activities: tuple[str, ...] = ()
    after: Milestone | None = None
    before: Milestone | None = None

    @property
    def is_bounded(self) -> bool:
        return self.after is not None or self.before is not None


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
    """At least one event that `Count` counts."""

    activities: tuple[str, ...] = ()
    after: Milestone | None = None
    before: Milestone | None = None

    @property
    def is_bounded(self) -> bool:
        return self.after is not None or self.before is not None


@dataclass(frozen=True)
class Flag:
    condition: AttributeIs | Above | Occurred | None
    negate: bool = False


@dataclass(frozen=True)
class NumberAttribute:
    attribute: str
    pick: Pick = Pick.LAST
    resolution: float = 0.001


@dataclass(frozen=True)
class Rework:
    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handover:
    """Changes of an attribute between consecutive events. Empty: of the resource.

    back: only those back to the value that it came from, A to B to A.
    """

    attribute: str = ""
    back: bool = False


@dataclass(frozen=True)
class Succession:
    """How often an event with one of these activities is directly followed by one with one of `by`; empty: any."""

    activities: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


class Unmatched(Enum):
    STARTS = "starts"
    COMPLETIONS = "completions"


@dataclass(frozen=True)
class Work:
    """Working time: the sum over pairs of a start and its completion, in whole seconds; or how many have no partner."""

    activities: tuple[str, ...] = ()
    business_time: bool = False
    unmatched: Unmatched | None = None


@dataclass(frozen=True)
class Ratio:
    """One measure per another, by their names, each summed by itself: a case is a row that represents many.

    squares: the measure that gives the sum of squares of what a row represents; empty: unknown.
    """

    of: str
    per: str
    squares: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(name for name in (self.of, self.per, self.squares) if name)


MeasureKind = Elapsed | Count | Flag | NumberAttribute | Rework | Handover | Succession | Work | Ratio


@dataclass(frozen=True)
class Measure:
    """One number per case. kind None was left out by the author (the linter refuses it)."""

    name: str
    kind: MeasureKind | None
    title: Text = Text()

    @property
    def resolution(self) -> float:
        """The smallest step that is kept: seconds for durations, 1 for counts and flags. Of a ratio: see SystemSpec."""
        return self.kind.resolution if isinstance(self.kind, NumberAttribute) else 1.0

    @property
    def is_duration(self) -> bool:
        """Whether it is measured in seconds."""
        return isinstance(self.kind, Elapsed) or (isinstance(self.kind, Work) and self.kind.unmatched is None)
