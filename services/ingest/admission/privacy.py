"""What a source's policies do to its columns: nothing of a person is left that they do not keep.

A column is treated by its distinct texts: each is looked at once, however many events have it. Where the sources of a
page treat a field alike, as nearly always, the whole column is treated; otherwise the rows of each treatment are.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.admission.persons import Persons
from services.ingest.admission.policies import CASE_ID, Rows, TreatedRows, treatments
from services.ingest.columns import FIXED_TYPES
from services.ingest.model import CODED_TEXT, UTC_US, FieldPolicy, Source, Treatment
from services.ingest.privacy.engine import masked_texts

MASK = "***"
BAND = 10.0
LEADING_CHARACTERS = 3
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TEXT_TYPES = (CODED_TEXT, pa.string())
# What becomes of a value that is no text is one.
_MAKES_TEXT = (Treatment.MASK, Treatment.PSEUDONYMISE, Treatment.ENCRYPT)


def protected_page(page: pa.RecordBatch, sources: Sequence[Source], persons: Persons) -> pa.RecordBatch:
    """sources: by code of the page's source column."""
    if page.num_rows == 0:
        return page
    columns, names = page.columns, page.schema.names
    for group in treatments(page, sources):
        if group.policy.treatment != Treatment.KEEP:
            _treat(page, columns, names, group, persons)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _places(names: Sequence[str], field: str) -> list[int]:
    return [place for place, name in enumerate(names) if name == field]


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
            treated = _treated_texts(page, column, group, persons)
            fixed = FIXED_TYPES.get(field, treated.type)
            columns[place] = treated if treated.type == fixed else treated.cast(fixed)
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
            return _replaced(
                column, rows, lambda values: _each(values, lambda value: value[: 7 if _DATE.match(value) else size])
            )
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


def _replaced(column: pa.Array, rows: Rows | None, treated: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """A column in which the distinct texts of some rows are others; the same column where none is."""
    if rows is not None:
        # Only texts that these rows have: another's person may be unknown.
        plain = column.cast(pa.string())
        chosen = plain.filter(pa.array(rows)).dictionary_encode()
        hidden = _replaced(chosen, None, treated)
        if hidden is chosen:
            return column
        return pc.replace_with_mask(plain, pa.array(rows), hidden.cast(pa.string())).dictionary_encode()
    coded = column if column.type == CODED_TEXT else column.dictionary_encode()
    texts = coded.dictionary
    hidden = treated(texts)
    if hidden is texts:
        return column
    if hidden.null_count == 0:
        return pa.DictionaryArray.from_arrays(coded.indices, hidden, safe=False)
    # Encoded again, so that no row refers to a text that is none.
    return pa.DictionaryArray.from_arrays(coded.indices, hidden).dictionary_decode().dictionary_encode()


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
