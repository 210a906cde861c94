"""Values that the rules of their source clean on admission: set aside, brought to one form or converted, and counted.

The event itself is admitted. What a rule changes depends on the event and on the policy of its source alone, so it is
the same in every batch and order. NaN and infinities are set aside for every source: nothing can be computed from them.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.event_columns import EventColumns, Mask
from services.ingest.columns import codes_of
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    UTC_US,
    Arrival,
    Category,
    CleanedRows,
    Placeholder,
    Source,
    UnitRange,
)

# Of case and resource the text as it came is not stored: it may name a person.
KEYS = {"case_id": False, "activity": True, "resource": False}
RAW = ATTRIBUTE_PREFIX + "raw."
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))

Cleaned = Iterator[tuple[str, str, Mask]]


def cleaned(arrival: Arrival, policies: Sequence[Source]) -> tuple[Arrival, tuple[CleanedRows, ...]]:
    """Pure. The batch as its rules make it, and which rows each rule changed. policies: by the codes of the sources."""
    page = arrival.page
    finite = all(_is_finite(column) for column in page.columns if column.type == pa.float64())
    if finite and not any(policy.cleaning for policy in policies):
        return arrival, ()
    columns = EventColumns(page)
    codes = np.where(np.asarray(page.column("source").is_valid()), codes_of(page.column("source")), -1)
    found: dict[tuple[str, str], Mask] = {}
    for rule, field, rows in _applied(columns, codes, policies):
        if rows.any():
            found[rule, field] = found[rule, field] | rows if (rule, field) in found else rows
    if not found:
        return arrival, ()
    marked = tuple(CleanedRows(*key, np.flatnonzero(rows)) for key, rows in sorted(found.items()))
    after = columns.page()
    return replace(arrival, page=after, unreadable=_moved(arrival, after)), marked


def key_form(text: str) -> str:
    """One form of texts that look alike: NFC, without zero-width characters and spaces at the ends.

    >>> key_form(" Cafe\\u0301\\u200b ")
    'Café'
    """
    # Of ASCII, nearly all keys, nothing but spaces can differ; this is a fifth of the cost.
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.translate(_ZERO_WIDTH)).strip()


def category_key(text: str) -> str:
    """What variants of a category have in common: no case, no width, no difference of spaces.

    >>> category_key("Ｈｉｇｈ  priority") == category_key("high Priority ")
    True
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_ZERO_WIDTH))
    return " ".join(plain.casefold().split())


def _applied(columns: EventColumns, codes: NDArray[np.int32], policies: Sequence[Source]) -> Cleaned:
    yield from _not_finite(columns)
    for code, policy in enumerate(policies):
        rules, rows = policy.cleaning, codes == code
        if rules is None or not rows.any():
            continue
        if rules.normalise_keys:
            for field, is_raw_stored in KEYS.items():
                yield "KEY_FORM", field, _rewritten(columns, field, rows, key_form, is_raw_stored)
        for placeholder in rules.placeholders:
            for field in [placeholder.field] if placeholder.field else list(columns.attributes()):
                holding = rows & _holding(columns, field, placeholder)
                if holding.any():
                    columns.put(field, holding, None)
                yield "PLACEHOLDER", field, holding
        for category in rules.categories:
            yield "CATEGORY", category.field, _one_form(columns, category, rows)
        for unit in rules.units:
            yield "UNIT", unit.field, _converted(columns, unit, rows)
        if rules.early_times:
            for field in list(columns.attributes()):
                early = rows & _before(columns, field, policy.time_earliest_us)
                if early.any():
                    columns.put(field, early, None)
                yield "TIME_TOO_EARLY", field, early
        for order in rules.time_orders:
            earlier, later = _times(columns, order.earlier), _times(columns, order.later)
            # The time of the event itself is never set aside: without it there is no event.
            field = order.later if order.later != "time" else order.earlier
            inverted = rows & np.asarray(pc.less(later, earlier).fill_null(False))
            if inverted.any():
                columns.put(field, inverted, None)
            yield "TIME_ORDER", field, inverted


def _is_finite(column: pa.Array) -> bool:
    return bool(pc.all(pc.is_finite(column)).as_py() in (True, None))


def _not_finite(columns: EventColumns) -> Cleaned:
    for field in list(columns.attributes()):
        for column in columns.of(field):
            if column.type == pa.float64() and not _is_finite(column):
                rows = ~np.asarray(pc.is_finite(column).fill_null(True))
                columns.put(field, rows, None)
                yield "NOT_FINITE", field, rows


def _holding(columns: EventColumns, field: str, placeholder: Placeholder) -> Mask:
    rows, wanted = np.zeros(columns.rows, dtype=np.bool_), category_key(placeholder.value)
    for column in columns.of(field):
        if column.type == pa.string():
            known = column.dictionary_encode()
            alike = [category_key(text) == wanted for text in known.dictionary.to_pylist()]
            rows |= _by_code(known, np.array(alike, dtype=np.bool_))
        elif column.type in (pa.int64(), pa.float64()) and placeholder.number is not None:
            rows |= np.asarray(pc.equal(column.cast(pa.float64(), safe=False), placeholder.number).fill_null(False))
    return rows


def _by_code(column: pa.DictionaryArray, values: Mask) -> Mask:
    if not len(values):
        return np.zeros(len(column), dtype=np.bool_)
    mask: Mask = values[codes_of(column)] & np.asarray(column.is_valid())
    return mask


def _rewritten(columns: EventColumns, field: str, rows: Mask, form: Callable[[str], str], is_raw_stored: bool) -> Mask:
    """Texts of those rows that have another form get it; what they were may become an attribute of its own."""
    changed = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(field):
        if column.type != pa.string():
            continue
        known = column.dictionary_encode()
        before = known.dictionary.to_pylist()
        after = [form(text) for text in before]
        differ = _by_code(known, np.array([old != new for old, new in zip(before, after, strict=True)], dtype=np.bool_))
        differ &= rows
        if not differ.any():
            continue
        changed |= differ
        indices = known.indices
        if is_raw_stored:
            columns.put(RAW + field.removeprefix(ATTRIBUTE_PREFIX), differ, column)
        columns.put(field, differ, pa.array(after, pa.string()).take(indices))
    return changed


def _one_form(columns: EventColumns, category: Category, rows: Mask) -> Mask:
    canonical = {category_key(value): value for value in category.values}
    # What is stored as it came is a variant of a declared value, and so names nobody.
    return _rewritten(columns, category.field, rows, lambda text: canonical.get(category_key(text), text), True)


def _converted(columns: EventColumns, unit: UnitRange, rows: Mask) -> Mask:
    """Numbers outside of the range that lie in it by exactly one of the factors."""
    changed = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(unit.field):
        if column.type not in (pa.int64(), pa.float64()):
            continue
        numbers = column.cast(pa.float64(), safe=False).fill_null(unit.low).to_numpy(zero_copy_only=False)
        outside = rows & ~((unit.low <= numbers) & (numbers <= unit.high))
        if not outside.any():
            continue
        scaled = numbers[:, None] / np.array(unit.factors)
        fitting = (unit.low <= scaled) & (scaled <= unit.high)
        slips = outside & (fitting.sum(axis=1) == 1)
        if slips.any():
            columns.put(unit.field, slips, pa.array(scaled[np.arange(len(scaled)), fitting.argmax(axis=1)]))
            changed |= slips
    return changed


def _before(columns: EventColumns, field: str, us: int) -> Mask:
    rows = np.zeros(columns.rows, dtype=np.bool_)
    for column in columns.of(field):
        if column.type == UTC_US:
            rows |= np.asarray(pc.less(column.view(pa.int64()), us).fill_null(False))
    return rows


def _times(columns: EventColumns, field: str) -> pa.Array:
    found = [column.view(pa.int64()) for column in columns.of(field) if column.type == UTC_US]
    return found[0] if found else pa.nulls(columns.rows, pa.int64())


def _moved(arrival: Arrival, after: pa.RecordBatch) -> Mapping[int, Mask]:
    """Where the columns are now that held what is not Unicode."""
    moved: dict[int, Mask] = {}
    for place, mask in arrival.unreadable.items():
        name = arrival.page.schema.names[place]
        for at, other in enumerate(after.schema.names):
            if other == name and after.column(at).type != pa.float64():
                moved[at] = moved[at] | mask if at in moved else mask
                break
    return moved
