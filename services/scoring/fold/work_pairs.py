"""Working time of cases: starts and completions of work, paired first in, first out.

A completion ends the earliest start of the same activity and instance that is open at its time. Which events are
paired depends on the set of events only, so it may be worked out in any order of arrival: events later than all before
meet the starts that are open, and for an earlier one the case is paired again from its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.scoring.fold.batch import MISSING, EventBatch, IntArray, batch_of
from services.scoring.fold.columns import Arrays
from services.scoring.fold.corrections import live_events
from services.scoring.fold.hashes import FACTOR, HashArray, mixed, text_hashes
from services.scoring.fold.sequences import NONE, WASTE_MIN, RowColumn, Rows, RowStore
from services.scoring.system.calendar import SECOND_US

TRANSITION, INSTANCE = "attributes.lifecycle:transition", "attributes.concept:instance"
START, END = 0, 1
# Life cycles of XES (IEEE 1849): what is suspended is not worked on until it is resumed.
TRANSITIONS = {
    "start": START,
    "resume": START,
    "complete": END,
    "suspend": END,
    "ate_abort": END,
    "pi_abort": END,
}


@dataclass(frozen=True)
class Paired:
    """starts and ends: rows of the pairs, in turn. running, unstarted: rows without a partner."""

    starts: IntArray
    ends: IntArray
    running: IntArray
    unstarted: IntArray


def paired(rows: Rows) -> Paired:
    """Pairs rows by case and tie, which says the activity and instance; value: START or END.

    Of one instant, starts come before ends. Cost: O(n log n).
    """
    order = np.lexsort((rows.value, rows.time, rows.tie, rows.case))
    case, tie, is_end = rows.case[order], rows.tie[order], rows.value[order] == END
    first = np.append(True, (case[1:] != case[:-1]) | (tie[1:] != tie[:-1]))[: len(order)]
    group = np.cumsum(first) - 1
    begins = np.flatnonzero(first)
    balance = np.cumsum(np.where(is_end, -1, 1))
    balance -= (balance - np.where(is_end, -1, 1))[begins][group]
    # An end that takes the balance below all before it finds no start that is open. Each group's least balance is
    # found in one pass, as every group lies lower than the one before by more than a balance can be.
    shift = group * (len(order) + 1)
    least = np.minimum.accumulate(np.minimum(balance, 0) - shift) + shift
    before = np.where(first, 0, np.append(0, least[:-1])[: len(order)])
    alone = is_end & (least < before)
    ends = is_end & ~alone
    partners = np.bincount(group[ends], minlength=len(begins))
    starts = np.flatnonzero(~is_end)
    rank = np.cumsum(~is_end)[starts] - 1
    rank -= (np.cumsum(~is_end) - ~is_end)[begins][group[starts]]
    met = rank < partners[group[starts]]
    return Paired(order[starts[met]], order[ends], order[starts[~met]], order[alone])


class WorkPairs(RowColumn):
    """The sum over the pairs of a case's work, and how many starts and completions have no partner.

    spans: ends and starts in microseconds -> the time of each, one for every calendar that a case may follow. Cost of
    an update: the new rows and the open starts of their cases; of a case that gets an earlier event, or two of one
    instant in two updates, all its rows.
    """

    worked: IntArray
    complete: IntArray
    running: IntArray
    unstarted: IntArray
    time: IntArray
    open_head: IntArray

    def __init__(self, activities: tuple[str, ...], *spans: Callable[[IntArray, IntArray], IntArray]) -> None:
        self.activities, self.spans = activities, spans
        self.fills = dict.fromkeys(("worked", "complete", "running", "unstarted"), (np.int64, 0))
        self.fills |= {"time": (np.int64, MISSING), "open_head": (np.int64, NONE)}
        self.open = RowStore()
        super().__init__()
        self.worked = np.zeros((len(spans), 0), dtype=np.int64)

    def seconds(self, cases: IntArray, calendar: IntArray | int = 0) -> IntArray:
        """Rounded to the nearest, halves up; MISSING where no pair is complete. calendar: which of `spans`."""
        seconds = (self.worked[calendar, cases] + SECOND_US // 2) // SECOND_US
        return np.where(self.complete[cases] > 0, seconds, MISSING)

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        rows = self._rows(batch)
        if not len(rows):
            return
        starts, sizes, local, at = self.append(rows, cases)
        late = rows.time[starts] <= self.time[at]
        self.time[at] = np.maximum(self.time[at], rows.time[starts + sizes - 1])
        on_time = np.flatnonzero(~late)
        opened = self.open.read(self.open_head[at[on_time]])
        place = np.full(batch.case_count, NONE)
        place[local[on_time]] = np.arange(len(on_time))
        rows.case = place[rows.case]
        self._pair(at[on_time], opened.followed_by(rows.take(rows.case != NONE)), again=False)
        if late.any():
            self._pair(at[late], self.joined(at[late]), again=True)

    def _rows(self, batch: EventBatch) -> Rows:
        """Starts and ends of these activities, by case and time."""
        codes, names = batch.texts(TRANSITION)
        values = np.array([*(TRANSITIONS.get(name.strip().lower(), MISSING) for name in names), MISSING])[codes]
        if self.activities:
            wanted = np.zeros(len(batch), dtype=np.bool_)
            wanted[batch.rows_of(self.activities)] = True
            values = np.where(wanted, values, MISSING)
        order, case, time, _ = batch.by_case
        places = np.flatnonzero(values[order] != MISSING)
        chosen = order[places]
        return Rows(case[places], time[places], _keys(batch)[chosen], values[chosen])

    def sorted_rows(self, heads: IntArray) -> Rows:
        rows = self.store.read(heads)
        return rows.take(np.lexsort((rows.tie, rows.value, rows.time, rows.case)))

    def _pair(self, cases: IntArray, rows: Rows, again: bool) -> None:
        """Takes rows of these cases, by place in `cases`; again: they are all that the cases have."""
        pairs = paired(rows)
        for worked, spans in zip(self.worked, self.spans, strict=True):
            time = np.zeros(len(cases), dtype=np.int64)
            np.add.at(time, rows.case[pairs.ends], spans(rows.time[pairs.ends], rows.time[pairs.starts]))
            worked[cases] = time if again else worked[cases] + time
        found = {}
        for name, places in (("complete", pairs.ends), ("unstarted", pairs.unstarted)):
            found[name] = np.bincount(rows.case[places], minlength=len(cases))
        for name, counted in found.items():
            getattr(self, name)[cases] = counted if again else getattr(self, name)[cases] + counted
        self._keep_open(cases, rows.take(pairs.running))

    def _keep_open(self, cases: IntArray, rows: Rows) -> None:
        rows = rows.take(np.argsort(rows.case, kind="stable"))
        sizes = np.bincount(rows.case, minlength=len(cases))
        some = np.flatnonzero(sizes)
        self.open.dead += int(self.running[cases].sum())
        self.running[cases] = sizes
        self.open_head[cases] = NONE
        self.open_head[cases[some]] = self.open.append(rows, sizes[some], np.full(len(some), NONE))
        if self.open.dead > max(WASTE_MIN, self.open.row_count // 2):
            cases = np.flatnonzero(self.open_head != NONE)
            rows, self.open = self.open.read(self.open_head[cases]), RowStore()
            self.open_head[cases] = self.open.append(rows, self.running[cases], np.full(len(cases), NONE))

    def reset(self, cases: IntArray) -> None:
        self.open.dead += int(self.running[cases].sum())
        super().reset(cases)

    def taken(self, cases: IntArray) -> Arrays:
        """Without the open starts, which are among the rows."""
        return {name: values for name, values in super().taken(cases).items() if name != "open_head"}

    def put(self, cases: IntArray, arrays: Arrays) -> None:
        super().put(cases, arrays | {"open_head": np.full(len(cases), NONE)})
        some = cases[self.running[cases] > 0]
        rows = self.store.read(self.head[some])
        self.running[some] = 0
        self._keep_open(some, rows.take(paired(rows).running))

    def narrow(self, cases: IntArray, capacity: int) -> None:
        before = int(self.running.sum())
        super().narrow(cases, capacity)
        self.open.dead += before - int(self.running.sum())


def unmatched(tables: Sequence[pa.Table], activities: tuple[str, ...]) -> tuple[int, int]:
    """How many starts and how many completions have no partner, in all events of some cases."""
    live = [table for table in live_events(tables) if len(table)]
    if not live:
        return 0, 0
    batch, pairs = batch_of(live), WorkPairs(activities, np.subtract)
    pairs.reserve(batch.case_count)
    pairs.update(batch, np.arange(batch.case_count))
    return int(pairs.running.sum()), int(pairs.unstarted.sum())


def _keys(batch: EventBatch) -> HashArray:
    """Of each row, a hash of its activity and instance."""
    activity, names = batch.activities
    keys = text_hashes(pa.array(names, pa.utf8()))[activity] * FACTOR
    instance, instances = batch.texts(INSTANCE)
    # The last is that of events without an instance.
    return mixed(keys ^ np.append(text_hashes(pa.array(instances, pa.utf8())), np.uint64(0))[instance])
