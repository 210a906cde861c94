"""The whole log folded under one version in memory, for what is computed once and published nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from services.scoring.fold.cases import CaseFold
from services.scoring.fold.step import DecodedPage
from services.scoring.scores.statistics import PartStats, Place, accumulate
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import series_name
from services.scoring.system.series_budget import SliceDimensions, slice_limit


class TooManyCases(ValueError):
    """The log has more cases than may be held in memory."""


@dataclass
class HistoryFold:
    """Partitions of a log under one system. sums: exact statistics of every window so far.

    Raises TooManyCases beyond `cases_max` cases.
    """

    system: IndicatorSystem
    cases_max: int
    sums: dict[Place, PartStats] = field(default_factory=dict)
    event_count: int = 0
    _folds: dict[int, CaseFold] = field(default_factory=dict)
    _values: dict[str, set[str]] = field(default_factory=dict)
    _dropped: frozenset[SliceDimensions] = frozenset()

    def take(self, pages: Mapping[int, Sequence[DecodedPage]], now_us: int | None) -> dict[int, list[str]]:
        """Folds pages by partition. Returns cases with corrections by partition: `rebuild` takes all their events.

        now_us: the watermark. Partitions without a page are moved to it too.
        """
        corrected: dict[int, list[str]] = {}
        for partition in pages.keys() - self._folds.keys():
            self._folds[partition] = CaseFold(self.system)
        for partition, fold in self._folds.items():
            if partition not in pages and not fold.is_due(now_us):
                continue
            step = fold.fold(pages.get(partition, ()), now_us)
            accumulate(self.sums, step.parts)
            self.event_count += step.events
            if step.corrected_cases:
                corrected[partition] = list(step.corrected_cases)
            for name, values in step.values.items():
                self._values.setdefault(name, set()).update(values)
        self._dropped |= slice_limit(self.system.spec).over({name: len(met) for name, met in self._values.items()})
        for fold in self._folds.values():
            fold.drop(self._dropped)
        if sum(fold.case_count for fold in self._folds.values()) > self.cases_max:
            raise TooManyCases
        return corrected

    def rebuild(self, partition: int, cases: Sequence[str], events: Sequence[pa.Table], now_us: int | None) -> None:
        accumulate(self.sums, self._folds[partition].rebuild(cases, events, now_us).parts)

    def scored(self) -> dict[Place, PartStats]:
        """Without slices that have too many combinations of values over all partitions."""
        return {
            place: stats for place, stats in self.sums.items() if series_name(place[0]).dimensions not in self._dropped
        }
