"""What a source's policies do to its columns: nothing of a person is left that they do not keep.

A column is treated by its distinct texts: each is looked at once, however many events have it. Where the sources of a
page treat a field alike, as nearly always, the whole column is treated; otherwise the rows of each treatment are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.persons import Persons
from services.ingest.admission.policies import ACTIVITY, CASE_ID, RESOURCE, policy_of, subject_of
from services.ingest.columns import FIXED_TYPES, codes_of
from services.ingest.model import ATTRIBUTE_PREFIX, CODED_TEXT, UTC_US, FieldPolicy, Source, Treatment
from services.ingest.privacy.engine import masked_texts

Rows = NDArray[np.bool_]

MASK = "***"
BAND = 10.0
LEADING_CHARACTERS = 3
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TEXT_TYPES = (CODED_TEXT, pa.string())
# What becomes of a value that is no text is one.
_MAKES_TEXT = (Treatment.MASK, Treatment.PSEUDONYMISE, Treatment.ENCRYPT)


@dataclass(frozen=True)
class TreatedRows:
    """The rows of a page whose field is treated in one way; `rows` is absent where all are."""

    policy: FieldPolicy
    rows: Rows | None
    subject: str

    def mask(self, count: int) -> Rows:
        return np.ones(count, dtype=np.bool_) if self.rows is None else self.rows


def protected_page(page: pa.RecordBatch, sources: Sequence[Source], persons: Persons) -> pa.RecordBatch:
    """sources: by code of the page's source column."""
    if page.num_rows == 0:
        return page
    columns, names = page.columns, page.schema.names
    for field in dict.fromkeys(names):
        groups = [one for one in _groups(page, sources, field) if one.policy.treatment != Treatment.KEEP]
        for group in groups:
            _treat(page, columns, names, group, persons)
    return pa.RecordBatch.from_arrays(columns, names=names)


def person_values(page: pa.RecordBatch, sources: Sequence[Source]) -> set[str]:
    """The values that name the persons whose secrets the page's treatment needs."""
    found: set[str] = set()
    for field in dict.fromkeys(page.schema.names):
        for group in _groups(page, sources, field):
            if group.policy.treatment == Treatment.PSEUDONYMISE:
                found |= _texts_of(page, field, group.rows)
            elif group.policy.treatment == Treatment.ENCRYPT:
                found |= _texts_of(page, group.subject, group.rows) | _texts_of(page, CASE_ID, group.rows)
    return found


def _groups(page: pa.RecordBatch, sources: Sequence[Source], field: str) -> Iterator[TreatedRows]:
    if field not in (RESOURCE, CASE_ID, ACTIVITY) and not field.startswith(ATTRIBUTE_PREFIX):
        return
    wanted: dict[tuple[FieldPolicy, str], list[int]] = {}
    for code, source in enumerate(sources):
        wanted.setdefault((policy_of(source, field), subject_of(source)), []).append(code)
    if len(wanted) == 1:
        ((policy, subject),) = wanted
        yield TreatedRows(policy, None, subject)
        return
    codes = codes_of(page.column("source"))
    for (policy, subject), members in wanted.items():
        rows = np.isin(codes, members)
        if rows.any():
            yield TreatedRows(policy, None if rows.all() else rows, subject)


def _places(names: Sequence[str], field: str) -> list[int]:
    return [place for place, name in enumerate(names) if name == field]


def _texts_of(page: pa.RecordBatch, field: str, rows: Rows | None) -> set[str]:
    found: set[str] = set()
    for place in _places(page.schema.names, field):
        column = page.column(place)
        if rows is not None:
            column = column.filter(pa.array(rows))
        if column.type == CODED_TEXT and rows is None:
            values = column.dictionary
        else:
            values = pc.unique(column.cast(pa.string()))
        found |= {value for value in values.to_pylist() if value}
    return found


def _treat(
    page: pa.RecordBatch, columns: list[pa.Array], names: list[str], group: TreatedRows, persons: Persons
) -> None:
    """In place: columns and their names. A number that becomes a text moves to the text column of its name."""
    field, treatment = group.policy.field, group.policy.treatment
    moved: list[pa.Array] = []
    for place in _places(names, field):
        column = columns[place]
        if column.null_count == len(column):
            continue
        if column.type in _TEXT_TYPES:
            columns[place] = _as_before(_treated_texts(page, column, group, persons), field)
        elif treatment == Treatment.DROP:
            columns[place] = pc.if_else(pa.array(group.mask(len(column))), None, column)
        elif treatment == Treatment.GENERALISE:
            coarse = _generalised_numbers(column, group.policy)
            columns[place] = coarse if group.rows is None else pc.if_else(pa.array(group.rows), coarse, column)
        elif treatment in _MAKES_TEXT:
            rows = pa.array(group.mask(len(column)))
            shown = pc.if_else(rows, column.cast(pa.string()), None)
            moved.append(_treated_texts(page, shown, group, persons).cast(pa.string()))
            columns[place] = pc.if_else(rows, None, column)
    if moved:
        _add_texts(columns, names, field, moved)


def _as_before(column: pa.Array, field: str) -> pa.Array:
    kind = FIXED_TYPES.get(field)
    return column if kind is None or column.type == kind else column.cast(kind)


def _add_texts(columns: list[pa.Array], names: list[str], field: str, moved: list[pa.Array]) -> None:
    texts = [place for place in _places(names, field) if columns[place].type in _TEXT_TYPES]
    joined = pc.coalesce(*[columns[place].cast(pa.string()) for place in texts], *moved)
    emptied = [place for place in _places(names, field) if columns[place].null_count == len(columns[place])]
    for place in sorted({*texts, *emptied}, reverse=True):
        del columns[place], names[place]
    columns.append(joined)
    names.append(field)


def _generalised_numbers(column: pa.Array, policy: FieldPolicy) -> pa.Array:
    if column.type == UTC_US:
        return pc.floor_temporal(column, unit="month").cast(UTC_US)
    if column.type == pa.bool_():
        return column
    band = policy.band or BAND
    return pc.multiply(pc.floor(pc.divide(column.cast(pa.float64(), safe=False), band)), band).cast(
        column.type, safe=False
    )


def _treated_texts(page: pa.RecordBatch, column: pa.Array, group: TreatedRows, persons: Persons) -> pa.Array:
    policy, rows = group.policy, group.rows
    match policy.treatment:
        case Treatment.DROP:
            return _replaced(column, rows, lambda values: pa.nulls(len(values), pa.string()))
        case Treatment.MASK:
            return _replaced(column, rows, lambda values: _each(values, lambda value: MASK))
        case Treatment.GENERALISE:
            size = policy.leading_characters or LEADING_CHARACTERS
            return _replaced(column, rows, lambda values: _each(values, lambda value: _generalised(value, size)))
        case Treatment.SCAN:
            return _replaced(column, rows, lambda values: masked_texts(values)[0])
        case Treatment.PSEUDONYMISE:
            return _pseudonymised(page, column, rows, persons)
        case Treatment.ENCRYPT:
            return _encrypted(page, column, group, persons)
    return column


def _each(values: pa.Array, treated: Callable[[str], str]) -> pa.Array:
    """An empty text says nothing, and stays."""
    return pa.array([treated(value) if value else value for value in values.to_pylist()], pa.string())


def _generalised(value: str, size: int) -> str:
    return value[:7] if _DATE.match(value) else value[:size]


def _replaced(column: pa.Array, rows: Rows | None, treated: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """A column in which the distinct texts of some rows are others; the same column where none is."""
    coded = column if column.type == CODED_TEXT else column.dictionary_encode()
    values = coded.dictionary
    hidden = treated(values)
    if hidden is values:
        return column
    if rows is None and hidden.null_count == 0:
        return pa.DictionaryArray.from_arrays(coded.indices, hidden, safe=False)
    codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False) + (
        len(values) if rows is None else np.where(rows, len(values), 0)
    )
    indices = pa.array(codes.astype(np.int32), mask=np.asarray(coded.is_null()))
    both = pa.DictionaryArray.from_arrays(indices, pa.concat_arrays([values, hidden]))
    # Encoded again, so that no treated value stays behind in the dictionary.
    return both.dictionary_decode().dictionary_encode()


def _pseudonymised(page: pa.RecordBatch, column: pa.Array, rows: Rows | None, persons: Persons) -> pa.Array:
    if not persons.period_us:
        return _replaced(column, rows, lambda values: _each(values, lambda value: persons.pseudonym(value, 0)))
    versions = page.column("time").view(pa.int64()).to_numpy(zero_copy_only=False) // persons.period_us
    hidden = column
    for version in np.unique(versions).tolist():
        of_version = versions == version if rows is None else (versions == version) & rows
        if of_version.any():

            def named(value: str, version: int = version) -> str:
                return persons.pseudonym(value, version)

            chosen = column.filter(pa.array(of_version))
            texts = chosen if chosen.type == CODED_TEXT else chosen.dictionary_encode()
            # Only texts that rows of this period have: the person of another one may be unknown.
            texts = texts.dictionary_decode().dictionary_encode()
            plain = pa.DictionaryArray.from_arrays(texts.indices, _each(texts.dictionary, named)).dictionary_decode()
            hidden = pc.replace_with_mask(hidden.cast(pa.string()), pa.array(of_version), plain)
    return hidden.dictionary_encode()


def _encrypted(page: pa.RecordBatch, column: pa.Array, group: TreatedRows, persons: Persons) -> pa.Array:
    field = group.policy.field
    # An event whose subject is unknown is its case's.
    subjects = [page.column(place).cast(pa.string()) for place in _places(page.schema.names, group.subject)]
    owners = pc.coalesce(*subjects, page.column(CASE_ID)).to_pylist()
    cases = page.column(CASE_ID).to_pylist()
    done: dict[tuple[str, str], str] = {}
    texts = column.cast(pa.string()).to_pylist()
    for row in np.flatnonzero(group.mask(len(texts))).tolist():
        value = texts[row]
        if value:
            owner = owners[row] or cases[row]
            if (owner, value) not in done:
                done[owner, value] = persons.secrets[owner].encrypted(field, value)
            texts[row] = done[owner, value]
    return pa.array(texts, pa.string())
