"""Admission: every event of a batch is checked, all at once, and identity is replaced."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.checks import checked
from services.ingest.admission.cleaning_rules import cleaned
from services.ingest.admission.concatenation import join, joined
from services.ingest.admission.feed_rows import named
from services.ingest.admission.names import is_source_name
from services.ingest.admission.normal_form import normalised
from services.ingest.admission.own_source import foreign_rows
from services.ingest.admission.persons import Persons
from services.ingest.admission.policies import policies_of
from services.ingest.admission.privacy import protected_page
from services.ingest.admission.quality_rules import defects
from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.columns import codes_of
from services.ingest.hashes import hash_name, hash_texts, mix
from services.ingest.model import Admission, CleanedRows, DefectRows, IncomingBatch, Source, SourceId


def admit(
    batches: Sequence[IncomingBatch],
    sources: Mapping[SourceId, Source],
    keys: TenantKeys,
    persons: Persons,
    now_us: int,
) -> Admission:
    """Pure: each batch is admitted as it would be alone; together they take hardly longer than one of them.

    persons: at least those of `persons_named` by these batches.
    """
    arrival = joined([batch.arrival for batch in batches])
    starts = np.cumsum([0, *(batch.received for batch in batches)])
    coded = arrival.page.column("source")
    policies = policies_of(coded, sources)
    reserved = foreign_rows(batches, coded, starts)
    arrival, cleaned_rows = cleaned(arrival, policies)
    arrival = named(arrival, policies)
    page = arrival.page
    marks = checked(arrival, policies, now_us)
    marks.note(reserved, "source", "EVENT_SOURCE_RESERVED")
    faults = marks.by_batch(coded, starts)
    defect_rows = defects(page, policies)
    index, bounds = np.arange(page.num_rows, dtype=np.int64), starts
    if marks.kinds:
        index = np.flatnonzero(marks.reason < 0)
        bounds = np.searchsorted(index, starts)
        page = page.take(pa.array(index))
    page = normalised(protected_page(page, policies, persons), [batch.traceparent for batch in batches], bounds)
    coded_now = page.column("source")
    codes = codes_of(coded_now)
    used = np.flatnonzero(np.bincount(codes, minlength=1)).tolist() if page.num_rows else []
    # A name that is no source's has no admitted event, and may be of any length.
    names = [name if is_source_name(name) else "" for name in coded_now.dictionary.to_pylist()]
    source_hashes = np.array([hash_name(name, keys.ids) if name else 0 for name in names], dtype=np.uint64)
    return Admission(
        page=page,
        index=index - starts[:-1].repeat(np.diff(bounds)),
        # An event's identity is its source and its id.
        id_hashes=mix(hash_texts(page.column("id"), keys.ids) + source_hashes[codes]),
        case_hashes=hash_texts(page.column("case_id"), keys.cases),
        bounds=bounds,
        faults=faults,
        sources=tuple(policies[code].id for code in used),
        cleaned=tuple(replace(one, rows=_places_in(index, one.rows)) for one in cleaned_rows),
        defects=tuple(replace(one, rows=_places_in(index, one.rows)) for one in defect_rows),
    )


def _places_in(index: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where those of the rows are now that are in the index."""
    places = np.searchsorted(index, rows)
    inside = places < len(index)
    inside[inside] = index[places[inside]] == rows[inside]
    return places[inside]


_index = attrgetter("index")
Marked = TypeVar("Marked", CleanedRows, DefectRows)


def admit_parts(
    whole: Sequence[IncomingBatch],
    parts: Sequence[tuple[Admission, int, int]],
    sources: Mapping[SourceId, Source],
    keys: TenantKeys,
    persons: Persons,
    now_us: int,
) -> Admission:
    """One admission of whole batches, and of the rows [begin, end) of some that were admitted before."""
    admissions = [admit(whole, sources, keys, persons, now_us)] if whole else []
    admissions += [part_of(*part) for part in parts]
    return admissions[0] if len(admissions) == 1 else merged_admissions(admissions)


def part_of(admission: Admission, begin: int, end: int) -> Admission:
    """What was admitted of the rows [begin, end) of its one batch."""
    (faults,) = admission.faults
    first, last = np.searchsorted(admission.index, (begin, end)).tolist()
    page = admission.page.slice(first, last - first)
    column = page.column("source")
    codes = np.flatnonzero(np.bincount(codes_of(column), minlength=1)).tolist() if page.num_rows else []
    names = {column.dictionary[code].as_py() for code in codes}
    return Admission(
        page=page,
        index=admission.index[first:last],
        id_hashes=admission.id_hashes[first:last],
        case_hashes=admission.case_hashes[first:last],
        bounds=np.array([0, last - first]),
        faults=(tuple(faults[bisect_left(faults, begin, key=_index) : bisect_left(faults, end, key=_index)]),),
        sources=tuple(name for name in admission.sources if name in names),
        cleaned=tuple(_rows_between(one, first, last) for one in admission.cleaned),
        defects=tuple(_rows_between(one, first, last) for one in admission.defects),
    )


def merged_admissions(admissions: Sequence[Admission]) -> Admission:
    """One admission of all their batches."""
    ends = np.cumsum([0, *(one.page.num_rows for one in admissions)])
    begins = [one.bounds[:-1] + end for one, end in zip(admissions, ends[:-1], strict=True)]
    return Admission(
        page=join([one.page for one in admissions]),
        index=np.concatenate([one.index for one in admissions]),
        id_hashes=np.concatenate([one.id_hashes for one in admissions]),
        case_hashes=np.concatenate([one.case_hashes for one in admissions]),
        bounds=np.concatenate([*begins, ends[-1:]]),
        faults=tuple(faults for one in admissions for faults in one.faults),
        sources=tuple({name: None for one in admissions for name in one.sources}),
        cleaned=_moved([one.cleaned for one in admissions], ends),
        defects=_moved([one.defects for one in admissions], ends),
    )


def _rows_between(one: Marked, first: int, last: int) -> Marked:
    return replace(one, rows=one.rows[slice(*np.searchsorted(one.rows, (first, last)))] - first)


def _moved(marked: Sequence[Sequence[Marked]], ends: NDArray[np.int64]) -> tuple[Marked, ...]:
    """Of pages that follow each other, the marks on all of them."""
    return tuple(
        replace(one, rows=one.rows + end) for some, end in zip(marked, ends[:-1].tolist(), strict=True) for one in some
    )
