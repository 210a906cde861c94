"""Which problems a filter of the contract lets through."""

from __future__ import annotations

from andon.improvement.v1 import improvement_pb2

from services.improvement.model import LIVE, Problem, ProblemOrder, ProblemQuery, ProblemState
from services.improvement.search_terms import problem_terms, wanted_terms
from services.improvement.wire.problems import origin_number, state_number
from services.improvement.wire.scalars import micros

LIVE_NUMBERS = [state_number(state) for state in LIVE]
# Without a filter: every state but dismissed and withdrawn.
LISTED_NUMBERS = [*LIVE_NUMBERS, state_number(ProblemState.CLOSED)]


_List = improvement_pb2.ListProblemsRequest
ORDERS = {
    _List.ORDER_UNSPECIFIED: ProblemOrder.SEVERITY,
    _List.ORDER_SEVERITY: ProblemOrder.SEVERITY,
    _List.ORDER_NEWEST: ProblemOrder.NEWEST,
    _List.ORDER_DUE: ProblemOrder.DUE,
}


def problem_query(
    filter_: improvement_pb2.ProblemFilter, now_us: int, order: ProblemOrder = ProblemOrder.SEVERITY
) -> ProblemQuery:
    """For a list."""
    interval = filter_.interval
    return ProblemQuery(
        filter_.process,
        filter_.system,
        filter_.indicators,
        filter_.states or LISTED_NUMBERS,
        now_us if filter_.overdue else None,
        sorted(wanted_terms(filter_.text)),
        filter_.owners,
        tuple(sorted(filter_.slice.items())),
        filter_.severity_min,
        micros(interval.start) if interval.HasField("start") else None,
        micros(interval.end) if interval.HasField("end") else None,
        now_us if filter_.unsnoozed_only else None,
        filter_.origins,
        order,
    )


def matches(filter_: improvement_pb2.ProblemFilter, problem: Problem, now_us: int) -> bool:
    """For a watch: without states every change passes, so that a reader sees problems go."""
    return (
        (not filter_.process or filter_.process == problem.family.process)
        and (not filter_.system or filter_.system == problem.family.system)
        and (not filter_.indicators or problem.family.indicator in filter_.indicators)
        and (not filter_.states or state_number(problem.state) in filter_.states)
        and (not filter_.overdue or any(problem.overdue(one, now_us) for one in problem.actions))
        and (not filter_.text or wanted_terms(filter_.text) <= problem_terms(problem))
        and (not filter_.owners or problem.owner in filter_.owners)
        and set(filter_.slice.items()) <= set(problem.slice)
        and problem.severity >= filter_.severity_min
        and _overlaps(filter_, problem)
        and not (filter_.unsnoozed_only and (problem.snoozed_until_us or 0) > now_us)
        and (not filter_.origins or origin_number(problem.origin) in filter_.origins)
    )


def _overlaps(filter_: improvement_pb2.ProblemFilter, problem: Problem) -> bool:
    interval = filter_.interval
    is_later = not interval.HasField("start") or problem.end_us > micros(interval.start)
    return is_later and (not interval.HasField("end") or problem.start_us < micros(interval.end))
