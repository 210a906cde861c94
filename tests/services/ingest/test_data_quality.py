"""The quality of data over real gRPC: exact, for repeats and replays, watched, and published as events of its own."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import grpc
import pytest
from andon.ingest.v1 import data_quality_pb2, data_quality_pb2_grpc, ingest_pb2, quarantine_pb2
from andon.ingest.v1.data_quality_pb2 import DataQualityDimension as Dimension
from andon.ingest.v1.source_pb2 import Cleaning, QualityRules, Source
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

START_S = 1_700_000_000
DAY_S = 86_400
RULES = QualityRules(
    required=["attributes.channel"],
    ranges=[QualityRules.NumberRange(field="attributes.score", low=1, high=5)],
    values=[QualityRules.AllowedValues(field="attributes.channel", values=["phone", "mail"])],
    timely_within=Duration(seconds=60),
)


def quality(served: Any, roles: tuple[str, ...] = ("reader",)) -> Any:
    return data_quality_pb2_grpc.DataQualityServiceStub(served.channel(roles))


async def days_of(served: Any, **request: Any) -> list[Any]:
    found, token = [], ""
    while True:
        asked = data_quality_pb2.GetDataQualityRequest(page_token=token, **request)
        answer = await quality(served).GetDataQuality(asked)
        found += answer.days
        token = answer.next_page_token
        if not token:
            return found


def failed(day: Any) -> dict[str, int]:
    return {Dimension.Name(one.dimension).split("_")[-1].lower(): one.failed for one in day.dimensions if one.failed}


def fields(day: Any) -> dict[tuple[str, str], int]:
    return {
        (Dimension.Name(one.dimension).split("_")[-1].lower(), field.field): field.failed
        for one in day.dimensions
        for field in one.fields
    }


async def write(served: Any, batch: Any) -> Any:
    return await served.client().WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))


async def test_every_event_is_judged_once_on_its_own_day(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    cleaning = Cleaning(placeholders=[Cleaning.Placeholder(field="attributes.channel", value="?")])
    source = Source(quality=RULES, cleaning=cleaning)
    made = await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    assert made.source.quality == RULES
    good = {"channel": "phone", "score": 3}
    batch = rows(
        event("good", attributes=good),
        event("late", attributes=good, time_s=START_S - DAY_S),
        event("none", attributes={"score": 3}),
        event("placeholder", attributes={**good, "channel": "?"}),
        event("range", attributes={**good, "score": 9}),
        event("word", attributes={**good, "channel": "fax"}),
        event("nan", attributes={"channel": "mail", "score": math.nan}),
        event("correction", supersedes="good", attributes=good),
        event("retraction", retracts="range"),
        event("no-case", case_id="", attributes=good),
        event("future", time_s=4e9, attributes=good),
    )
    await write(served, batch)
    before, day, today = await days_of(served, sources=["desk"])
    assert (before.received, before.accepted, failed(before)) == (1, 1, {"timeliness": 1})
    assert (day.received, day.accepted, day.duplicate, day.refused) == (9, 8, 0, 1)
    assert (day.corrections, day.retractions, sum(one.count for one in day.delays)) == (1, 1, 8)
    assert failed(day) == {"completeness": 3, "validity": 3, "timeliness": 8, "consistency": 2}
    assert fields(day) == {
        ("completeness", "attributes.channel"): 2,
        ("completeness", "case_id"): 1,
        ("validity", "attributes.score"): 2,
        ("validity", "attributes.channel"): 1,
    }
    # Its time cannot be used, so it counts on the day on which it came.
    assert (today.received, failed(today)) == (1, {"validity": 1})
    assert today.interval.start.seconds > day.interval.start.seconds == START_S // DAY_S * DAY_S

    await write(served, batch)
    before, day, today = await days_of(served, sources=["desk"])
    assert (day.received, day.accepted, day.duplicate, day.refused) == (18, 8, 8, 2)
    assert failed(day) == {"completeness": 4, "validity": 3, "uniqueness": 8, "timeliness": 8, "consistency": 2}
    shares = {one.dimension: one.share for one in day.dimensions}
    assert shares[Dimension.DATA_QUALITY_DIMENSION_UNIQUENESS] == pytest.approx(1 - 8 / 18)
    (counts,) = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert counts.received == sum(one.received for one in (before, day, today)) == 22


async def test_a_replayed_event_was_refused_and_is_counted_as_replayed(served: Any, event: Any, rows: Any) -> None:
    await write(served, rows(event("a", time_s=1.0)))
    source = Source(time_earliest=Timestamp(seconds=0))
    await served.client().CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    selection = quarantine_pb2.QuarantineSelection(filter=quarantine_pb2.QuarantineFilter())
    await served.quarantine().ReplayEvents(quarantine_pb2.ReplayEventsRequest(selection=selection))
    first, today = await days_of(served)
    assert (first.interval.start.seconds, first.received, first.replayed) == (0, 0, 1)
    assert (today.received, today.refused, today.replayed) == (1, 1, 0)


async def test_a_batch_in_parts_and_two_replicas_count_as_one_would(start: Any, table: Any, arrow: Any) -> None:
    one = await start(commit_rows_max=200)
    other = await start()
    batch = arrow(table(1_000, **{"attributes.x": [float(n) if n % 10 else math.nan for n in range(1_000)]}))
    await asyncio.gather(*(write(served, batch) for served in (one, other, one, other)))
    days = await days_of(other)
    assert days == await days_of(one, page_size=1)
    totals = [sum(getattr(day, name) for day in days) for name in ("received", "accepted", "duplicate", "refused")]
    assert totals == [4_000, 1_000, 3_000, 0]
    assert sum(failed(day)["validity"] for day in days) == 100


async def test_an_interval_and_a_source_are_chosen(served: Any, event: Any, rows: Any) -> None:
    batch = [event(f"{day}-{name}", time_s=START_S + day * DAY_S, source=name) for day in range(4) for name in "ab"]
    await write(served, rows(*batch))
    chosen = data_quality_pb2.GetDataQualityRequest(sources=["b"])
    chosen.interval.start.FromSeconds(START_S + DAY_S)
    chosen.interval.end.FromSeconds(START_S + 2 * DAY_S)
    found = (await quality(served).GetDataQuality(chosen)).days
    assert [(one.source, one.interval.start.seconds // DAY_S - START_S // DAY_S) for one in found] == [
        ("b", 1),
        ("b", 2),
    ]


async def test_a_watch_resumes_and_sends_each_day_as_it_is_now(served: Any, event: Any, rows: Any) -> None:
    async def first_of(**request: Any) -> Any:
        watch = quality(served).WatchDataQuality(data_quality_pb2.WatchDataQualityRequest(**request))
        async for response in watch:
            if response.days:
                watch.cancel()
                return response
        raise AssertionError("the watch ended")

    await write(served, rows(event("a"), event("b", time_s=START_S + DAY_S)))
    snapshot = await first_of(snapshot=True)
    assert [day.received for day in snapshot.days] == [1, 1]
    await write(served, rows(event("a")))
    await write(served, rows(event("c")))
    answer = await first_of(after=snapshot.through)
    assert [(day.received, day.duplicate) for day in answer.days] == [(3, 1)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await first_of(after="nonsense")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_days_that_are_over_become_events_once_and_again_when_they_change(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    served = await start(quality_publication_every_s=0.1)
    await start(quality_publication_every_s=0.1)
    client = served.client()
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="andon.quality", source=Source()))

    async def published(count: int) -> list[dict[str, Any]]:
        for _ in range(200):
            found = [row for row in await everything(client) if row["source"] == "andon.quality"]
            if len(found) >= count:
                return sorted(found, key=lambda row: row["id"])
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(found)} published")

    await write(served, rows(event("a"), event("b", case_id="")))
    (first,) = await published(1)
    assert (first["id"], first["supersedes"]) == ("desk/2023-11-14/1", None)
    assert (first["attributes.source"], first["attributes.received"]) == ("desk", 2)
    assert first["attributes.completeness"] == 0.5
    assert first["time"].timestamp() == first["attributes.day"].timestamp() + DAY_S == START_S // DAY_S * DAY_S + DAY_S
    await write(served, rows(event("c")))
    _, second = await published(2)
    assert (second["supersedes"], second["attributes.accepted"]) == (first["id"], 2)
    await asyncio.sleep(0.5)
    assert len(await published(2)) == 2
    # What publishes quality has none of its own.
    assert {one.source for one in await days_of(served)} == {"desk"}


async def test_nobody_else_writes_the_sources_of_the_service(served: Any, event: Any, rows: Any) -> None:
    answer = await write(served, rows(event("a", source="andon.quality"), event("b")))
    assert [(one.index, one.field) for one in answer.rejections] == [(0, "source")]
    for name, source in (("andon.mine", Source()), ("andon.quality", Source(subject="resource"))):
        request = ingest_pb2.CreateSourceRequest(source_id=name, source=source)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.client().CreateSource(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "rules",
    [
        QualityRules(required=["id"]),
        QualityRules(ranges=[QualityRules.NumberRange(field="attributes.x", low=2, high=1)]),
        QualityRules(ranges=[QualityRules.NumberRange(field="attributes.x", low=math.nan)]),
        QualityRules(values=[QualityRules.AllowedValues(field="attributes.x")]),
        QualityRules(timely_within=Duration(seconds=-1)),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(served: Any, rules: QualityRules) -> None:
    request = ingest_pb2.CreateSourceRequest(source_id="desk", source=Source(quality=rules))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.client().CreateSource(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
