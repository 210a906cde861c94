"""Cleaning as a source declares it, over real gRPC: counted, the same for repeats, and through a replay."""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
from andon.ingest.v1 import ingest_pb2, quarantine_pb2
from andon.ingest.v1.source_pb2 import Cleaning, Source
from google.protobuf.timestamp_pb2 import Timestamp

RULES = Cleaning(
    normalise_keys=True,
    placeholders=[Cleaning.Placeholder(value="?"), Cleaning.Placeholder(field="case_id", value="N/A")],
    categories=[Cleaning.Category(field="attributes.priority", values=["High", "Low"])],
    units=[Cleaning.UnitRange(field="attributes.minutes", low=20, high=240, factors=[60, 1_000])],
    early_times=True,
    time_orders=[Cleaning.TimeOrder(earlier="attributes.opened", later="time")],
)


async def counted(client: Any) -> Any:
    (one,) = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert one.received == one.cleaned + one.kept + one.quarantined == one.accepted + one.duplicate + one.quarantined
    return one


async def test_what_is_cleaned_is_admitted_counted_and_the_same_when_it_comes_again(
    served: Any, event: Any, rows: Any, everything: Any
) -> None:
    client = served.client()
    request = ingest_pb2.CreateSourceRequest(source_id="desk", source=Source(cleaning=RULES))
    made = (await client.CreateSource(request)).source
    assert made.cleaning == RULES
    batch = rows(
        event("a", attributes={"priority": "HIGH", "note": "?", "minutes": 6_000}),
        event("b", attributes={"priority": "Low", "cost": math.nan}),
        event("c", attributes={"priority": "Low"}),
        event("d", case_id=" n/a "),
    )
    for accepted, duplicate in ((3, 0), (0, 3)):
        answer = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        assert (answer.accepted, answer.duplicate, answer.quarantined) == (accepted, duplicate, 1)
    assert [(one.field, one.index) for one in answer.rejections] == [("case_id", 3)]
    found = {row["id"]: row for row in await everything(client)}
    assert found["a"]["attributes.priority"] == "High"
    assert found["a"]["attributes.raw.priority"] == "HIGH"
    assert found["a"]["attributes.minutes"] == 100.0
    assert "attributes.note" not in found["a"]
    one = await counted(client)
    assert (one.received, one.cleaned, one.kept, one.quarantined) == (8, 4, 2, 2)
    assert {(value.rule, value.field): value.count for value in one.cleaned_values} == {
        ("CATEGORY", "attributes.priority"): 2,
        ("PLACEHOLDER", "attributes.note"): 2,
        ("UNIT", "attributes.minutes"): 2,
        ("NOT_FINITE", "attributes.cost"): 2,
    }


async def test_a_batch_in_many_parts_is_counted_once(start: Any, table: Any, arrow: Any) -> None:
    served = await start(commit_rows_max=200)
    client = served.client()
    values = [float(n) if n % 10 else math.nan for n in range(1_000)]
    batch = arrow(table(1_000, **{"attributes.x": values}))
    for _ in range(2):
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    one = await counted(client)
    assert (one.received, one.cleaned, one.kept) == (2_000, 200, 1_800)


async def test_a_replay_is_cleaned_as_new_events_are(served: Any, event: Any, rows: Any, everything: Any) -> None:
    client = served.client()
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event("a", time_s=1.0, attributes={"x": "?"}))))
    source = Source(cleaning=RULES, time_earliest=Timestamp(seconds=0))

    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    selection = quarantine_pb2.QuarantineSelection(filter=quarantine_pb2.QuarantineFilter())
    request = quarantine_pb2.ReplayEventsRequest(selection=selection)
    assert (await served.quarantine().ReplayEvents(request)).accepted_count == 1
    assert "attributes.x" not in (await everything(client))[0]
    assert (await counted(client)).cleaned == 1


@pytest.mark.parametrize(
    "rules",
    [
        Cleaning(placeholders=[Cleaning.Placeholder(value="")]),
        Cleaning(placeholders=[Cleaning.Placeholder(field="id", value="?")]),
        Cleaning(categories=[Cleaning.Category(field="attributes.x", values=["a", "A"])]),
        Cleaning(categories=[Cleaning.Category(field="attributes." + "x" * 62, values=["a"])]),
        Cleaning(units=[Cleaning.UnitRange(field="attributes.x", low=2, high=1)]),
        Cleaning(units=[Cleaning.UnitRange(field="attributes.x", low=1, high=2, factors=[-1])]),
        Cleaning(time_orders=[Cleaning.TimeOrder(earlier="time", later="time")]),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(served: Any, rules: Cleaning) -> None:
    request = ingest_pb2.CreateSourceRequest(source_id="desk", source=Source(cleaning=rules))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.client().CreateSource(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
