"""What a source's quality rules find in its events: required fields that are absent, values that are not declared.

The rules look at events as they are after cleaning and before identities are replaced. They refuse nothing.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.event_columns import EventColumns, Mask
from services.ingest.columns import codes_of, filled
from services.ingest.model import Category, DefectRows, NumberRange, QualityDimension, Source


def defects(page: pa.RecordBatch, policies: Sequence[Source]) -> tuple[DefectRows, ...]:
    """Pure; a look at each column that a rule names. policies: by the codes of the sources."""
    every = [(code, policy.quality) for code, policy in enumerate(policies)]
    ruled = [(code, rules) for code, rules in every if rules.required or rules.ranges or rules.values]
    if not ruled or not page.num_rows:
        return ()
    columns = EventColumns(page)
    codes = np.where(np.asarray(page.column("source").is_valid()), codes_of(page.column("source")), -1)
    is_retraction = _present(columns, "retracts")
    found: dict[tuple[QualityDimension, str], Mask] = {}

    def note(dimension: QualityDimension, field: str, rows: Mask) -> None:
        if rows.any():
            before = found.get((dimension, field))
            found[dimension, field] = rows if before is None else before | rows

    for code, rules in ruled:
        of_source = codes == code
        for field in rules.required:
            note(QualityDimension.COMPLETENESS, field, of_source & ~is_retraction & ~_present(columns, field))
        for span in rules.ranges:
            note(QualityDimension.VALIDITY, span.field, of_source & _outside(columns, span))
        for category in rules.values:
            note(QualityDimension.VALIDITY, category.field, of_source & _unlisted(columns, category))
    return tuple(DefectRows(*key, np.flatnonzero(rows)) for key, rows in sorted(found.items()))


def _present(columns: EventColumns, field: str) -> Mask:
    rows = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(field):
        rows |= filled(column) if pa.types.is_string(column.type) else np.asarray(column.is_valid())
    return rows


def _outside(columns: EventColumns, span: NumberRange) -> Mask:
    """A value that is no number is outside as well."""
    rows = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(span.field):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            known = np.asarray(column.is_valid())
            numbers: NDArray[np.float64] = (
                column.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
            )
            rows |= known & ~((span.low <= numbers) & (numbers <= span.high))
        else:
            rows |= np.asarray(column.is_valid())
    return rows


def _unlisted(columns: EventColumns, category: Category) -> Mask:
    rows = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(category.field):
        known = np.asarray(column.is_valid())
        if pa.types.is_string(column.type):
            listed = pc.is_in(column, pa.array(category.values, pa.string()))
            rows |= known & ~np.asarray(listed)
        else:
            rows |= known
    return rows
