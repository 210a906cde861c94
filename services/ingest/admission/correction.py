"""What refused events become by the rules of a person: each rule changes a whole column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.event_columns import EventColumns, Mask
from services.ingest.columns import FIXED_TYPES
from services.ingest.model import ATTRIBUTE_NAME, ATTRIBUTE_PREFIX, CODED_TEXT, UTC_US, Arrival

QUARANTINE_ID = "quarantine_id"
TEMPLATE = re.compile(r"\{([A-Za-z0-9_.:-]+)\}")
# What was not Unicode is one of these by now.
REPLACEMENT_CHARACTER = "\ufffd"

_FAR_US = 4 * 10**18

Value = str | float | int | bool


@dataclass(frozen=True)
class Moment:
    """A time as a value of a rule, in microseconds since 1970."""

    us: int


@dataclass(frozen=True)
class SetField:
    """Texts in braces are those of the event's own fields."""

    field: str
    value: Value | Moment | None


@dataclass(frozen=True)
class ReplaceValue:
    """`old` absent: events without the field; an empty text of a field that is no attribute is the same."""

    field: str
    old: Value | Moment | None
    new: Value | Moment | None


@dataclass(frozen=True)
class ShiftTime:
    field: str
    by_us: int


@dataclass(frozen=True)
class ParseTime:
    """`format` as strptime has it; a text that is no such time leaves the field as it is."""

    source: str
    format: str
    zone: str
    field: str


Rule = SetField | ReplaceValue | ShiftTime | ParseTime


def is_field(name: str) -> bool:
    """
    >>> is_field("time"), is_field("attributes.cost"), is_field("cost")
    (True, True, False)
    """
    inner = name.removeprefix(ATTRIBUTE_PREFIX)
    return name in FIXED_TYPES or (inner != name and ATTRIBUTE_NAME.fullmatch(inner) is not None)


def corrected(arrival: Arrival, rules: Sequence[Rule], names: Sequence[str]) -> Arrival:
    """Pure. `names` are the quarantine ids of the rows, for templates."""
    corrections = _Corrections(arrival.page, names)
    for rule in rules:
        corrections.apply(rule)
    return Arrival(corrections.columns.page())


def changed(before: pa.RecordBatch, after: pa.RecordBatch) -> Mask:
    """Row by row: whether any field differs."""
    differ = np.zeros(before.num_rows, dtype=np.bool_)
    for name in {*before.schema.names, *after.schema.names}:
        differ |= _texts(before, name) != _texts(after, name)
    return differ


def unreadable_still(page: pa.RecordBatch, rows: Mask) -> Arrival:
    """The page, with those of the rows whose texts hold the character that replaced what was not Unicode."""
    found: dict[int, Mask] = {}
    if rows.any():
        for place, column in enumerate(page.columns):
            if column.type in (CODED_TEXT, pa.string()):
                holding = np.asarray(
                    pc.match_substring(column.cast(pa.string()), REPLACEMENT_CHARACTER).fill_null(False)
                )
                if (holding & rows).any():
                    found[place] = holding & rows
    return Arrival(page, found)


def _texts(page: pa.RecordBatch, name: str) -> NDArray[np.object_]:
    """What a field holds, with its type, as one text for each row."""
    texts = np.full(page.num_rows, "", dtype=object)
    for place, other in enumerate(page.schema.names):
        if other == name:
            for row, value in enumerate(page.column(place).cast(_plain(page.column(place).type)).to_pylist()):
                if value is not None:
                    texts[row] = f"{type(value).__name__} {value}"
    return texts


def _plain(kind: pa.DataType) -> pa.DataType:
    # Times as numbers: a date beyond the years 1 to 9999 is no date of Python.
    return pa.string() if kind == CODED_TEXT else pa.int64() if kind == UTC_US else kind


class _Corrections:
    """Rules on the columns of a page; `names` are the quarantine ids of its rows."""

    def __init__(self, page: pa.RecordBatch, names: Sequence[str]) -> None:
        self.columns = EventColumns(page)
        self._rows = page.num_rows
        self._names = names

    def apply(self, rule: Rule) -> None:
        everywhere = np.ones(self._rows, dtype=np.bool_)
        match rule:
            case SetField(field, value):
                self.columns.put(field, everywhere, self._filled(value))
            case ReplaceValue(field, old, new):
                self.columns.put(field, self._holding(field, old), self._filled(new))
            case ShiftTime(field, by_us):
                known = self.columns.of(field)
                shifted = [_shifted(one, by_us) if one.type == UTC_US else one for one in known]
                self.columns.replace(field, shifted)
            case ParseTime(source, pattern, zone, field):
                times = self._parsed(source, pattern, zone)
                self.columns.put(field, np.asarray(times.is_valid()), times)

    def _filled(self, value: Value | Moment | None) -> pa.Array | None:
        if value is None:
            return None
        if isinstance(value, Moment):
            return pa.array([value.us] * self._rows, pa.int64()).view(UTC_US)
        if isinstance(value, str) and TEMPLATE.search(value):
            texts = {name: self._text_of(name) for name in TEMPLATE.findall(value)}
            rows = (dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True))
            return pa.array([_inserted(value, row) for row in rows], pa.string())
        return pa.array([value] * self._rows)

    def _text_of(self, name: str) -> Sequence[str]:
        if name == QUARANTINE_ID:
            return self._names
        texts = [""] * self._rows
        for column in self.columns.of(name):
            for row, value in enumerate(pc.cast(column, pa.string()).to_pylist()):
                texts[row] = value if value is not None else texts[row]
        return texts

    def _holding(self, field: str, value: Value | Moment | None) -> Mask:
        rows = np.zeros(self._rows, dtype=np.bool_)
        if value is None or (value == "" and field in FIXED_TYPES):
            held = [np.asarray(column.is_valid()) for column in self.columns.of(field)]
            rows = ~np.any(held, axis=0) if held else ~rows
        if value is None:
            return rows
        for column in self.columns.of(field):
            if _is_comparable(column.type, value):
                sought, known = (value.us, column.view(pa.int64())) if isinstance(value, Moment) else (value, column)
                if isinstance(sought, float):
                    # A number is the same number in either type.
                    known = known.cast(pa.float64(), safe=False)
                rows |= np.asarray(pc.equal(known, pa.scalar(sought)).fill_null(False))
        return rows

    def _parsed(self, source: str, pattern: str, zone: str) -> pa.Array:
        texts = pa.array([text or None for text in self._text_of(source)], pa.string())
        local = pc.strptime(texts, format=pattern, unit="us", error_is_null=True)
        instants = pc.assume_timezone(local, zone or "UTC", ambiguous="earliest", nonexistent="latest")
        return instants.cast(UTC_US)


def _inserted(template: str, texts: Mapping[str, str]) -> str:
    return TEMPLATE.sub(lambda found: texts[found[1]], template)


def _shifted(times: pa.Array, by_us: int) -> pa.Array:
    # What lies beyond is refused before and after.
    micros = pc.max_element_wise(pc.min_element_wise(times.view(pa.int64()), _FAR_US), -_FAR_US, skip_nulls=False)
    return pc.if_else(times.is_valid(), pc.add(micros, by_us), None).view(UTC_US)


def _is_comparable(kind: pa.DataType, value: Value | Moment) -> bool:
    if isinstance(value, Moment):
        return bool(kind == UTC_US)
    if isinstance(value, bool):
        return bool(kind == pa.bool_())
    if isinstance(value, str):
        return bool(kind == pa.string())
    return kind in (pa.int64(), pa.float64())
