"""A fold, and what the differences of its steps add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from services.scoring.fold.cases import CaseFold
from services.scoring.fold.evicted_cases import EvictedCases
from services.scoring.fold.step import DecodedPage, FoldStep
from services.scoring.scores.statistics import PartChange, PartStats, Place, accumulate
from services.scoring.system.model import IndicatorSystem


class CountedFold(CaseFold):
    def __init__(self, system: IndicatorSystem, evicted: EvictedCases | None = None) -> None:
        super().__init__(system, evicted)
        self.sums: dict[Place, PartStats] = {}

    def fold(self, pages: Sequence[DecodedPage], now_us: int | None = None) -> FoldStep:
        return self._counted(super().fold(pages, now_us))

    def rebuild(self, case_ids: Sequence[str], tables: Sequence[pa.Table], now_us: int | None = None) -> FoldStep:
        return self._counted(super().rebuild(case_ids, tables, now_us))

    def _counted(self, step: FoldStep) -> FoldStep:
        accumulate(self.sums, step.parts)
        return step

    def parts(self) -> list[PartChange]:
        """Every window that holds a case, ordered by series and window."""
        return [PartChange(*place, stats) for place, stats in sorted(self.sums.items(), key=lambda item: item[0])]

    def again(self, snapshot: bytes, evicted: EvictedCases | None = None, sums: Any = None) -> CountedFold:
        """As a restart has it: cases from a snapshot, sums as they were then (now, if not given)."""
        restored = CountedFold.restore(self.system, snapshot, evicted)
        assert isinstance(restored, CountedFold)
        restored.sums = dict(self.sums if sums is None else sums)
        return restored
