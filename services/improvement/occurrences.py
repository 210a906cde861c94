"""Which signals belong together: runs of one indicator's alarms in time, and the symptoms that they explain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise

from services.improvement.model import ActiveSignal, Family, ProblemName

# A run ends when nothing alarms for so many of its windows.
QUIET_WINDOWS = 7


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
        return min(signal.start_us for signal in self.own)

    @property
    def end_us(self) -> int:
        return max(signal.end_us for signal in self.own)

    @property
    def signal_names(self) -> frozenset[str]:
        return frozenset(signal.name for signal in (*self.own, *self.symptoms))


def occurrences(signals: Iterable[ActiveSignal]) -> list[Occurrence]:
    """Depends on the set of signals only, not on their order. O(n log n)."""
    by_family: dict[Family, list[ActiveSignal]] = defaultdict(list)
    for signal in signals:
        by_family[signal.family].append(signal)
    runs = [run for family in sorted(by_family, key=_family_order) for run in _runs(family, by_family[family])]
    return _with_symptoms(runs)


def _family_order(family: Family) -> tuple[str, str, str]:
    return family.process, family.system, family.indicator


def _runs(family: Family, signals: Sequence[ActiveSignal]) -> list[Occurrence]:
    ordered = sorted(signals, key=lambda signal: (signal.start_us, signal.end_us, signal.name))
    runs: list[list[ActiveSignal]] = [ordered[:1]]
    reach_us = ordered[0].end_us
    for _, signal in pairwise(ordered):
        if signal.start_us - reach_us > QUIET_WINDOWS * (signal.end_us - signal.start_us):
            runs.append([])
        runs[-1].append(signal)
        reach_us = max(reach_us, signal.end_us)
    return [Occurrence(family, tuple(run)) for run in runs]


def _with_symptoms(runs: list[Occurrence]) -> list[Occurrence]:
    """A run joins the earliest overlapping run of an indicator that explains it; chains are followed to their head."""
    heads = {index: _head(index, runs) for index in range(len(runs))}
    joined: dict[int, list[ActiveSignal]] = defaultdict(list)
    for index, head in heads.items():
        if head != index:
            joined[head] += runs[index].own
    return [
        replace(run, symptoms=tuple(sorted(joined[index], key=lambda signal: (signal.start_us, signal.name))))
        for index, run in enumerate(runs)
        if heads[index] == index
    ]


def _head(index: int, runs: list[Occurrence]) -> int:
    seen = {index}
    while (driver := _driver(runs[index], runs)) is not None and driver not in seen:
        seen.add(driver)
        index = driver
    return index


def _driver(run: Occurrence, runs: list[Occurrence]) -> int | None:
    drivers = {name for signal in run.own for name in signal.symptom_of}
    overlapping = [
        (other.start_us, index)
        for index, other in enumerate(runs)
        if other.family.indicator in drivers
        and (other.family.process, other.family.system) == (run.family.process, run.family.system)
        and other.start_us <= run.end_us
        and run.start_us <= other.end_us
    ]
    return min(overlapping)[1] if overlapping else None
