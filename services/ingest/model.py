"""What ingest speaks about: events in columns, sources and their policy, faults, counts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NewType
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

TenantId = NewType("TenantId", str)
SourceId = NewType("SourceId", str)
Position = NewType("Position", int)

BATCH_EVENTS_MAX = 50_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
ID_CHARS_MAX = 200
SOURCE_CHARS_MAX = 64
ATTRIBUTES_MAX = 100
ATTRIBUTE_NAME_CHARS_MAX = 64
ATTRIBUTE_TEXT_CHARS_MAX = 4_000
TRACEPARENTS_MAX = 16

# Sources of this prefix are written by the service itself and by nobody else.
RESERVED_PREFIX = "andon."
SOURCE = re.compile(rf"[a-z0-9._-]{{1,{SOURCE_CHARS_MAX}}}")
ATTRIBUTE_NAME = re.compile(rf"[A-Za-z0-9_.:-]{{1,{ATTRIBUTE_NAME_CHARS_MAX}}}")

ATTRIBUTE_PREFIX = "attributes."
# Of an observation: who graded, and what.
RATER_FIELD, OBSERVED_FIELD = "resource", ATTRIBUTE_PREFIX + "object"
OBJECT_KINDS = ("person", "process", "facility", "environment", "outcome")
DEFAULT_KIND = "process"
UTC_US = pa.timestamp("us", tz="UTC")
CODED_TEXT = pa.dictionary(pa.int32(), pa.string())

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
DEDUP_HORIZON_US = 7 * DAY_US
DEDUP_HORIZON_US_MIN = 3_600 * SECOND_US
TIMELY_WITHIN_US = DAY_US
TIME_EARLIEST_US = 946_684_800 * SECOND_US  # 2000-01-01
FUTURE_TOLERANCE_US = DAY_US
UNIT_FACTORS = (60.0, 1_000.0, 3_600.0, 1 / 60, 1 / 1_000, 1 / 3_600)


class MalformedBatch(Exception):
    """The batch as a whole cannot be read; `field` says where."""

    def __init__(self, field: str, message: str, reason: str = "ARROW_MALFORMED") -> None:
        super().__init__(message)
        self.field, self.message, self.reason = field, message, reason


class Treatment(IntEnum):
    """What admission does with the values of a field."""

    DROP = 1
    MASK = 2
    PSEUDONYMISE = 3
    GENERALISE = 4
    KEEP = 5
    ENCRYPT = 6
    # Identifiers in texts are replaced by their class; the rest of the text, and what is no text, is unchanged.
    SCAN = 7


@dataclass(frozen=True)
class FieldPolicy:
    """`field`: resource, case_id, activity, or attributes.<name>. `band` and `leading_characters`: of GENERALISE."""

    field: str
    treatment: Treatment
    band: float = 0.0
    leading_characters: int = 0


@dataclass(frozen=True)
class Placeholder:
    """A text that means none, or the number that it is. An empty field: every attribute."""

    field: str
    value: str

    @property
    def number(self) -> float | None:
        try:
            return float(self.value)
        except ValueError:
            return None


@dataclass(frozen=True)
class Category:
    """How the values of a field are written; variants in case, width and spaces become one of them."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class UnitRange:
    """Where the numbers of a field lie in its unit, and by how much one is too large that is in another."""

    field: str
    low: float
    high: float
    factors: tuple[float, ...]


@dataclass(frozen=True)
class TimeOrder:
    """The field `later` is never before the field `earlier`."""

    earlier: str
    later: str


@dataclass(frozen=True)
class Cleaning:
    """What is cleaned of a source's events; see `admission/cleaning_rules.py`."""

    placeholders: tuple[Placeholder, ...] = ()
    categories: tuple[Category, ...] = ()
    units: tuple[UnitRange, ...] = ()
    time_orders: tuple[TimeOrder, ...] = ()
    # Attributes that are times before the earliest time of the source.
    early_times: bool = False
    # Case, activity and resource: NFC, without zero-width characters and spaces at the ends.
    normalise_keys: bool = False


class QualityDimension(IntEnum):
    """What is asked of data; an event passes or fails each by itself."""

    COMPLETENESS = 1
    VALIDITY = 2
    UNIQUENESS = 3
    TIMELINESS = 4
    CONSISTENCY = 5


@dataclass(frozen=True)
class NumberRange:
    """The numbers of a field lie in [low, high]; an infinite end is none."""

    field: str
    low: float
    high: float


@dataclass(frozen=True)
class QualityRules:
    """What the events of a source are expected to be. An event that is not is admitted, and counted."""

    # Fields that every event but a retraction has.
    required: tuple[str, ...] = ()
    ranges: tuple[NumberRange, ...] = ()
    # The only texts of a field, to the letter.
    values: tuple[Category, ...] = ()
    # How long after its time an event is in the log.
    timely_within_us: int = TIMELY_WITHIN_US


@dataclass(frozen=True)
class AnswerRule:
    """What an answer to an item of a survey or a form may be: a whole number in [low, high], one of `choices` or of
    `grades`, or any text."""

    field: str
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    grades: tuple[float, ...] = ()


class FeedPeriod(IntEnum):
    """How long the period of a KPI feed's row is."""

    HOUR = 1
    DAY = 2
    WEEK = 3
    MONTH = 4
    QUARTER = 5
    YEAR = 6


class FeedFigures(IntEnum):
    """What a row of a KPI feed's series says: a value, or a numerator and a denominator."""

    VALUE = 1
    COUNT = 2
    SHARE = 3
    RATE = 4
    RATIO = 5


@dataclass(frozen=True)
class FeedRule:
    """What a row of a KPI feed may be. series: name, figures, and the resolution of denominators."""

    period: FeedPeriod
    time_zone: str
    dimensions: tuple[str, ...]
    series: tuple[tuple[str, FeedFigures, float], ...]


@dataclass(frozen=True)
class IntakeQuota:
    """What may come in a second, of events and of bytes of their columns; 0: no limit."""

    events_per_s: int = 0
    bytes_per_s: int = 0


class EntityKind(IntEnum):
    PERSON = 1
    TEAM = 2
    LOCATION = 3
    PRODUCT = 4
    CUSTOMER = 5


@dataclass(frozen=True)
class EntityField:
    """A field whose values are keys of entities: case_id, resource, or attributes.<name>."""

    field: str
    kind: EntityKind


@dataclass(frozen=True)
class Source:
    """Where events come from, and how they are admitted."""

    id: SourceId
    kind: int = 1
    title_en: str = ""
    title_zh: str = ""
    dedup_horizon_us: int = DEDUP_HORIZON_US
    time_earliest_us: int = TIME_EARLIEST_US
    future_tolerance_us: int = FUTURE_TOLERANCE_US
    # Of fields that are not treated by default.
    policies: tuple[FieldPolicy, ...] = ()
    # The field that names the person whose key encrypts; empty: case_id.
    subject: str = ""
    # A RecordMapping of the contract, serialised; empty: it takes events only.
    mapping: bytes = b""
    cleaning: Cleaning | None = None
    quality: QualityRules = QualityRules()
    # Nothing for so long is silence; absent: for how long is learned.
    silent_after_us: int | None = None
    # When its events leave the database for the archive, after their commit; 0: never; absent: as the service says.
    archive_after_us: int | None = None
    # Of the survey or the form that is answered through it; empty: there is none.
    answers: tuple[AnswerRule, ...] = ()
    # Of the form: the kind of what is observed; empty: there is none.
    observed_kind: str = ""
    # Of the KPI feed that it is the source of.
    feed: FeedRule | None = None
    quota: IntakeQuota = IntakeQuota()
    entity_keys: tuple[EntityField, ...] = ()
    revision: int = 1
    created_at_us: int = 0

    @cached_property
    def policy_by_field(self) -> Mapping[str, FieldPolicy]:
        return {one.field: one for one in self.policies}


@dataclass(frozen=True)
class Fault:
    """Why one event was refused; `message` holds no value of the event."""

    index: int
    field: str
    reason: str
    message: str
    # Empty: it names none, or an invalid one.
    source: str = ""


@dataclass(frozen=True)
class Arrival:
    """A batch as it came, in columns of known types.

    `unreadable` marks texts that are not Unicode, by column index; `unmapped`, by reason, rows that are no events but
    records of which none could be made.
    """

    page: pa.RecordBatch
    unreadable: Mapping[int, NDArray[np.bool_]] = field(default_factory=dict)
    unmapped: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def take(self, rows: Sequence[int]) -> "Arrival":
        """These rows, in this order."""
        chosen = np.array(rows, np.int64)
        return Arrival(
            self.page.take(pa.array(chosen)),
            {place: bad[chosen] for place, bad in self.unreadable.items()},
            {reason: refused[chosen] for reason, refused in self.unmapped.items()},
        )


@dataclass(frozen=True)
class CleanedRows:
    """The rows of which a rule cleaned a field, ascending."""

    rule: str
    field: str
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class DefectRows:
    """The rows that fail a dimension of data quality because of a field, ascending."""

    dimension: QualityDimension
    field: str
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Admission:
    """What batches became on admission: their accepted events in order, and the faults of each.

    `bounds` are the rows where each batch begins, and the end; `index` is the place of each row in its own batch.
    """

    page: pa.RecordBatch
    index: NDArray[np.int64]
    id_hashes: NDArray[np.uint64]
    case_hashes: NDArray[np.uint64]
    bounds: NDArray[np.int64]
    faults: tuple[tuple[Fault, ...], ...]
    sources: tuple[SourceId, ...]
    # Of the rows of the page.
    cleaned: tuple[CleanedRows, ...] = ()
    defects: tuple[DefectRows, ...] = ()


@dataclass(frozen=True)
class IntakeCounts:
    """received = accepted + duplicate + quarantined, always."""

    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def received(self) -> int:
        return self.accepted + self.duplicate + self.quarantined


@dataclass(frozen=True)
class IntakeTotals(IntakeCounts):
    """Since ever; `replayed` of the accepted and duplicate ones, `discarded` and `expired` of the quarantined ones."""

    replayed: int = 0
    discarded: int = 0
    expired: int = 0


def total(tallies: Iterable[IntakeCounts]) -> IntakeCounts:
    """
    >>> total([Tally(1, 2, 3), Tally(4, 0, 0)])
    Tally(accepted=5, duplicate=2, quarantined=3)
    """
    accepted = duplicate = quarantined = 0
    for tally in tallies:
        accepted += tally.accepted
        duplicate += tally.duplicate
        quarantined += tally.quarantined
    return IntakeCounts(accepted, duplicate, quarantined)


@dataclass(frozen=True)
class Decider:
    """Who decides about a refused event, and why."""

    actor: str
    reason: str
    request_id: UUID | None = None


class ReplayOutcome(IntEnum):
    ACCEPTED = 1
    DUPLICATE = 2
    REJECTED = 3
    # The entry is no longer as it was read.
    CHANGED_MEANWHILE = 4


@dataclass(frozen=True)
class Replay:
    """What a batch takes out of quarantine: entries (id and revision), and of which of them each row of it is.

    An entry has a row or more, and leaves when the log has them all. `changed` are ids of entries that were to be
    replayed and are no longer as they were read.
    """

    entries: tuple[tuple[str, int], ...]
    of_row: tuple[int, ...]
    decider: Decider
    next_page_token: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordOrigin:
    """The records that a batch was made of.

    of_row: of each row of the batch, the record's position in its request. refused: by record, what is wrong with those
    of which no event could be made.
    """

    count: int
    of_row: NDArray[np.int64]
    refused: Mapping[int, str]


@dataclass(frozen=True)
class IncomingBatch:
    """One call's batch on its way into the log. `request_id` is absent where the caller gave none, and `origin` where
    it sent events."""

    arrival: Arrival
    traceparent: str = ""
    request_id: UUID | None = None
    fingerprint: bytes = b""
    validate_only: bool = False
    replay: Replay | None = None
    origin: RecordOrigin | None = None
    # Written by the service itself, which alone may write a reserved source.
    is_own: bool = False

    @property
    def goes_alone(self) -> bool:
        """It shares no commit and is not cut: what becomes of it is only known from all of it, under the log's lock."""
        return self.validate_only or self.replay is not None

    @property
    def received(self) -> int:
        rows: int = self.arrival.page.num_rows
        return rows


@dataclass(frozen=True)
class Written:
    """The answer to one batch. `position` is absent where nothing was to be written.

    `outcomes` are those of the rows of a replay. `duplicates` are rows, `origin` the records that these were made of.
    """

    tally: IntakeCounts
    faults: tuple[Fault, ...]
    quarantine_ids: tuple[str, ...] = ()
    position: Position | None = None
    replay: Replay | None = None
    outcomes: tuple[ReplayOutcome, ...] = ()
    duplicates: tuple[NDArray[np.int64], ...] = ()
    origin: RecordOrigin | None = None


@dataclass(frozen=True)
class Segment:
    """Events of one partition written by one commit; `events` is an Arrow IPC stream."""

    partition: int
    first_offset: int
    event_count: int
    time_min_us: int
    time_max_us: int
    id_hashes: bytes
    case_hashes: bytes
    events: bytes
