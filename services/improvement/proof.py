"""The proof of an action: after against before, by an interval that holds however often one looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from andon_quality.effect import Direction, Effect, level_change, outlook
from andon_quality.effect import Verdict as Found

from services.improvement.assumptions import checks
from services.improvement.history import History, NotEnoughWindows, learn
from services.improvement.model import Action, Goal, Outlook, Reading, SeriesScale, Text, Verdict, Verification
from services.improvement.statement import statement
from services.improvement.window_kinds import reach_us, window_of

METHOD = "difference of means, always-valid boundary"


def history_begin_us(action: Action) -> int:
    """Earlier windows are of no use to the proof."""
    if action.plan is None:
        return action.started_us or 0
    reach = reach_us(window_of(action.goal.series))
    return min([action.plan.spread_end_us - reach, *(start_us for start_us, _ in action.plan.baseline_intervals)])


def verify(action: Action, readings: Sequence[Reading], scale: SeriesScale, now_us: int) -> Verification:
    """Runs the test that was fixed at the start on the windows there are now. Raises NotEnoughWindows.

    Where an assumption that the verdict needs does not hold, it is undecided, whatever the interval says.
    """
    goal, plan, done_us = action.goal, action.plan, action.done_us
    if plan is None or done_us is None:
        raise NotEnoughWindows("the action was not carried through, so there is no window after it")
    history = learn(plan, window_of(goal.series), readings)
    after = [reading for reading in readings if reading.start_us >= done_us]
    if len(after) < goal.windows_min:
        raise NotEnoughWindows(f"{len(after)} complete windows after the action, {goal.windows_min} are needed")
    effect = judge(history, after, goal)
    found = _found(history, after, effect, now_us)
    if effect.verdict is Found.UNDECIDED:
        ahead = outlook(
            history.baseline,
            effect.estimate,
            len(after),
            goal.horizon_windows,
            _better(goal),
            goal.expected_effect,
            goal.confidence,
        )
        verdict = None if ahead.verdict is None else Verdict(ahead.verdict.value)
        found = replace(found, outlook=Outlook(ahead.windows, verdict))
    checked = replace(found, checks=checks(history, after, plan, window_of(goal.series)))
    if checked.doubts:
        checked = replace(checked, verdict=Verdict.UNDECIDED, outlook=None)
    return replace(checked, statement=statement(checked, goal, scale))


def _found(history: History, after: Sequence[Reading], effect: Effect, now_us: int) -> Verification:
    """The figures, without what is said of them."""
    return Verification(
        verdict=Verdict(effect.verdict.value),
        effect=effect.estimate,
        lower=effect.lower,
        upper=effect.upper,
        confidence=effect.confidence,
        p_value=effect.p_value,
        before_mean=history.baseline.level,
        after_mean=history.baseline.level + effect.estimate,
        before_windows=len(history.before),
        after_windows=len(after),
        spread_windows=history.baseline.spread_points,
        before_start_us=history.before[0].start_us,
        before_end_us=history.before[-1].end_us,
        after_start_us=after[0].start_us,
        after_end_us=after[-1].end_us,
        season=history.season.cycle.name if history.season.cycle else "",
        method=METHOD,
        checks=(),
        statement=Text(),
        verified_at_us=now_us,
    )


def judge(history: History, after: Sequence[Reading], goal: Goal) -> Effect:
    """Mean after less level before, in a confidence sequence that was set before the action began. O(t)."""
    return level_change(
        history.baseline,
        history.adjusted(after),
        goal.horizon_windows,
        _better(goal),
        goal.expected_effect,
        goal.confidence,
    )


def _better(goal: Goal) -> Direction:
    return Direction.LOWER if goal.expected_effect < 0 else Direction.HIGHER
