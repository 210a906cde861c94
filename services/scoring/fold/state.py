"""Everything that the fold of one partition holds in memory: its cases as columns, and the names of its series."""

from __future__ import annotations

import numpy as np

from services.scoring.fold.batch import MISSING, IntArray
from services.scoring.fold.columns import grown, integers
from services.scoring.fold.evicted_cases import EvictedCases
from services.scoring.fold.measures import Columns
from services.scoring.fold.observations import WindowIndex
from services.scoring.fold.open_cases import case_targets
from services.scoring.fold.values_met import ValuesMet
from services.scoring.fold.windows import Many
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.open_case import ClockState

CAPACITY_MIN = 1_024
NEVER = np.iinfo(np.int64).max
CASE_FILLS = {
    "anchor": MISSING,
    "value": 0,
    "per": 0,
    "squares": 0,
    "label": MISSING,
    "negative": 0,
    "seen_us": MISSING,
    "due_us": NEVER,
    "clock_due_us": MISSING,
    "clock_risk_us": MISSING,
    "clock_state": int(ClockState.NONE),
}
"""The arrays with one place per case, and what is in a place that no case has yet.

anchor, value: of the last observation, by indicator; value MISSING: the case has none in its windows.
per, squares: of the same observation, by those indicators whose measure is a ratio.
label: by dimension. negative: whether the end of a measure lies before its start.
seen_us: the watermark when the case was last touched. due_us: when a running duration passes a limit, or is at risk of
that, if nothing happens. clock_due_us, clock_risk_us, clock_state: by target, as was said last (`fold.open_cases`).
"""


class CaseState:
    """Cases are numbered as they come, and numbered again whenever some leave memory. Arrays have spare places."""

    def __init__(self, system: IndicatorSystem, evicted: EvictedCases | None = None) -> None:
        spec = system.spec
        self.system = system
        self.evicted = evicted or EvictedCases()
        self.columns = Columns(spec)
        self.windows = WindowIndex(system, self.columns)
        self.values = ValuesMet(spec)
        self.case_ids: list[str] = []
        self.number_by_case: dict[str, int] = {}
        self.corrected: set[str] = set()
        self.watermark_us: int | None = None
        self.negative_spans = 0
        self.anchor = np.zeros((len(spec.indicators), 0), dtype=np.int64)
        self.value = np.zeros((len(spec.indicators), 0), dtype=np.int64)
        ratios = [place for place, indicator in enumerate(spec.indicators) if spec.ratio(indicator) is not None]
        self.ratio_by_position = {position: place for place, position in enumerate(ratios)}
        self.per = np.zeros((len(ratios), 0), dtype=np.int64)
        self.squares = np.zeros((len(ratios), 0), dtype=np.int64)
        self.label = np.zeros((len(spec.dimensions), 0), dtype=np.int64)
        self.negative = np.zeros((len(spec.measures), 0), dtype=np.int64)
        self.targets = case_targets(spec)
        self.clock_due_us, self.clock_risk_us, self.clock_state = (
            np.zeros((len(self.targets), 0), dtype=np.int64) for _ in range(3)
        )
        self.seen_us = np.zeros(0, dtype=np.int64)
        self.due_us = np.zeros(0, dtype=np.int64)
        # No case is due before; MISSING: not known.
        self.next_due_us = MISSING

    def many(self, position: int, cases: IntArray) -> Many | None:
        """What the last observations of these cases represent; None: the indicator at this position is no ratio."""
        if position not in self.ratio_by_position:
            return None
        place = self.ratio_by_position[position]
        return Many(self.per[place, cases], self.squares[place, cases])

    def numbers(self, case_ids: list[str]) -> IntArray:
        """The number of each of these cases; those that are new get one."""
        cases = np.array([self.number_by_case.get(case, MISSING) for case in case_ids], dtype=np.int64)
        fresh = np.flatnonzero(cases == MISSING)
        cases[fresh] = np.arange(len(self.case_ids), len(self.case_ids) + len(fresh))
        self.add([case_ids[place] for place in fresh.tolist()])
        return cases

    def add(self, case_ids: list[str]) -> None:
        """Numbers cases that are new."""
        first = len(self.case_ids)
        self.case_ids += case_ids
        self.number_by_case.update(zip(case_ids, range(first, first + len(case_ids)), strict=True))
        if len(self.case_ids) > self.columns.capacity:
            capacity = max(CAPACITY_MIN, len(self.case_ids), 2 * self.columns.capacity)
            self.columns.reserve(capacity)
            for name, fill in CASE_FILLS.items():
                setattr(self, name, integers(grown(getattr(self, name), capacity, fill)))

    def due(self, now_us: int) -> IntArray:
        """Cases that time alone changes. Linear in the cases in memory, but only when one of them is due."""
        if now_us < self.next_due_us:
            return np.zeros(0, dtype=np.int64)
        due_us = self.due_us[: len(self.case_ids)]
        due = np.flatnonzero(due_us <= now_us)
        self.next_due_us = int(np.delete(due_us, due).min(initial=NEVER))
        return due

    def narrow(self, cases: IntArray) -> None:
        """Keeps these cases only, numbered again in their order."""
        capacity = max(CAPACITY_MIN, len(cases))
        self.columns.narrow(cases, capacity)
        self.case_ids = [self.case_ids[case] for case in cases.tolist()]
        self.number_by_case = {case: number for number, case in enumerate(self.case_ids)}
        for name, fill in CASE_FILLS.items():
            setattr(self, name, integers(grown(getattr(self, name)[..., cases], capacity, fill)))
