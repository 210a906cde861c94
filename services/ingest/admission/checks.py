"""Where an event is refused: each check looks at a whole column, and notes the rows that break its rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from andon_records.mapping.conversion import unparsed_field
from numpy.typing import NDArray

from services.ingest.admission import feed_rows
from services.ingest.admission.names import is_attribute_name, is_source_name
from services.ingest.columns import FIXED, FIXED_NAMES, codes_of, filled
from services.ingest.hashes import text_spans
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    ATTRIBUTES_MAX,
    CODED_TEXT,
    DEFAULT_KIND,
    ID_CHARS_MAX,
    OBJECT_KINDS,
    OBSERVED_FIELD,
    RATER_FIELD,
    SOURCE_CHARS_MAX,
    AnswerRule,
    Arrival,
    Fault,
    Source,
)

Mask = NDArray[np.bool_]

MESSAGES: Mapping[str, str] = {
    "EVENT_ID_MISSING": "an event needs an id",
    "EVENT_ID_TOO_LONG": f"an id has at most {ID_CHARS_MAX} characters",
    "EVENT_ID_CONFLICT": "this id is known with another payload",
    "EVENT_SOURCE_INVALID": f"a source has 1 to {SOURCE_CHARS_MAX} of a-z, 0-9, dot, underscore and hyphen",
    "EVENT_SOURCE_RESERVED": "sources that begin with andon. are written by the service itself",
    "EVENT_CASE_MISSING": "an event needs a case_id",
    "EVENT_ACTIVITY_MISSING": "an event needs an activity",
    "EVENT_TIME_MISSING": "an event needs a time",
    "EVENT_TIME_TOO_EARLY": "before the earliest time of this source",
    "EVENT_TIME_IN_FUTURE": "further ahead of the clock than this source allows",
    "EVENT_OBJECT_KIND_UNKNOWN": "one of person, process, facility, environment, outcome",
    "EVENT_NUMBER_NOT_FINITE": "NaN and infinities are not numbers that can be scored",
    "EVENT_TEXT_INVALID": "too long, with control characters, or not valid Unicode",
    "EVENT_TOO_MANY_ATTRIBUTES": f"an event has at most {ATTRIBUTES_MAX} attributes",
    "EVENT_CORRECTION_INVALID": "an event either supersedes or retracts, and never itself",
    "EVENT_TRACEPARENT_INVALID": "not a W3C traceparent",
    "RECORD_MALFORMED": "not a JSON object in valid Unicode",
    "ANSWER_NOT_ALLOWED": "not an answer or a grade that this item of the survey or form allows",
    "OBSERVATION_INCOMPLETE": "an observation says by whom, of what, and of the kind that its form is of",
    "FEED_SERIES_UNKNOWN": "not a series that this feed declares",
    "FEED_PERIOD_NOT_WHOLE": "not the beginning of a period of this feed, in its time zone",
    "FEED_FIGURES_INVALID": "missing, not a number, or not one that this series can have",
    "RECORD_NOT_MAPPABLE": "the paths of the mapping cannot be applied to the record",
}

TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
_NO_TRACE = r"^(ff-.*|..-0{32}-.*|..-[0-9a-f]{32}-0{16}-..)$"
_C0 = np.zeros(256, dtype=np.bool_)
_C0[:32] = True
_C0[127] = True
_C0_MULTILINE = _C0.copy()
_C0_MULTILINE[[9, 10, 13]] = False


@dataclass
class FaultMarks:
    """The first fault of each row, gathered column by column."""

    rows: int
    reason: NDArray[np.int16] = field(init=False)
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reason = np.full(self.rows, -1, dtype=np.int16)

    def note(self, mask: Mask | None, name: str, reason: str) -> None:
        if mask is None or not mask.any():
            return
        self.reason[mask & (self.reason < 0)] = len(self.kinds)
        self.kinds.append((name, reason))

    def by_batch(self, sources: pa.DictionaryArray, starts: NDArray[np.int64]) -> tuple[tuple[Fault, ...], ...]:
        """The faults of each batch, which begins at its start and ends at the next; indices are within it."""
        found: list[list[Fault]] = [[] for _ in starts[1:]]
        if not self.kinds:
            return tuple(() for _ in found)
        rows = np.flatnonzero(self.reason >= 0)
        names = [name if is_source_name(name) else "" for name in sources.dictionary.to_pylist()] + [""]
        codes = sources.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
        owners = np.searchsorted(starts, rows, "right") - 1
        for row, owner, index in zip(rows.tolist(), owners.tolist(), (rows - starts[owners]).tolist(), strict=True):
            name, reason = self.kinds[self.reason[row]]
            found[owner].append(Fault(index, name, reason, MESSAGES[reason], names[codes[row]]))
        return tuple(map(tuple, found))


class TextColumn:
    """A text column, or the values of a coded one. Nearly each is found clean from four extremes, without its rows."""

    def __init__(self, column: pa.Array) -> None:
        self._texts = texts = column.dictionary if column.type == CODED_TEXT else column
        self._data, self._starts, self._lengths = text_spans(texts)
        self._shortest = int(self._lengths.min()) if len(texts) else 0
        self._longest = int(self._lengths.max()) if len(texts) else 0

    def with_control_characters(self, multiline: bool = False) -> Mask | None:
        """Rows that hold C0, DEL or C1 controls; tab and line ends are allowed if multi-line. None: no row."""
        data = self._data
        if len(data) == 0:
            return None
        high = int(data.max())
        if high < 127 and int(data.min()) >= 32:
            return None
        at = np.flatnonzero((_C0_MULTILINE if multiline else _C0)[data])
        if high >= 0xC2:
            leads = np.flatnonzero(data[:-1] == 0xC2)
            at = np.sort(np.concatenate([at, leads[data[leads + 1] < 0xA0]]))
        if len(at) == 0:
            return None
        holding: Mask = np.searchsorted(at, self._starts) < np.searchsorted(at, self._starts + self._lengths)
        return holding

    def longer_than(self, chars_max: int) -> Mask | None:
        """Rows of more than `chars_max` characters. None: no row."""
        if self._longest <= chars_max:
            return None
        long: Mask = np.asarray(pc.greater(pc.utf8_length(self._texts), chars_max).fill_null(False))
        return long if long.any() else None

    def empty(self) -> Mask | None:
        """Rows that are null or have no character. None: no row."""
        if self._shortest > 0:
            return None
        blank: Mask = self._lengths == 0
        return blank


def checked(arrival: Arrival, policies: Sequence[Source], now_us: int) -> FaultMarks:
    """What is wrong with each event. `policies`: of the sources that the page's dictionary names, in its order."""
    marks = FaultMarks(arrival.page.num_rows)
    for reason, rows in arrival.unmapped.items():
        marks.note(rows, "record", reason)
    _check_texts(arrival, marks)
    _check_times(arrival.page, policies, now_us, marks)
    _check_corrections(arrival.page, marks)
    _check_attributes(arrival, marks)
    for code, policy in enumerate(policies):
        if policy.answers:
            own = codes_of(arrival.page.column("source")) == code
            _check_answers(arrival.page, own, policy.answers, marks)
            if policy.observed_kind:
                _check_observation(arrival.page, own, policy.observed_kind, marks)
        if policy.feed is not None:
            for rows, name, reason in feed_rows.faults(
                arrival.page, feed_rows.own_rows(arrival.page, code), policy.feed
            ):
                marks.note(rows, name, reason)
    return marks


def _check_texts(arrival: Arrival, marks: FaultMarks) -> None:
    page = arrival.page
    ids, case_ids = TextColumn(page.column("id")), TextColumn(page.column("case_id"))
    for place, name in enumerate(FIXED_NAMES):
        marks.note(arrival.unreadable.get(place), name, "EVENT_TEXT_INVALID")
    marks.note(ids.empty(), "id", "EVENT_ID_MISSING")
    marks.note(ids.longer_than(ID_CHARS_MAX), "id", "EVENT_ID_TOO_LONG")
    marks.note(ids.with_control_characters(), "id", "EVENT_TEXT_INVALID")
    source = page.column("source")
    sources = np.array([not is_source_name(name) for name in source.dictionary.to_pylist()], dtype=np.bool_)
    marks.note(_with_nulls(source, _by_code(source, sources)), "source", "EVENT_SOURCE_INVALID")
    marks.note(case_ids.empty(), "case_id", "EVENT_CASE_MISSING")
    _check_text(page.column("case_id"), case_ids, "case_id", ID_CHARS_MAX, marks)
    activity = page.column("activity")
    activities = TextColumn(activity)
    marks.note(_with_nulls(activity, _by_code(activity, activities.empty())), "activity", "EVENT_ACTIVITY_MISSING")
    _check_text(activity, activities, "activity", ID_CHARS_MAX, marks)
    for name in ("resource", "supersedes", "retracts"):
        column = page.column(name)
        if column.null_count < len(column):
            _check_text(column, TextColumn(column), name, ID_CHARS_MAX, marks)
    kinds, traces = page.column("object_kind"), page.column("traceparent")
    if kinds.null_count < len(kinds):
        values = kinds.dictionary.to_pylist()
        unknown = np.array([bool(kind) and kind not in OBJECT_KINDS for kind in values], dtype=np.bool_)
        marks.note(_by_code(kinds, unknown), "object_kind", "EVENT_OBJECT_KIND_UNKNOWN")
    if traces.null_count < len(traces):
        # A null matches neither.
        good = np.asarray(pc.match_substring_regex(traces, TRACEPARENT_PATTERN).fill_null(False))
        none = np.asarray(pc.match_substring_regex(traces, _NO_TRACE).fill_null(False))
        blank = TextColumn(traces).empty()
        bad = ~good | none
        marks.note(bad if blank is None else bad & ~blank, "traceparent", "EVENT_TRACEPARENT_INVALID")


def _check_text(
    column: pa.Array, texts: TextColumn, name: str, chars_max: int, marks: FaultMarks, multiline: bool = False
) -> None:
    for mask in (texts.longer_than(chars_max), texts.with_control_characters(multiline)):
        if mask is not None:
            marks.note(_by_code(column, mask) if column.type == CODED_TEXT else mask, name, "EVENT_TEXT_INVALID")


def _by_code(column: pa.DictionaryArray, values: Mask | None) -> Mask | None:
    """What is true of a dictionary's values, for the rows that hold them; nulls are false."""
    if values is None or not values.any():
        return None
    present = np.asarray(column.is_valid())
    mask: Mask = values[codes_of(column)] & present
    return mask


def _with_nulls(column: pa.DictionaryArray, mask: Mask | None) -> Mask | None:
    if column.null_count == 0:
        return mask
    missing: Mask = np.asarray(column.is_null())
    return missing if mask is None else mask | missing


def _check_times(page: pa.RecordBatch, policies: Sequence[Source], now_us: int, marks: FaultMarks) -> None:
    times = page.column("time")
    missing = np.asarray(times.is_null()) if times.null_count else None
    marks.note(missing, "time", "EVENT_TIME_MISSING")
    if not policies or not page.num_rows:
        return
    numbers = times.view(pa.int64())
    micros = (numbers.fill_null(0) if numbers.null_count else numbers).to_numpy(zero_copy_only=False)
    # The strictest policy of the batch decides nearly always, without a look at each row's source.
    earliest = max(policy.time_earliest_us for policy in policies)
    latest = min(now_us + policy.future_tolerance_us for policy in policies)
    if missing is None and earliest <= int(micros.min()) and int(micros.max()) <= latest:
        return
    codes = codes_of(page.column("source"))
    floors = np.array([policy.time_earliest_us for policy in policies], dtype=np.int64)
    ceilings = np.array([now_us + policy.future_tolerance_us for policy in policies], dtype=np.int64)
    marks.note(micros < floors[codes], "time", "EVENT_TIME_TOO_EARLY")
    marks.note(micros > ceilings[codes], "time", "EVENT_TIME_IN_FUTURE")


def _check_corrections(page: pa.RecordBatch, marks: FaultMarks) -> None:
    supersedes, retracts = page.column("supersedes"), page.column("retracts")
    if supersedes.null_count == len(supersedes) and retracts.null_count == len(retracts):
        return
    both = filled(supersedes) & filled(retracts)
    marks.note(both, "retracts", "EVENT_CORRECTION_INVALID")
    for name, column in (("supersedes", supersedes), ("retracts", retracts)):
        itself = np.asarray(pc.equal(column, page.column("id")).fill_null(False))
        marks.note(itself & filled(column), name, "EVENT_CORRECTION_INVALID")


def _check_attributes(arrival: Arrival, marks: FaultMarks) -> None:
    page = arrival.page
    names = page.schema.names
    # By name: which fault of an event is its first must not depend on the batches that it is checked with.
    places = sorted(range(len(FIXED), len(names)), key=names.__getitem__)
    for place in places:
        column, path = page.column(place), names[place]
        name = path.removeprefix(ATTRIBUTE_PREFIX)
        if not is_attribute_name(name):
            # The name is the caller's and may hold anything, so the path stops before it.
            marks.note(np.asarray(column.is_valid()), "attributes", "EVENT_TEXT_INVALID")
            continue
        marks.note(arrival.unreadable.get(place), path, "EVENT_TEXT_INVALID")
        if column.type in (CODED_TEXT, pa.string()):
            _check_text(column, TextColumn(column), path, ATTRIBUTE_TEXT_CHARS_MAX, marks, multiline=True)
    if len(places) > ATTRIBUTES_MAX:
        count = np.zeros(page.num_rows, dtype=np.int32)
        for place in places:
            count += np.asarray(page.column(place).is_valid())
        marks.note(count > ATTRIBUTES_MAX, "attributes", "EVENT_TOO_MANY_ATTRIBUTES")


def _check_answers(page: pa.RecordBatch, own: Mask, rules: Sequence[AnswerRule], marks: FaultMarks) -> None:
    """own: the rows of the source that the rules are of."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(page.schema.names):
        places.setdefault(name, []).append(place)
    for rule in rules:
        for place in places.get(rule.field, ()):
            column = page.column(place)
            marks.note(own & np.asarray(column.is_valid()) & ~_allowed(rule, column), rule.field, "ANSWER_NOT_ALLOWED")
        # What a mapping could not read as a number is no answer either, unless a correction has given one.
        for place in places.get(unparsed_field(rule.field.removeprefix(ATTRIBUTE_PREFIX)), ()):
            lost = own & np.asarray(page.column(place).is_valid())
            for answered in places.get(rule.field, ()):
                lost &= ~np.asarray(page.column(answered).is_valid())
            marks.note(lost, rule.field, "ANSWER_NOT_ALLOWED")


def _check_observation(page: pa.RecordBatch, own: Mask, kind: str, marks: FaultMarks) -> None:
    """own: the rows of the source that has the form."""
    own = own & ~filled(page.column("retracts"))
    for path in (RATER_FIELD, OBSERVED_FIELD):
        given = np.zeros(page.num_rows, np.bool_)
        for place, name in enumerate(page.schema.names):
            column = page.column(place)
            if name == path and column.type in (CODED_TEXT, pa.string()):
                given |= filled(column.dictionary_decode() if column.type == CODED_TEXT else column)
        marks.note(own & ~given, path, "OBSERVATION_INCOMPLETE")
    # An event without a kind is of a process.
    kinds = page.column("object_kind").dictionary_decode()
    given = filled(kinds) if kind == DEFAULT_KIND else np.ones(len(kinds), np.bool_)
    marks.note(
        own & given & ~np.asarray(pc.equal(kinds, kind).fill_null(False)), "object_kind", "OBSERVATION_INCOMPLETE"
    )


def _allowed(rule: AnswerRule, column: pa.Array) -> Mask:
    if rule.low is not None and rule.high is not None:
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            return np.zeros(len(column), np.bool_)
        values = column.fill_null(0).to_numpy(zero_copy_only=False)
        inside: Mask = (values >= rule.low) & (values <= rule.high) & (values == np.floor(values))
        return inside
    if rule.grades:
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            return np.zeros(len(column), np.bool_)
        numbers = pc.cast(column, pa.float64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        graded: Mask = np.isin(numbers, rule.grades)
        return graded
    if column.type not in (CODED_TEXT, pa.string()):
        return np.zeros(len(column), np.bool_)
    if not rule.choices:
        return np.ones(len(column), np.bool_)
    texts = column.dictionary_decode() if column.type == CODED_TEXT else column
    return np.asarray(pc.is_in(texts, pa.array(rule.choices, pa.string())))
