"""What Postgres refuses for good stops the system that it is refused to, says so, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from andon.scoring.v1 import scoring_pb2

SystemStatus = scoring_pb2.GetScoringStatusResponse.System
PATIENCE_S = 60.0


async def status(suite: Any, tenant: str) -> Any:
    return await suite.scoring(-1, tenant).GetScoringStatus(scoring_pb2.GetScoringStatusRequest())


async def until(suite: Any, tenant: str, state: int) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (system,) = (await status(suite, tenant)).systems
            if system.state == state:
                return system
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("break_it", "repair_it", "error"),
    [
        (
            "ALTER TABLE scoring.score ADD CONSTRAINT refused CHECK (tenant <> 'acme') NOT VALID",
            "ALTER TABLE scoring.score DROP CONSTRAINT refused",
            "CheckViolationError",
        ),
        (
            "ALTER TABLE scoring.score_history RENAME COLUMN body TO other",
            "ALTER TABLE scoring.score_history RENAME COLUMN other TO body",
            "UndefinedColumnError",
        ),
    ],
)
async def test_a_step_that_is_refused_for_good_stops_its_system_until_it_is_repaired(
    suite_of: Any, make: Any, database: str, capfd: Any, break_it: str, repair_it: str, error: str
) -> None:
    suite = await suite_of()
    await suite.start_scoring(defect_retry_s=1.0)
    for tenant in ("acme", "quiet"):
        await suite.activate(make.spec(), tenant)
        through = await suite.write(make.case(0, 0.0, 1.0, False), tenant)
        await suite.content_hash(through, tenant)
    owner = await asyncpg.connect(database)
    try:
        await owner.execute(break_it)
        late = await suite.write(make.case(1, 0.0, 2.0, True), "acme")
        stopped = await until(suite, "acme", SystemStatus.STATE_NOT_SERVING)
        assert error in stopped.reason.en
        assert error in stopped.reason.zh
        assert stopped.incident
        assert stopped.HasField("stop_time")
        said = capfd.readouterr().err
        assert "fold stopped by a defect" in said
        assert "Traceback" in said
        if "CONSTRAINT" in break_it:
            # Only one tenant's rows are refused: the other one's system goes on.
            other = await suite.write(make.case(1, 0.0, 2.0, True), "quiet")
            await suite.content_hash(other, "quiet")
            assert (await until(suite, "quiet", SystemStatus.STATE_SERVING)).reason.en == ""
        await owner.execute(repair_it)
        repaired = await until(suite, "acme", SystemStatus.STATE_SERVING)
        assert not repaired.incident
        same = await suite.write(make.case(1, 0.0, 2.0, True), "quiet")
        assert await suite.content_hash(late, "acme") == await suite.content_hash(same, "quiet")
    finally:
        await owner.close()


async def test_a_document_that_cannot_be_read_stops_its_version_until_it_is_repaired_and_nobody_else(
    suite_of: Any, make: Any, database: str, capfd: Any
) -> None:
    suite = await suite_of()
    stop = await suite.start_scoring()
    for tenant in ("acme", "quiet"):
        await suite.activate(make.spec(), tenant)
        through = await suite.write(make.case(0, 0.0, 1.0, False), tenant)
        await suite.content_hash(through, tenant)
    await suite.end_scoring(stop)
    owner = await asyncpg.connect(database)
    try:
        body = await owner.fetchval("SELECT spec FROM scoring.indicator_system WHERE tenant = 'acme'")
        # An older form may well be read, and mean nothing: here it is no message at all.
        await owner.execute("UPDATE scoring.indicator_system SET spec = '\\xff' WHERE tenant = 'acme'")
        await owner.execute(
            "INSERT INTO scoring.indicator_system (tenant, name, version, state, spec, etag, create_time)"
            " SELECT tenant, name || '2', version, state, $1, etag, create_time FROM scoring.indicator_system"
            " WHERE tenant = 'acme'",
            body,
        )
        await suite.start_scoring(defect_retry_s=1.0)
        late = await suite.write(make.case(1, 0.0, 2.0, True), "acme")
        other = await suite.write(make.case(1, 0.0, 2.0, True), "quiet")
        await suite.content_hash(other, "quiet")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                states = {one.name: one for one in (await status(suite, "acme")).systems}
                if states[make.system].state == SystemStatus.STATE_NOT_SERVING:
                    break
                await asyncio.sleep(0.1)
        assert "DecodeError" in states[make.system].reason.en
        assert states[make.system].incident in capfd.readouterr().err
        second = {make.system: SystemStatus.STATE_NOT_SERVING, f"{make.system}2": SystemStatus.STATE_SERVING}
        assert {name: one.state for name, one in states.items()} == second
        request = scoring_pb2.ListScoresRequest(
            filter=scoring_pb2.SeriesFilter(process="desk", system="main2"), at_least=late, page_size=1
        )
        assert (await suite.scoring(-1, "acme").ListScores(request, timeout=PATIENCE_S)).scores
        listed = await suite.scoring(-1, "acme").ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest())
        assert [one.HasField("spec") for one in listed.indicator_systems] == [False, True]
        series = (await suite.scoring(-1, "acme").ListSeries(scoring_pb2.ListSeriesRequest())).series
        assert {(one.system, bool(one.unit)) for one in series if one.indicator == "to_close"} == {
            ("main", False),
            ("main2", True),
        }
        await owner.execute(
            "UPDATE scoring.indicator_system SET spec = $1 WHERE tenant = 'acme' AND name = $2", body, make.system
        )
        async with asyncio.timeout(PATIENCE_S):
            while any(one.state != SystemStatus.STATE_SERVING for one in (await status(suite, "acme")).systems):
                await asyncio.sleep(0.1)
    finally:
        await owner.close()


async def test_a_tenant_that_cannot_be_called_for_stops_no_other_and_says_why(
    suite_of: Any, make: Any, capfd: Any
) -> None:
    suite = await suite_of()
    stop = await suite.start_scoring()
    for tenant in ("acme", "quiet"):
        await suite.activate(make.spec(), tenant)
        await suite.content_hash(await suite.write(make.case(0, 0.0, 1.0, False), tenant), tenant)
    await suite.end_scoring(stop)
    (suite.folder / "tokens" / "acme.jwt").write_bytes(b"\xff")
    await suite.start_scoring()
    other = await suite.write(make.case(1, 0.0, 2.0, True), "quiet")
    await suite.content_hash(other, "quiet")
    stopped = await until(suite, "acme", SystemStatus.STATE_NOT_SERVING)
    assert stopped.incident in capfd.readouterr().err
    suite.serve_tenant("acme", served=True)
    await until(suite, "acme", SystemStatus.STATE_SERVING)
