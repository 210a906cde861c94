"""What depends on the sequence of a case's events: what came again, what followed what, and when clocks stood still."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.scoring.fold.batch import MISSING, EventBatch, IntArray
from services.scoring.fold.columns import EARLIEST, LATEST, Arrays, StateColumn, grown, integers
from services.scoring.fold.hashes import HashArray
from services.scoring.fold.sources import ActivityClasses, Source, StateSource

NONE = -1
WASTE_MIN = 4_096
"""Rows that must be dead before the store is written again."""


class Presence(StateColumn):
    """Which activities a case has had: one bit each, 64 to a word."""

    words: HashArray

    def __init__(self) -> None:
        self.fills = {"words": (np.uint64, 0)}
        self.words = np.zeros((0, 0), dtype=np.uint64)
        self.bit_by_activity: dict[str, int] = {}

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        codes, names = batch.activities
        bits = np.array([self.bit_by_activity.setdefault(name, len(self.bit_by_activity)) for name in names])
        self._widen()
        for word in np.unique(bits // 64):
            here = np.where(bits // 64 == word, np.uint64(1) << (bits % 64).astype(np.uint64), np.uint64(0))
            met = np.zeros(batch.case_count, dtype=np.uint64)
            np.bitwise_or.at(met, batch.case, here[codes])
            self.words[word, cases] |= met

    def _widen(self) -> None:
        width = (len(self.bit_by_activity) + 63) // 64
        more = np.zeros((max(0, width - len(self.words)), self.words.shape[1]), dtype=np.uint64)
        self.words = np.concatenate([self.words, more])

    def put(self, cases: IntArray, arrays: Arrays) -> None:
        self._widen()
        width = len(arrays["words"])
        self.words[:width, cases] = arrays["words"]
        self.words[width:, cases] = 0

    def distinct(self, activities: tuple[str, ...], cases: IntArray) -> IntArray:
        """How many of these activities (none named: of all) each case has had."""
        total = np.zeros(len(cases), dtype=np.int64)
        for word, mask in enumerate(self._masks(activities)):
            total += np.bitwise_count(self.words[word, cases] & mask)
        return total

    def _masks(self, activities: tuple[str, ...]) -> HashArray:
        if not activities:
            return np.full(len(self.words), 2**64 - 1, dtype=np.uint64)
        bits = [self.bit_by_activity[name] for name in activities if name in self.bit_by_activity]
        masks = np.zeros(len(self.words), dtype=np.uint64)
        for bit in bits:
            masks[bit // 64] |= np.uint64(1 << (bit % 64))
        return masks


def run_starts(sorted_keys: IntArray) -> IntArray:
    """Where each run of equal keys begins."""
    return (
        np.flatnonzero(np.append(True, sorted_keys[1:] != sorted_keys[:-1]))
        if len(sorted_keys)
        else np.zeros(0, np.int64)
    )


def spread(starts: IntArray, sizes: IntArray) -> IntArray:
    """The places starts[i], starts[i] + 1, ... of every block, one block after the other."""
    shift = starts - (np.cumsum(sizes) - sizes)
    return np.asarray(np.arange(int(sizes.sum())) + np.repeat(shift, sizes))


@dataclass
class Rows:
    """Events of some cases as columns, ordered by (case, time, tie, value)."""

    case: IntArray
    time: IntArray
    tie: HashArray
    value: IntArray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, places: IntArray | NDArray[np.bool_]) -> Rows:
        return Rows(self.case[places], self.time[places], self.tie[places], self.value[places])

    def followed_by(self, other: Rows) -> Rows:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("case", "time", "tie", "value"))
        return Rows(*(np.concatenate(pair) for pair in pairs))


@dataclass
class RowStore:
    """Rows of many cases in blocks: each block is one case's rows of one batch and knows the case's block before it.

    Appending costs what is appended, reading a case its own rows. Dead blocks are dropped once they outweigh the rest.
    """

    time: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    tie: HashArray = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    value: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    start: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    size: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    before: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    row_count: int = 0
    block_count: int = 0
    dead: int = 0

    def append(self, rows: Rows, sizes: IntArray, before: IntArray) -> IntArray:
        """Keeps rows as consecutive blocks of these sizes; returns the number of each block."""
        starts = self.row_count + np.cumsum(sizes) - sizes
        self._write("row_count", {"time": rows.time, "tie": rows.tie, "value": rows.value})
        blocks = np.arange(self.block_count, self.block_count + len(sizes))
        self._write("block_count", {"start": starts, "size": sizes, "before": before})
        return blocks

    def _write(self, counter: str, values: dict[str, NDArray[np.generic]]) -> None:
        used = getattr(self, counter)
        needed = used + len(next(iter(values.values())))
        for name, more in values.items():
            if len(getattr(self, name)) < needed:
                setattr(self, name, grown(getattr(self, name), max(needed, 2 * used), 0))
            getattr(self, name)[used:needed] = more
        setattr(self, counter, needed)

    def read(self, heads: IntArray) -> Rows:
        """All rows behind these last blocks; `case`: the place in `heads`. One pass per block of the longest chain."""
        owners, blocks = [], []
        owner, block = np.arange(len(heads)), heads
        while (kept := np.flatnonzero(block != NONE)).size:
            owner, block = owner[kept], block[kept]
            owners.append(owner)
            blocks.append(block)
            block = self.before[block]
        if not owners:
            nothing = np.zeros(0, dtype=np.int64)
            return Rows(nothing, nothing, nothing.view(np.uint64), nothing)
        chain = np.concatenate(blocks)
        places = spread(self.start[chain], self.size[chain])
        case = np.repeat(np.concatenate(owners), self.size[chain])
        return Rows(case, self.time[places], self.tie[places], self.value[places])


class RowColumn(StateColumn):
    """Keeps rows of each case, so that what was counted from them in one order can be counted again in another."""

    head: IntArray
    row_count: IntArray

    def __init__(self) -> None:
        self.store = RowStore()
        self.fills = {"head": (np.int64, NONE), "row_count": (np.int64, 0)} | self.fills
        super().__init__()

    @abstractmethod
    def sorted_rows(self, heads: IntArray) -> Rows:
        """All rows behind these blocks by case, time and what else orders them."""

    def reset(self, cases: IntArray) -> None:
        self.store.dead += int(self.row_count[cases].sum())
        super().reset(cases)
        self.tidy()

    def append(self, rows: Rows, cases: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Keeps rows that are by case. Of each case: where its rows begin, how many, its place in the batch, its id."""
        starts = run_starts(rows.case)
        sizes = np.diff(np.append(starts, len(rows)))
        local = rows.case[starts]
        at = cases[local]
        self.head[at] = self.store.append(rows, sizes, self.head[at])
        self.row_count[at] += sizes
        return starts, sizes, local, at

    def joined(self, cases: IntArray) -> Rows:
        """The rows of these cases, each of which has some; from now on they are one block a case."""
        rows = self.sorted_rows(self.head[cases])
        self.head[cases] = self.store.append(rows, self.row_count[cases], np.full(len(cases), NONE))
        self.store.dead += len(rows)
        self.tidy()
        return rows

    def tidy(self) -> None:
        """Writes the living rows again, one block per case, once dead ones outweigh them."""
        if self.store.dead < max(WASTE_MIN, self.store.row_count // 2):
            return
        cases = np.flatnonzero(self.head != NONE)
        rows = self.sorted_rows(self.head[cases])
        self.store = RowStore()
        sizes = np.bincount(rows.case, minlength=len(cases))
        self.head[cases] = self.store.append(rows, sizes, np.full(len(cases), NONE))

    def taken(self, cases: IntArray) -> Arrays:
        """The rows in the order of the cases instead of the blocks that they lie in."""
        arrays = super().taken(cases)
        rows = self.sorted_rows(integers(arrays.pop("head")))
        return arrays | {"row_time": rows.time, "row_tie": rows.tie, "row_value": rows.value}

    def put(self, cases: IntArray, arrays: Arrays) -> None:
        super().put(cases, arrays | {"head": np.full(len(cases), NONE)})
        some = np.flatnonzero(self.row_count[cases])
        sizes = self.row_count[cases[some]]
        rows = Rows(
            np.repeat(some, sizes),
            np.asarray(arrays["row_time"], dtype=np.int64),
            np.asarray(arrays["row_tie"], dtype=np.uint64),
            np.asarray(arrays["row_value"], dtype=np.int64),
        )
        self.head[cases[some]] = self.store.append(rows, sizes, np.full(len(some), NONE))

    def chosen(self, arrays: Arrays, places: IntArray) -> Arrays:
        sizes = np.asarray(arrays["row_count"], dtype=np.int64)
        rows = spread((np.cumsum(sizes) - sizes)[places], sizes[places])
        return {
            name: values[rows] if name.startswith("row_") and name != "row_count" else values[..., places]
            for name, values in arrays.items()
        }

    def narrow(self, cases: IntArray, capacity: int) -> None:
        before = int(self.row_count.sum())
        super().narrow(cases, capacity)
        self.store.dead += before - int(self.row_count.sum())
        self.tidy()


class Neighbours(RowColumn):
    """Counts events of a case by the ones before them, among the events whose value is known.

    In-order events only meet the last values of their case; a case that gets an earlier event is counted from its rows.
    counters: the names of what is counted. value, before: the last value, and the last one that differs from it.
    """

    counters: tuple[str, ...]
    time: IntArray
    tie: HashArray
    value: IntArray
    before: IntArray

    def __init__(self, source: Source) -> None:
        self.source = source
        self.fills = dict.fromkeys(self.counters, (np.int64, 0))
        self.fills |= {"time": (np.int64, MISSING), "tie": (np.uint64, 0)}
        self.fills |= {"value": (np.int64, MISSING), "before": (np.int64, MISSING)}
        super().__init__()

    @abstractmethod
    def counted(self, case: IntArray, value: IntArray) -> dict[str, NDArray[np.bool_]]:
        """By counter: whether each event counts. The first of a case may be `before` instead of all that came first."""

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        rows = self._rows(batch)
        if not len(rows):
            return
        starts, sizes, _, at = self.append(rows, cases)
        rows.case = np.repeat(np.arange(len(at)), sizes)
        # Where the first new row does not lie strictly after the last one of the case.
        time, tie = rows.time[starts], rows.tie[starts]
        after = (time > self.time[at]) | ((time == self.time[at]) & (tie > self.tie[at]))
        late = ~after & (self.value[at] != MISSING)
        if late.any():
            self._recount(at[late])
            rows = rows.take(~late[rows.case])
        self._go_on(at, rows)

    def _rows(self, batch: EventBatch) -> Rows:
        values = self.source.values(batch)
        order, case, time, tie = batch.by_case
        rows = Rows(case, time, tie, values[order])
        known = rows.value != MISSING
        rows = rows if known.all() else rows.take(known)
        if batch.collided:
            return rows.take(np.lexsort((self.source.rank(rows.value), rows.tie, rows.time, rows.case)))
        return rows

    def _recount(self, cases: IntArray) -> None:
        for name in (*self.counters, "value", "before"):
            getattr(self, name)[cases] = self.fills[name][1]
        self._go_on(cases, self.joined(cases))

    def _go_on(self, at: IntArray, rows: Rows) -> None:
        """Takes rows that follow what is known of their cases; `case`: the place in `at`."""
        if not len(rows):
            return
        here = rows.case[run_starts(rows.case)]
        kept = [
            (here[known], values[known])
            for values in (self.before[at[here]], self.value[at[here]])
            for known in (values != MISSING,)
        ]
        case = np.concatenate([*(place for place, _ in kept), rows.case])
        value = np.concatenate([*(values for _, values in kept), rows.value])
        fresh = np.arange(len(case)) >= len(case) - len(rows)
        order = np.argsort(case, kind="stable")
        case, value, fresh = case[order], value[order], fresh[order]
        for name, counts in self.counted(case, value).items():
            getattr(self, name)[at] += np.bincount(case[counts & fresh], minlength=len(at))
        begins = run_starts(case)
        ends = np.append(begins[1:], len(case)) - 1
        changes = np.append(True, (value[1:] != value[:-1]) | (case[1:] != case[:-1]))
        run = np.maximum.accumulate(np.where(changes, np.arange(len(case)), 0))[ends]
        last = np.append(run_starts(rows.case)[1:], len(rows)) - 1
        at = at[here]
        self.time[at], self.tie[at], self.value[at] = rows.time[last], rows.tie[last], value[ends]
        self.before[at] = np.where(run > begins, value[run - 1], MISSING)

    def sorted_rows(self, heads: IntArray) -> Rows:
        rows = self.store.read(heads)
        return rows.take(np.lexsort((self.source.rank(rows.value), rows.tie, rows.time, rows.case)))


class Handovers(Neighbours):
    """How often a case went from one value to another, and how often it went back to the one that it came from."""

    counters = ("changes", "back")
    changes: IntArray
    back: IntArray

    def counted(self, case: IntArray, value: IntArray) -> dict[str, NDArray[np.bool_]]:
        first = np.append(True, case[1:] != case[:-1])
        begins = first | np.append(True, value[1:] != value[:-1])
        runs = np.flatnonzero(begins)
        back = np.zeros(len(case), dtype=np.bool_)
        two_before = (case[runs[2:]] == case[runs[:-2]]) & (value[runs[2:]] == value[runs[:-2]])
        back[runs[2:]] = two_before
        return {"changes": begins & ~first, "back": back}


class Successions(Neighbours):
    """How often an event of some activities is directly followed by one of others."""

    counters = ("count",)
    count: IntArray

    def __init__(self, source: ActivityClasses) -> None:
        super().__init__(source)

    def counted(self, case: IntArray, value: IntArray) -> dict[str, NDArray[np.bool_]]:
        pairs = (value[:-1] & ActivityClasses.FIRST > 0) & (value[1:] & ActivityClasses.SECOND > 0)
        return {"count": np.append(False, pairs & (case[1:] == case[:-1]))}


class EventTimes(RowColumn):
    """The times of all events with one of these activities (none named: any), for moments that others bound."""

    def __init__(self, activities: tuple[str, ...]) -> None:
        self.activities = activities
        self.fills = {}
        super().__init__()

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        order, case, time, tie = batch.by_case
        rows = Rows(case, time, tie, np.zeros(len(case), dtype=np.int64))
        wanted = batch.rows_of(self.activities)
        if wanted is not None:
            is_wanted = np.zeros(len(batch), dtype=np.bool_)
            is_wanted[wanted] = True
            rows = rows.take(is_wanted[order])
        if len(rows):
            self.append(rows, cases)

    def sorted_rows(self, heads: IntArray) -> Rows:
        rows = self.store.read(heads)
        return rows.take(np.lexsort((rows.tie, rows.time, rows.case)))

    def within(self, cases: IntArray, after_us: IntArray, before_us: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """How many events lie strictly between two instants of each case, the first and the last; MISSING: none."""
        rows = self.store.read(self.head[cases])
        inside = (rows.time > after_us[rows.case]) & (rows.time < before_us[rows.case])
        case, time = rows.case[inside], rows.time[inside]
        count = np.bincount(case, minlength=len(cases))
        first, last = np.full(len(cases), LATEST), np.full(len(cases), EARLIEST)
        np.minimum.at(first, case, time)
        np.maximum.at(last, case, time)
        return count, np.where(count > 0, first, MISSING), np.where(count > 0, last, MISSING)


class Pauses(RowColumn):
    """When a clock stands still: from an event that says one of some states to the next that ends it."""

    def __init__(self, source: StateSource) -> None:
        self.source = source
        self.fills = {}
        super().__init__()

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        values = self.source.values(batch)
        order, case, time, tie = batch.by_case
        rows = Rows(case, time, tie, values[order])
        rows = rows.take(rows.value != MISSING)
        if len(rows):
            self.append(rows, cases)

    def sorted_rows(self, heads: IntArray) -> Rows:
        rows = self.store.read(heads)
        return rows.take(np.lexsort((rows.value, rows.tie, rows.time, rows.case)))

    def open_since(self, cases: IntArray) -> IntArray:
        """Since when the clock of each case is stopped; MISSING: it goes on."""
        rows = self.sorted_rows(self.head[cases])
        since = np.full(len(cases), MISSING, dtype=np.int64)
        if not len(rows):
            return since
        begins = np.append(True, (rows.case[1:] != rows.case[:-1]) | (rows.value[1:] != rows.value[:-1]))
        ends = np.append(run_starts(rows.case)[1:], len(rows)) - 1
        run = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))[ends]
        stopped = rows.value[ends] == StateSource.PAUSED
        since[rows.case[ends[stopped]]] = rows.time[run[stopped]]
        return since

    def between(self, cases: IntArray, start_us: IntArray, end_us: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Spans in which clocks that run from start to end stand still: place in `cases`, start and end of each."""
        rows = self.sorted_rows(self.head[cases])
        same = rows.case[1:] == rows.case[:-1]
        rows = rows.take(np.append(True, ~same | (rows.value[1:] != rows.value[:-1]))[: len(rows)])
        stops = np.flatnonzero(rows.value == StateSource.PAUSED)
        case = rows.case[stops]
        following = np.minimum(stops + 1, max(len(rows) - 1, 0))
        ended = (following > stops) & (rows.case[following] == case)
        start = np.maximum(rows.time[stops], start_us[case])
        end = np.minimum(np.where(ended, rows.time[following], LATEST), end_us[case])
        lasts = start < end
        return case[lasts], start[lasts], end[lasts]
