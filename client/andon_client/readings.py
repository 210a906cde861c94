"""Readings of a file as batches, and their way to ingest: sent again where a connection broke, counted once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import grpc
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from andon.ingest.v1 import sensor_pb2 as pb

from andon_client.follow import is_retryable
from andon_client.presentation.phrases import LocalisedError
from andon_client.suite import Suite

BATCH_ROWS = 50_000
RETRIES_MAX, RETRY_S = 8, 0.25
COLUMNS: Mapping[str, pa.DataType] = {
    "sensor": pa.string(),
    "quantity": pa.string(),
    "time": pa.timestamp("us", tz="UTC"),
    "value": pa.float64(),
}
Batch = tuple[str, bytes]
"""Its id and an Arrow stream."""


class MalformedReadings(LocalisedError):
    """The file has not the columns of readings."""


def readings_in(path: Path) -> list[Batch]:
    """Ids follow from what a batch holds, so the same file has the same ones. Times without a zone are in UTC."""
    options = pa_csv.ConvertOptions(
        column_types={"sensor": pa.string(), "quantity": pa.string(), "value": pa.float64()}
    )
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path, convert_options=options)
        columns = [_column(table.column(name), kind) for name, kind in COLUMNS.items()]
    except (KeyError, pa.ArrowException) as error:
        raise MalformedReadings("readings_malformed", path=path, columns=", ".join(COLUMNS)) from error
    whole = pa.table(columns, names=list(COLUMNS))
    return [_batch(whole.slice(begin, BATCH_ROWS)) for begin in range(0, whole.num_rows, BATCH_ROWS)]


def _column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(column.type) and column.type.tz is None:
        return pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC")
    return column.cast(kind)


def _batch(table: pa.Table) -> Batch:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    stream: bytes = sink.getvalue().to_pybytes()
    return blake2b(stream, digest_size=16).hexdigest(), stream


async def write_readings(suite: Suite, name: str, batches: Sequence[Batch]) -> pb.StreamReadingsResponse:
    """What became of all of them together. A broken stream is opened again and goes on with what was not answered."""
    answers: list[pb.StreamReadingsResponse] = []
    failures = 0
    while len(answers) < len(batches):
        begun = len(answers)
        try:
            stream = suite.sensors.StreamReadings(_requests(name, batches, begun))
            async for one in stream:
                # One by one: those that came before a break count.
                answers.append(one)  # noqa: PERF401
        except grpc.aio.AioRpcError as error:
            failures = failures + 1 if len(answers) == begun else 1
            if not is_retryable(error) or failures > RETRIES_MAX:
                raise
            await asyncio.sleep(RETRY_S * 2 ** (failures - 1))
    total = pb.StreamReadingsResponse(through=next((one.through for one in reversed(answers) if one.through), ""))
    for one in answers:
        total.received += one.received
        total.accepted += one.accepted
        total.duplicate += one.duplicate
        total.event_count += one.event_count
        total.refused.extend(one.refused)
    return total


async def _requests(name: str, batches: Sequence[Batch], begin: int) -> AsyncIterator[pb.StreamReadingsRequest]:
    for sequence, (batch_id, stream) in enumerate(batches[begin:], begin):
        yield pb.StreamReadingsRequest(sequence=sequence, sensor_source=name, batch_id=batch_id, arrow_ipc=stream)
