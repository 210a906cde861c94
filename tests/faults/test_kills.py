"""Every service and Postgres, killed with -9 at random moments of a load: nothing is lost, scores are the same."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.commands.system import apply_system
from andon_client.documents import load_document
from andon_client.follow import follow
from andon_client.loading import load
from andon_client.suite import Suite
from andon_records.batches import read_batches
from andon_records.mapping.document import load_mapping

pytestmark = [pytest.mark.timeout(900), pytest.mark.faults]
EXAMPLES = Path(__file__).parents[2] / "examples"
VICTIMS = ("services.ingest", "services.scoring", "services.improvement", "postgres")
KILLS = 12
# Small batches make the load long enough to be hit often.
BATCH_ROWS = 500


def victim(suite_pid: int, name: str) -> psutil.Process | None:
    """The child of the suite that runs as `name`; None while it is being started again."""
    for child in psutil.Process(suite_pid).children():
        try:
            if name in " ".join(child.cmdline()[:4]):
                return child
        except psutil.Error:
            continue
    return None


async def kill_at_random(suite_pid: int, dice: random.Random, killed: Counter[str]) -> None:
    """Kills until there were enough kills and each victim was hit."""
    while killed.total() < KILLS or len(killed) < len(VICTIMS):
        await asyncio.sleep(dice.uniform(0.4, 1.6))
        name = dice.choice([one for one in VICTIMS if killed[one] <= killed.total() // len(VICTIMS)])
        process = victim(suite_pid, name)
        if process is not None:
            process.kill()
            killed[name] += 1


async def play(client: Suite, desk, log: Path) -> tuple[str, str]:
    """Loads the log and returns the hashes of scores and of problems."""
    spec = load_document(EXAMPLES / "it-incidents.system.yaml", indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(client, spec, "it-incidents")
    mapping = load_mapping(EXAMPLES / "it-incidents.mapping.yaml")
    report = await load(client.ingest, read_batches(log, mapping, batch_rows=BATCH_ROWS))
    assert report.accepted + report.duplicate == report.received
    return await hashes(client, desk)


async def hashes(client: Suite, desk) -> tuple[str, str]:
    await desk.settled(client, timeout_s=280.0)
    scored = await client.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    improved = await client.improvement.GetImprovementStatus(improvement_pb2.GetImprovementStatusRequest())
    return scored.content_hash, improved.content_hash


async def kept_ids(client: Suite) -> list[str]:
    ids: list[str] = []
    request = ingest_pb2.ReadEventsRequest
    async for response in follow(lambda after: client.ingest.ReadEvents(request(after=after, columns=["time"]))):
        for page in response.pages:
            ids += pa.ipc.open_stream(page.events.arrow_ipc).read_all()["id"].to_pylist()
    return ids


async def test_killing_everything_at_random_loses_nothing_and_changes_no_score(new_suite, desk, incident_log, capsys):
    suite = new_suite()
    async with Suite(suite.connection(suite.next_tenant())) as client:
        undisturbed = await play(client, desk, incident_log)
    dice, killed = random.Random(20), Counter[str]()
    async with Suite(suite.connection(suite.next_tenant())) as client:
        killing = asyncio.create_task(kill_at_random(suite.process.pid, dice, killed))
        disturbed = await play(client, desk, incident_log)
        await killing
        after_the_last_kill = await hashes(client, desk)
        counts = (await client.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
        ids = await kept_ids(client)
    with capsys.disabled():
        print(f"\n  {killed.total()} kills: {dict(killed)}; {len(ids):,} events kept, {len(set(ids)):,} different")
    assert len(ids) == len(set(ids)) == 141_712
    assert [count.accepted for count in counts] == [141_712]
    assert all(count.received == count.accepted + count.duplicate + count.quarantined for count in counts)
    assert disturbed == undisturbed
    assert after_the_last_kill == undisturbed
