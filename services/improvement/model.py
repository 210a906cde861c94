"""What improvement speaks of: active signals, problems, causes, actions and proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, NewType

ProblemName = NewType("ProblemName", str)
ActionName = NewType("ActionName", str)
# Dimension and value, sorted by dimension. Empty: the whole.
Slice = tuple[tuple[str, str], ...]

DAY_US = 86_400_000_000


class ProblemState(Enum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ANALYSED = "analysed"
    ACTING = "acting"
    VERIFYING = "verifying"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


LIVE = (
    ProblemState.OPEN,
    ProblemState.ACKNOWLEDGED,
    ProblemState.ANALYSED,
    ProblemState.ACTING,
    ProblemState.VERIFYING,
)
# Somebody has dealt with it.
SETTLED = (ProblemState.CLOSED, ProblemState.DISMISSED)
ENDED = (*SETTLED, ProblemState.WITHDRAWN)


class ProblemOrigin(Enum):
    SIGNALS = "signals"
    COMPLAINT = "complaint"
    AUDIT_FINDING = "audit finding"
    OBSERVATION = "observation"
    OTHER = "other"


class ProblemOrder(Enum):
    """Of a list: the most severe, the latest opened or the first due first."""

    SEVERITY = "severity"
    NEWEST = "newest"
    DUE = "due"


class ActionState(Enum):
    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    VERIFIED = "verified"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CauseClass(Enum):
    UNSPECIFIED = "unspecified"
    PEOPLE = "people"
    PROCESS = "process"
    RESOURCES = "resources"
    EXTERNAL = "external"


class CauseState(Enum):
    """How far a hypothesis is tested. UNSPECIFIED: nobody has judged it."""

    UNSPECIFIED = "unspecified"
    SUSPECTED = "suspected"
    SUPPORTED = "supported"
    REFUTED = "refuted"
    CONFIRMED = "confirmed"


class ActionKind(Enum):
    UNSPECIFIED = "unspecified"
    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"


class Verdict(Enum):
    IMPROVED = "improved"
    NO_CHANGE = "no change"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Text:
    en: str = ""
    zh: str = ""


@dataclass(frozen=True)
class Family:
    """Signals of one family can share a problem: an indicator of a system."""

    process: str
    system: str
    indicator: str


def family_of(series: str) -> Family:
    """ "desk/main/rework@day{team=B}" -> rework of desk/main."""
    process, system, rest = series.split("/", 2)
    return Family(process, system, rest.partition("@")[0])


@dataclass(frozen=True)
class ActiveSignal:
    """An adverse alarm that has not been retracted. Times in microseconds since the epoch, UTC."""

    name: str
    family: Family
    series: str
    window: str
    start_us: int
    end_us: int
    rule: str
    value: float
    centre: float
    severity: float
    arl0: float
    baseline_start_us: int
    baseline_end_us: int
    symptom_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignalReference:
    signal: str
    series: str
    start_us: int
    end_us: int
    rule: str
    value: float
    centre: float
    arl0: float
    symptom: bool = False

    @property
    def name(self) -> str:
        return self.signal


class AlarmRun(NamedTuple):
    """Where a run of one family's alarms lies: what ends at or after `joins_us` would be one with it."""

    family: Family
    start_us: int
    end_us: int
    joins_us: int


class Reach(NamedTuple):
    """Runs of a family that touch this stretch of time are looked at together; `linked`: as causes or symptoms."""

    family: Family
    start_us: int
    end_us: int
    linked: bool = False


@dataclass(frozen=True)
class SettledSpan:
    """Alarms of the run's family that are one with it, or begin before `until_us`, open nothing again."""

    run: AlarmRun
    until_us: int


@dataclass(frozen=True)
class EvidenceSpan:
    """The windows that a problem's causes rest on, and the `position` of scoring's log that their scores hold.

    -1: the causes are to be found again.
    """

    problem: ProblemName
    family: Family
    baseline_start_us: int
    baseline_end_us: int
    start_us: int
    end_us: int
    position: int


@dataclass(frozen=True)
class ChangedScore:
    """A window of an indicator, or of one of its slices, whose score changed at a position of scoring's log."""

    family: Family
    start_us: int
    position: int


@dataclass(frozen=True)
class Cause:
    """`contribution`: share of the change. None: stated by a person."""

    name: str
    title: Text
    slice: Slice = ()
    cause_class: CauseClass = CauseClass.UNSPECIFIED
    parent: str = ""
    contribution: float | None = None
    evidence: tuple[str, ...] = ()
    state: CauseState = CauseState.UNSPECIFIED

    @property
    def confirmed(self) -> bool:
        return self.state is CauseState.CONFIRMED

    @property
    def judged(self) -> bool:
        return self.state is not CauseState.UNSPECIFIED


@dataclass(frozen=True)
class Goal:
    """What must be seen. `expected_effect`: signed, in the unit of the series. No `baseline_period_us`: the problem."""

    series: str
    expected_effect: float
    confidence: float = 0.95
    baseline_period_us: int | None = None
    windows_min: int = 8
    horizon_windows: int = 60


@dataclass(frozen=True)
class SeriesScale:
    """What the values of a series are counted in. is_share: 0 to 1, which people read in per cent."""

    unit: str = ""
    is_share: bool = False


@dataclass(frozen=True)
class ProofPlan:
    """Which windows the test takes, fixed when the action starts.

    `before`: start and end of each stretch whose windows make the level of before. `spread_end_us`: how windows vary by
    chance is learnt from those that end by then. `fixed_us`: when this was written down.
    """

    baseline_intervals: tuple[tuple[int, int], ...]
    spread_end_us: int
    fixed_us: int


@dataclass(frozen=True)
class Reading:
    """One complete window of a series; `total` and `squares` in multiples of the resolution."""

    start_us: int
    end_us: int
    value: float
    count: int
    total: int
    squares: int


@dataclass(frozen=True)
class Check:
    """One assumption of the test, and the figure it was judged by. `is_needed`: without it nothing is decided."""

    name: str
    passed: bool
    value: float
    meaning: Text
    is_needed: bool = False


@dataclass(frozen=True)
class Outlook:
    """After so many more windows there is this verdict, if the effect stays as estimated.

    `verdict` None: not within the horizon, of which so many windows are left.
    """

    windows: int
    verdict: Verdict | None


@dataclass(frozen=True)
class Verification:
    """`p_value`: one-sided, and valid however often one looked. `season` empty: none was taken out.

    `outlook`: what an undecided verification still needs; None once it is decided, and where an assumption fails.
    """

    verdict: Verdict
    effect: float
    lower: float
    upper: float
    confidence: float
    p_value: float
    before_mean: float
    after_mean: float
    before_windows: int
    after_windows: int
    spread_windows: int
    before_start_us: int
    before_end_us: int
    after_start_us: int
    after_end_us: int
    season: str
    method: str
    checks: tuple[Check, ...]
    statement: Text
    verified_at_us: int
    outlook: Outlook | None = None

    @property
    def doubts(self) -> tuple[Check, ...]:
        """Assumptions that the verdict needs and that do not hold."""
        return tuple(check for check in self.checks if check.is_needed and not check.passed)


@dataclass(frozen=True)
class Action:
    name: ActionName
    kind: ActionKind
    title: Text
    owner: str
    due_us: int
    goal: Goal
    cause: str = ""
    state: ActionState = ActionState.PLANNED
    started_us: int | None = None
    done_us: int | None = None
    plan: ProofPlan | None = None
    reason: str = ""
    verifications: tuple[Verification, ...] = ()

    @property
    def unfinished(self) -> bool:
        return self.state in (ActionState.PLANNED, ActionState.STARTED)


@dataclass(frozen=True)
class Problem:
    name: ProblemName
    family: Family
    title: Text
    state: ProblemState = ProblemState.OPEN
    slice: Slice = ()
    start_us: int = 0
    end_us: int = 0
    signals: tuple[SignalReference, ...] = ()
    causes: tuple[Cause, ...] = ()
    actions: tuple[Action, ...] = ()
    severity: float = 0.0
    reason: str = ""
    merged_into: str = ""
    revision: int = 1
    opened_us: int = 0
    updated_us: int = 0
    owner: str = ""
    watchers: tuple[str, ...] = ()
    snoozed_until_us: int | None = None
    note_count: int = 0
    # What an undone dismissal restores. None: it is not dismissed.
    dismissed_from: ProblemState | None = None
    origin: ProblemOrigin = ProblemOrigin.SIGNALS
    references: tuple[str, ...] = ()
    description: Text = Text()

    @property
    def due_us(self) -> int | None:
        """When the first of its unfinished actions is due. None: there is none, or the problem has ended."""
        if self.state in ENDED:
            return None
        return min((action.due_us for action in self.actions if action.unfinished), default=None)

    def overdue(self, action: Action, now_us: int) -> bool:
        return action.unfinished and self.state not in ENDED and now_us > action.due_us

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)


@dataclass(frozen=True)
class HistoryEntry:
    """One thing that happened to a problem, and made this revision of it. `actor` empty: the service itself.

    `from_state` None: it was opened. `owners`: before and after a hand-over; None: there was none.
    """

    problem: ProblemName
    revision: int
    time_us: int
    actor: str
    event: str
    from_state: ProblemState | None
    to_state: ProblemState
    subject: str = ""
    reason: str = ""
    note: str = ""
    mentions: tuple[str, ...] = ()
    owners: tuple[str, str] | None = None
    snoozed_until_us: int | None = None


@dataclass(frozen=True)
class ProblemQuery:
    """What to list. Empty or None: no restriction, but `states` (the contract's numbers) are always named.

    `terms`: of the text that is searched. `awake_us`: only those that are not snoozed at this time.
    """

    process: str
    system: str
    indicators: Sequence[str]
    states: Sequence[int]
    due_before_us: int | None = None
    terms: Sequence[str] = ()
    owners: Sequence[str] = ()
    slice: Slice = ()
    severity_min: float = 0.0
    since_us: int | None = None
    until_us: int | None = None
    awake_us: int | None = None
    origins: Sequence[int] = ()
    order: ProblemOrder = ProblemOrder.SEVERITY


def list_key(problem: Problem, order: ProblemOrder) -> float:
    """What a list is ordered by, falling. A microsecond of a time after 1970 needs 51 bits of the 53 of a float."""
    if order is ProblemOrder.SEVERITY:
        return problem.severity
    if order is ProblemOrder.NEWEST:
        return float(problem.opened_us)
    return -float(problem.due_us or 0)
