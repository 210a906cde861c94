"""Sensors: protobuf and model, both ways, the source of their statistics, and the answer to a batch of readings."""

import math
from collections.abc import Iterable

import numpy as np
from andon.common.v1 import errors_pb2
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import sensor_pb2, source_pb2
from numpy.typing import NDArray

from services.ingest import wire
from services.ingest.admission.readings import Downsampled, QuantityRule
from services.ingest.model import ATTRIBUTE_PREFIX, FieldPolicy, Source, SourceId, Treatment, Written
from services.ingest.registry.sensors.model import PERIOD_US, SensorQuantity, SensorSource
from services.ingest.wire.times import duration, micros, timestamp

SENSOR_PREFIX = "sensorSources/"
RESOLUTION = 0.01
INDEXES_MAX = 100
_OPTIONAL = ("low", "high", "limit")


def sensor_source(message: sensor_pb2.SensorSource, name: SourceId) -> SensorSource:
    """Absent fields are the defaults."""
    return SensorSource(
        id=name,
        quantities=tuple(_quantity(one) for one in message.quantities),
        period_us=micros(message.period) if message.HasField("period") else PERIOD_US,
        title_en=message.title.en,
        title_zh=message.title.zh,
    )


def _quantity(one: sensor_pb2.SensorQuantity) -> SensorQuantity:
    low, high, limit = (getattr(one, name) if one.HasField(name) else None for name in _OPTIONAL)  # type: ignore[arg-type]
    resolution = one.resolution or RESOLUTION
    return SensorQuantity(one.name, one.title.en, one.title.zh, one.unit, resolution, low, high, limit, one.rate_hz)


def sensor_source_message(one: SensorSource) -> sensor_pb2.SensorSource:
    message = sensor_pb2.SensorSource(
        name=SENSOR_PREFIX + one.id,
        title=Text(en=one.title_en, zh=one.title_zh),
        quantities=[
            sensor_pb2.SensorQuantity(
                name=quantity.name,
                title=Text(en=quantity.title_en, zh=quantity.title_zh),
                unit=quantity.unit,
                resolution=quantity.resolution,
                low=quantity.low,
                high=quantity.high,
                limit=quantity.limit,
                rate_hz=quantity.rate_hz,
            )
            for quantity in one.quantities
        ],
        period=duration(one.period_us),
        source=wire.SOURCE_PREFIX + one.id,
    )
    if one.created_at_us:
        message.create_time.CopyFrom(timestamp(one.created_at_us))
    return message


def source_of(one: SensorSource) -> Source:
    """Its events are the statistics; the names in them are declared, and name nobody."""
    fields = ("activity", ATTRIBUTE_PREFIX + "sensor")
    return Source(
        id=one.id,
        kind=source_pb2.SOURCE_KIND_SENSOR,
        title_en=one.title_en,
        title_zh=one.title_zh,
        policies=tuple(FieldPolicy(name, Treatment.KEEP) for name in fields),
    )


def rules_of(one: SensorSource) -> dict[str, QuantityRule]:
    return {
        quantity.name: QuantityRule(
            quantity.resolution,
            -math.inf if quantity.low is None else quantity.low,
            math.inf if quantity.high is None else quantity.high,
            math.inf if quantity.limit is None else quantity.limit,
        )
        for quantity in one.quantities
    }


def readings_response(
    sequence: int, made: Downsampled, written: Written, through: str
) -> sensor_pb2.StreamReadingsResponse:
    """In readings: what became of an event became of all that it holds."""
    faulty = np.array([fault.index for fault in written.faults], dtype=np.int64)
    repeated = np.concatenate([np.zeros(0, np.int64), *written.duplicates])
    refused = [_refused(one.field, one.reason, len(one.rows), one.rows) for one in made.refused]
    by_fault: dict[tuple[str, str], int] = {}
    for fault in written.faults:
        key = (fault.field, fault.reason)
        by_fault[key] = by_fault.get(key, 0) + int(made.readings[fault.index])
    refused += [_refused(field, reason, count, ()) for (field, reason), count in by_fault.items()]
    duplicate = int(made.readings[repeated].sum())
    total = int(made.readings.sum())
    return sensor_pb2.StreamReadingsResponse(
        sequence=sequence,
        received=made.received,
        accepted=total - duplicate - int(made.readings[faulty].sum()),
        duplicate=duplicate,
        refused=refused,
        event_count=written.tally.accepted,
        through=through,
    )


def _refused(
    field: str, reason: str, count: int, rows: NDArray[np.int64] | Iterable[int]
) -> sensor_pb2.RefusedReadings:
    number = errors_pb2.ErrorReason.Value(f"ERROR_REASON_{reason}")
    indexes = [int(row) for row, _ in zip(rows, range(INDEXES_MAX), strict=False)]
    return sensor_pb2.RefusedReadings(field=field, reason=number, count=count, indexes=indexes)
