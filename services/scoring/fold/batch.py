"""Pages of events as sorted columns: which rows, of which case, in what order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.scoring.fold.hashes import HashArray, mixed, span_hashes, spans_of, text_hashes, trailing_numbers
from services.scoring.system.case_model import AttributeValue, Pick, TimeValue, reopens
from services.scoring.system.decimals import exact

IntArray = NDArray[np.int64]
TIME_US = pa.timestamp("us", tz="UTC")
MISSING = np.iinfo(np.int64).min
MULTIPLES_MAX = 2.0**62


def is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def stable_order(keys: IntArray, count: int) -> IntArray:
    """`argsort` of keys in 0..count - 1, stable, by 16 bits at a time."""
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    if count > 1 << 16:
        order = order[np.argsort((keys[order] >> 16).astype(np.uint16), kind="stable")]
    return order


def joined(chunks: Sequence[pa.Array]) -> pa.Array:
    """One array of chunks of text, dictionaries unified."""
    if len({chunk.type for chunk in chunks}) > 1:
        chunks = [chunk.cast(pa.utf8()) for chunk in chunks]
    whole = pa.chunked_array(chunks)
    if pa.types.is_dictionary(whole.type):
        whole = whole.unify_dictionaries()
    return whole.combine_chunks() if whole.num_chunks != 1 else whole.chunk(0)


def encoded(texts: pa.Array) -> tuple[NDArray[np.int32], pa.Array]:
    """Code per row (-1: null) and the distinct texts, each of which occurs."""
    if not pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_encode()
    elif texts.dictionary.null_count:
        texts = texts.cast(texts.type.value_type).dictionary_encode()
    places = texts.indices if texts.indices.type == pa.int32() else texts.indices.cast(pa.int32())
    codes = (places.fill_null(-1) if places.null_count else places).to_numpy(zero_copy_only=False)
    used = np.bincount(codes[codes >= 0] if texts.null_count else codes, minlength=len(texts.dictionary)) > 0
    if used.all():
        return codes, texts.dictionary
    renumbered = np.append(np.cumsum(used) - 1, -1).astype(np.int32)
    return renumbered[codes], texts.dictionary.filter(pa.array(used))


@dataclass
class EventBatch:
    """Events in the order of (time, tie). `case`: index of each row's case in `case_ids`."""

    chunks: list[pa.Table]
    case: IntArray
    case_ids: list[str]
    time: IntArray
    order: IntArray | None
    collided: bool = False
    _rows: dict[tuple[str, ...], IntArray] = field(default_factory=dict)
    _winners: dict[tuple[tuple[str, ...], Pick], tuple[IntArray, IntArray]] = field(default_factory=dict)

    @property
    def case_count(self) -> int:
        return len(self.case_ids)

    def __len__(self) -> int:
        return len(self.time)

    def ordered(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values if self.order is None else values[self.order]

    @cached_property
    def activities(self) -> tuple[NDArray[np.int32], list[str]]:
        codes, names = encoded(joined(self.column("activity")))
        return np.asarray(self.ordered(codes), dtype=np.int32), names.to_pylist()

    def column(self, name: str) -> list[pa.Array]:
        """One array per page; nulls where the page lacks the column."""
        kinds = [table.schema.field(name).type for table in self.chunks if name in table.column_names]
        return [_chunk(table, name, kinds[0] if kinds else pa.utf8()) for table in self.chunks]

    def rows_of(self, activities: tuple[str, ...]) -> IntArray | None:
        """Rows of these activities; None: every row."""
        if not activities:
            return None
        if activities not in self._rows:
            codes, names = self.activities
            self._rows[activities] = np.flatnonzero(np.array([name in activities for name in names], dtype=bool)[codes])
        return self._rows[activities]

    @cached_property
    def reopening_rows(self) -> IntArray:
        """Rows whose activity says by its name that the case is open again."""
        codes, names = self.activities
        return np.flatnonzero(np.array([reopens(name) for name in names], dtype=bool)[codes])

    def winners(self, activities: tuple[str, ...], pick: Pick) -> tuple[IntArray, IntArray]:
        """The first or last event with one of these activities: (cases that have one, row of each)."""
        if (activities, pick) not in self._winners:
            self._winners[activities, pick] = self.picked(self.rows_of(activities), pick)
        return self._winners[activities, pick]

    def picked(self, rows: IntArray | None, pick: Pick) -> tuple[IntArray, IntArray]:
        """The first or last of these rows (None: of all) of each case: (cases that have one, row of each)."""
        rows = np.arange(len(self)) if rows is None else rows
        rows = rows if pick is Pick.LAST else rows[::-1]
        winner = np.full(self.case_count, -1, dtype=np.int64)
        # Of several values for one place numpy keeps the last, and rows ascend in time.
        winner[self.case[rows]] = rows
        cases = np.flatnonzero(winner >= 0)
        return cases, winner[cases]

    @cached_property
    def ties_unordered(self) -> HashArray:
        """`ties`, in the order of the pages."""
        return event_ties(self.column("source"), self.column("id"))

    @cached_property
    def _ties(self) -> HashArray:
        return np.asarray(self.ordered(self.ties_unordered), dtype=np.uint64)

    def ties(self, rows: IntArray | None = None) -> HashArray:
        """What breaks ties of time, see `event_ties`."""
        return self._ties if rows is None else self._ties[rows]

    @cached_property
    def by_case(self) -> tuple[IntArray, IntArray, IntArray, HashArray]:
        """Rows in the order of (case, time, tie), and these three of them."""
        order = stable_order(self.case, self.case_count)
        return order, self.case[order], self.time[order], self.ties(order)

    def texts(self, name: str) -> tuple[NDArray[np.int32], list[str]]:
        """Code per row (-1: unknown) and the texts of a column; values of other types are written out."""
        arrays = self.column(name)
        codes, names = encoded(joined([chunk if is_text(chunk.type) else chunk.cast(pa.utf8()) for chunk in arrays]))
        return np.asarray(self.ordered(codes), dtype=np.int32), names.to_pylist()

    def _gathered(self, name: str, convert: Callable[[pa.Array], IntArray]) -> IntArray:
        return np.asarray(self.ordered(np.concatenate([convert(chunk) for chunk in self.column(name)])), dtype=np.int64)

    def times(self, name: str) -> IntArray:
        """Microseconds per row; MISSING where the value is no time."""
        return self._gathered(name, time_values)

    def multiples(self, name: str, resolution: float) -> IntArray:
        """Whole multiples of the resolution per row; MISSING where the value is no number or too large."""
        return self._gathered(name, lambda chunk: multiples_of(chunk, resolution))

    def matches(self, name: str, equals: tuple[AttributeValue, ...]) -> IntArray:
        """1 where the value equals one of these, 0 where it does not, MISSING where there is none."""
        return self._gathered(name, lambda chunk: matching(chunk, equals))


def _chunk(table: pa.Table, name: str, absent: pa.DataType) -> pa.Array:
    if name not in table.column_names or pa.types.is_null(table.schema.field(name).type):
        return pa.nulls(len(table), pa.utf8() if pa.types.is_null(absent) else absent)
    chunks = table.column(name).chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(table.column(name).unify_dictionaries().chunks)


def event_ties(sources: Sequence[pa.Array], ids: Sequence[pa.Array]) -> HashArray:
    """Orders events of the same instant: by the number that the id ends with, then by a hash of source and id.

    27 bits of number over 37 bits of hash. Producers that count their ids up are thus taken at their word.
    """
    codes, names = encoded(joined(sources))
    texts = joined(ids)
    spans = spans_of(texts.cast(texts.type.value_type) if pa.types.is_dictionary(texts.type) else texts)
    hashes = mixed(span_hashes(spans) ^ _salts(tuple(names.to_pylist()))[codes])
    return np.asarray(trailing_numbers(spans) << np.uint64(37) | hashes >> np.uint64(27))


@lru_cache(maxsize=256)
def _salts(sources: tuple[str, ...]) -> HashArray:
    """One of each source; the last is that of events without a source."""
    return mixed(np.append(text_hashes(pa.array(sources, type=pa.utf8())), np.uint64(0)))


def time_values(chunk: pa.Array) -> IntArray:
    if not pa.types.is_timestamp(chunk.type):
        return np.full(len(chunk), MISSING, dtype=np.int64)
    micros = chunk if chunk.type == TIME_US else chunk.cast(pa.timestamp("us", tz=chunk.type.tz), safe=False)
    whole = micros.view(pa.int64())
    return np.asarray((whole.fill_null(MISSING) if whole.null_count else whole).to_numpy(zero_copy_only=False))


def multiples_of(chunk: pa.Array, resolution: float) -> IntArray:
    """Rounded half to even; an integer is kept exactly where the resolution divides 1."""
    if not is_number(chunk.type):
        return np.full(len(chunk), MISSING, dtype=np.int64)
    known = chunk.is_valid().to_numpy(zero_copy_only=False)
    values = chunk.fill_null(0).to_numpy(zero_copy_only=False)
    steps = 1 / exact(resolution)
    with np.errstate(over="ignore", invalid="ignore"):
        multiples = values.astype(np.float64) / resolution
        known = known & (np.abs(multiples) < MULTIPLES_MAX)
        if pa.types.is_integer(chunk.type) and steps.denominator == 1:
            multiples = values.astype(np.int64) * int(steps)
        else:
            multiples = np.rint(np.where(known, multiples, 0.0)).astype(np.int64)
    return np.where(known, multiples, MISSING)


def matching(chunk: pa.Array, equals: tuple[AttributeValue, ...]) -> IntArray:
    """Numbers equal integers of the same value; texts, flags and times only equal their own kind."""
    kind = chunk.type
    if is_text(kind):
        codes, names = encoded(chunk)
        wanted = {value for value in equals if isinstance(value, str)}
        return np.append(np.array([name in wanted for name in names.to_pylist()], dtype=np.int64), MISSING)[codes]
    if pa.types.is_timestamp(kind):
        values = time_values(chunk)
        wanted_us = np.array([value.us for value in equals if isinstance(value, TimeValue)], dtype=np.int64)
        return np.where(values == MISSING, MISSING, np.isin(values, wanted_us).astype(np.int64))
    flags = pa.types.is_boolean(kind)
    alike = [value for value in equals if isinstance(value, (bool, int, float)) and isinstance(value, bool) == flags]
    hits = np.zeros(len(chunk), dtype=bool)
    for value in alike:
        hits |= pc.equal(chunk, pa.scalar(value)).fill_null(False).to_numpy(zero_copy_only=False)
    return np.where(chunk.is_valid().to_numpy(zero_copy_only=False), hits.astype(np.int64), MISSING)


def batch_of(tables: Sequence[pa.Table]) -> EventBatch:
    """The rows of these tables in the order of (time, tie). At least one row."""
    tables = [table for table in tables if len(table)]
    codes, ids = encoded(joined([_chunk(table, "case_id", pa.utf8()) for table in tables]))
    time = np.concatenate([time_values(_chunk(table, "time", TIME_US)) for table in tables])
    batch = EventBatch(list(tables), codes.astype(np.int64), ids.to_pylist(), time, None)
    if len(time) > 1 and (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        batch.time, batch.case, batch.order = batch.time[order], batch.case[order], order
    if len(time) > 1:
        _break_ties(batch)
    return batch


def _break_ties(batch: EventBatch) -> None:
    """Orders rows of the same instant by tie; only where two of them belong to one case."""
    same = batch.time[1:] == batch.time[:-1]
    if not same.any():
        return
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    by_case = np.lexsort((batch.case[tied], batch.time[tied]))
    case, time = batch.case[tied][by_case], batch.time[tied][by_case]
    twice = (case[1:] == case[:-1]) & (time[1:] == time[:-1])
    if not twice.any():
        return
    order = np.arange(len(batch)) if batch.order is None else batch.order.copy()
    ties = batch.ties_unordered[order[tied]]
    by_tie = np.lexsort((ties, batch.case[tied], batch.time[tied]))
    order[tied] = order[tied][by_tie]
    batch.order, batch.case = order, batch.case.copy()
    batch.case[tied] = case
    ties = ties[by_tie]
    batch.collided = bool((twice & (ties[1:] == ties[:-1])).any())
