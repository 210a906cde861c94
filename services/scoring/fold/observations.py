"""Which cases enter and leave which windows in one step, and what that does to the statistics of every series."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.scoring.fold.batch import MISSING, TIME_US, IntArray
from services.scoring.fold.measures import CaseView, Columns
from services.scoring.fold.step import OBSERVATION_SCHEMA
from services.scoring.fold.windows import Amounts, Groups, Many, deltas, grouped
from services.scoring.scores.statistics import PartChange
from services.scoring.system.calendar import WindowIds, window_numbers
from services.scoring.system.case_model import Ratio
from services.scoring.system.model import Aggregate, Indicator, IndicatorSystem, Slice, Window
from services.scoring.system.series import SeriesKey, series_key
from services.scoring.system.series_budget import SliceDimensions

WINDOW_ORDER = list(Window)
WindowIndexKey = tuple[int, Window, int]
"""Indicator and slice by position (slice 0: the whole), and window."""


SliceCodes = dict[tuple[str, ...], tuple[IntArray, IntArray]]
"""By the dimensions of a slice: one number per touched case for its values, after and before the step; -1: unknown."""


@dataclass(frozen=True)
class Change:
    """Cases (places among the touched ones) whose observation of one indicator is another than before.

    value: MISSING where a case belongs to a window and the measure gives no value. many: of a ratio.
    """

    position: int
    places: IntArray
    anchor: IntArray
    old_anchor: IntArray
    value: IntArray
    many: Many | None = None

    def entering(self) -> IntArray:
        return np.flatnonzero(self.anchor != MISSING)

    def leaving(self) -> IntArray:
        return np.flatnonzero(self.old_anchor != MISSING)


@dataclass
class Spans:
    """The narrowest window around each changed observation, after and before."""

    start: IntArray
    end: IntArray
    old_start: IntArray


@dataclass
class WindowIndex:
    """The series that were met, and how observations move in and out of their windows.

    dropped: slices that have too many combinations of values; nothing moves in their series any more.
    """

    system: IndicatorSystem
    columns: Columns
    by_key: dict[WindowIndexKey, dict[tuple[int, ...], SeriesKey]] = field(default_factory=dict)
    dropped: frozenset[SliceDimensions] = frozenset()

    def __post_init__(self) -> None:
        self.windows = WindowIds(self.columns.zone)
        self.slices = [(Slice(()), *indicator.slices) for indicator in self.system.spec.indicators]
        self.dimension_by_name = {dimension.name: dimension for dimension in self.system.spec.dimensions}
        names = [dimension.name for dimension in self.system.spec.dimensions]
        self.place_by_dimension = {name: place for place, name in enumerate(names)}

    def drop(self, slices: frozenset[SliceDimensions]) -> None:
        if slices <= self.dropped:
            return
        self.dropped |= slices
        for position, window, place in list(self.by_key):
            if self.slices[position][place].dimensions in self.dropped:
                del self.by_key[position, window, place]

    def series(self, key: WindowIndexKey, codes: tuple[int, ...]) -> SeriesKey:
        known = self.by_key.setdefault(key, {})
        if codes not in known:
            position, window, place = key
            names = self.slices[position][place].dimensions
            values = tuple((name, self._label_names(name)[code]) for name, code in zip(names, codes, strict=True))
            known[codes] = series_key(self.system, self.system.spec.indicators[position].name, window, values)
        return known[codes]

    def _label_names(self, dimension: str) -> list[str]:
        return self.columns.labels(self.dimension_by_name[dimension]).names

    def slice_codes(self, dimensions: tuple[str, ...], labels: NDArray[np.int64]) -> IntArray:
        """One number per case for its values of these dimensions, -1 where one is unknown. labels: by dimension."""
        code = np.zeros(labels.shape[1], dtype=np.int64)
        for name in dimensions:
            part = labels[self.place_by_dimension[name]]
            known = (part != MISSING) & (code >= 0)
            code = np.where(known, code * len(self._label_names(name)) + part, -1)
        return code

    def _split_codes(self, dimensions: tuple[str, ...], code: IntArray) -> list[tuple[int, ...]]:
        parts = []
        for name in reversed(dimensions):
            size = max(1, len(self._label_names(name)))
            parts.append((code % size).tolist())
            code = code // size
        return list(zip(*reversed(parts), strict=True)) if parts else [()] * len(code)

    def post(
        self,
        change: Change,
        old_value: IntArray,
        old_many: Many | None,
        codes: dict[tuple[str, ...], tuple[IntArray, IntArray]],
    ) -> Posted:
        """Moves the observations of one indicator. codes: of each slice, by touched case, after and before."""
        enter, leave = change.entering(), change.leaving()
        anchors = np.concatenate([change.anchor[enter], change.old_anchor[leave]])
        value = np.concatenate([change.value[enter], old_value[leave]])
        sign = np.repeat(np.array([1, -1]), [len(enter), len(leave)]) if leave.size else None
        days = self.columns.zone.days(anchors)
        indicator = self.system.spec.indicators[change.position]
        many = None
        if change.many is not None and old_many is not None:
            many = change.many.of(enter).followed_by(old_many.of(leave))
        posted, amounts = Posted([], None), Amounts(value, sign, many)
        coded = [
            (place, *self._row_codes(codes[sliced.dimensions], change, enter, leave))
            for place, sliced in enumerate(self.slices[change.position])
            if sliced.dimensions not in self.dropped
        ]
        weighed = [(place, known, code, amounts.of(known)) for place, known, code in coded]
        for window in sorted(set(indicator.windows), key=WINDOW_ORDER.index):
            numbers = window_numbers(self.columns.zone, window, anchors, days)
            for place, known, code, some in weighed:
                if code.size:
                    number = numbers if known is None else numbers[known]
                    self._post_slice(posted, (change.position, window, place), grouped(code, number), some)
        return posted

    @staticmethod
    def _row_codes(
        codes: tuple[IntArray, IntArray], change: Change, enter: IntArray, leave: IntArray
    ) -> tuple[IntArray | None, IntArray]:
        """Which rows have a known value (None: all) and the slice code of these."""
        after, before = codes
        code = np.concatenate([after[change.places[enter]], before[change.places[leave]]])
        known = code >= 0
        return (None, code) if known.all() else (np.flatnonzero(known), code[known])

    def _post_slice(self, posted: Posted, key: WindowIndexKey, groups: Groups, amounts: Amounts) -> None:
        indicator = self.system.spec.indicators[key[0]]
        changes = deltas(groups, amounts, indicator.needs_histogram)
        windows = self.windows.of(key[1], groups.number.tolist())
        if posted.spans is None:
            bounds = np.array([(window.start_us, window.end_us) for window in windows], dtype=np.int64)
            posted.spans = bounds[groups.group]
        split = self._split_codes(self.slices[key[0]][key[2]].dimensions, groups.code)
        for codes, window, delta in zip(split, windows, changes, strict=True):
            if delta.changes_anything:
                posted.parts.append(PartChange(self.series(key, codes), window, delta))


@dataclass
class Posted:
    """parts: differences. spans: start and end of the narrowest window of each row, entering rows first."""

    parts: list[PartChange]
    spans: NDArray[np.int64] | None

    def around(self, change: Change) -> Spans:
        nowhere = np.full(len(change.places), MISSING, dtype=np.int64)
        spans = Spans(nowhere.copy(), nowhere.copy(), nowhere)
        if self.spans is not None:
            enter, leave = change.entering(), change.leaving()
            spans.start[enter], spans.end[enter] = self.spans[: len(enter)].T
            spans.old_start[leave] = self.spans[len(enter) :, 0]
        return spans


def observed(view: CaseView, indicator: Indicator) -> tuple[IntArray, IntArray, Many | None]:
    """Anchor (MISSING: the case belongs to no window) and value (MISSING: the measure gives none) of each case.

    And, of a ratio, what each case represents.
    """
    anchor, value = view.moment(view.spec.anchor(indicator)), view.value(indicator.measure)
    many = None
    if (ratio := view.spec.ratio(indicator)) is not None:
        value, many = _many(view, ratio, value, indicator.aggregate is Aggregate.SHARE)
    belongs = (anchor != MISSING) & view.exists()
    if view.spec.waits_for_close(indicator):
        belongs &= view.closed()
    if many is not None:
        many = Many(np.where(belongs, many.per, 0), np.where(belongs, many.squares, 0))
    return np.where(belongs, anchor, MISSING), np.where(belongs, value, 0), many


def _many(view: CaseView, ratio: Ratio, value: IntArray, is_share: bool) -> tuple[IntArray, Many]:
    """The numerator, MISSING where the row is no observation, and its denominator and squares, 0 there."""
    per, squares = view.value(ratio.per), np.zeros_like(value)
    known = (value != MISSING) & (per > 0)
    if is_share:
        # As of so many ones among so many cases.
        known &= (value >= 0) & (value <= per)
        squares = value
    elif ratio.squares:
        squares = view.value(ratio.squares)
        known &= squares != MISSING
    return np.where(known, value, MISSING), Many(np.where(known, per, 0), np.where(known, squares, 0))


def observation_rows(
    system: IndicatorSystem,
    case_ids: list[str],
    changes: list[tuple[Change, Spans]],
    places: IntArray,
    labels: pa.StructArray | None,
) -> pa.RecordBatch:
    """One row per case and indicator that changed. places: which of the cases; labels: the values of its slices."""
    schema = OBSERVATION_SCHEMA if labels is None else OBSERVATION_SCHEMA.append(pa.field("slice", labels.type))
    if not changes:
        return pa.RecordBatch.from_pylist([], schema=schema)
    sizes = [len(change.places) for change, _ in changes]
    positions = np.repeat(np.array([change.position for change, _ in changes], dtype=np.int32), sizes)
    names = pa.array([indicator.name for indicator in system.spec.indicators], type=pa.utf8())
    anchor = np.concatenate([change.anchor for change, _ in changes])
    value = np.concatenate([change.value for change, _ in changes])
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(case_ids, type=pa.utf8())),
        pa.DictionaryArray.from_arrays(pa.array(positions), names),
        _times(anchor),
        _times(np.concatenate([change.old_anchor for change, _ in changes])),
        _times(np.concatenate([spans.start for _, spans in changes])),
        _times(np.concatenate([spans.end for _, spans in changes])),
        _times(np.concatenate([spans.old_start for _, spans in changes])),
        pa.array(value, mask=(anchor == MISSING) | (value == MISSING)),
    ]
    if labels is not None:
        columns.append(labels)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _times(us: IntArray) -> pa.Array:
    return pa.array(us, mask=us == MISSING).view(TIME_US)
