"""Quotas over real gRPC: shared by replicas, answered with what a caller needs to pace itself, and streams wait."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from andon.ingest.v1 import ingest_pb2
from andon.ingest.v1.source_pb2 import IntakeQuota, Source
from andon_client.follow import requested_delay_s
from google.rpc import error_details_pb2
from grpc_status import rpc_status


def write(batch: Any, **options: Any) -> ingest_pb2.WriteEventsRequest:
    return ingest_pb2.WriteEventsRequest(batch=batch, **options)


async def refused(call: Any) -> tuple[float, str]:
    """How long is asked to wait, and whose quota it is."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    failure, info = error_details_pb2.QuotaFailure(), error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    assert [detail.Unpack(failure) for detail in status.details].count(True) == 1
    assert [detail.Unpack(info) for detail in status.details].count(True) == 1
    assert info.reason == "QUOTA_EXCEEDED"
    return requested_delay_s(caught.value), failure.violations[0].subject


async def test_a_tenant_has_one_balance_in_all_replicas_and_each_tenant_its_own(
    start: Any, table: Any, arrow: Any
) -> None:
    one = await start(quota_events_per_s=200, quota_burst_s=1.0)
    other = await start(quota_events_per_s=200, quota_burst_s=1.0)
    await one.client().WriteEvents(write(arrow(table(500))))
    wait_s, subject = await refused(other.client().WriteEvents(write(arrow(table(1)))))
    assert subject == "tenant"
    assert 0.5 < wait_s <= 1.6
    # A dry run writes nothing and takes nothing, and another tenant is another one.
    await other.client().WriteEvents(write(arrow(table(1)), validate_only=True))
    await other.client("initech").WriteEvents(write(arrow(table(1))))
    await asyncio.sleep(wait_s + 0.1)
    assert (await other.client().WriteEvents(write(arrow(table(1))))).duplicate == 1


async def test_a_source_has_a_quota_of_its_own_and_others_are_not_held(served: Any, event: Any, rows: Any) -> None:
    client = served.client()
    source = Source(quota=IntakeQuota(events_per_second=1))
    made = await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    assert made.source.quota == source.quota
    # The process learns of it with its next commit.
    await client.WriteEvents(write(rows(event("first"))))
    await client.WriteEvents(write(rows(*(event(f"{n}") for n in range(40)))))
    batch = rows(event("a"), event("b", source="shop"))
    wait_s, subject = await refused(client.WriteEvents(write(batch)))
    assert (subject, wait_s > 5) == ("sources/desk", True)
    assert (await client.WriteEvents(write(rows(event("b", source="shop"))))).accepted == 1


async def test_bytes_are_limited_as_events_are(start: Any, event: Any, rows: Any) -> None:
    client = (await start(quota_bytes_per_s=1_000, quota_burst_s=1.0)).client()
    await client.WriteEvents(write(rows(event("a", attributes={"note": "x" * 3_900}))))
    wait_s, _ = await refused(client.WriteEvents(write(rows(event("b")))))
    assert wait_s > 1


async def test_a_stream_is_read_more_slowly_and_loses_nothing(start: Any, table: Any, arrow: Any) -> None:
    client = (await start(quota_events_per_s=400, quota_burst_s=0.5)).client()

    async def batches() -> Any:
        for number in range(4):
            ids = [f"{number}-{row}" for row in range(200)]
            yield ingest_pb2.StreamEventsRequest(batch=arrow(table(200, id=ids)), sequence=number)

    begun = time.monotonic()
    answers = [answer async for answer in client.StreamEvents(batches())]
    assert [answer.written.accepted for answer in answers] == [200] * 4
    # The first one is the balance, the second its debt: the others wait.
    assert time.monotonic() - begun > 0.8


async def test_a_quota_that_cannot_be_is_refused(served: Any) -> None:
    request = ingest_pb2.CreateSourceRequest(source_id="desk", source=Source(quota=IntakeQuota(events_per_second=-1)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.client().CreateSource(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
