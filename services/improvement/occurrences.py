"""Which signals belong together: runs of one indicator's alarms in time, and the symptoms that they explain.

An occurrence follows from the set of active signals alone, so that order, batches and restarts cannot change it. It is
also local: a run ends where nothing alarms for `QUIET_WINDOWS` windows, and a run is linked only with runs that overlap
it. `reaches` says how far a run can be linked, so that a store can hand over the part of the past that a changed signal
can reach, and no more: what lies outside of it is the same before and after the change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from typing import Protocol, TypeVar

from services.improvement.model import DAY_US, ActiveSignal, AlarmRun, Family, ProblemName, Reach

# A run ends when nothing alarms for so many of its windows.
QUIET_WINDOWS = 7
# No window is longer than a month.
QUIET_US_MAX = QUIET_WINDOWS * 31 * DAY_US


class Alarm(Protocol):
    """What a run is made of: a window that alarmed."""

    @property
    def name(self) -> str: ...
    @property
    def start_us(self) -> int: ...
    @property
    def end_us(self) -> int: ...


A = TypeVar("A", bound=Alarm)


@dataclass(frozen=True)
class Occurrence:
    """Signals of one family without a long quiet between them, and those of other indicators that they explain."""

    family: Family
    own: tuple[ActiveSignal, ...]
    symptoms: tuple[ActiveSignal, ...] = ()

    @property
    def name(self) -> ProblemName:
        """Follows from the signals alone: the same set of events gives the same name."""
        first = f"{self.family.process}/{self.family.system}/{self.family.indicator}@{self.start_us}"
        return ProblemName(f"problems/{blake2b(first.encode(), digest_size=10).hexdigest()}")

    @property
    def start_us(self) -> int:
        return self.own[0].start_us

    @property
    def end_us(self) -> int:
        return max(signal.end_us for signal in self.own)

    @property
    def signal_names(self) -> frozenset[str]:
        return frozenset(signal.name for signal in (*self.own, *self.symptoms))


def joins_us(alarm: Alarm) -> int:
    """What ends at or after this time is in one run with the alarm."""
    return alarm.start_us - QUIET_WINDOWS * (alarm.end_us - alarm.start_us)


def runs(alarms: Iterable[A]) -> list[tuple[A, ...]]:
    """Runs of the alarms of one family, in time order. They lie apart in time. O(n log n)."""
    ordered = sorted(alarms, key=lambda alarm: (alarm.start_us, alarm.end_us, alarm.name))
    if not ordered:
        return []
    found = [[ordered[0]]]
    reach_us = ordered[0].end_us
    for _, alarm in pairwise(ordered):
        if joins_us(alarm) > reach_us:
            found.append([])
        found[-1].append(alarm)
        reach_us = max(reach_us, alarm.end_us)
    return [tuple(run) for run in found]


def placed(family: Family, run: Sequence[Alarm]) -> AlarmRun:
    return AlarmRun(family, run[0].start_us, max(alarm.end_us for alarm in run), joins_us(run[0]))


def occurrences(signals: Iterable[ActiveSignal]) -> list[Occurrence]:
    """Depends on the set of signals only, not on their order. O(n log n)."""
    by_family: dict[Family, list[ActiveSignal]] = defaultdict(list)
    for signal in signals:
        by_family[signal.family].append(signal)
    ordered = sorted(by_family, key=lambda family: (family.process, family.system, family.indicator))
    return _with_symptoms([Occurrence(family, run) for family in ordered for run in runs(by_family[family])])


def alarm_runs(occurrence: Occurrence) -> list[AlarmRun]:
    """Its own run, and those of its symptoms."""
    by_family: dict[Family, list[ActiveSignal]] = defaultdict(list)
    for signal in (*occurrence.own, *occurrence.symptoms):
        by_family[signal.family].append(signal)
    return [placed(family, run) for family, signals in by_family.items() for run in runs(signals)]


def reaches(signals: Iterable[ActiveSignal], symptoms_of: Mapping[Family, Sequence[Family]]) -> Iterator[Reach]:
    """Where runs may lie that are one with the runs of these signals, explain them, or are explained by them.

    `symptoms_of`: the families that signals of a family may explain.
    """
    by_family: dict[Family, list[ActiveSignal]] = defaultdict(list)
    for signal in signals:
        by_family[signal.family].append(signal)
    for family, found in by_family.items():
        for run in runs(found):
            place = placed(family, run)
            yield Reach(family, place.joins_us, place.end_us)
            drivers = {replace(family, indicator=name) for signal in run for name in signal.symptom_of}
            for linked in (*drivers, *symptoms_of.get(family, ())):
                yield Reach(linked, place.start_us, place.end_us, linked=True)


def _with_symptoms(found: list[Occurrence]) -> list[Occurrence]:
    """A run joins the earliest overlapping run of an indicator that explains it; chains are followed to their head."""
    by_family: dict[Family, list[int]] = defaultdict(list)
    for index, one in enumerate(found):
        by_family[one.family].append(index)
    drivers = [_driver(one, found, by_family) for one in found]
    joined: dict[int, list[ActiveSignal]] = defaultdict(list)
    heads = [_head(index, drivers) for index in range(len(found))]
    for index, head in enumerate(heads):
        if head != index:
            joined[head] += found[index].own
    return [
        replace(one, symptoms=tuple(sorted(joined[index], key=lambda signal: (signal.start_us, signal.name))))
        for index, one in enumerate(found)
        if heads[index] == index
    ]


def _head(index: int, drivers: Sequence[int | None]) -> int:
    """Indicators that explain each other go round in a circle: its first run is the head of all."""
    path = [index]
    while (driver := drivers[path[-1]]) is not None and driver not in path:
        path.append(driver)
    return path[-1] if driver is None else min(path[path.index(driver) :])


def _driver(run: Occurrence, found: Sequence[Occurrence], by_family: Mapping[Family, Sequence[int]]) -> int | None:
    names = {name for signal in run.own for name in signal.symptom_of}
    overlapping = [
        (found[index].start_us, index)
        for name in names
        for index in by_family.get(replace(run.family, indicator=name), ())
        if found[index].start_us <= run.end_us and run.start_us <= found[index].end_us
    ]
    return min(overlapping)[1] if overlapping else None
