"""Which windows the proof of an action takes, decided when it starts and not touched afterwards."""

from __future__ import annotations

from services.improvement.model import Goal, Problem, ProofPlan

Stretch = tuple[int, int]


def plan_proof(problem: Problem, goal: Goal, started_us: int, now_us: int) -> ProofPlan:
    """Before is the faulty time, or as far back as the goal says; the windows that opened the problem are left out.

    They were chosen for being extreme: whatever follows them looks like an improvement, even when nothing was done.
    """
    opening = opening_of(problem)
    since_us = problem.start_us if goal.baseline_period_us is None else started_us - goal.baseline_period_us
    return ProofPlan(
        baseline_intervals=_without((since_us, started_us), opening),
        spread_end_us=min(problem.start_us, started_us),
        fixed_us=now_us,
    )


def opening_of(problem: Problem) -> Stretch | None:
    """The windows of the earliest signals of the problem's own. None: it was not opened by signals."""
    own = [signal for signal in problem.signals if not signal.symptom]
    if not own:
        return None
    start_us = min(signal.start_us for signal in own)
    return start_us, max(signal.end_us for signal in own if signal.start_us == start_us)


def _without(whole: Stretch, hole: Stretch | None) -> tuple[Stretch, ...]:
    start_us, end_us = whole
    if hole is None:
        return (whole,) if start_us < end_us else ()
    pieces = (start_us, min(end_us, hole[0])), (max(start_us, hole[1]), end_us)
    return tuple(piece for piece in pieces if piece[0] < piece[1])
