"""What a log's events are called is served, over restarts and replicas, and only what may be logged is recorded."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import ingest_pb2

WRITE = ingest_pb2.WriteEventsRequest


async def vocabulary(client: Any) -> ingest_pb2.GetLogVocabularyResponse:
    return await client.GetLogVocabulary(ingest_pb2.GetLogVocabularyRequest())


async def test_a_log_says_what_its_events_are_called(start: Any, event: Any, rows: Any) -> None:
    client = (await start()).client()
    empty = await vocabulary(client)
    assert empty.complete
    assert not empty.activities
    batch = rows(
        event("a", activity="New", attributes={"team": "B", "cost": 2.5}), event("b", attributes={"team": "A"})
    )
    await client.WriteEvents(WRITE(batch=batch))
    found = await vocabulary(client)
    assert list(found.activities) == ["New", "Opened"]
    assert [(one.name, list(one.types), list(one.values)) for one in found.attributes] == [
        ("cost", ["number"], []),
        ("team", ["text"], ["A", "B"]),
    ]
    assert found.complete
    # A replica that begins now knows it, and adds to it.
    other = (await start()).client()
    assert await vocabulary(other) == found
    await other.WriteEvents(WRITE(batch=rows(event("c", activity="Closed"))))
    await client.WriteEvents(WRITE(batch=rows(event("d", activity="Paused"))))
    assert list((await vocabulary(client)).activities) == ["Closed", "New", "Opened", "Paused"]


async def test_what_is_only_checked_or_refused_is_not_recorded(start: Any, event: Any, rows: Any) -> None:
    client = (await start()).client()
    await client.WriteEvents(WRITE(batch=rows(event("a", activity="Tried")), validate_only=True))
    await client.WriteEvents(WRITE(batch=rows(event("b", activity="Timeless", time_s=None))))
    assert not (await vocabulary(client)).activities


async def test_tenants_have_vocabularies_of_their_own(start: Any, event: Any, rows: Any) -> None:
    served = await start()
    await served.client().WriteEvents(WRITE(batch=rows(event("a"))))
    assert not (await vocabulary(served.client("other"))).activities
