"""What steps of the fold change of clocks of open cases, put together for one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.scoring.fold.batch import MISSING
from services.scoring.fold.open_cases import ClockChanges
from services.scoring.store.open_cases import OpenCaseRow, OpenCaseStep
from services.scoring.system.open_case import ClockState, OpenCase, OpenCaseChange, change_kind
from services.scoring.wire.open_cases import change_entries

ClockKey = tuple[str, str]
"""Case and indicator."""
ClockRows = dict[ClockKey, OpenCaseRow | None]
"""What a clock is after some steps; None: it does not run."""


@dataclass
class GatheredClocks:
    """rows: the last of each clock. cleared: partitions whose rows are all here. changes: for those who follow."""

    rows: ClockRows = field(default_factory=dict)
    cleared: set[int] = field(default_factory=set)
    changes: list[OpenCaseChange] = field(default_factory=list)

    def take(self, partition: int, changes: ClockChanges, targets: Sequence[str]) -> None:
        listed = changes_of(changes, targets)
        self.changes += listed
        self.rows.update(rows_of(partition, listed))

    def clear(self, partition: int, rows: ClockRows) -> None:
        """Everything that is stored of a partition gives way to these."""
        self.cleared.add(partition)
        self.rows = rows | self.rows

    def step(self, bytes_max: int) -> OpenCaseStep:
        """bytes_max: of an entry for those who follow; 0: they are given none."""
        return OpenCaseStep(
            [row for row in self.rows.values() if row is not None],
            [key for key, row in self.rows.items() if row is None],
            sorted(self.cleared),
            change_entries(self.changes, bytes_max) if bytes_max else (),
        )


def changes_of(changes: ClockChanges, targets: Sequence[str]) -> list[OpenCaseChange]:
    """targets: names of indicators, by position."""
    columns = (changes.target, changes.old_state, changes.state, changes.opened_us, changes.risk_us, changes.due_us)
    listed = []
    for case_id, values, target, old, new, opened, risk, due in zip(
        changes.case_ids, changes.slices, *(column.tolist() for column in columns), strict=True
    ):
        before, after = ClockState(old), ClockState(new)
        case = OpenCase(case_id, targets[target], None if opened == MISSING else opened, risk, due, values)
        listed.append(OpenCaseChange(change_kind(before, after), after or before, case))
    return listed


def rows_of(partition: int, changes: Sequence[OpenCaseChange]) -> ClockRows:
    return {
        (one.case.case_id, one.case.indicator): None if one.stopped else OpenCaseRow(partition, one.case)
        for one in changes
    }
