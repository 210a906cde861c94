"""Readings of sensors that become durable statistics in a second, beside events written one by one, in the same run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from andon.ingest.v1 import sensor_pb2, sensor_pb2_grpc
from andon_client.channel import open_channel

from bench.ingest_load import BATCH_EVENTS, START, made_events, served, written_s
from services.machine.postgres import EmbeddedPostgres

BATCH_READINGS, SENSORS = 50_000, 50
NAME = "sensorSources/store"


def batch(number: int) -> sensor_pb2.StreamReadingsRequest:
    """Ten readings a second of each of 50 sensors: 100 seconds."""
    rows = np.arange(BATCH_READINGS)
    micros = int(START.timestamp()) * 1_000_000 + (number * BATCH_READINGS + rows) // SENSORS * 100_000
    names = pa.array([f"room-{one}" for one in range(SENSORS)])
    table = pa.table(
        {
            "sensor": pa.DictionaryArray.from_arrays(pa.array(rows % SENSORS, pa.int32()), names),
            "quantity": pa.DictionaryArray.from_arrays(pa.array(rows * 0, pa.int32()), pa.array(["temperature"])),
            "time": pa.array(micros, pa.timestamp("us", "UTC")),
            "value": pa.array(4.0 + np.sin(rows / 1_000) + (rows * 7_919 % 100) / 100),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sensor_pb2.StreamReadingsRequest(
        sequence=number, sensor_source=NAME, batch_id=f"bench-{number}", arrow_ipc=sink.getvalue().to_pybytes()
    )


async def compare(folder: Path, batches: int) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    try:
        async with served(folder / "ingest", postgres) as service:
            client = await service.client("bench")
            events = [made_events(number * BATCH_EVENTS).arrow() for number in range(10 * batches)]
            floor = len(events) * BATCH_EVENTS / await written_s(client, events, 4)
            print(f"{'one event a reading, Arrow of 5,000, 4 in flight':<52}{floor:>12,.0f}/s     1.0x", flush=True)
            async with open_channel(**service.access("bench")) as channel:
                stub = sensor_pb2_grpc.SensorServiceStub(channel)
                quantity = sensor_pb2.SensorQuantity(name="temperature")
                await stub.CreateSensorSource(
                    sensor_pb2.CreateSensorSourceRequest(
                        sensor_source_id="store", sensor_source=sensor_pb2.SensorSource(quantities=[quantity])
                    )
                )
                made = [batch(number) for number in range(10 * batches)]

                async def requests() -> AsyncIterator[sensor_pb2.StreamReadingsRequest]:
                    for one in made:
                        yield one

                begun = time.perf_counter()
                accepted = 0
                async for answer in stub.StreamReadings(requests()):
                    accepted += answer.accepted
                per_s = accepted / (time.perf_counter() - begun)
            if accepted != len(made) * BATCH_READINGS:
                raise SystemExit(f"only {accepted} readings were accepted")
            name = "readings as statistics of 1 min, one stream"
            print(f"{name:<52}{per_s:>12,.0f}/s {per_s / floor:>7.1f}x", flush=True)
    finally:
        await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=4, help="tens of batches in each measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        asyncio.run(compare(Path(name), arguments.batches))


if __name__ == "__main__":
    main()
