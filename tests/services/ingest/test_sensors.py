"""SensorService over real gRPC and real Postgres: declared, streamed, sent again, refused with their reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import grpc
import numpy as np
import pyarrow as pa
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.ingest.v1 import ingest_pb2, sensor_pb2, sensor_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAME = "sensorSources/cold-store"
STORE = sensor_pb2.SensorSource(
    quantities=[sensor_pb2.SensorQuantity(name="temperature", unit="°C", resolution=0.1, low=-40, high=60, limit=8)]
)


@pytest.fixture
async def sensors(served: Any) -> Any:
    stub = sensor_pb2_grpc.SensorServiceStub(served.channel())
    request = sensor_pb2.CreateSensorSourceRequest(sensor_source_id="cold-store", sensor_source=STORE)
    made = (await stub.CreateSensorSource(request)).sensor_source
    assert (made.name, made.source, made.period.seconds) == (NAME, "sources/cold-store", 60)
    return stub


def batch(batch_id: str, values: list[float], sequence: int = 0, **fields: Any) -> sensor_pb2.StreamReadingsRequest:
    """A reading a second, of one sensor."""
    table = pa.table(
        {
            "sensor": ["room-1"] * len(values),
            "quantity": ["temperature"] * len(values),
            "time": pa.array(
                int(BEGIN.timestamp()) * 1_000_000 + np.arange(len(values)) * 1_000_000, pa.timestamp("us", "UTC")
            ),
            "value": pa.array(values, pa.float64()),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sensor_pb2.StreamReadingsRequest(
        **{
            "sequence": sequence,
            "sensor_source": NAME,
            "batch_id": batch_id,
            "arrow_ipc": sink.getvalue().to_pybytes(),
            **fields,
        }
    )


def fields_at_fault(caught: Any) -> set[str]:
    found = error_details_pb2.BadRequest()
    assert any(one.Unpack(found) for one in rpc_status.from_call(caught.value).details)
    return {one.field for one in found.field_violations}


async def send(sensors: Any, *batches: sensor_pb2.StreamReadingsRequest) -> list[sensor_pb2.StreamReadingsResponse]:
    return [one async for one in sensors.StreamReadings(iter(batches))]


async def test_readings_become_events_once_however_often_their_batch_is_sent(served: Any, sensors: Any) -> None:
    values = [4.0] * 60 + [8.5] * 40
    first, second = batch("b-1", values, 1), batch("b-2", [5.0, 99.0], 2)
    answers = await send(sensors, first, second)
    assert [(one.sequence, one.received, one.accepted, one.duplicate) for one in answers] == [
        (1, 100, 100, 0),
        (2, 2, 1, 0),
    ]
    (refused,) = answers[1].refused
    assert (refused.field, refused.count, list(refused.indexes)) == ("value", 1, [1])
    assert refused.reason == ErrorReason.ERROR_REASON_READING_OUT_OF_RANGE
    again = await send(sensors, first, second)
    assert [(one.accepted, one.duplicate, one.event_count) for one in again] == [(0, 100, 0), (0, 1, 0)]
    # The same id with other readings of the period.
    (conflict,) = await send(sensors, batch("b-1", [7.0]))
    assert (conflict.accepted, [one.reason for one in conflict.refused]) == (
        0,
        [ErrorReason.ERROR_REASON_EVENT_ID_CONFLICT],
    )
    read = ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)
    pages = [page async for response in served.client().ReadEvents(read) for page in response.pages]
    events = [event for page in pages for event in page.events.rows.events]
    assert sum(one.attributes["n"].number for one in events) == 101
    assert sum(one.attributes["sum"].number for one in events) == pytest.approx(sum(values) + 5.0)
    assert sum(one.attributes["above"].number for one in events) == 40
    assert {one.attributes["sensor"].text for one in events} == {"room-1"}


async def test_what_cannot_be_read_ends_the_stream_after_the_answers_to_what_came_before(sensors: Any) -> None:
    for wrong, field in (
        (batch("b-2", [4.0], arrow_ipc=b"no Arrow"), "arrow_ipc"),
        (batch("", [4.0]), "batch_id"),
        (batch("b 1", [4.0]), "batch_id"),
        (batch("b-2", [4.0], sensor_source=""), "sensor_source"),
    ):
        stream = sensors.StreamReadings(iter([batch("b-1", [4.0]), wrong]))
        assert (await stream.read()).received == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert fields_at_fault(caught) == {field}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(sensors, batch("b-1", [4.0], sensor_source="sensorSources/none"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_each_field_of_sensors_that_is_wrong_is_named(sensors: Any) -> None:
    wrong = sensor_pb2.SensorSource(
        period=Duration(seconds=7),
        quantities=[
            sensor_pb2.SensorQuantity(name="T", resolution=1e-9, low=5, high=4, limit=1e9, rate_hz=-1),
            sensor_pb2.SensorQuantity(name="t"),
            sensor_pb2.SensorQuantity(name="t"),
        ],
    )
    request = sensor_pb2.CreateSensorSourceRequest(sensor_source_id="Bad Name", sensor_source=wrong)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sensors.CreateSensorSource(request)
    first = "sensor_source.quantities[0]"
    assert fields_at_fault(caught) == {
        "sensor_source_id",
        "sensor_source.period",
        *(f"{first}.{name}" for name in ("name", "resolution", "low", "high", "limit", "rate_hz")),
        "sensor_source.quantities[2].name",
    }
    listed = await sensors.ListSensorSources(sensor_pb2.ListSensorSourcesRequest())
    assert [one.name for one in listed.sensor_sources] == [NAME]
    shown = await sensors.GetSensorSource(sensor_pb2.GetSensorSourceRequest(name=NAME))
    assert shown.sensor_source == listed.sensor_sources[0]
