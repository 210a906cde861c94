"""A defect stops the intake of one tenant, says so once, and nothing else stops; what is only away is waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest
from andon.improvement.v1 import improvement_pb2 as pb
from grpc.aio import AioRpcError, Metadata
from structlog.testing import capture_logs

from services.improvement.servicer import ImprovementServicer
from services.improvement.tenants import Tenants
from services.runtime.drain import Draining
from services.runtime.identity import Caller, calling
from tests.services.improvement.scoring_log import signal_message

Intake = pb.GetImprovementStatusResponse.Intake
REFUSE = "ALTER TABLE problem ADD CONSTRAINT refused CHECK (tenant <> '{}') NOT VALID"
ALLOW = "ALTER TABLE problem DROP CONSTRAINT refused"


async def status(followed) -> Intake:
    tenants = Tenants(followed.store, Draining(), lambda _: followed.scoring)
    servicer = ImprovementServicer(followed.store, tenants, int)
    with calling(Caller("tester", followed.tenant, frozenset({"reader"}))):
        return (await servicer.GetImprovementStatus(pb.GetImprovementStatusRequest(), None)).intake


async def until(followed, state: int) -> Intake:
    async with asyncio.timeout(60):
        while (found := await status(followed)).state != state:
            await asyncio.sleep(0.02)
    return found


@contextlib.asynccontextmanager
async def following(followed) -> AsyncIterator[None]:
    running = asyncio.create_task(followed.intake().run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_postgres_refuses_for_good_stops_the_intake_with_one_traceback_until_it_is_cured(
    followed, beginning
):
    quiet = await beginning()
    await followed.pool.execute(REFUSE.format(followed.tenant))
    with capture_logs() as lines:
        async with following(followed), following(quiet):
            followed.scoring.commit([signal_message(30)])
            stopped = await until(followed, Intake.STATE_NOT_SERVING)
            while sum(line["event"] == "intake stopped by a defect" for line in lines) < 3:
                await asyncio.sleep(0.02)
            again = await status(followed)
            quiet.scoring.commit([signal_message(30)])
            await quiet.follow()
            assert (await status(quiet)).state == Intake.STATE_SERVING
            await followed.pool.execute(ALLOW)
            assert await until(followed, Intake.STATE_SERVING) == Intake(state=Intake.STATE_SERVING)
    assert "CheckViolationError" in stopped.reason.en
    assert "CheckViolationError" in stopped.reason.zh
    assert stopped.HasField("stop_time")
    assert (again.incident, again.stop_time) == (stopped.incident, stopped.stop_time)
    stops = [line for line in lines if line["event"] == "intake stopped by a defect"]
    assert {line["incident"] for line in stops} == {stopped.incident}
    assert [bool(line["exc_info"]) for line in stops] == [True] + [False] * (len(stops) - 1)
    assert [one.start_us for one in await followed.problems()] == [one.start_us for one in await quiet.problems()]


async def test_the_next_owner_reports_the_same_defect_and_clears_it_once_it_gets_past_it(followed):
    followed.scoring.error = ValueError("no such slice")
    followed.scoring.commit([signal_message(30)])
    async with following(followed):
        first = await until(followed, Intake.STATE_NOT_SERVING)
    assert "ValueError" in first.reason.en
    async with following(followed):
        await asyncio.sleep(0.1)
        second = await status(followed)
        assert second.stop_time == first.stop_time
        followed.scoring.error = None
        await until(followed, Intake.STATE_SERVING)
    assert len(await followed.problems()) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata()), Intake.STATE_SERVING),
        (AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, Metadata(), Metadata()), Intake.STATE_SERVING),
        (ConnectionResetError(), Intake.STATE_SERVING),
        (AioRpcError(grpc.StatusCode.INVALID_ARGUMENT, Metadata(), Metadata()), Intake.STATE_NOT_SERVING),
    ],
)
async def test_what_is_only_away_for_a_while_is_no_defect(followed, error, state):
    followed.scoring.error = error
    followed.scoring.commit([signal_message(30)])
    with capture_logs() as lines:
        async with following(followed), asyncio.timeout(60):
            while not any(line["event"].startswith("intake ") for line in lines):
                await asyncio.sleep(0.02)
            found = await until(followed, state)
            assert ("INVALID_ARGUMENT of scoring" in found.reason.en) == (state == Intake.STATE_NOT_SERVING)
            followed.scoring.error = None
            await until(followed, Intake.STATE_SERVING)
            while not await followed.problems():
                await asyncio.sleep(0.02)
