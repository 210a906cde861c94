"""Which problems a filter of the contract lets through."""

from __future__ import annotations

from andon.improvement.v1 import improvement_pb2

from services.improvement.model import LIVE, Problem, ProblemQuery, ProblemState
from services.improvement.wire.problems import state_number

LIVE_NUMBERS = [state_number(state) for state in LIVE]
# Without a filter: every state but dismissed and withdrawn.
LISTED_NUMBERS = [*LIVE_NUMBERS, state_number(ProblemState.CLOSED)]


def problem_query(filter_: improvement_pb2.ProblemFilter, now_us: int) -> ProblemQuery:
    """For a list."""
    return ProblemQuery(
        filter_.process,
        filter_.system,
        filter_.indicators,
        filter_.states or LISTED_NUMBERS,
        now_us if filter_.overdue else None,
    )


def matches(filter_: improvement_pb2.ProblemFilter, problem: Problem, now_us: int) -> bool:
    """For a watch: without states every change passes, so that a reader sees problems go."""
    return (
        (not filter_.process or filter_.process == problem.family.process)
        and (not filter_.system or filter_.system == problem.family.system)
        and (not filter_.indicators or problem.family.indicator in filter_.indicators)
        and (not filter_.states or state_number(problem.state) in filter_.states)
        and (not filter_.overdue or any(problem.overdue(one, now_us) for one in problem.actions))
    )
