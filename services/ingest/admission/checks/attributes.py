"""What events carry besides their fields: names, number and values."""

import numpy as np
import pyarrow as pa

from services.ingest.admission.checks.text_fields import check_text, texts_of
from services.ingest.admission.faults import FaultMarks
from services.ingest.columns import FIXED
from services.ingest.model import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_PREFIX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    ATTRIBUTES_MAX,
    CODED_TEXT,
    Arrival,
)


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
        _check_value(column, path, findings)
    if len(places) > ATTRIBUTES_MAX:
        count = np.zeros(page.num_rows, dtype=np.int32)
        for place in places:
            count += np.asarray(page.column(place).is_valid())
        findings.note(count > ATTRIBUTES_MAX, "attributes", "EVENT_TOO_MANY_ATTRIBUTES")


def _check_value(column: pa.Array, path: str, findings: FaultMarks) -> None:
    if column.type in (CODED_TEXT, pa.string()):
        check_text(column, texts_of(column), path, ATTRIBUTE_TEXT_CHARS_MAX, findings, multiline=True)
    elif column.type == pa.float64():
        numbers = (column.fill_null(0.0) if column.null_count else column).to_numpy(zero_copy_only=False)
        findings.note(~np.isfinite(numbers), path, "EVENT_NUMBER_NOT_FINITE")
