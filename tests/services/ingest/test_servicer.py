"""Ingest over real gRPC and real Postgres: write, stream, read, follow, sources, quarantine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pyarrow as pa
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.interval_pb2 import Interval
from andon.ingest.v1 import (
    archive_pb2,
    benchmark_pb2,
    data_quality_pb2,
    entity_pb2,
    event_pb2,
    feed_pb2,
    form_pb2,
    ingest_pb2,
    privacy_pb2,
    quarantine_pb2,
    sensor_pb2,
    source_pb2,
    survey_pb2,
    transfer_pb2,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from services.ingest.access import ACCESS

START_S = 1_700_000_000


HIDDEN_PHONE = source_pb2.FieldPolicy(field="attributes.phone", treatment=source_pb2.TREATMENT_PSEUDONYMISE)


def write(batch: event_pb2.EventBatch, **fields: Any) -> ingest_pb2.WriteEventsRequest:
    return ingest_pb2.WriteEventsRequest(batch=batch, **fields)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    for detail in status_pb2.Status.FromString(details).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def counts(answer: ingest_pb2.WriteEventsResponse) -> tuple[int, int, int]:
    return answer.accepted, answer.duplicate, answer.quarantined


async def answer_of(client: Any, batch: event_pb2.EventBatch) -> Any:
    return await client.WriteEvents(write(batch))


async def first(responses: Any) -> Any:
    async for response in responses:
        return response
    raise AssertionError("no response")


async def test_rows_that_are_written_can_be_read(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    answer = await client.WriteEvents(write(rows(event("a"), event("b", attributes={"cost": 2.5}))))
    assert counts(answer) == (2, 0, 0)
    found = await everything(client)
    assert [row["id"] for row in found] == ["a", "b"]
    assert [row["attributes.cost"] for row in found] == [None, 2.5]
    assert {row["object_kind"] for row in found} == {"process"}


async def test_what_is_written_again_is_all_duplicates(served: Any, table: Any, arrow: Any, everything: Any) -> None:
    client = served.client()
    batch = arrow(table(5_000, **{"attributes.n": list(range(5_000))}))
    assert counts(await client.WriteEvents(write(batch))) == (5_000, 0, 0)
    assert counts(await client.WriteEvents(write(batch))) == (0, 5_000, 0)
    assert len(await everything(client)) == 5_000


async def test_rows_and_arrow_of_the_same_events_are_the_same_events(
    served: Any, event: Any, rows: Any, table: Any, arrow: Any
) -> None:
    client = served.client()
    sent = rows(*(event(f"e{n}", case_id=f"case-{n % 7}", time_s=START_S + n, resource="Ada") for n in range(20)))
    assert counts(await client.WriteEvents(write(sent))) == (20, 0, 0)
    again = arrow(table(20, resource=["Ada"] * 20))
    assert counts(await client.WriteEvents(write(again))) == (0, 20, 0)


async def test_a_known_id_with_another_payload_is_quarantined(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    await client.WriteEvents(write(rows(event("a", attributes={"cost": 1}))))
    changed = rows(
        event("a", attributes={"cost": 2}),
        event("a", activity="Closed"),
        event("a", attributes={"cost": "1"}),
        event("a"),
        event("a", attributes={"cost": 1.0}),
    )
    answer = await client.WriteEvents(write(changed))
    # A whole number is the same number in either type.
    assert counts(answer) == (0, 1, 4)
    assert [one.index for one in answer.rejections] == [0, 1, 2, 3]
    assert {one.reason for one in answer.rejections} == {ErrorReason.ERROR_REASON_EVENT_ID_CONFLICT}
    assert all(one.field == "id" and one.quarantine_id for one in answer.rejections)


async def test_repeats_and_conflicts_within_a_batch_are_found(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    answer = await client.WriteEvents(
        write(rows(event("a"), event("a"), event("a", activity="Closed"), event("a", source="other")))
    )
    assert counts(answer) == (2, 1, 1)
    assert answer.rejections[0].index == 2


async def test_another_trace_does_not_make_another_event(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    await client.WriteEvents(write(rows(event("a"))))
    assert counts(await client.WriteEvents(write(rows(event("a", traceparent=trace))))) == (0, 1, 0)


async def test_an_attribute_may_change_its_type(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    mixed = [event("a", attributes={"x": 1}), event("b", attributes={"x": 1.5}), event("c", attributes={"x": "one"})]
    assert counts(await client.WriteEvents(write(rows(*mixed, event("d"))))) == (4, 0, 0)
    assert counts(await client.WriteEvents(write(rows(*reversed(mixed))))) == (0, 3, 0)
    found = {row["id"]: row.get("attributes.x") for row in await everything(client)}
    assert found == {"a": 1, "b": 1.5, "c": "one", "d": None}


async def test_a_partly_bad_batch_is_answered_event_by_event(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    answer = await client.WriteEvents(
        write(rows(event("a"), event(""), event("c", time_s=None), event("d", attributes={"x": "\x07"})))
    )
    assert counts(answer) == (1, 0, 3)
    assert [(one.index, one.field) for one in answer.rejections] == [(1, "id"), (2, "time"), (3, "attributes.x")]


async def test_nothing_personal_is_readable_in_the_database(served: Any, event: Any, rows: Any, migrated: str) -> None:
    client = served.client()
    await client.CreateSource(
        ingest_pb2.CreateSourceRequest(source_id="desk", source=source_pb2.Source(policies=[HIDDEN_PHONE]))
    )
    good = event("a", resource="Ada Lovelace", attributes={"phone": "555-0100"})
    await client.WriteEvents(write(rows(good, event("", resource="Ada Lovelace"))))
    connection = await asyncpg.connect(migrated)
    stored = await connection.fetch("SELECT events FROM ingest.segment")
    texts = [str(pa.ipc.open_stream(row["events"]).read_all().to_pylist()) for row in stored]
    for table in ("source", "intake", "intake_reason", "quarantine", "commit", "request", "person"):
        texts += [str(dict(row)) for row in await connection.fetch(f"SELECT * FROM ingest.{table}")]
    await connection.close()
    assert not any(secret in text for text in texts for secret in ("Ada", "Lovelace", "555-0100"))


async def test_received_is_accepted_and_duplicate_and_quarantined(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    for batch in (rows(event("a"), event("b")), rows(event("a"), event("")), rows(event("c", source="Bad Source"))):
        await client.WriteEvents(write(batch))
    answer = await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())
    found = {one.source: (one.received, one.accepted, one.duplicate, one.quarantined) for one in answer.counts}
    assert found == {"": (1, 0, 0, 1), "desk": (4, 2, 1, 1)}
    reasons = {one.source: dict(one.quarantined_by_reason) for one in answer.counts}
    assert reasons == {"": {"EVENT_SOURCE_INVALID": 1}, "desk": {"EVENT_ID_MISSING": 1}}


async def test_validate_only_answers_and_writes_nothing(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    await client.WriteEvents(write(rows(event("a"))))
    answer = await client.WriteEvents(write(rows(event("a"), event("b"), event("")), validate_only=True))
    assert counts(answer) == (1, 1, 1)
    assert (answer.through, answer.rejections[0].quarantine_id) == ("", "")
    assert [row["id"] for row in await everything(client)] == ["a"]


async def test_a_request_id_returns_the_first_answer(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    request = write(rows(event("a"), event("")), request_id=str(uuid.uuid4()))
    first_answer = await client.WriteEvents(request)
    assert counts(first_answer) == (1, 0, 1)
    assert await client.WriteEvents(request) == first_answer
    both = await asyncio.gather(*(client.WriteEvents(request) for _ in range(5)))
    assert all(answer == first_answer for answer in both)


async def test_a_request_id_serves_one_request(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    request_id = str(uuid.uuid4())
    await client.WriteEvents(write(rows(event("a")), request_id=request_id))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.WriteEvents(write(rows(event("b")), request_id=request_id))
    assert reason_of(caught.value) == "REQUEST_ID_REUSED"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.WriteEvents(write(rows(event("b")), request_id="not a uuid"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_malformed_batches_are_invalid_arguments(served: Any, table: Any, arrow: Any) -> None:
    client = served.client()
    broken = [
        (event_pb2.EventBatch(arrow_ipc=b"nonsense"), "ARROW_MALFORMED"),
        (event_pb2.EventBatch(), "FIELD_REQUIRED"),
        (arrow(table(1, time=None)), "FIELD_REQUIRED"),
        (arrow(table(50_001)), "BATCH_TOO_LARGE"),
    ]
    for batch, reason in broken:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.WriteEvents(write(batch))
        assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_an_empty_batch_is_an_answer_of_zeros(served: Any, rows: Any, table: Any, arrow: Any) -> None:
    client = served.client()
    assert counts(await client.WriteEvents(write(rows()))) == (0, 0, 0)
    assert counts(await client.WriteEvents(write(arrow(table(0))))) == (0, 0, 0)


async def test_a_stream_is_answered_in_order(served: Any, table: Any, arrow: Any, everything: Any) -> None:
    client = served.client()

    async def batches() -> AsyncIterator[ingest_pb2.StreamEventsRequest]:
        for number in range(100):
            ids = [f"{number}-{row}" for row in range(50)]
            yield ingest_pb2.StreamEventsRequest(batch=arrow(table(50, id=ids)), sequence=number)

    answers = [answer async for answer in client.StreamEvents(batches())]
    assert [answer.sequence for answer in answers] == list(range(100))
    assert all(counts(answer.written) == (50, 0, 0) for answer in answers)
    assert len(await everything(client)) == 5_000


async def test_a_bad_batch_ends_a_stream_after_the_answers_before_it(served: Any, event: Any, rows: Any) -> None:
    client = served.client()

    async def batches() -> AsyncIterator[ingest_pb2.StreamEventsRequest]:
        yield ingest_pb2.StreamEventsRequest(batch=rows(event("a")), sequence=1)
        yield ingest_pb2.StreamEventsRequest(batch=event_pb2.EventBatch(arrow_ipc=b"nonsense"), sequence=2)

    answers = client.StreamEvents(batches()).__aiter__()
    assert (await anext(answers)).sequence == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(answers)
    assert reason_of(caught.value) == "ARROW_MALFORMED"


async def test_offsets_are_gapless_and_a_case_stays_in_its_partition(
    served: Any, table: Any, arrow: Any, everything: Any
) -> None:
    client = served.client()
    await asyncio.gather(
        *(client.WriteEvents(write(arrow(table(40, id=[f"{n}-{row}" for row in range(40)])))) for n in range(25))
    )
    found = await everything(client)
    partitions: dict[int, list[int]] = {}
    homes: dict[str, set[int]] = {}
    for row in found:
        partitions.setdefault(row["partition"], []).append(row["offset"])
        homes.setdefault(row["case_id"], set()).add(row["partition"])
    assert all(offsets == list(range(len(offsets))) for offsets in partitions.values())
    assert all(len(home) == 1 for home in homes.values())
    assert len(found) == 1_000


async def test_reading_resumes_after_a_cursor(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    middle = (await client.WriteEvents(write(rows(event("a"), event("b"))))).through
    await client.WriteEvents(write(rows(event("c"))))
    assert [row["id"] for row in await everything(client, after=middle)] == ["c"]
    bounds = await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    assert await everything(client, after=bounds.newest) == []
    assert len(await everything(client, after=bounds.oldest)) == 3
    assert (bounds.event_count, bounds.partition_count, bounds.watermark.seconds) == (3, 4, START_S)


async def test_followers_get_what_is_written_next(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    await client.WriteEvents(write(rows(event("a"))))
    call = client.ReadEvents(ingest_pb2.ReadEventsRequest(follow=True))
    stream = call.__aiter__()
    one = await anext(stream)
    assert one.pages[0].event_count == 1
    written = await client.WriteEvents(write(rows(event("b", time_s=START_S + 5))))
    two = await anext(stream)
    assert (two.through, two.watermark.seconds) == (written.through, START_S + 5)
    assert two.HasField("lag")
    assert two.pages[0].traceparents is not None
    call.cancel()


async def test_an_idle_follower_gets_heartbeats(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    through = (await client.WriteEvents(write(rows(event("a"))))).through
    request = ingest_pb2.ReadEventsRequest(follow=True, after=through, heartbeat=Duration(nanos=100_000_000))
    call = client.ReadEvents(request)
    beat = await asyncio.wait_for(first(call), 60)
    assert (beat.through, len(beat.pages), beat.watermark.seconds) == (through, 0, START_S)
    call.cancel()


async def test_a_response_holds_several_commits_and_splits_none(start: Any, event: Any, rows: Any) -> None:
    served = await start(response_bytes_max=6_000)
    client = served.client()
    for number in range(12):
        await client.WriteEvents(write(rows(event(f"a{number}", case_id="x"), event(f"b{number}", case_id="y"))))
    responses = [one async for one in client.ReadEvents(ingest_pb2.ReadEventsRequest())]
    assert 1 < len(responses) < 12
    assert all(sum(page.event_count for page in one.pages) % 2 == 0 for one in responses)
    assert sum(page.event_count for one in responses for page in one.pages) == 24


async def test_columns_partitions_and_times_can_be_chosen(served: Any, table: Any, arrow: Any, everything: Any) -> None:
    client = served.client()
    await client.WriteEvents(write(arrow(table(100, **{"attributes.cost": [1.5] * 100}))))
    late = table(1, id=["late"], time=pa.array([(START_S + 10**6) * 10**6], pa.timestamp("us", tz="UTC")))
    await client.WriteEvents(write(arrow(late)))
    (some,) = {
        tuple(sorted(row))
        for row in await everything(client, columns=["attributes.cost"], partitions=[0, 1])
        if row["id"] != "late"
    }
    assert some == ("attributes.cost", "id", "offset", "partition")
    every = await everything(client)
    assert await everything(client, partitions=[2]) == [row for row in every if row["partition"] == 2]
    after = Interval(start=Timestamp(seconds=START_S + 10**6))
    assert [row["id"] for row in await everything(client, interval=after)] == ["late"]


async def test_rows_can_be_read_as_rows(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    sent = event("a", attributes={"cost": 1.5, "note": "hello", "n": 3, "ok": True}, supersedes="z")
    await client.WriteEvents(write(rows(sent)))
    response = await first(client.ReadEvents(ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)))
    sent.object_kind = event_pb2.OBJECT_KIND_PROCESS
    assert list(response.pages[0].events.rows.events) == [sent]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"after": "nonsense"}, "CURSOR_INVALID"),
        ({"partitions": [99]}, "FIELD_INVALID"),
        ({"columns": ["time"], "encoding": ingest_pb2.ENCODING_ROWS}, "FIELD_INVALID"),
    ],
)
async def test_a_read_that_cannot_be_is_refused(served: Any, request_: Any, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await first(served.client().ReadEvents(ingest_pb2.ReadEventsRequest(**request_)))
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_a_cursor_of_another_log_is_foreign(served: Any, event: Any, rows: Any) -> None:
    through = (await served.client().WriteEvents(write(rows(event("a"))))).through
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await first(served.client("globex").ReadEvents(ingest_pb2.ReadEventsRequest(after=through)))
    assert reason_of(caught.value) == "CURSOR_FOREIGN"


async def test_the_events_of_some_cases_are_read_without_the_others(served: Any, table: Any, arrow: Any) -> None:
    client = served.client()
    for number in range(3):
        ids = [f"{number}-{row}" for row in range(70)]
        through = (await client.WriteEvents(write(arrow(table(70, id=ids))))).through
        if number == 1:
            middle = through

    async def ids_of(**request: Any) -> list[str]:
        found = []
        async for response in client.ReadCases(ingest_pb2.ReadCasesRequest(**request)):
            page = pa.ipc.open_stream(response.events.arrow_ipc).read_all()
            assert set(page.column("case_id").to_pylist()) <= set(request["case_ids"])
            found += page.column("id").to_pylist()
        return found

    wanted = [f"{number}-{row}" for number in range(3) for row in range(70) if row % 7 in (2, 5)]
    assert sorted(await ids_of(case_ids=["case-2", "case-5", "unknown"])) == sorted(wanted)
    early = [one for one in wanted if not one.startswith("2-")]
    assert sorted(await ids_of(case_ids=["case-2", "case-5"], through=middle)) == sorted(early)
    assert await ids_of(case_ids=["unknown"]) == []
    with pytest.raises(grpc.aio.AioRpcError):
        await ids_of(case_ids=[])


async def test_tenants_do_not_see_each_other(served: Any, event: Any, rows: Any, everything: Any) -> None:
    acme, globex = served.client("acme"), served.client("globex")
    await acme.WriteEvents(write(rows(event("a"), event(""))))
    assert counts(await globex.WriteEvents(write(rows(event("a"))))) == (1, 0, 0)
    assert len(await everything(globex)) == 1
    listed = await served.quarantine("globex").ListQuarantinedEvents(quarantine_pb2.ListQuarantinedEventsRequest())
    assert listed.total_count == 0


async def test_sources_are_created_changed_and_listed(served: Any) -> None:
    client = served.client()
    made = (
        await client.CreateSource(
            ingest_pb2.CreateSourceRequest(
                source_id="desk", source=source_pb2.Source(kind=source_pb2.SOURCE_KIND_SURVEY)
            )
        )
    ).source
    assert (made.name, made.dedup_horizon.seconds) == ("sources/desk", 7 * 86_400)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk"))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    made.title.en = "Help desk"
    update = ingest_pb2.UpdateSourceRequest(source=made, update_mask=FieldMask(paths=["title"]))
    changed = (await client.UpdateSource(update)).source
    assert (changed.title.en, changed.kind) == ("Help desk", source_pb2.SOURCE_KIND_SURVEY)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.UpdateSource(update)
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    assert (await client.GetSource(ingest_pb2.GetSourceRequest(name="sources/desk"))).source == changed
    for number in range(3):
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=f"s{number}"))
    page = await client.ListSources(ingest_pb2.ListSourcesRequest(page_size=3))
    rest = await client.ListSources(ingest_pb2.ListSourcesRequest(page_size=3, page_token=page.next_page_token))
    names = [one.name for one in (*page.sources, *rest.sources)]
    assert names == ["sources/desk", "sources/s0", "sources/s1", "sources/s2"]
    assert rest.next_page_token == ""


async def test_a_bad_source_is_refused_field_by_field(served: Any) -> None:
    client = served.client()
    bad = source_pb2.Source(
        dedup_horizon=Duration(seconds=60), policies=[source_pb2.FieldPolicy(field="attributes.not a name")]
    )
    for request in (
        ingest_pb2.CreateSourceRequest(source_id="desk", source=bad),
        ingest_pb2.CreateSourceRequest(source_id="Not Valid"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.CreateSource(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.GetSource(ingest_pb2.GetSourceRequest(name="sources/none"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_unknown_source_is_registered_by_its_first_event(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    await client.WriteEvents(write(rows(event("a", source="new.one"))))
    found = (await client.GetSource(ingest_pb2.GetSourceRequest(name="sources/new.one"))).source
    assert not found.policies


async def test_a_full_queue_refuses_and_says_when_to_retry(start: Any, table: Any, arrow: Any, migrated: str) -> None:
    client = (await start(queue_rows_max=1_000)).client()
    batches = [arrow(table(900, id=[f"{n}-{row}" for row in range(900)])) for n in range(5)]
    await client.WriteEvents(write(batches[0]))
    connection = await asyncpg.connect(migrated)
    # Nothing can be committed while another holds the head, so what arrives has to wait.
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM ingest.head FOR UPDATE")
        calls = [asyncio.create_task(answer_of(client, batch)) for batch in batches[1:]]
        done, waiting = await asyncio.wait(calls, timeout=0.05)
        while len(waiting) > 1:
            done, waiting = await asyncio.wait(calls, timeout=0.05)
    await connection.close()
    errors: list[Any] = [one.exception() for one in done]
    assert len(errors) == 3
    assert {(one.code(), reason_of(one)) for one in errors} == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")}
    assert (await waiting.pop()).accepted == 900
    assert (await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())).event_count == 1_800


async def test_roles_decide_who_may_call_what(served: Any, event: Any, rows: Any) -> None:
    reader = served.client(roles=("reader",))
    for call in (
        reader.WriteEvents(write(rows(event("a")))),
        reader.CreateSource(ingest_pb2.CreateSourceRequest(source_id="x")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_every_rpc_of_the_contract_is_in_the_access_table() -> None:
    files = (
        *(ingest_pb2, quarantine_pb2, privacy_pb2, data_quality_pb2, survey_pb2, form_pb2, entity_pb2, feed_pb2),
        *(archive_pb2, transfer_pb2, benchmark_pb2, sensor_pb2),
    )
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    methods = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}
    assert set(ACCESS) == methods
    assert all(ACCESS.values())
