"""When sources came last and which are silent, over real gRPC on a real Postgres."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from andon.ingest.v1 import data_quality_pb2, data_quality_pb2_grpc, ingest_pb2
from andon.ingest.v1.source_pb2 import Source
from google.protobuf.duration_pb2 import Duration

HOURS = """
    INSERT INTO ingest.source_hour (tenant, source, hour, received_count, last_at)
    SELECT 'acme', $1, floor(extract(epoch FROM moment) / 3600), 20, moment
    FROM generate_series(now() - interval '12 weeks', now() - $2::interval, interval '1 hour') AS moment
"""


async def seen(served: Any, source: str, until: float) -> None:
    """A source that came every hour of twelve weeks, until so long ago."""
    connection = await asyncpg.connect(str(served.settings.migration_dsn))
    try:
        await connection.execute("SELECT set_config('andon.tenant', 'acme', false)")
        await connection.execute(HOURS, source, timedelta(hours=until))
    finally:
        await connection.close()


def quality(served: Any) -> Any:
    return data_quality_pb2_grpc.DataQualityServiceStub(served.channel(("reader",)))


async def activity(served: Any, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    token = ""
    while True:
        asked = data_quality_pb2.ListSourceActivityRequest(page_token=token, page_size=1, **request)
        answer = await quality(served).ListSourceActivity(asked)
        found |= {one.source: one for one in answer.activities}
        token = answer.next_page_token
        if not token:
            return found


async def write(served: Any, batch: Any) -> None:
    await served.client().WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))


async def test_a_source_is_silent_after_what_it_declares(served: Any, event: Any, rows: Any) -> None:
    await write(served, rows(event("a"), event("b", source="shop", case_id="")))
    source = Source(silent_after=Duration(seconds=3_600))
    made = await served.client().CreateSource(ingest_pb2.CreateSourceRequest(source_id="quiet", source=source))
    assert made.source.silent_after.seconds == 3_600
    await seen(served, "quiet", 2)
    found = await activity(served)
    assert {name: (one.basis, one.silent) for name, one in found.items()} == {
        "desk": (data_quality_pb2.RHYTHM_BASIS_UNSPECIFIED, False),
        "quiet": (data_quality_pb2.RHYTHM_BASIS_DECLARED, True),
        "shop": (data_quality_pb2.RHYTHM_BASIS_UNSPECIFIED, False),
    }
    assert found["quiet"].due_time.seconds - found["quiet"].last_time.seconds == 3_600
    await write(served, rows(event("c", source="quiet")))
    assert not (await activity(served, sources=["quiet"]))["quiet"].silent


async def test_a_rhythm_is_learned_and_is_the_same_in_every_replica(start: Any, event: Any, rows: Any) -> None:
    served, other = await start(), await start(silence_false_alarm_days=10_000.0)
    await write(served, rows(event("a", source="elsewhere")))
    await seen(served, "steady", 12)
    await seen(served, "fresh", 0)
    found = await activity(served)
    assert found["steady"].basis == data_quality_pb2.RHYTHM_BASIS_LEARNED
    assert (found["steady"].silent, found["fresh"].silent) == (True, False)
    assert found["steady"].weekly_count == pytest.approx(20 * 168 * 8 / 9, rel=0.02)
    # Rarer false alarms take a longer silence.
    assert (await activity(other))["steady"].due_time.seconds >= found["steady"].due_time.seconds


async def test_a_watch_sends_every_source_and_then_heartbeats(served: Any, event: Any, rows: Any) -> None:
    await write(served, rows(event("a")))
    request = data_quality_pb2.WatchSourceActivityRequest(heartbeat=Duration(nanos=100_000_000))
    watch = quality(served).WatchSourceActivity(request)
    answers = []
    async for answer in watch:
        answers.append(answer)
        if len(answers) == 3:
            break
    watch.cancel()
    assert [[one.source for one in answer.activities] for answer in answers] == [["desk"], [], []]


async def test_a_silence_is_one_event_however_many_replicas_there_are(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    served = await start(quality_publication_every_s=0.1)
    await start(quality_publication_every_s=0.1)
    client = served.client()
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="andon.quality", source=Source()))
    await write(served, rows(event("a")))
    await seen(served, "steady", 12)
    silences: list[dict[str, Any]] = []
    for _ in range(200):
        silences = [row for row in await everything(client) if row["activity"] == "Source silent"]
        if silences:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    silences = [row for row in await everything(client) if row["activity"] == "Source silent"]
    assert [row["attributes.source"] for row in silences] == ["steady"]
    due = (await activity(served))["steady"].due_time
    assert silences[0]["time"].timestamp() == due.seconds
    # What is older than a rhythm needs is forgotten, by a process that begins or when an hour is over.
    await activity(await start(quality_publication_every_s=0.1))
    connection = await asyncpg.connect(str(served.settings.migration_dsn))
    stored = "SELECT count(*) FROM ingest.source_hour WHERE source = 'steady'"
    await connection.execute("SELECT set_config('andon.tenant', 'acme', false)")
    for _ in range(100):
        if await connection.fetchval(stored) <= 9 * 168 + 1:
            break
        await asyncio.sleep(0.05)
    assert 9 * 168 <= await connection.fetchval(stored) <= 9 * 168 + 1
    await connection.close()


async def test_the_silence_of_the_last_of_many_sources_is_seen(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    served = await start(quality_publication_every_s=0.1)
    client = served.client()
    connection = await asyncpg.connect(str(served.settings.migration_dsn))
    await connection.execute("SELECT set_config('andon.tenant', 'acme', false)")
    await connection.execute(
        """
        INSERT INTO ingest.source_hour (tenant, source, hour, received_count, last_at)
        SELECT 'acme', 'many-' || number, floor(extract(epoch FROM now()) / 3600), 1, now()
        FROM generate_series(1, 1200) AS number
        """
    )
    await connection.close()
    await seen(served, "steady", 12)
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="andon.quality", source=Source()))
    await write(served, rows(event("a")))
    for _ in range(200):
        silences = [row for row in await everything(client) if row["activity"] == "Source silent"]
        if silences:
            break
        await asyncio.sleep(0.05)
    assert [row["attributes.source"] for row in silences] == ["steady"]
