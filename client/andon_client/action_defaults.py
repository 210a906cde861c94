"""Defaults of an action that is planned, taken from its problem."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta, tzinfo
from urllib.parse import unquote

from andon.improvement.v1.problem_pb2 import ACTION_KIND_CORRECTIVE, Action, Problem, SignalReference

from andon_client.moments import timestamp

DUE_AFTER = timedelta(days=14)
EFFECT_DIGITS = 3


def completed(plan: Action, problem: Problem, today: date, zone: tzinfo) -> Action:
    """`plan`, with what it leaves open taken from the problem as far as that suggests something.

    today, zone: of the clocks of the problem's system.
    """
    whole = Action()
    whole.CopyFrom(plan)
    whole.kind = plan.kind or ACTION_KIND_CORRECTIVE
    whole.cause = plan.cause or _only_confirmed_cause(problem)
    whole.goal.series = plan.goal.series or _clearest_series(problem)
    whole.goal.expected_effect = plan.goal.expected_effect or _way_back(problem, whole.goal.series)
    if not plan.HasField("due_time"):
        whole.due_time.CopyFrom(timestamp(today + DUE_AFTER, zone))
    return whole


def _only_confirmed_cause(problem: Problem) -> str:
    confirmed = [cause.name for cause in problem.causes if cause.confirmed]
    return confirmed[0] if len(confirmed) == 1 else ""


def _clearest_series(problem: Problem) -> str:
    """That of the slice that explains most; where none of its signals is on it, the one with the most signals."""
    counted = Counter(signal.series for signal in _own(problem))
    sliced = [series for series in counted if slice_of(series) == dict(problem.slice)]
    return next(iter([*sliced, *(series for series, _ in counted.most_common())]), "")


def _way_back(problem: Problem, series: str) -> float:
    """From where the signals of a series lie on average to its centre."""
    ways = [signal.centre - signal.value for signal in _own(problem) if signal.series == series]
    return float(f"{sum(ways) / len(ways):.{EFFECT_DIGITS}g}") if ways else 0.0


def _own(problem: Problem) -> list[SignalReference]:
    return [signal for signal in problem.signals if not signal.symptom]


def slice_of(series: str) -> dict[str, str]:
    """ "desk/main/rework@day{team=B}" -> {"team": "B"}."""
    _, _, inside = series.removesuffix("}").partition("{")
    pairs = (pair.partition("=") for pair in inside.split(",") if pair)
    return {dimension: unquote(value) for dimension, _, value in pairs}
