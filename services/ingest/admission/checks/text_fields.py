"""Texts of events: there where they must be, not too long, printable, Unicode."""

import numpy as np
import pyarrow as pa

from services.ingest.admission.faults import FaultMarks, Mask
from services.ingest.admission.text_columns import TextColumn, unlike
from services.ingest.columns import FIXED_NAMES, codes_of
from services.ingest.model import CODED_TEXT, ID_CHARS_MAX, OBJECT_KINDS, SOURCE, Arrival

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
    check_text(page.column("case_id"), case_ids, "case_id", ID_CHARS_MAX, findings)
    activity = page.column("activity")
    activities = TextColumn(activity.dictionary)
    findings.note(_with_nulls(activity, _by_code(activity, activities.empty())), "activity", "EVENT_ACTIVITY_MISSING")
    check_text(activity, activities, "activity", ID_CHARS_MAX, findings)
    for name in ("resource", "supersedes", "retracts"):
        column = page.column(name)
        if column.null_count < len(column):
            check_text(column, texts_of(column), name, ID_CHARS_MAX, findings)
    _check_kinds(page.column("object_kind"), findings)
    _check_traces(page.column("traceparent"), findings)


def _check_kinds(kinds: pa.DictionaryArray, findings: FaultMarks) -> None:
    if kinds.null_count < len(kinds):
        values = kinds.dictionary.to_pylist()
        unknown = np.array([bool(kind) and kind not in OBJECT_KINDS for kind in values], dtype=np.bool_)
        findings.note(_by_code(kinds, unknown), "object_kind", "EVENT_OBJECT_KIND_UNKNOWN")


def _check_traces(traces: pa.Array, findings: FaultMarks) -> None:
    if traces.null_count < len(traces):
        bad = unlike(traces, TRACEPARENT_PATTERN) | ~unlike(traces, _NO_TRACE)
        blank = TextColumn(traces).empty()
        findings.note(bad if blank is None else bad & ~blank, "traceparent", "EVENT_TRACEPARENT_INVALID")


def texts_of(column: pa.Array) -> TextColumn:
    return TextColumn(column.dictionary if column.type == CODED_TEXT else column)


def check_text(
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
