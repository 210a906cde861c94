"""Actions with their goal and the plan of their proof, both ways."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2

from services.improvement.model import Action, ActionKind, ActionName, ActionState, Goal, ProofPlan
from services.improvement.wire.scalars import (
    duration,
    interval,
    length_us,
    member,
    micros,
    number,
    span_of,
    stamp,
    text,
    text_of,
)
from services.improvement.wire.verifications import verification_message, verification_of

CONFIDENCE_DEFAULT = 0.95
WINDOWS_MIN_DEFAULT, HORIZON_WINDOWS_DEFAULT = 8, 60


def action_message(action: Action, etag: str, overdue: bool) -> problem_pb2.Action:
    goal, plan = action.goal, action.plan
    return problem_pb2.Action(
        name=action.name,
        kind=number(problem_pb2.ActionKind, "ACTION_KIND", action.kind),
        title=text(action.title),
        cause=action.cause,
        owner=action.owner,
        due_time=stamp(action.due_us),
        goal=problem_pb2.Goal(
            series=goal.series,
            expected_effect=goal.expected_effect,
            test=problem_pb2.Goal.TEST_BEFORE_AFTER,
            confidence=goal.confidence,
            baseline_period=None if goal.baseline_period_us is None else duration(goal.baseline_period_us),
            windows_min=goal.windows_min,
            horizon_windows=goal.horizon_windows,
        ),
        state=number(problem_pb2.ActionState, "ACTION_STATE", action.state),
        start_time=None if action.started_us is None else stamp(action.started_us),
        done_time=None if action.done_us is None else stamp(action.done_us),
        verifications=[verification_message(one) for one in action.verifications],
        etag=etag,
        overdue=overdue,
        reason=action.reason,
        plan=None
        if plan is None
        else problem_pb2.ProofPlan(
            baseline_intervals=[interval(start_us, end_us) for start_us, end_us in plan.baseline_intervals],
            spread_end_time=stamp(plan.spread_end_us),
            fixed_time=stamp(plan.fixed_us),
        ),
    )


def action_of(message: problem_pb2.Action) -> Action:
    goal = message.goal
    windows_min = goal.windows_min or WINDOWS_MIN_DEFAULT
    return Action(
        name=ActionName(message.name),
        kind=member(problem_pb2.ActionKind, "ACTION_KIND", message.kind, ActionKind),
        title=text_of(message.title),
        owner=message.owner,
        due_us=micros(message.due_time),
        goal=Goal(
            series=goal.series,
            expected_effect=goal.expected_effect,
            confidence=goal.confidence or CONFIDENCE_DEFAULT,
            baseline_period_us=length_us(goal.baseline_period) if goal.HasField("baseline_period") else None,
            windows_min=windows_min,
            horizon_windows=goal.horizon_windows or max(HORIZON_WINDOWS_DEFAULT, windows_min),
        ),
        cause=message.cause,
        state=member(problem_pb2.ActionState, "ACTION_STATE", message.state, ActionState),
        started_us=micros(message.start_time) if message.HasField("start_time") else None,
        done_us=micros(message.done_time) if message.HasField("done_time") else None,
        plan=ProofPlan(
            baseline_intervals=tuple(span_of(one) for one in message.plan.baseline_intervals),
            spread_end_us=micros(message.plan.spread_end_time),
            fixed_us=micros(message.plan.fixed_time),
        )
        if message.HasField("plan")
        else None,
        reason=message.reason,
        verifications=tuple(verification_of(one) for one in message.verifications),
    )


def new_action(message: problem_pb2.Action) -> Action:
    """Of what a caller sends only what a plan consists of."""
    return action_of(
        problem_pb2.Action(
            title=message.title,
            owner=message.owner,
            due_time=message.due_time,
            kind=message.kind,
            goal=message.goal,
            cause=message.cause,
            state=problem_pb2.ACTION_STATE_PLANNED,
        )
    )
