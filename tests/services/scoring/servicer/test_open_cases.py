"""Open cases by the time that is left to their targets: listed, watched, after a restart, and by any replica."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from andon.scoring.v1 import process_pb2 as pb
from andon.scoring.v1 import scoring_pb2

HOUR_S = 3_600
LATE, AT_RISK, ON_TIME = pb.OpenCase.STATE_LATE, pb.OpenCase.STATE_AT_RISK, pb.OpenCase.STATE_ON_TIME
Change = pb.OpenCaseChange


async def listed(suite: Any, make: Any, through: str, replica: int = -1, **asked: Any) -> pb.ListOpenCasesResponse:
    await suite.scoring(replica).ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    answer: pb.ListOpenCasesResponse = await suite.process(replica).ListOpenCases(
        pb.ListOpenCasesRequest(name=make.system, **asked)
    )
    return answer


def hours_left(answer: pb.ListOpenCasesResponse) -> list[tuple[str, int, float]]:
    """Half a second more than there is to the limit: late is what lies above it once it is rounded to seconds."""
    return [(one.case_id, one.state, (one.time_left.ToMilliseconds() - 500) / 3_600_000) for one in answer.cases]


async def test_open_cases_are_listed_overdue_first_and_every_change_is_watched(suite_of: Any, make: Any) -> None:
    suite = await suite_of()
    stops = [await suite.start_scoring(), await suite.start_scoring()]
    await suite.activate(make.spec())
    # A closed case, and an open one from each of the first ten hours; they are to be closed within eight.
    opened = [make.event(f"o{hour}", f"open-{hour}", "Opened", hour * HOUR_S, priority="low") for hour in range(10)]
    through = await suite.write([*make.case(1, 0.0, 1.0, breached=False), *opened])
    first = await listed(suite, make, through, 0)
    wanted = [
        (f"open-{hour}", LATE if hour == 0 else AT_RISK if hour <= 2 else ON_TIME, hour - 1.0) for hour in range(10)
    ]
    assert hours_left(first) == wanted
    assert (first.late_count, first.at_risk_count, first.on_time_count) == (1, 2, 7)
    assert list(first.indicators) == ["to_close"]
    assert first.cases[0].slice == {"priority": "low"}
    assert await listed(suite, make, through, 1) == first

    pages: list[list[str]] = []
    token = ""
    while len(pages) < 4:
        page = await listed(suite, make, through, len(pages) % 2, page_size=3, page_token=token)
        pages.append([one.case_id for one in page.cases])
        token = page.next_page_token
    assert [case for page in pages for case in page] == [case for case, _, _ in wanted]
    assert not token
    soon = await listed(suite, make, through, time_left_max={"seconds": HOUR_S})
    assert [one.case_id for one in soon.cases] == ["open-0", "open-1"]
    filtered = await listed(suite, make, through, filter=pb.OpenCaseFilter(slice={"priority": "high"}))
    assert not filtered.cases

    # Time passes by an event of another case: one is late, one at risk; one is closed, one gets another priority.
    through = await suite.write(
        [
            make.event("x", "other", "Assigned", 10.0 * HOUR_S),
            make.event("c0", "open-0", "Closed", 9.5 * HOUR_S),
            make.event("p9", "open-9", "Assigned", 9.6 * HOUR_S, priority="high"),
        ]
    )
    now = await listed(suite, make, through, 1)
    assert hours_left(now)[:2] == [("open-1", LATE, -1.0), ("open-2", AT_RISK, 0.0)]
    changes: dict[str, set[int]] = {}
    watch = suite.process(0).WatchOpenCases(pb.WatchOpenCasesRequest(name=make.system, after=first.through))
    async for response in watch:
        for change in response.changes:
            changes.setdefault(change.case.case_id, set()).add(change.kind)
        if len(changes) == 4:
            break
    watch.cancel()
    assert changes == {
        "open-0": {Change.KIND_STOPPED},
        "open-1": {Change.KIND_LATE},
        "open-3": {Change.KIND_AT_RISK},
        "open-9": {Change.KIND_CHANGED},
    }

    # Both replicas go; the next one goes on from what was committed, and says nothing twice.
    for stop in stops:
        await suite.end_scoring(stop)
    await suite.start_scoring()
    through = await suite.write([make.event("c1", "open-1", "Closed", 10.0 * HOUR_S)])
    after = await listed(suite, make, through)
    assert [one.case_id for one in after.cases] == [f"open-{hour}" for hour in range(2, 10)]
    following = suite.process(-1).WatchOpenCases(pb.WatchOpenCasesRequest(name=make.system, after=now.through))
    async with asyncio.timeout(20):
        async for response in following:
            if response.changes:
                assert [(one.case.case_id, one.kind) for one in response.changes] == [("open-1", Change.KIND_STOPPED)]
                break
    following.cancel()


async def test_what_no_case_can_be_late_by_is_refused_with_its_field(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    for asked, field in (
        (pb.ListOpenCasesRequest(name="processes/desk/indicatorSystems/none"), ""),
        (pb.ListOpenCasesRequest(name=make.system, filter=pb.OpenCaseFilter(indicators=["sla_breach"])), "indicators"),
        (pb.ListOpenCasesRequest(name=make.system, filter=pb.OpenCaseFilter(slice={"team": "a"})), "slice"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await suite.process().ListOpenCases(asked)
        wanted = grpc.StatusCode.INVALID_ARGUMENT if field else grpc.StatusCode.NOT_FOUND
        assert refused.value.code() is wanted
        assert field in str(refused.value.details())
