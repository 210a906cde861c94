"""Who may come in: every event of a batch is checked, all at once, and identity is left at the door."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.columns import FIXED, FIXED_NAMES, codes_of
from services.ingest.hashing import Hashes, hash_coded, hash_texts, mix
from services.ingest.model import (
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTE_PREFIX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    ATTRIBUTES_MAX,
    CODED_TEXT,
    ID_CHARS_MAX,
    OBJECT_KINDS,
    SOURCE_CHARS_MAX,
    Admission,
    Arrival,
    Fault,
    Source,
    SourceId,
)
from services.ingest.pseudonyms import TenantKeys, as_text, pseudonymised
from services.ingest.texts import Texts, unlike

Mask = NDArray[np.bool_]

_OPTIONAL = frozenset({"resource", "supersedes", "retracts", "traceparent"})

SOURCE = re.compile(rf"[a-z0-9._-]{{1,{SOURCE_CHARS_MAX}}}")
ATTRIBUTE_NAME = re.compile(rf"[A-Za-z0-9_.:-]{{1,{ATTRIBUTE_NAME_CHARS_MAX}}}")
TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
_NO_TRACE = r"^(ff-.*|..-0{32}-.*|..-[0-9a-f]{32}-0{16}-..)$"

MESSAGES: Mapping[str, str] = {
    "EVENT_ID_MISSING": "an event needs an id",
    "EVENT_ID_TOO_LONG": f"an id has at most {ID_CHARS_MAX} characters",
    "EVENT_ID_CONFLICT": "this id is known with another payload",
    "EVENT_SOURCE_INVALID": f"a source has 1 to {SOURCE_CHARS_MAX} of a-z, 0-9, dot, underscore and hyphen",
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
}


@dataclass
class Findings:
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

    def faults(self, sources: pa.DictionaryArray) -> Iterator[Fault]:
        if not self.kinds:
            return
        indices = np.flatnonzero(self.reason >= 0)
        names = [name if SOURCE.fullmatch(name) else "" for name in sources.dictionary.to_pylist()] + [""]
        codes = sources.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
        for index in indices.tolist():
            name, reason = self.kinds[self.reason[index]]
            yield Fault(index, name, reason, MESSAGES[reason], names[codes[index]])


def admit(
    arrival: Arrival, sources: Mapping[SourceId, Source], keys: TenantKeys, now_us: int, traceparent: str = ""
) -> Admission:
    """Pure: the same batch at the same time is admitted the same way. Unknown sources have safe defaults."""
    page = arrival.page
    findings = Findings(page.num_rows)
    coded = page.column("source")
    policies = [sources.get(SourceId(name)) or Source(SourceId(name)) for name in coded.dictionary.to_pylist()]
    _check_texts(page, arrival, findings)
    _check_times(page, policies, now_us, findings)
    _check_corrections(page, findings)
    _check_attributes(page, arrival, findings)
    index = np.arange(page.num_rows, dtype=np.int64)
    if findings.kinds:
        index = np.flatnonzero(findings.reason < 0)
        page = page.take(pa.array(index))
    page = _tidied(_anonymous(page, policies, keys.pseudonym), traceparent)
    used = np.unique(page.column("source").indices.to_numpy(zero_copy_only=False)).tolist()
    return Admission(
        page=page,
        index=index,
        id_hashes=event_hashes(page, keys),
        case_hashes=hash_texts(page.column("case_id"), keys.cases),
        faults=tuple(findings.faults(coded)),
        sources=tuple(policies[code].id for code in used),
    )


def event_hashes(page: pa.RecordBatch, keys: TenantKeys) -> Hashes:
    """An event's identity is its source and its id."""
    return mix(hash_texts(page.column("id"), keys.ids) + hash_coded(page.column("source"), keys.ids))


def _check_texts(page: pa.RecordBatch, arrival: Arrival, findings: Findings) -> None:
    for place, mask in arrival.unreadable.items():
        if page.schema.names[place] in FIXED_NAMES:
            findings.note(mask, page.schema.names[place], "EVENT_TEXT_INVALID")
    ids = Texts(page.column("id"))
    findings.note(ids.empty(), "id", "EVENT_ID_MISSING")
    findings.note(ids.longer_than(ID_CHARS_MAX), "id", "EVENT_ID_TOO_LONG")
    findings.note(ids.with_control_characters(), "id", "EVENT_TEXT_INVALID")
    source = page.column("source")
    sources = np.array([not SOURCE.fullmatch(name or "") for name in source.dictionary.to_pylist()], dtype=np.bool_)
    findings.note(_with_nulls(source, _by_code(source, sources)), "source", "EVENT_SOURCE_INVALID")
    case_ids = Texts(page.column("case_id"))
    findings.note(case_ids.empty(), "case_id", "EVENT_CASE_MISSING")
    _check_text(page.column("case_id"), case_ids, "case_id", ID_CHARS_MAX, findings)
    activity = page.column("activity")
    blank = _by_code(activity, Texts(activity.dictionary).empty())
    findings.note(_with_nulls(activity, blank), "activity", "EVENT_ACTIVITY_MISSING")
    for name in ("activity", "resource", "supersedes", "retracts"):
        column = page.column(name)
        if column.null_count < len(column):
            _check_text(column, _texts_of(column), name, ID_CHARS_MAX, findings)
    _check_kinds(page.column("object_kind"), findings)
    _check_traces(page.column("traceparent"), findings)


def _check_kinds(kinds: pa.DictionaryArray, findings: Findings) -> None:
    if kinds.null_count < len(kinds):
        values = kinds.dictionary.to_pylist()
        unknown = np.array([bool(kind) and kind not in OBJECT_KINDS for kind in values], dtype=np.bool_)
        findings.note(_by_code(kinds, unknown), "object_kind", "EVENT_OBJECT_KIND_UNKNOWN")


def _check_traces(traces: pa.Array, findings: Findings) -> None:
    if traces.null_count < len(traces):
        bad = unlike(traces, TRACEPARENT_PATTERN) | ~unlike(traces, _NO_TRACE)
        blank = Texts(traces).empty()
        findings.note(bad if blank is None else bad & ~blank, "traceparent", "EVENT_TRACEPARENT_INVALID")


def _texts_of(column: pa.Array) -> Texts:
    return Texts(column.dictionary if column.type == CODED_TEXT else column)


def _check_text(
    column: pa.Array, texts: Texts, name: str, chars_max: int, findings: Findings, multiline: bool = False
) -> None:
    for mask in (texts.longer_than(chars_max), texts.with_control_characters(multiline)):
        if mask is not None:
            findings.note(_by_code(column, mask) if column.type == CODED_TEXT else mask, name, "EVENT_TEXT_INVALID")


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


def _micros(column: pa.Array) -> NDArray[np.int64]:
    numbers: NDArray[np.int64]
    whole = column.view(pa.int64())
    numbers = (whole.fill_null(0) if whole.null_count else whole).to_numpy(zero_copy_only=False)
    return numbers


def _check_times(page: pa.RecordBatch, policies: Sequence[Source], now_us: int, findings: Findings) -> None:
    times = page.column("time")
    missing = np.asarray(times.is_null()) if times.null_count else None
    findings.note(missing, "time", "EVENT_TIME_MISSING")
    if not policies:
        return
    micros = _micros(times)
    # The strictest policy of the batch decides nearly always, without a look at each row's source.
    earliest = max(policy.time_earliest_us for policy in policies)
    latest = min(now_us + policy.future_tolerance_us for policy in policies)
    if missing is None and earliest <= int(micros.min()) and int(micros.max()) <= latest:
        return
    codes = codes_of(page.column("source"))
    floors = np.array([policy.time_earliest_us for policy in policies], dtype=np.int64)
    ceilings = np.array([now_us + policy.future_tolerance_us for policy in policies], dtype=np.int64)
    findings.note(micros < floors[codes], "time", "EVENT_TIME_TOO_EARLY")
    findings.note(micros > ceilings[codes], "time", "EVENT_TIME_IN_FUTURE")


def _check_corrections(page: pa.RecordBatch, findings: Findings) -> None:
    supersedes, retracts = page.column("supersedes"), page.column("retracts")
    if supersedes.null_count == len(supersedes) and retracts.null_count == len(retracts):
        return
    both = _filled(supersedes) & _filled(retracts)
    findings.note(both, "retracts", "EVENT_CORRECTION_INVALID")
    for name, column in (("supersedes", supersedes), ("retracts", retracts)):
        itself = np.asarray(pc.equal(column, page.column("id")).fill_null(False))
        findings.note(itself & _filled(column), name, "EVENT_CORRECTION_INVALID")


def _filled(texts: pa.Array) -> Mask:
    return np.asarray(pc.greater(pc.binary_length(texts), 0).fill_null(False))


def _check_attributes(page: pa.RecordBatch, arrival: Arrival, findings: Findings) -> None:
    places = range(len(FIXED), page.num_columns)
    for place in places:
        column, path = page.column(place), page.schema.names[place]
        name = path.removeprefix(ATTRIBUTE_PREFIX)
        if not ATTRIBUTE_NAME.fullmatch(name):
            # The name is the caller's and may hold anything, so the path stops before it.
            findings.note(np.asarray(column.is_valid()), "attributes", "EVENT_TEXT_INVALID")
            continue
        findings.note(arrival.unreadable.get(place), path, "EVENT_TEXT_INVALID")
        _check_value(column, path, findings)
    if len(places) > ATTRIBUTES_MAX:
        count = np.zeros(page.num_rows, dtype=np.int32)
        for place in places:
            count += np.asarray(page.column(place).is_valid())
        findings.note(count > ATTRIBUTES_MAX, "attributes", "EVENT_TOO_MANY_ATTRIBUTES")


def _check_value(column: pa.Array, path: str, findings: Findings) -> None:
    if column.type in (CODED_TEXT, pa.string()):
        _check_text(column, _texts_of(column), path, ATTRIBUTE_TEXT_CHARS_MAX, findings, multiline=True)
    elif column.type == pa.float64():
        numbers = (column.fill_null(0.0) if column.null_count else column).to_numpy(zero_copy_only=False)
        findings.note(~np.isfinite(numbers), path, "EVENT_NUMBER_NOT_FINITE")


def _anonymous(page: pa.RecordBatch, policies: Sequence[Source], key: bytes) -> pa.RecordBatch:
    if page.num_rows == 0:
        return page
    codes = page.column("source").indices.to_numpy(zero_copy_only=False)
    persons = np.array([not policy.resources_are_not_persons for policy in policies], dtype=np.bool_)[codes]
    columns = list(page.columns)
    names = list(page.schema.names)
    resource = names.index("resource")
    columns[resource] = pseudonymised(columns[resource], persons, key)
    for name in sorted({name for policy in policies for name in policy.personal_attributes}):
        personal = np.array([name in policy.personal_attributes for policy in policies], dtype=np.bool_)[codes]
        if personal.any():
            _hide(columns, names, ATTRIBUTE_PREFIX + name, personal, key)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _hide(columns: list[pa.Array], names: list[str], path: str, personal: Mask, key: bytes) -> None:
    """A number that identifies a person becomes a text, so it may move to the text column of its name."""
    texts: list[pa.Array] = []
    others: list[pa.Array] = []
    for place in [place for place in range(len(names)) if names[place] == path]:
        column = columns[place]
        if column.type in (CODED_TEXT, pa.string()):
            texts.append(pseudonymised(column, personal, key))
            continue
        hidden = pc.if_else(pa.array(personal), as_text(column), None)
        texts.append(pseudonymised(hidden, personal, key).dictionary_decode())
        others.append(pc.if_else(pa.array(personal), None, column))
    kept = [place for place in range(len(names)) if names[place] != path]
    if len(texts) > 1:
        texts = [pc.coalesce(*[text.cast(pa.string()) for text in texts])]
    columns[:] = [columns[place] for place in kept] + texts + others
    names[:] = [names[place] for place in kept] + [path] * (len(texts) + len(others))


def _tidied(page: pa.RecordBatch, traceparent: str) -> pa.RecordBatch:
    """One form for everything that means the same: absent is null, and no kind is a process."""
    columns = list(page.columns)
    for place, (name, _) in enumerate(FIXED):
        column = columns[place]
        if name == "object_kind":
            columns[place] = _kinds(column)
        elif name in _OPTIONAL and column.null_count < len(column):
            columns[place] = _nulled(column, "")
            if name == "traceparent" and traceparent:
                columns[place] = _nulled(columns[place], traceparent)
    kept = [
        place for place in range(len(columns)) if place < len(FIXED) or columns[place].null_count < len(columns[place])
    ]
    return pa.RecordBatch.from_arrays(
        [columns[place] for place in kept], names=[page.schema.names[place] for place in kept]
    )


def _nulled(column: pa.Array, value: str) -> pa.Array:
    if column.type == CODED_TEXT:
        values = column.dictionary.to_pylist()
        if value not in values:
            return column
        drop = np.array([one == value for one in values], dtype=np.bool_)
        codes = codes_of(column)
        return pa.DictionaryArray.from_arrays(
            pa.array(codes, mask=drop[codes] | np.asarray(column.is_null())), column.dictionary
        )
    same = np.asarray(pc.equal(column, value).fill_null(False))
    return pc.if_else(pa.array(same), None, column) if same.any() else column


_KIND_VALUES = pa.array(OBJECT_KINDS)
_PROCESS = OBJECT_KINDS.index("process")


def _kinds(column: pa.DictionaryArray) -> pa.DictionaryArray:
    if column.null_count == len(column):
        return pa.DictionaryArray.from_arrays(pa.array(np.full(len(column), _PROCESS, np.int32)), _KIND_VALUES)
    meaning = [OBJECT_KINDS.index(kind) if kind in OBJECT_KINDS else _PROCESS for kind in column.dictionary.to_pylist()]
    codes = np.array([*meaning, _PROCESS], dtype=np.int32)[column.indices.fill_null(len(meaning)).to_numpy()]
    return pa.DictionaryArray.from_arrays(pa.array(codes), _KIND_VALUES)
