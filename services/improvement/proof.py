"""The proof of an action: before against after, by the test that was fixed before it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from andon_quality.effect import Direction, Effect, before_after, before_after_proportion

from services.improvement.model import Action, Problem, Verdict, Verification

BEFORE_WINDOWS_MAX = 60
BEFORE_WINDOWS_MIN = 4


class NotEnoughWindows(Exception):
    """Too few windows before or after the action."""


@dataclass(frozen=True)
class Reading:
    """One complete window of the goal's series; `total` in quanta."""

    start_us: int
    end_us: int
    value: float
    count: int
    total: int
    squares: int


def split_readings(
    problem: Problem, action: Action, readings: Sequence[Reading]
) -> tuple[list[Reading], list[Reading]]:
    """Windows before the action began (of the faulty time, unless the goal says how far back) and after its end."""
    started, done = action.started_us or 0, action.done_us or 0
    since = started - action.goal.before_us if action.goal.before_us is not None else problem.start_us
    before = [reading for reading in readings if reading.start_us >= since and reading.end_us <= started]
    after = [reading for reading in readings if reading.start_us >= done]
    return before[-BEFORE_WINDOWS_MAX:], after


def verify(
    problem: Problem, action: Action, readings: Sequence[Reading], lower_is_better: bool, now_us: int
) -> Verification:
    """Runs the test. The verdict is "improved" only where the whole interval lies on the good side of zero."""
    before, after = split_readings(problem, action, readings)
    if len(before) < BEFORE_WINDOWS_MIN:
        raise NotEnoughWindows(f"{len(before)} windows before the action, {BEFORE_WINDOWS_MIN} are needed")
    if len(after) < action.goal.windows_min:
        raise NotEnoughWindows(f"{len(after)} complete windows after the action, {action.goal.windows_min} are needed")
    effect = _effect(before, after, action, Direction.LOWER if lower_is_better else Direction.HIGHER)
    return Verification(
        verdict=Verdict(effect.verdict.value),
        effect=effect.estimate,
        lower=effect.lower,
        upper=effect.upper,
        confidence=effect.confidence,
        before_mean=_mean(before),
        after_mean=_mean(after),
        before_windows=len(before),
        after_windows=len(after),
        before_start_us=before[0].start_us,
        before_end_us=before[-1].end_us,
        after_start_us=after[0].start_us,
        after_end_us=after[-1].end_us,
        method=effect.method,
        warnings=tuple(f"{check.name}: {check.meaning}" for check in effect.checks if not check.passed),
        verified_at_us=now_us,
    )


def _effect(before: Sequence[Reading], after: Sequence[Reading], action: Action, direction: Direction) -> Effect:
    expected, confidence = abs(action.goal.expected_effect), action.goal.confidence
    if _is_share([*before, *after]):
        return before_after_proportion(
            [reading.total for reading in before],
            [reading.count for reading in before],
            [reading.total for reading in after],
            [reading.count for reading in after],
            direction,
            expected,
            confidence,
        )
    was, now = ([reading.value for reading in side] for side in (before, after))
    return before_after(was, now, direction, expected, confidence)


def _is_share(readings: Sequence[Reading]) -> bool:
    """Of zeros and ones the sum of squares is the sum."""
    return all(reading.squares == reading.total and reading.value <= 1 for reading in readings)


def _mean(readings: Sequence[Reading]) -> float:
    return sum(reading.value for reading in readings) / len(readings)
