"""How many more windows an undecided proof needs, if the change stays what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from andon.improvement.v1.problem_pb2 import (
    VERDICT_IMPROVED,
    VERDICT_NO_CHANGE,
    VERDICT_UNDECIDED,
    VERDICT_WORSE,
    Goal,
    Verdict,
    Verification,
)


@dataclass(frozen=True)
class Decided:
    """After so many more windows, by this verdict."""

    windows: int
    verdict: Verdict.ValueType


@dataclass(frozen=True)
class NotWithinPlan:
    """The windows that are left of those planned would not decide; 0: they are over."""

    windows: int


Outlook: TypeAlias = Decided | NotWithinPlan


def outlook(proof: Verification, goal: Goal) -> Outlook:
    """Up to the planned windows the interval narrows as the information grows: as 1 / after + 1 / before."""
    for after in range(proof.after_windows + 1, goal.horizon_windows + 1):
        verdict = _verdict(proof.effect, _reach(proof, after), goal.expected_effect)
        if verdict != VERDICT_UNDECIDED:
            return Decided(after - proof.after_windows, verdict)
    return NotWithinPlan(max(0, goal.horizon_windows - proof.after_windows))


def _reach(proof: Verification, after: int) -> float:
    """Half of the interval once there are `after` windows."""
    per_before = 1 / proof.before_windows
    return (proof.upper - proof.lower) / 2 * (1 / after + per_before) / (1 / proof.after_windows + per_before)


def _verdict(effect: float, reach: float, expected: float) -> Verdict.ValueType:
    if abs(effect) + reach <= abs(expected) / 2:
        return VERDICT_NO_CHANGE
    if abs(effect) <= reach:
        return VERDICT_UNDECIDED
    return VERDICT_IMPROVED if (effect < 0) == (expected < 0) else VERDICT_WORSE
