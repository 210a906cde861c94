"""The fold of one partition under one indicator system: pages of events in, exact window statistics out.

What it holds at the end depends only on the set of events, not on their order, their batching or on restarts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.scoring.fold.archive import PAGE_CASES, Archive, CasePage, Wanted
from services.scoring.fold.batch import MISSING, Batch, IntArray, batch_of, time_values
from services.scoring.fold.columns import grown, integers
from services.scoring.fold.corrections import corrected_cases, live_events, only_cases, without_cases
from services.scoring.fold.measures import CaseView, Columns
from services.scoring.fold.observations import Books, Change, SliceCodes, Spans, observation_rows, observed
from services.scoring.fold.recovery import pages_of, recall, restore, snapshot
from services.scoring.scores.statistics import FoldStep, Page, PartChange
from services.scoring.system.model import Indicator, IndicatorSystem

CAPACITY_MIN = 1_024


class CaseFold:
    """The columnar state of one partition's cases, and the window statistics of its series.

    Cases at rest may leave memory as pages; they have to be back before events that name them are folded.
    """

    def __init__(self, system: IndicatorSystem, archive: Archive | None = None) -> None:
        self.system = system
        self.archive = archive or Archive()
        self.columns = Columns(system.spec)
        self.books = Books(system, self.columns)
        self.case_ids: list[str] = []
        self.number_by_case: dict[str, int] = {}
        self.corrected: set[str] = set()
        self.watermark_us: int | None = None
        self.negative_spans = 0
        spec = system.spec
        self.anchor = np.zeros((len(spec.indicators), 0), dtype=np.int64)
        self.value = np.zeros((len(spec.indicators), 0), dtype=np.int64)
        self.label = np.zeros((len(spec.dimensions), 0), dtype=np.int64)
        self.negative = np.zeros((len(spec.measures), 0), dtype=np.int64)
        # The watermark when a case was last touched.
        self.seen_us = np.zeros(0, dtype=np.int64)

    @property
    def case_count(self) -> int:
        """Cases at rest included."""
        return len(self.case_ids) + len(self.archive)

    @property
    def watermark(self) -> int | None:
        """The latest event time that was folded, in microseconds since 1970 UTC; None before the first event."""
        return self.watermark_us

    def parts(self) -> list[PartChange]:
        """Every window that holds an observation, ordered by series and window."""
        return self.books.parts()

    def fold(self, pages: Sequence[Page]) -> FoldStep:
        """Takes pages that were not folded before."""
        self._watch([page.events for page in pages])
        tables = [self._of_sources(page.events) for page in pages]
        events = sum(map(len, tables))
        fresh = corrected_cases(tables)
        batch = self._batch(tables)
        corrected = fresh | (
            {case for case in batch.case_ids if case in self.corrected} if batch and self.corrected else set()
        )
        if corrected:
            self.corrected |= corrected
            batch = self._batch(without_cases(tables, corrected))
        known = len(self.case_ids)
        names = batch.case_ids if batch else []
        return self._step(self._absorb(batch), names, sorted(corrected), events, known)

    def rebuild(self, case_ids: Sequence[str], events: pa.Table | Sequence[pa.Table]) -> FoldStep:
        """Replaces these cases by what their events say. events: all of theirs, corrections included.

        Several tables where an attribute has not the same type in all of them.
        """
        tables = [events] if isinstance(events, pa.Table) else events
        self._watch(tables)
        self.corrected.update(case_ids)
        known = len(self.case_ids)
        before = np.array(
            [self.number_by_case[case] for case in case_ids if case in self.number_by_case], dtype=np.int64
        )
        self.columns.reset(np.unique(before))
        standing = live_events(only_cases([self._of_sources(table) for table in tables], set(case_ids)))
        touched = np.union1d(before, self._absorb(self._batch(standing))).tolist()
        # By name: numbers depend on which cases have left memory in between.
        touched.sort(key=self.case_ids.__getitem__)
        names = [self.case_ids[case] for case in touched]
        return self._step(np.array(touched, dtype=np.int64), names, [], sum(map(len, standing)), known)

    def at_rest(self, memory_us: int) -> IntArray:
        """Cases that nothing touched while the watermark moved by more than this, longest ago first, by whole pages."""
        if self.watermark_us is None:
            return np.zeros(0, dtype=np.int64)
        seen_us = self.seen_us[: len(self.case_ids)]
        idle = np.flatnonzero(seen_us < self.watermark_us - memory_us)
        longest_first = idle[np.argsort(seen_us[idle], kind="stable")]
        return longest_first[: len(idle) // PAGE_CASES * PAGE_CASES]

    def release(self, cases: IntArray) -> list[CasePage]:
        """Lets these cases out of memory; the pages that they are in from now on."""
        if not cases.size:
            return []
        pages = pages_of(self, cases)
        self.archive.add(pages)
        self.corrected.difference_update([self.case_ids[case] for case in cases.tolist()])
        self._narrow(np.setdiff1d(np.arange(len(self.case_ids)), cases))
        return pages

    def recall(self, wanted: Wanted, contents: Mapping[int, bytes]) -> None:
        """Takes these cases out of their pages into memory again."""
        for number, hashes in wanted.items():
            recall(self, contents[number], hashes)
        self.archive.release(wanted)

    def snapshot(self) -> bytes:
        """Everything that `restore` needs to go on from here."""
        return snapshot(self)

    @classmethod
    def restore(cls, system: IndicatorSystem, content: bytes, archive: Archive | None = None) -> CaseFold:
        """The fold of a snapshot. Raises ForeignSnapshot for one of another system, version, format or archive."""
        fold = cls(system, archive)
        restore(fold, content)
        return fold

    def _watch(self, tables: Sequence[pa.Table]) -> None:
        latest = [
            int(time_values(chunk).max()) for table in tables for chunk in table.column("time").chunks if len(chunk)
        ]
        if latest:
            self.watermark_us = max(latest) if self.watermark_us is None else max(*latest, self.watermark_us)

    def _of_sources(self, table: pa.Table) -> pa.Table:
        sources = self.system.spec.sources
        if not sources or set(_texts_in(table.column("source"))) <= set(sources):
            return table
        return table.filter(pc.is_in(table.column("source").cast(pa.utf8()), pa.array(sources, type=pa.utf8())))

    @staticmethod
    def _batch(tables: Sequence[pa.Table]) -> Batch | None:
        return batch_of(tables) if any(map(len, tables)) else None

    def _absorb(self, batch: Batch | None) -> IntArray:
        """Takes the events into the columns; returns the numbers of the cases they belong to."""
        if batch is None:
            return np.zeros(0, dtype=np.int64)
        cases = self._numbers(batch.case_ids)
        self.columns.update(batch, cases)
        return cases

    def _numbers(self, case_ids: list[str]) -> IntArray:
        cases = np.array([self.number_by_case.get(case, MISSING) for case in case_ids], dtype=np.int64)
        fresh = np.flatnonzero(cases == MISSING)
        cases[fresh] = np.arange(len(self.case_ids), len(self.case_ids) + len(fresh))
        self.know([case_ids[place] for place in fresh.tolist()])
        return cases

    def know(self, case_ids: list[str]) -> None:
        """Numbers cases that are new."""
        first = len(self.case_ids)
        self.case_ids += case_ids
        self.number_by_case.update(zip(case_ids, range(first, first + len(case_ids)), strict=True))
        self._reserve(len(self.case_ids))

    def _reserve(self, count: int) -> None:
        if count <= self.columns.capacity:
            return
        capacity = max(CAPACITY_MIN, count, 2 * self.columns.capacity)
        self.columns.reserve(capacity)
        self.anchor = integers(grown(self.anchor, capacity, MISSING))
        self.value = integers(grown(self.value, capacity, 0))
        self.label = integers(grown(self.label, capacity, MISSING))
        self.negative = integers(grown(self.negative, capacity, 0))
        self.seen_us = integers(grown(self.seen_us, capacity, MISSING))

    def _narrow(self, cases: IntArray) -> None:
        """Keeps these cases only, numbered anew in their order."""
        capacity = max(CAPACITY_MIN, len(cases))
        self.columns.narrow(cases, capacity)
        self.case_ids = [self.case_ids[case] for case in cases.tolist()]
        self.number_by_case = {case: number for number, case in enumerate(self.case_ids)}
        self.anchor = integers(grown(self.anchor[:, cases], capacity, MISSING))
        self.value = integers(grown(self.value[:, cases], capacity, 0))
        self.label = integers(grown(self.label[:, cases], capacity, MISSING))
        self.negative = integers(grown(self.negative[:, cases], capacity, 0))
        self.seen_us = integers(grown(self.seen_us[cases], capacity, MISSING))

    def _step(self, cases: IntArray, names: list[str], corrected: list[str], events: int, known: int) -> FoldStep:
        """Compares the touched cases with what was observed of them before, and moves the differences."""
        self.seen_us[cases] = MISSING if self.watermark_us is None else self.watermark_us
        view = CaseView(self.columns, cases)
        labels = self._labels(view)
        codes = self._slice_codes(labels, self.label[:, cases]) if cases.size else {}
        parts: list[PartChange] = []
        changes: list[tuple[Change, Spans]] = []
        for position, indicator in enumerate(self.system.spec.indicators if cases.size else ()):
            change = self._changed(view, position, indicator, codes)
            if change.places.size:
                parts += self._move(change, cases[change.places], codes, changes)
        self.label[:, cases] = labels
        places = np.concatenate([np.zeros(0, dtype=np.int64), *(change.places for change, _ in changes)])
        rows = observation_rows(self.system, names, changes, places, self._label_columns(labels[:, places]))
        negative = self._negative_change(view)
        return FoldStep(parts, rows, corrected, events, len(cases), len(self.case_ids) - known, negative)

    def _labels(self, view: CaseView) -> IntArray:
        labels = [view.label(dimension) for dimension in self.system.spec.dimensions]
        return np.stack(labels) if labels else np.zeros((0, len(view.cases)), dtype=np.int64)

    def _move(
        self, change: Change, at: IntArray, codes: SliceCodes, changes: list[tuple[Change, Spans]]
    ) -> list[PartChange]:
        posted = self.books.post(change, self.value[change.position, at], codes)
        changes.append((change, posted.around(change)))
        self.anchor[change.position, at] = change.anchor
        self.value[change.position, at] = change.value
        return posted.parts

    def _slice_codes(self, labels: IntArray, old_labels: IntArray) -> dict[tuple[str, ...], tuple[IntArray, IntArray]]:
        wanted = {sliced.dimensions for slices in self.books.slices for sliced in slices}
        code = self.books.slice_codes
        return {names: (code(names, labels), code(names, old_labels)) for names in wanted}

    def _changed(self, view: CaseView, position: int, indicator: Indicator, codes: SliceCodes) -> Change:
        anchor, value = observed(view, indicator)
        old_anchor, old_value = self.anchor[position, view.cases], self.value[position, view.cases]
        differs = (anchor != old_anchor) | (value != old_value)
        seen = anchor != MISSING
        for sliced in indicator.slices:
            after, before = codes[sliced.dimensions]
            differs |= seen & (after != before)
        places = np.flatnonzero(differs)
        return Change(position, places, anchor[places], old_anchor[places], value[places])

    def _label_columns(self, labels: IntArray) -> pa.StructArray | None:
        dimensions = self.system.spec.dimensions
        if not dimensions:
            return None
        columns = [
            self.columns.labels(dimension).column(codes) for dimension, codes in zip(dimensions, labels, strict=True)
        ]
        return pa.StructArray.from_arrays(columns, names=[dimension.name for dimension in dimensions])

    def _negative_change(self, view: CaseView) -> int:
        change, cases = 0, view.cases
        for place, measure in enumerate(self.system.spec.measures):
            if measure.name in view.negative:
                now = view.negative[measure.name].astype(np.int64)
                change += int((now - self.negative[place, cases]).sum())
                self.negative[place, cases] = now
        self.negative_spans += change
        return change


def _texts_in(column: pa.ChunkedArray) -> list[str | None]:
    """Every text that occurs, and perhaps some that only stand in a dictionary."""
    if pa.types.is_dictionary(column.type) and not column.null_count:
        return [text for chunk in column.chunks for text in chunk.dictionary.to_pylist()]
    texts: list[str | None] = column.unique().to_pylist()
    return texts
