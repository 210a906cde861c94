"""The fold of one partition under one indicator system: pages of events in, exact changes of window statistics out.

Theory of operation
===================

The state (`fold.state`) has one place per case in a handful of arrays, and nothing per window. A page of events
becomes one sorted batch; every column takes the batch with array operations, so that Python loops run over columns,
indicators and touched windows, never over events. Then each touched case is observed again. Where its observation
differs from the last one, the old value leaves its windows and the new one enters: a step gives the differences, and
what they add up to is the book's (`scores.book`). So a difference may count once only: what was committed before a
restart is folded again, and its differences are dropped.

What is invariant. The state depends only on the set of events and on the moment that time has come to (`now_us`), not
on the order of events, their pages or on restarts: columns keep minima, maxima, counts, and latest values by (time,
tie, value), all of which commute, and sums are integers. An event may come once only; the log's offsets see to that.
What does not commute is a correction: it makes its case "corrected", and all events of the case are read again and
folded alone (`rebuild`), now and whenever a later event names it.

Who may be first. Nobody: one thread at a time calls a fold, and its caller (`replica.partitions`) keeps the order of
offsets. A case that was evicted has to be reloaded before an event that names it is folded.

What is lost when it dies. Everything in memory. It comes back from the last snapshot and the pages of evicted cases,
which are committed together, and from the log after the snapshot's position; the same rows are written again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.scoring.fold.batch import MISSING, EventBatch, IntArray, batch_of, time_values
from services.scoring.fold.corrections import corrected_cases, live_events, only_cases, without_cases
from services.scoring.fold.evicted_cases import PAGE_CASES, CasePage, EvictedCases, Wanted
from services.scoring.fold.measures import CaseView
from services.scoring.fold.observations import Change, SliceCodes, Spans, observation_rows, observed
from services.scoring.fold.open_cases import ClockChanges, clocks_of, joined_changes
from services.scoring.fold.recovery import pages_of, reload_page, restore, snapshot
from services.scoring.fold.state import NEVER, CaseState
from services.scoring.fold.step import DecodedPage, FoldStep
from services.scoring.scores.statistics import PartChange
from services.scoring.system.event_clock import OWN_PREFIX, RESTATING
from services.scoring.system.model import Indicator, IndicatorSystem
from services.scoring.system.open_case import ClockState
from services.scoring.system.series_budget import SliceDimensions


class CaseFold:
    """The columnar state of one partition's cases.

    Idle cases can be evicted as pages; they have to be reloaded before events that name them are folded.
    """

    def __init__(self, system: IndicatorSystem, evicted: EvictedCases | None = None) -> None:
        self.system = system
        self.state = CaseState(system, evicted)

    @property
    def evicted(self) -> EvictedCases:
        return self.state.evicted

    @property
    def case_count(self) -> int:
        """Evicted cases included."""
        return len(self.state.case_ids) + len(self.state.evicted)

    @property
    def negative_spans(self) -> int:
        return self.state.negative_spans

    @property
    def watermark(self) -> int | None:
        """The latest event time that was folded, in microseconds since 1970 UTC; None before the first event."""
        return self.state.watermark_us

    def is_due(self, now_us: int | None) -> bool:
        """Whether a case may have come to a limit by time alone."""
        return now_us is not None and now_us >= self.state.next_due_us

    def fold(self, pages: Sequence[DecodedPage], now_us: int | None = None) -> FoldStep:
        """Takes pages that were not folded before.

        now_us: the watermark, up to which durations that have no end yet have run; None: their clocks stand still.
        """
        self._watch([page.events for page in pages])
        tables = [self._of_sources(page.events) for page in pages]
        values = self.state.values.take(tables)
        if values:
            self.drop(self.state.values.slices_over())
        events = sum(map(len, tables))
        fresh = corrected_cases([*tables, *(_restating(page.events) for page in pages)])
        batch = self._batch(tables)
        corrected = fresh | (
            {case for case in batch.case_ids if case in self.state.corrected}
            if batch and self.state.corrected
            else set()
        )
        if corrected:
            self.state.corrected |= corrected
            batch = self._batch(without_cases(tables, corrected))
        known = len(self.state.case_ids)
        names = list(batch.case_ids) if batch else []
        cases = self._absorb(batch)
        if now_us is not None:
            due = np.setdiff1d(self.state.due(now_us), cases)
            cases = np.concatenate([cases, due])
            names += [self.state.case_ids[case] for case in due.tolist()]
        return replace(self._step(cases, names, sorted(corrected), events, known, now_us), values=values)

    def drop(self, slices: frozenset[SliceDimensions]) -> None:
        """Nothing is said of series of these slices any more."""
        self.state.windows.drop(slices)

    def rebuild(self, case_ids: Sequence[str], tables: Sequence[pa.Table], now_us: int | None = None) -> FoldStep:
        """Replaces these cases by what their events say.

        tables: all events of theirs, corrections included. now_us: as in `fold`.
        """
        self._watch(tables)
        self.state.corrected.update(case_ids)
        known = len(self.state.case_ids)
        before = np.array(
            [self.state.number_by_case[case] for case in case_ids if case in self.state.number_by_case], dtype=np.int64
        )
        self.state.columns.reset(np.unique(before))
        standing = live_events(only_cases([self._of_sources(table) for table in tables], set(case_ids)))
        touched = np.union1d(before, self._absorb(self._batch(standing))).tolist()
        # By name: numbers depend on which cases have left memory in between.
        touched.sort(key=self.state.case_ids.__getitem__)
        names = [self.state.case_ids[case] for case in touched]
        return self._step(np.array(touched, dtype=np.int64), names, [], sum(map(len, standing)), known, now_us)

    def idle_cases(self, memory_us: int) -> IntArray:
        """Cases that nothing touched while the watermark moved by more than this, longest ago first, by whole pages.

        One whose clock still runs towards a limit stays.
        """
        if self.state.watermark_us is None:
            return np.zeros(0, dtype=np.int64)
        seen_us = self.state.seen_us[: len(self.state.case_ids)]
        waits = self.state.due_us[: len(seen_us)] != NEVER
        idle = np.flatnonzero((seen_us < self.state.watermark_us - memory_us) & ~waits)
        longest_first = idle[np.argsort(seen_us[idle], kind="stable")]
        return longest_first[: len(idle) // PAGE_CASES * PAGE_CASES]

    def evict(self, cases: IntArray) -> list[CasePage]:
        """Moves these cases out of memory; the pages that they are in from now on."""
        if not cases.size:
            return []
        pages = pages_of(self.state, cases)
        self.state.evicted.add(pages)
        self.state.corrected.difference_update([self.state.case_ids[case] for case in cases.tolist()])
        self.state.narrow(np.setdiff1d(np.arange(len(self.state.case_ids)), cases))
        return pages

    def reload(self, wanted: Wanted, contents: Mapping[int, bytes]) -> None:
        """Takes these cases out of their pages into memory again."""
        for number, hashes in wanted.items():
            reload_page(self.state, contents[number], hashes)
        self.state.evicted.reloaded(wanted)

    def snapshot(self) -> bytes:
        """Everything that `restore` needs to go on from here."""
        return snapshot(self.state)

    @classmethod
    def restore(cls, system: IndicatorSystem, content: bytes, evicted: EvictedCases | None = None) -> CaseFold:
        """The fold of a snapshot. Raises ForeignSnapshot for one of another system, version, format or set of cases."""
        fold = cls(system, evicted)
        restore(fold.state, content)
        return fold

    def _watch(self, tables: Sequence[pa.Table]) -> None:
        latest = [
            int(time_values(chunk).max()) for table in tables for chunk in table.column("time").chunks if len(chunk)
        ]
        if latest:
            self.state.watermark_us = (
                max(latest) if self.state.watermark_us is None else max(*latest, self.state.watermark_us)
            )

    def _of_sources(self, table: pa.Table) -> pa.Table:
        named, found = self.system.spec.sources, {one or "" for one in _texts_in(table.column("source"))}
        wanted = found & set(named) if named else {one for one in found if not one.startswith(OWN_PREFIX)}
        if found == wanted:
            return table
        return table.filter(pc.is_in(table.column("source").cast(pa.utf8()), pa.array(sorted(wanted), type=pa.utf8())))

    @staticmethod
    def _batch(tables: Sequence[pa.Table]) -> EventBatch | None:
        return batch_of(tables) if any(map(len, tables)) else None

    def _absorb(self, batch: EventBatch | None) -> IntArray:
        """Takes the events into the columns; returns the numbers of the cases they belong to."""
        if batch is None:
            return np.zeros(0, dtype=np.int64)
        cases = self.state.numbers(batch.case_ids)
        self.state.columns.update(batch, cases)
        return cases

    def _step(
        self, cases: IntArray, names: list[str], corrected: list[str], events: int, known: int, now_us: int | None
    ) -> FoldStep:
        """Compares the touched cases with what was observed of them before, and moves the differences."""
        self.state.seen_us[cases] = MISSING if self.state.watermark_us is None else self.state.watermark_us
        view = CaseView(self.state.columns, cases, now_us)
        found = [view.label(dimension) for dimension in self.system.spec.dimensions]
        labels = np.stack(found) if found else np.zeros((0, len(cases)), dtype=np.int64)
        wanted = {one.dimensions for slices in self.state.windows.slices for one in slices} if cases.size else ()
        code, old_labels = self.state.windows.slice_codes, self.state.label[:, cases]
        codes = {dimensions: (code(dimensions, labels), code(dimensions, old_labels)) for dimensions in wanted}
        parts: list[PartChange] = []
        changes: list[tuple[Change, Spans]] = []
        for position, indicator in enumerate(self.system.spec.indicators if cases.size else ()):
            change = self._changed(view, position, indicator, codes)
            if change.places.size:
                parts += self._move(change, cases[change.places], codes, changes)
        clocks = self._clocks(view, names, labels, old_labels)
        self.state.label[:, cases] = labels
        self.state.due_us[cases] = view.due_us
        self.state.next_due_us = min(self.state.next_due_us, int(view.due_us.min(initial=NEVER)))
        places = np.concatenate([np.zeros(0, dtype=np.int64), *(change.places for change, _ in changes)])
        rows = observation_rows(self.system, names, changes, places, self._label_columns(labels[:, places]))
        negative = 0
        for place, measure in enumerate(self.system.spec.measures):
            if measure.name in view.negative:
                now = view.negative[measure.name].astype(np.int64)
                negative += int((now - self.state.negative[place, cases]).sum())
                self.state.negative[place, cases] = now
        self.state.negative_spans += negative
        fresh = len(self.state.case_ids) - known
        return FoldStep(parts, rows, corrected, events, len(cases), fresh, negative, clocks=clocks)

    def _clocks(self, view: CaseView, names: list[str], labels: IntArray, old_labels: IntArray) -> ClockChanges:
        """What the step changes of clocks towards targets; `view.due_us` knows then what time alone changes."""
        changes: list[ClockChanges] = []
        relabelled = (labels != old_labels).any(axis=0)
        for place, target in enumerate(self.state.targets if len(view.cases) else ()):
            clocks, at = clocks_of(view, target), (place, view.cases)
            old, now = self.state.clock_state[at], clocks.states(view.now_us)
            moved = (clocks.due_us != self.state.clock_due_us[at]) | (clocks.risk_us != self.state.clock_risk_us[at])
            changed = np.flatnonzero((now != old) | ((now != ClockState.NONE) & (moved | relabelled)))
            self.state.clock_due_us[at], self.state.clock_risk_us[at] = clocks.due_us, clocks.risk_us
            self.state.clock_state[at] = now
            np.minimum(view.due_us, clocks.next_us(view.now_us), out=view.due_us)
            if changed.size:
                columns = self._label_columns(labels[:, changed])
                changes.append(clocks.changes(place, changed, old, now, names, columns))
        return joined_changes(changes)

    def _move(
        self, change: Change, at: IntArray, codes: SliceCodes, changes: list[tuple[Change, Spans]]
    ) -> list[PartChange]:
        many = self.state.many(change.position, at)
        posted = self.state.windows.post(change, self.state.value[change.position, at], many, codes)
        changes.append((change, posted.around(change)))
        self.state.anchor[change.position, at] = change.anchor
        self.state.value[change.position, at] = change.value
        if change.many is not None:
            ratio = self.state.ratio_by_position[change.position]
            self.state.per[ratio, at], self.state.squares[ratio, at] = change.many.per, change.many.squares
        return posted.parts

    def _changed(self, view: CaseView, position: int, indicator: Indicator, codes: SliceCodes) -> Change:
        anchor, value, many = observed(view, indicator)
        old_anchor, old_value = self.state.anchor[position, view.cases], self.state.value[position, view.cases]
        differs = (anchor != old_anchor) | (value != old_value)
        old_many = self.state.many(position, view.cases)
        if many is not None and old_many is not None:
            differs |= (many.per != old_many.per) | (many.squares != old_many.squares)
        seen = anchor != MISSING
        for sliced in indicator.slices:
            after, before = codes[sliced.dimensions]
            differs |= seen & (after != before)
        places = np.flatnonzero(differs)
        moved = None if many is None else many.of(places)
        return Change(position, places, anchor[places], old_anchor[places], value[places], moved)

    def _label_columns(self, labels: IntArray) -> pa.StructArray | None:
        dimensions = self.system.spec.dimensions
        if not dimensions:
            return None
        columns = [
            self.state.columns.labels(dimension).column(codes)
            for dimension, codes in zip(dimensions, labels, strict=True)
        ]
        return pa.StructArray.from_arrays(columns, names=[dimension.name for dimension in dimensions])


def _restating(table: pa.Table) -> pa.Table:
    """The events by which ingest says of cases, of whatever source, that a key of theirs means another entity."""
    if RESTATING not in _texts_in(table.column("source")):
        return table.slice(0, 0)
    return table.filter(pc.equal(table.column("source").cast(pa.utf8()), RESTATING))


def _texts_in(column: pa.ChunkedArray) -> list[str | None]:
    """Every text that occurs, and perhaps some that only stand in a dictionary."""
    if pa.types.is_dictionary(column.type) and not column.null_count:
        return [text for chunk in column.chunks for text in chunk.dictionary.to_pylist()]
    texts: list[str | None] = column.unique().to_pylist()
    return texts
