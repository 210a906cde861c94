"""Whatever is restarted, and whenever: book and hash are those of one undisturbed fold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import pytest
from andon.ingest.v1 import event_pb2
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

HOUR_S, WEEK_H = 3_600, 168
CASES = 5
TENANTS = ("acme", "quiet")
NUMBERS = count()
Then = Literal["go on", "wait", "restart", "move"]


@dataclass(frozen=True)
class Said:
    """An activity of a case, or that the event `of` places before was otherwise (supersedes) or never (retracts)."""

    case: int
    activity: str
    hour: int
    team: str
    kind: Literal["new", "supersedes", "retracts"] = "new"
    of: int = 1


@dataclass(frozen=True)
class Step:
    """Events of one call, and what happens after it. `unseen`: scoring is away while they are written."""

    said: Sequence[Said]
    then: Then = "wait"
    unseen: bool = False


SAID = st.builds(
    Said,
    case=st.integers(0, CASES - 1),
    activity=st.sampled_from(["Opened", "Closed"]),
    hour=st.integers(0, 8 * WEEK_H),
    team=st.sampled_from(["low", "high"]),
    kind=st.sampled_from(["new", "new", "supersedes", "retracts"]),
    of=st.integers(1, 6),
)
STEPS = st.lists(
    st.builds(
        Step,
        said=st.lists(SAID, min_size=1, max_size=5),
        then=st.sampled_from(["go on", "wait", "restart", "move"]),
        unseen=st.booleans(),
    ),
    min_size=2,
    max_size=6,
)


def ticket(case: int, opened: int, hours: int, team: str = "low") -> list[Said]:
    return [Said(case, "Opened", opened, team), Said(case, "Closed", opened + hours, team)]


# The last case has a week for itself: nothing else that happens in this window puts it right by the way.
RETRACTED = [
    Step([*ticket(0, 9, 1), *ticket(1, 9, 1)]),
    Step(ticket(2, 2 * WEEK_H, 20)),
    Step([Said(2, "", 0, "low", "retracts", of=1), Said(2, "", 0, "low", "retracts", of=3)], unseen=True),
]
MOVED_TO_ANOTHER_SLICE = [
    Step([*ticket(0, 9, 1), *ticket(1, 9, 1)]),
    Step(ticket(2, 2 * WEEK_H, 20)),
    Step([Said(2, "Closed", 2 * WEEK_H + 20, "high", "supersedes", of=1)], unseen=True),
]
CLOSED_AGAIN_IN_ANOTHER_WEEK = [
    Step([*ticket(0, 9, 1), *ticket(1, 9, 1)]),
    Step(ticket(2, 2 * WEEK_H, 20)),
    Step([Said(2, "Closed", 3 * WEEK_H, "low")], unseen=True),
]

# Four weeks later the first week is complete and has left memory, its scores, signals and statistics with it.
BEFORE = Step([*ticket(0, 9, 1), *ticket(1, 9, 3), *ticket(2, 4 * WEEK_H, 20)])
LATE_FOR_A_WEEK_THAT_HAS_LEFT_MEMORY = [
    BEFORE,
    Step(ticket(3, 30, 5), "restart"),
    Step([Said(4, "Opened", 31, "high")], "move"),
    Step([Said(4, "Closed", 33, "high")], unseen=True),
]
RETRACTED_FROM_A_WEEK_THAT_HAS_LEFT_MEMORY = [
    BEFORE,
    Step([Said(0, "", 0, "low", "retracts", of=6), Said(0, "", 0, "low", "retracts", of=6)], "restart"),
    Step(ticket(3, 30, 5), "go on"),
    Step([Said(1, "", 0, "low", "retracts", of=7), Said(1, "", 0, "low", "retracts", of=7)], unseen=True),
]
FROM_A_WEEK_THAT_HAS_LEFT_MEMORY_TO_AN_OPEN_ONE_AND_BACK = [
    BEFORE,
    Step([Said(1, "Closed", 4 * WEEK_H + 30, "high", "supersedes", of=3)], "restart"),
    Step([Said(1, "Closed", 13, "low", "supersedes", of=1)], "move"),
    Step(ticket(3, 5 * WEEK_H, 2)),
]


def events_of(make: Any, steps: Sequence[Step]) -> list[list[event_pb2.Event]]:
    """By step. What names an event that is of another case, or that is not there, says something new instead."""
    written: list[event_pb2.Event] = []
    by_step: list[list[event_pb2.Event]] = []
    for step in steps:
        events = []
        for said in step.said:
            event = make.event(
                f"e-{len(written)}",
                f"case-{said.case}",
                said.activity or "Noted",
                said.hour * HOUR_S,
                priority=said.team,
                breached=said.team == "high",
            )
            target = written[-said.of] if said.of <= len(written) else None
            if said.kind != "new" and target is not None:
                event.case_id = target.case_id
                setattr(event, said.kind, target.id)
            written.append(event)
            events.append(event)
        by_step.append(events)
    return by_step


@pytest.fixture
async def ingest_only(suite_of: Callable[[], Awaitable[Any]]) -> Any:
    suite = await suite_of()
    for tenant in TENANTS:
        suite.serve_tenant(tenant, served=False)
    return suite


async def explained(suite: Any, tenant: str) -> dict[tuple[str, int], list[tuple[str, int, tuple[str, ...]]]]:
    """The cases behind each score, by series and begin of the window."""
    stub = suite.scoring(-1, tenant)
    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(page_size=1_000))
    found = {}
    for score in listed.scores:
        if "@week" in score.series:
            request = scoring_pb2.ExplainScoreRequest(series=score.series, time=score.interval.start, page_size=1_000)
            answer = await stub.ExplainScore(request)
            cases = [(one.case_id, one.value, tuple(one.event_ids)) for one in answer.cases]
            found[score.series, score.interval.start.seconds] = cases
    return {place: cases for place, cases in found.items() if cases}


async def shared_by(suite: Any, tenant: str, replicas: int) -> None:
    for _ in range(600):
        status = await suite.scoring(-1, tenant).GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
        if len({partition.owner for partition in status.partitions}) == replicas:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the partitions are not shared by {replicas}: {status.partitions}")


def late_spec(make: Any) -> system_pb.IndicatorSystemSpec:
    """With the share of cases that take longer than a week: it changes by time alone."""
    spec = make.spec()
    spec.measures.add(name="late").flag.above.CopyFrom(
        system_pb.Measure.Above(measure="to_close", limit=WEEK_H * HOUR_S)
    )
    late = spec.indicators.add(
        name="late",
        measure="late",
        aggregate=system_pb.Indicator.AGGREGATE_SHARE,
        direction=system_pb.DIRECTION_LOWER_IS_BETTER,
        observe=system_pb.Indicator.OBSERVE_ALWAYS,
        windows=[system_pb.WINDOW_WEEK],
    )
    late.anchor.opened = True
    return spec


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, snapshot_events=st.sampled_from([1, 3, 1_000]))
@example(RETRACTED, 1_000)
@example(MOVED_TO_ANOTHER_SLICE, 1_000)
@example(CLOSED_AGAIN_IN_ANOTHER_WEEK, 1_000)
@example(LATE_FOR_A_WEEK_THAT_HAS_LEFT_MEMORY, 3)
@example(RETRACTED_FROM_A_WEEK_THAT_HAS_LEFT_MEMORY, 1_000)
@example(FROM_A_WEEK_THAT_HAS_LEFT_MEMORY_TO_AN_OPEN_ONE_AND_BACK, 1)
async def test_restarts_and_moved_leases_leave_no_trace(
    ingest_only: Any, make: Any, steps: Sequence[Step], snapshot_events: int
) -> None:
    suite, spec = ingest_only, late_spec(make)
    disturbed, quiet = (f"{kind}-{next(NUMBERS)}" for kind in ("disturbed", "quiet"))
    suite.serve_tenant(disturbed, served=True)
    fresh = {"snapshot_events": snapshot_events, "case_idle_days": 2.0}
    replicas = [await suite.start_scoring(**fresh)]
    try:
        await suite.activate(spec, disturbed)
        for step, events in zip(steps, events_of(make, steps), strict=True):
            if step.unseen:
                await suite.end_scoring(replicas.pop())
            through = await suite.write(events, disturbed)
            if step.unseen:
                replicas.append(await suite.start_scoring(**fresh))
            if step.then != "go on":
                await suite.content_hash(through, disturbed)
            if step.then == "restart":
                await suite.end_scoring(replicas.pop())
                replicas.append(await suite.start_scoring(**fresh))
            if step.then == "move":
                replicas.append(await suite.start_scoring(**fresh))
                await shared_by(suite, disturbed, 2)
                await suite.end_scoring(replicas.pop(0))
        after = await suite.content_hash(through, disturbed), await explained(suite, disturbed)

        suite.serve_tenant(quiet, served=True)
        await suite.activate(spec, quiet)
        through = await suite.write([event for events in events_of(make, steps) for event in events], quiet)
        assert after == (await suite.content_hash(through, quiet), await explained(suite, quiet))
    finally:
        for replica in replicas:
            await suite.end_scoring(replica)
        suite.serve_tenant(disturbed, served=False)
        suite.serve_tenant(quiet, served=False)
