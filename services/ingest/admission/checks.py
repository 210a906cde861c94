"""What an event may be: each check looks at a whole column, and notes the rows that break its rule."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.admission.faults import FaultMarks, Mask
from services.ingest.admission.text_columns import TextColumn, unlike
from services.ingest.columns import FIXED, FIXED_NAMES, codes_of
from services.ingest.model import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_PREFIX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    ATTRIBUTES_MAX,
    CODED_TEXT,
    ID_CHARS_MAX,
    OBJECT_KINDS,
    SOURCE,
    Arrival,
    Source,
)

TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
_NO_TRACE = r"^(ff-.*|..-0{32}-.*|..-[0-9a-f]{32}-0{16}-..)$"


def check_texts(arrival: Arrival, ids: TextColumn, case_ids: TextColumn, findings: FaultMarks) -> None:
    page = arrival.page
    for place, name in enumerate(FIXED_NAMES):
        findings.note(arrival.unreadable.get(place), name, "EVENT_TEXT_INVALID")
    findings.note(ids.empty(), "id", "EVENT_ID_MISSING")
    findings.note(ids.longer_than(ID_CHARS_MAX), "id", "EVENT_ID_TOO_LONG")
    findings.note(ids.with_control_characters(), "id", "EVENT_TEXT_INVALID")
    source = page.column("source")
    sources = np.array([not SOURCE.fullmatch(name or "") for name in source.dictionary.to_pylist()], dtype=np.bool_)
    findings.note(_with_nulls(source, _by_code(source, sources)), "source", "EVENT_SOURCE_INVALID")
    findings.note(case_ids.empty(), "case_id", "EVENT_CASE_MISSING")
    _check_text(page.column("case_id"), case_ids, "case_id", ID_CHARS_MAX, findings)
    activity = page.column("activity")
    activities = TextColumn(activity.dictionary)
    findings.note(_with_nulls(activity, _by_code(activity, activities.empty())), "activity", "EVENT_ACTIVITY_MISSING")
    _check_text(activity, activities, "activity", ID_CHARS_MAX, findings)
    for name in ("resource", "supersedes", "retracts"):
        column = page.column(name)
        if column.null_count < len(column):
            _check_text(column, _texts_of(column), name, ID_CHARS_MAX, findings)
    kinds, traces = page.column("object_kind"), page.column("traceparent")
    if kinds.null_count < len(kinds):
        values = kinds.dictionary.to_pylist()
        unknown = np.array([bool(kind) and kind not in OBJECT_KINDS for kind in values], dtype=np.bool_)
        findings.note(_by_code(kinds, unknown), "object_kind", "EVENT_OBJECT_KIND_UNKNOWN")
    if traces.null_count < len(traces):
        bad = unlike(traces, TRACEPARENT_PATTERN) | ~unlike(traces, _NO_TRACE)
        blank = TextColumn(traces).empty()
        findings.note(bad if blank is None else bad & ~blank, "traceparent", "EVENT_TRACEPARENT_INVALID")


def _texts_of(column: pa.Array) -> TextColumn:
    return TextColumn(column.dictionary if column.type == CODED_TEXT else column)


def _check_text(
    column: pa.Array, texts: TextColumn, name: str, chars_max: int, findings: FaultMarks, multiline: bool = False
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


def check_times(page: pa.RecordBatch, policies: Sequence[Source], now_us: int, findings: FaultMarks) -> None:
    times = page.column("time")
    missing = np.asarray(times.is_null()) if times.null_count else None
    findings.note(missing, "time", "EVENT_TIME_MISSING")
    if not policies:
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
    findings.note(micros < floors[codes], "time", "EVENT_TIME_TOO_EARLY")
    findings.note(micros > ceilings[codes], "time", "EVENT_TIME_IN_FUTURE")


def check_corrections(page: pa.RecordBatch, findings: FaultMarks) -> None:
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


def check_attributes(page: pa.RecordBatch, arrival: Arrival, findings: FaultMarks) -> None:
    names = page.schema.names
    # By name: which fault of an event is its first must not depend on the batches that it is checked with.
    places = sorted(range(len(FIXED), len(names)), key=names.__getitem__)
    for place in places:
        column, path = page.column(place), names[place]
        name = path.removeprefix(ATTRIBUTE_PREFIX)
        if not ATTRIBUTE_NAME.fullmatch(name):
            # The name is the caller's and may hold anything, so the path stops before it.
            findings.note(np.asarray(column.is_valid()), "attributes", "EVENT_TEXT_INVALID")
            continue
        findings.note(arrival.unreadable.get(place), path, "EVENT_TEXT_INVALID")
        if column.type in (CODED_TEXT, pa.string()):
            _check_text(column, _texts_of(column), path, ATTRIBUTE_TEXT_CHARS_MAX, findings, multiline=True)
        elif column.type == pa.float64():
            numbers = (column.fill_null(0.0) if column.null_count else column).to_numpy(zero_copy_only=False)
            findings.note(~np.isfinite(numbers), path, "EVENT_NUMBER_NOT_FINITE")
    if len(places) > ATTRIBUTES_MAX:
        count = np.zeros(page.num_rows, dtype=np.int32)
        for place in places:
            count += np.asarray(page.column(place).is_valid())
        findings.note(count > ATTRIBUTES_MAX, "attributes", "EVENT_TOO_MANY_ATTRIBUTES")
