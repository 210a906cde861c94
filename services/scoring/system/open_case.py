"""An open case under one target, and what changes of it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class ClockState(IntEnum):
    """As in the contract. NONE: no clock runs."""

    NONE = 0
    ON_TIME = 1
    AT_RISK = 2
    LATE = 3


class ClockChange(IntEnum):
    """As in the contract."""

    STARTED = 1
    AT_RISK = 2
    LATE = 3
    STOPPED = 4
    CHANGED = 5


@dataclass(frozen=True)
class OpenCase:
    """Times in microseconds since 1970 UTC. opened_us None: unknown. slice: known values by dimension."""

    case_id: str
    indicator: str
    opened_us: int | None
    risk_us: int
    due_us: int
    slice: Mapping[str, str]

    def state(self, now_us: int | None) -> ClockState:
        """At a moment; None: none has come yet."""
        if now_us is None or now_us < min(self.risk_us, self.due_us):
            return ClockState.ON_TIME
        return ClockState.LATE if now_us >= self.due_us else ClockState.AT_RISK


@dataclass(frozen=True)
class OpenCaseChange:
    """state: after the change; of one that stopped, before it."""

    kind: ClockChange
    state: ClockState
    case: OpenCase

    @property
    def stopped(self) -> bool:
        return self.kind is ClockChange.STOPPED


def change_kind(before: ClockState, after: ClockState) -> ClockChange:
    if before is ClockState.NONE:
        return ClockChange.STARTED
    if after is ClockState.NONE:
        return ClockChange.STOPPED
    if after > before:
        return ClockChange.LATE if after is ClockState.LATE else ClockChange.AT_RISK
    return ClockChange.CHANGED
