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
