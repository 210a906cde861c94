"""The state of all cases as columns: each takes a batch of events in any order and keeps what its measure needs."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from services.scoring.fold.batch import MISSING, EventBatch, IntArray
from services.scoring.fold.hashes import HashArray
from services.scoring.fold.sources import Source
from services.scoring.system.case_model import Pick

Arrays = dict[str, NDArray[np.generic]]
LATEST = np.iinfo(np.int64).max
EARLIEST = np.iinfo(np.int64).min


def grown(values: NDArray[np.generic], capacity: int, fill: int) -> NDArray[np.generic]:
    """The same values with room for more along the last axis."""
    larger = np.full((*values.shape[:-1], capacity), fill, dtype=values.dtype)
    larger[..., : values.shape[-1]] = values
    return larger


def integers(values: NDArray[np.generic]) -> IntArray:
    return np.asarray(values, dtype=np.int64)


class StateColumn(ABC):
    """Arrays with one place per case, their names, types and what stands in them at first."""

    fills: dict[str, tuple[type[np.generic], int]]

    def __init__(self) -> None:
        for name, (kind, _) in self.fills.items():
            setattr(self, name, np.zeros(0, dtype=kind))

    @abstractmethod
    def update(self, batch: EventBatch, cases: IntArray) -> None:
        """Takes a batch; cases: the number of each of its cases."""

    def reserve(self, capacity: int) -> None:
        self.load(self.arrays(), capacity)

    def reset(self, cases: IntArray) -> None:
        for name, (_, fill) in self.fills.items():
            getattr(self, name)[..., cases] = fill

    def arrays(self) -> Arrays:
        return {name: getattr(self, name) for name in self.fills}

    def taken(self, cases: IntArray) -> Arrays:
        """Everything that is known of these cases."""
        return {name: values[..., cases] for name, values in self.arrays().items()}

    def put(self, cases: IntArray, arrays: Arrays) -> None:
        """Gives these cases, of which nothing is known, what was taken of them."""
        for name in self.fills:
            getattr(self, name)[..., cases] = arrays[name]

    def chosen(self, arrays: Arrays, places: IntArray) -> Arrays:
        """Of what was taken of some cases, the part that belongs to these of them."""
        return {name: values[..., places] for name, values in arrays.items()}

    def narrow(self, cases: IntArray, capacity: int) -> None:
        """Keeps these cases only, numbered again in their order."""
        self.load({name: values[..., cases] for name, values in self.arrays().items()}, capacity)

    def load(self, arrays: Arrays, capacity: int) -> None:
        for name, (_, fill) in self.fills.items():
            setattr(self, name, grown(arrays[name], capacity, fill))


class Extreme(StateColumn):
    """Time of the first or last event with one of these activities (none named: any)."""

    time: IntArray

    def __init__(self, pick: Pick, activities: tuple[str, ...]) -> None:
        self.pick, self.activities = pick, activities
        self.fills = {"time": (np.int64, LATEST if pick is Pick.FIRST else EARLIEST)}
        super().__init__()

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        local, rows = self.winners(batch)
        at = cases[local]
        extreme = np.minimum if self.pick is Pick.FIRST else np.maximum
        self.time[at] = extreme(self.time[at], batch.time[rows])

    def winners(self, batch: EventBatch) -> tuple[IntArray, IntArray]:
        return batch.winners(self.activities, self.pick)

    def times(self, cases: IntArray) -> IntArray:
        """MISSING where there is no such event."""
        times = self.time[cases]
        return np.where(times == self.fills["time"][1], MISSING, times)


class LastReopening(Extreme):
    """Time of the last event that reopens a case by the name of its activity."""

    def __init__(self) -> None:
        super().__init__(Pick.LAST, ())

    def winners(self, batch: EventBatch) -> tuple[IntArray, IntArray]:
        return batch.picked(batch.reopening_rows, self.pick)


class Tally(StateColumn):
    """How many events have one of these activities (none named: any)."""

    count: IntArray

    def __init__(self, activities: tuple[str, ...]) -> None:
        self.activities = activities
        self.fills = {"count": (np.int64, 0)}
        super().__init__()

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        rows = batch.rows_of(self.activities)
        owners = batch.case if rows is None else batch.case[rows]
        self.count[cases] += np.bincount(owners, minlength=batch.case_count)


class Picked(StateColumn):
    """The first or last known value by (time, tie, value); MISSING: none is known."""

    time: IntArray
    tie: HashArray
    value: IntArray

    def __init__(self, pick: Pick, source: Source) -> None:
        self.pick, self.source = pick, source
        self.fills = {"time": (np.int64, 0), "tie": (np.uint64, 0), "value": (np.int64, MISSING)}
        super().__init__()

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        values = self.source.values(batch)
        rows = np.flatnonzero(values != MISSING)
        if batch.collided:
            rows = rows[np.lexsort((self.source.rank(values[rows]), batch.ties(rows), batch.time[rows]))]
        whole = len(rows) == len(batch) and not batch.collided
        local, rows = batch.winners((), self.pick) if whole else batch.picked(rows, self.pick)
        cases, time, tie, value = cases[local], batch.time[rows], batch.ties(rows), values[rows]
        wins = np.where(self.value[cases] == MISSING, True, self._beats(cases, time, tie, value))
        at = cases[wins]
        self.time[at], self.tie[at], self.value[at] = time[wins], tie[wins], value[wins]

    def _beats(self, cases: IntArray, time: IntArray, tie: HashArray, value: IntArray) -> NDArray[np.bool_]:
        """Whether each value comes after (LAST) or before (FIRST) the one that is kept."""
        after = np.greater if self.pick is Pick.LAST else np.less
        wins: NDArray[np.bool_] = after(time, self.time[cases])
        same = np.flatnonzero(time == self.time[cases])
        if same.size:
            tie, kept = tie[same], self.tie[cases[same]]
            rank, kept_rank = self.source.rank(value[same]), self.source.rank(self.value[cases[same]])
            wins[same] = after(tie, kept) | ((tie == kept) & after(rank, kept_rank))
        return wins
