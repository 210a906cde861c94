"""Readers are told how far each source has come, and never more than was sent to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from andon.ingest.v1 import ingest_pb2
from google.protobuf.duration_pb2 import Duration

from services.runtime.clock import clock_us

START_S = 1_700_000_000


async def sent(client: Any, rows: Any, *events: Any) -> None:
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(*events)))


def marks(response: Any) -> dict[str, int]:
    return {one.source: one.time.seconds - START_S for one in response.source_watermarks}


async def test_the_first_response_names_every_source_and_the_next_ones_those_that_moved(
    served: Any, event: Any, rows: Any
) -> None:
    client = served.client()
    await sent(client, rows, event("a", time_s=START_S + 1), event("b", source="fast", time_s=START_S + 72_000))
    call = client.ReadEvents(ingest_pb2.ReadEventsRequest(follow=True))
    stream = call.__aiter__()
    assert marks(await anext(stream)) == {"desk": 1, "fast": 72_000}
    await sent(client, rows, event("c", time_s=START_S + 5))
    moved = await anext(stream)
    assert (marks(moved), moved.watermark.seconds) == ({"desk": 5}, START_S + 72_000)
    # A late event moves nothing.
    await sent(client, rows, event("d", time_s=START_S + 2))
    assert marks(await anext(stream)) == {}
    call.cancel()


@pytest.mark.parametrize("encoding", [ingest_pb2.ENCODING_ARROW, ingest_pb2.ENCODING_ROWS])
async def test_a_reader_that_resumes_knows_as_much_as_one_that_read_everything(
    start: Any, event: Any, rows: Any, encoding: Any
) -> None:
    client = (await start(response_bytes_max=1)).client()
    for number in range(12):
        await sent(client, rows, event(f"e{number}", source=f"s{number % 3}", time_s=START_S + number * 7 % 11))
    request = ingest_pb2.ReadEventsRequest
    known: dict[str, int] = {}
    beat = Duration(nanos=100_000_000)
    async for response in client.ReadEvents(request(encoding=encoding)):
        known.update(marks(response))
        # A call that begins here knows at once what this one learned on its way, whatever it is sent first.
        call = client.ReadEvents(request(after=response.through, follow=True, heartbeat=beat, encoding=encoding))
        first = await anext(call.__aiter__())
        call.cancel()
        assert {source: min(us, known[source]) for source, us in marks(first).items() if source in known} == known
    bounds = await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    assert {one.source: one.time.seconds - START_S for one in bounds.source_watermarks} == known


async def test_commits_that_a_follower_did_not_ask_for_move_its_watermarks_all_the_same(
    served: Any, event: Any, rows: Any
) -> None:
    client = served.client()
    await sent(client, rows, event("a"))
    bounds = await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    elsewhere = ingest_pb2.ReadEventsRequest(
        follow=True, after=bounds.newest, partitions=[0], heartbeat=Duration(nanos=100_000_000)
    )
    call = client.ReadEvents(elsewhere)
    stream = call.__aiter__()
    assert marks(await anext(stream)) == {"desk": 0}
    for number in range(8):
        await sent(client, rows, event(f"b{number}", case_id=f"case-{number}", time_s=START_S + 10 + number))
    latest = 0
    async with asyncio.timeout(60):
        while latest < 17:
            latest = marks(await anext(stream)).get("desk", latest)
    call.cancel()


async def test_every_response_says_what_time_it_is_at_the_server(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    before_us = clock_us()
    call = client.ReadEvents(ingest_pb2.ReadEventsRequest(follow=True, heartbeat=Duration(nanos=100_000_000)))
    stream = call.__aiter__()
    times = [(await anext(stream)).server_time.ToMicroseconds() for _ in range(2)]
    assert before_us <= times[0] < times[1] <= clock_us()
    call.cancel()
