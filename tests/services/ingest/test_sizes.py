"""Whatever is accepted can be read again: a message holds a commit, and what no message could hold is refused."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Any

import grpc
import pyarrow as pa
import pytest
from andon.ingest.v1 import ingest_pb2

MIB = 1024 * 1024
# Random text, which no compression makes smaller.
TEXT_CHARS = 3_600


def incompressible(table: Any, arrow: Any, first: int, mib: float) -> Any:
    """One case, hence one partition, of about so many MiB."""
    count = round(mib * MIB / TEXT_CHARS)
    # Letters only: what looks like a number of a person would be masked.
    letters = bytes.maketrans(b"0123456789+/", b"abcdefghijkl")
    drawn = base64.b64encode(os.urandom(count * TEXT_CHARS)).translate(letters).decode()
    texts = [drawn[row * TEXT_CHARS : (row + 1) * TEXT_CHARS] for row in range(count)]
    ids = [f"e{first + row}" for row in range(count)]
    return arrow(table(count, id=ids, case_id=["c"] * count, **{"attributes.note": texts}))


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_a_large_batch_that_does_not_compress_can_be_written_and_read(
    served: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = served.client()
    batch = incompressible(table, arrow, 0, 14.5)
    sent = pa.ipc.open_stream(batch.arrow_ipc).read_all()
    written = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert written.accepted == sent.num_rows
    found = await everything(client)
    assert [one["attributes.note"] for one in found] == sent.column("attributes.note").to_pylist()
    request = ingest_pb2.ReadCasesRequest(case_ids=["c"])
    pages = [response.events.arrow_ipc async for response in client.ReadCases(request)]
    assert sum(pa.ipc.open_stream(page).read_all().num_rows for page in pages) == sent.num_rows


async def test_a_batch_that_fits_no_message_when_stored_is_written_in_several_commits(
    served: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = served.client()
    batch = incompressible(table, arrow, 0, 15.7)
    written = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert len(await everything(client)) == written.accepted
    bounds = await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    assert bounds.event_count == written.accepted


async def test_an_event_that_would_fit_no_message_is_refused_and_leaves_nothing(
    start: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = (await start(message_bytes_max=16 * 1024)).client()
    noise = os.urandom(3_000).hex()
    batch = arrow(table(1, **{f"attributes.note{number}": [noise[number:]] for number in range(2_001, 2_004)}))
    refused = await refusal(client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch)))
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "an event takes more than" in str(refused.details())
    assert await everything(client) == []
    # What comes next is not affected.
    written = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(table(3))))
    assert written.accepted == 3


async def test_a_commit_that_is_larger_than_its_columns_looked_is_written_in_halves(
    start: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = (await start(message_bytes_max=32 * 1024)).client()
    attributes = {f"attributes.a{number}": [f"{number}"] * 16 for number in range(12)}
    cases = [f"case-{number}" for number in range(16)]
    request = ingest_pb2.WriteEventsRequest(batch=arrow(table(16, case_id=cases, **attributes)))
    request.request_id = "0b7f0a52-6c4e-4c0f-9f43-1d2a3b4c5d6e"
    written = await client.WriteEvents(request)
    assert written.accepted == 16
    rows = await everything(client)
    assert sorted(row["id"] for row in rows) == sorted(f"e{number}" for number in range(16))
    responses = [one async for one in client.ReadEvents(ingest_pb2.ReadEventsRequest())]
    assert len({page.commit_time.ToMicroseconds() for one in responses for page in one.pages}) > 1
    assert await client.WriteEvents(request) == written


async def test_large_batches_that_wait_together_share_no_commit_that_would_fit_no_message(
    served: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = served.client()
    batches = [incompressible(table, arrow, 10_000 * number, 6.0) for number in range(4)]
    answers = await asyncio.gather(
        *(client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch)) for batch in batches)
    )
    sent = sum(answer.accepted for answer in answers)
    assert len(await everything(client)) == sent


async def test_commits_that_are_too_large_as_rows_together_come_one_by_one(start: Any, table: Any, arrow: Any) -> None:
    client = (await start(message_bytes_max=256 * 1024)).client()
    for number in range(6):
        batch = arrow(table(1_000, id=[f"{number}-{row}" for row in range(1_000)]))
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    request = ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)
    responses = [response async for response in client.ReadEvents(request)]
    assert len(responses) == 6
    events = [event.id for one in responses for page in one.pages for event in page.events.rows.events]
    assert sorted(events) == sorted(f"{number}-{row}" for number in range(6) for row in range(1_000))


async def test_a_commit_that_fits_no_message_as_rows_comes_in_parts(start: Any, table: Any, arrow: Any) -> None:
    client = (await start(message_bytes_max=256 * 1024, partition_count=2)).client()
    note = {"attributes.note": pa.array(["what every event says alike " * 10] * 1_500).dictionary_encode()}
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(table(1_500, **note, source=["s"] * 1_500))))
    rows = ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)
    responses = [response async for response in client.ReadEvents(rows)]
    assert len(responses) > 2
    assert max(response.ByteSize() for response in responses) <= 256 * 1024
    places = [
        (page.partition, page.first_offset + number)
        for response in responses
        for page in response.pages
        for number in range(len(page.events.rows.events))
    ]
    assert len(places) == len(set(places)) == 1_500
    # Only the last part says that the commit is through: who resumes from another one misses nothing.
    for seen in (1, len(responses) - 1):
        rows.after = responses[seen - 1].through
        again = [response async for response in client.ReadEvents(rows)]
        assert ids_of(responses[:seen]) | ids_of(again) == ids_of(responses)
    cases = ingest_pb2.ReadCasesRequest(case_ids=[f"case-{n}" for n in range(7)], encoding=ingest_pb2.ENCODING_ROWS)
    parts = [len(response.events.rows.events) async for response in client.ReadCases(cases)]
    assert sum(parts) == 1_500
    assert len(parts) > 2


def ids_of(responses: list[ingest_pb2.ReadEventsResponse]) -> set[str]:
    return {event.id for one in responses for page in one.pages for event in page.events.rows.events}


async def test_a_client_with_the_default_limit_reads_every_commit_as_rows(served: Any, table: Any, arrow: Any) -> None:
    note = {"attributes.note": pa.array(["what every event says alike " * 40] * 9_000).dictionary_encode()}
    await served.client().WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(table(9_000, **note))))
    client = served.client()
    request = ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)
    count = 0
    async for response in client.ReadEvents(request):
        assert response.ByteSize() < 4 * 1024 * 1024
        count += sum(len(page.events.rows.events) for page in response.pages)
    assert count == 9_000
