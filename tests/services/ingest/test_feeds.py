"""FeedService over real gRPC and real Postgres: declared, written, corrected by revisions, refused with their field."""

from __future__ import annotations

import json
import uuid
from typing import Any

import grpc
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, feed_pb2, feed_pb2_grpc, ingest_pb2, record_pb2, source_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

LOWER, HIGHER = feed_pb2.FEED_DIRECTION_LOWER_IS_BETTER, feed_pb2.FEED_DIRECTION_HIGHER_IS_BETTER


def series(name: str, figures: int, direction: int = LOWER, **fields: Any) -> feed_pb2.FeedSeries:
    return feed_pb2.FeedSeries(name=name, figures=figures, direction=direction, **fields)  # type: ignore[arg-type]


WARDS = feed_pb2.Feed(
    title=Text(en="Wards", zh="病区"),
    period=feed_pb2.FEED_PERIOD_MONTH,
    time_zone="Europe/Berlin",
    dimensions=["ward"],
    series=[
        series("falls", feed_pb2.FEED_FIGURES_RATE, unit="per bed-day", denominator_resolution=0.5),
        series("late", feed_pb2.FEED_FIGURES_SHARE),
        series("complaints", feed_pb2.FEED_FIGURES_COUNT),
        series("satisfaction", feed_pb2.FEED_FIGURES_VALUE, HIGHER, target=4.5),
        series("cost", feed_pb2.FEED_FIGURES_RATIO, unit="EUR"),
    ],
)


@pytest.fixture
def feeds(served: Any) -> Any:
    return feed_pb2_grpc.FeedServiceStub(served.channel())


@pytest.fixture
async def wards(feeds: Any) -> feed_pb2.Feed:
    return await create(feeds, "wards", WARDS)


async def create(feeds: Any, name: str, feed: feed_pb2.Feed) -> feed_pb2.Feed:
    made: feed_pb2.Feed = (await feeds.CreateFeed(feed_pb2.CreateFeedRequest(feed_id=name, feed=feed))).feed
    return made


async def write(client: Any, *rows: dict[str, Any]) -> record_pb2.WriteRecordsResponse:
    records = [json.dumps({"ward": "north", **row}).encode() for row in rows]
    raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=records))
    answer: record_pb2.WriteRecordsResponse = await client.WriteRecords(
        record_pb2.WriteRecordsRequest(source="sources/wards", records=raw)
    )
    return answer


def fields_at_fault(caught: Any) -> list[str]:
    status = rpc_status.from_call(caught.value)
    found = error_details_pb2.BadRequest()
    assert any(detail.Unpack(found) for detail in status.details)
    return [violation.field for violation in found.field_violations]


async def test_a_feed_has_a_source_of_its_name_and_is_listed(served: Any, feeds: Any, wards: Any) -> None:
    assert (wards.name, wards.source, wards.time_zone) == ("feeds/wards", "sources/wards", "Europe/Berlin")
    assert [one.resolution for one in wards.series] == [1.0, 1.0, 1.0, 0.001, 0.001]
    assert [one.denominator_resolution for one in wards.series] == [0.5, 1.0, 1.0, 1.0, 1.0]
    source = (await served.client().GetSource(ingest_pb2.GetSourceRequest(name=wards.source))).source
    assert (source.kind, source.title) == (source_pb2.SOURCE_KIND_KPI_FEED, wards.title)
    assert (await feeds.GetFeed(feed_pb2.GetFeedRequest(name=wards.name))).feed == wards
    one = feed_pb2.Feed(period=feed_pb2.FEED_PERIOD_DAY, series=[series("a", feed_pb2.FEED_FIGURES_COUNT)])
    other = await create(feeds, "other", one)
    first = await feeds.ListFeeds(feed_pb2.ListFeedsRequest(page_size=1))
    rest = await feeds.ListFeeds(feed_pb2.ListFeedsRequest(page_size=1, page_token=first.next_page_token))
    assert [*first.feeds, *rest.feeds] == [other, wards]
    assert rest.next_page_token == ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(feeds, "wards", WARDS)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_a_dry_run_and_a_repeated_request_create_nothing_more(feeds: Any) -> None:
    request = feed_pb2.CreateFeedRequest(feed_id="wards", feed=WARDS, validate_only=True)
    assert (await feeds.CreateFeed(request)).feed.name == "feeds/wards"
    request.validate_only, request.request_id = False, str(uuid.uuid4())
    made = (await feeds.CreateFeed(request)).feed
    assert (await feeds.CreateFeed(request)).feed == made


async def test_each_field_of_a_feed_that_is_wrong_is_named(feeds: Any) -> None:
    wrong = feed_pb2.Feed(
        time_zone="Mars/Base",
        dimensions=["value", "a", "a"],
        series=[
            series("two words", feed_pb2.FEED_FIGURES_COUNT),
            feed_pb2.FeedSeries(name="x"),
            series("x", feed_pb2.FEED_FIGURES_SHARE, resolution=0.1, denominator_resolution=2.0),
            series("t", feed_pb2.FEED_FIGURES_VALUE, feed_pb2.FEED_DIRECTION_TARGET_IS_BETTER, resolution=1e-12),
        ],
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(feeds, "Bad Name", wrong)
    assert sorted(fields_at_fault(caught)) == sorted(
        [
            "feed_id",
            "feed.period",
            "feed.time_zone",
            "feed.dimensions[0]",
            "feed.dimensions[2]",
            "feed.series[0].name",
            "feed.series[1].figures",
            "feed.series[1].direction",
            "feed.series[2].name",
            "feed.series[2].resolution",
            "feed.series[2].denominator_resolution",
            "feed.series[3].target",
            "feed.series[3].resolution",
        ]
    )


async def test_a_row_is_one_event_however_its_period_is_written(served: Any, wards: Any, everything: Any) -> None:
    client = served.client()
    row = {"series": "late", "period": "2026-05", "numerator": 3, "denominator": 40}
    assert (await write(client, row)).accepted == 1
    spelled = ["2026-05-01", "2026-05-01T00:00:00+02:00", "2026-04-30T22:00:00Z", "2026-05"]
    again = await write(client, *({**row, "period": one} for one in spelled))
    assert (again.accepted, again.duplicate) == (0, 4)
    (event,) = await everything(client)
    assert (event["id"], event["case_id"]) == ("late/2026-05-01/north/0", "late/2026-05-01/north")
    assert (event["activity"], event["attributes.numerator"], event["attributes.ward"]) == ("late", 3.0, "north")


async def test_other_figures_of_a_period_need_a_higher_revision(served: Any, wards: Any, everything: Any) -> None:
    client = served.client()
    row = {"series": "complaints", "period": "2026-05", "value": 3}
    await write(client, row)
    refused = await write(client, {**row, "value": 4})
    assert [one.reason for one in refused.rejections] == [ErrorReason.ERROR_REASON_EVENT_ID_CONFLICT]
    assert (await write(client, {**row, "value": 4, "revision": 1})).accepted == 1
    assert [one["id"] for one in await everything(client)] == [
        "complaints/2026-05-01/north/0",
        "complaints/2026-05-01/north/1",
    ]


async def test_units_whose_names_hold_separators_are_told_apart(served: Any, feeds: Any) -> None:
    feed = feed_pb2.Feed(
        period=feed_pb2.FEED_PERIOD_DAY, dimensions=["a", "b"], series=[series("n", feed_pb2.FEED_FIGURES_COUNT)]
    )
    await create(feeds, "wards", feed)
    rows = [{"a": "x/y", "b": "z"}, {"a": "x", "b": "y/z"}, {"a": "x%2Fy", "b": "z"}, {"a": "x"}, {"b": "x"}]
    answer = await write(served.client(), *({"series": "n", "period": "2026-05-04", "value": 1, **row} for row in rows))
    assert (answer.accepted, answer.duplicate, answer.quarantined) == (5, 0, 0)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"series": "unknown", "value": 1}, "activity", "FEED_SERIES_UNKNOWN"),
        ({"series": "complaints", "value": 1, "period": "2026-05-02"}, "time", "FEED_PERIOD_NOT_WHOLE"),
        ({"series": "complaints", "value": 1, "period": "2026-05-01T00:00:00Z"}, "time", "FEED_PERIOD_NOT_WHOLE"),
        ({"series": "complaints", "value": 1, "period": None}, "time", "EVENT_TIME_MISSING"),
        ({"series": "complaints"}, "attributes.value", "FEED_FIGURES_INVALID"),
        ({"series": "complaints", "value": 1.5}, "attributes.value", "FEED_FIGURES_INVALID"),
        ({"series": "complaints", "value": -1}, "attributes.value", "FEED_FIGURES_INVALID"),
        ({"series": "complaints", "value": "many"}, "attributes.value", "FEED_FIGURES_INVALID"),
        ({"series": "satisfaction", "numerator": 4}, "attributes.value", "FEED_FIGURES_INVALID"),
        ({"series": "late", "numerator": 4}, "attributes.denominator", "FEED_FIGURES_INVALID"),
        ({"series": "late", "numerator": 5, "denominator": 4}, "attributes.numerator", "FEED_FIGURES_INVALID"),
        ({"series": "late", "numerator": 1, "denominator": 4.5}, "attributes.denominator", "FEED_FIGURES_INVALID"),
        ({"series": "falls", "numerator": 1, "denominator": 4.2}, "attributes.denominator", "FEED_FIGURES_INVALID"),
        ({"series": "falls", "numerator": 1, "denominator": -4}, "attributes.denominator", "FEED_FIGURES_INVALID"),
        ({"series": "complaints", "value": 1, "revision": 1.5}, "attributes.revision", "FEED_FIGURES_INVALID"),
        ({"series": "complaints", "value": 1, "revision": -1}, "attributes.revision", "FEED_FIGURES_INVALID"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_row_that_is_no_figure_of_its_series_is_refused_with_its_field(
    served: Any, wards: Any, everything: Any, row: dict[str, Any], field: str, reason: str
) -> None:
    answer = await write(served.client(), {"period": "2026-05-01", **row})
    (one,) = answer.rejections
    assert (one.field, ErrorReason.Name(one.reason)) == (field, f"ERROR_REASON_{reason}")
    assert await everything(served.client()) == []


async def test_figures_at_the_edge_of_what_a_series_can_have_are_accepted(served: Any, wards: Any) -> None:
    rows = [
        {"series": "falls", "numerator": 7, "denominator": 3.5},
        {"series": "late", "numerator": 0, "denominator": 0},
        {"series": "complaints", "value": 0},
        {"series": "satisfaction", "value": -0.25},
        {"series": "cost", "numerator": -17.125, "denominator": 3},
    ]
    answer = await write(served.client(), *({"period": "2026-05-01", **row} for row in rows))
    assert (answer.accepted, list(answer.rejections)) == (5, [])


async def test_events_take_the_same_way_as_records(served: Any, wards: Any, everything: Any) -> None:
    """However the producer names row and case, a period of a unit is one case."""
    client = served.client()
    event = event_pb2.Event(id="mine", source="wards", case_id="whatever", activity="complaints")
    event.time.FromJsonString("2026-04-30T22:00:00Z")
    event.attributes["value"].integer = 3
    event.attributes["ward"].text = "north"
    batch = event_pb2.EventBatch(rows=event_pb2.EventRows(events=[event]))
    assert (await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))).accepted == 1
    again = await write(client, {"series": "complaints", "period": "2026-05", "value": 3})
    assert (again.duplicate, again.quarantined) == (0, 1)
    assert [one["case_id"] for one in await everything(client)] == ["complaints/2026-05-01/north"]


async def test_series_may_be_added_and_none_may_leave_or_change_its_figures(
    served: Any, feeds: Any, wards: Any
) -> None:
    client = served.client()
    row = {"series": "beds", "period": "2026-05", "value": 40}
    assert (await write(client, row)).quarantined == 1
    wards.series.append(series("beds", feed_pb2.FEED_FIGURES_COUNT))
    changed = (await feeds.UpdateFeed(feed_pb2.UpdateFeedRequest(feed=wards))).feed
    assert changed == (await feeds.GetFeed(feed_pb2.GetFeedRequest(name="feeds/wards"))).feed
    assert (await write(client, row)).accepted == 1
    wards.series[0].figures, wards.period = feed_pb2.FEED_FIGURES_RATIO, feed_pb2.FEED_PERIOD_DAY
    wards.dimensions.append("team")
    del wards.series[1]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await feeds.UpdateFeed(feed_pb2.UpdateFeedRequest(feed=wards))
    assert set(fields_at_fault(caught)) == {"feed.period", "feed.dimensions", "feed.series"}


async def test_a_feed_of_another_tenant_is_not_found(served: Any, feeds: Any, wards: Any) -> None:
    other = feed_pb2_grpc.FeedServiceStub(served._channel("globex", ("operator", "reader")))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await other.GetFeed(feed_pb2.GetFeedRequest(name="feeds/wards"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert not (await other.ListFeeds(feed_pb2.ListFeedsRequest())).feeds
