"""Ingest over real gRPC and real Postgres: write, stream, read, follow."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import ingest_pb2


async def test_rows_that_are_written_can_be_read(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    answer = await client.WriteEvents(
        ingest_pb2.WriteEventsRequest(batch=rows(event("a"), event("b", attributes={"cost": 2.5})))
    )
    assert (answer.accepted, answer.duplicate, answer.quarantined) == (2, 0, 0)
    found = await everything(client)
    assert [row["id"] for row in found] == ["a", "b"]
    assert [row["attributes.cost"] for row in found] == [None, 2.5]


async def test_arrow_that_is_written_again_is_all_duplicates(
    served: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = served.client()
    batch = arrow(table(5_000))
    first = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    again = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert (first.accepted, again.duplicate, again.accepted, again.quarantined) == (5_000, 5_000, 0, 0)
    assert len(await everything(client)) == 5_000
