"""Records into a source of ingest: returns when they are durable, however long ingest is away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import grpc
from andon.ingest.v1 import record_pb2
from andon.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from andon_client.follow import Backoff, requested_delay_s
from andon_client.record_stream import batched

from services.bridge.metrics import metrics
from services.runtime.peers import defect_of

WRITE_S_MAX = 60.0


class RecordSink:
    """`connection` names it in metrics."""

    def __init__(self, channel: grpc.aio.Channel, source: str, connection: str) -> None:
        self.ingest = IngestServiceStub(channel)
        self.source = source
        self.connection = connection
        self._backoff = Backoff()

    async def write(self, records: Sequence[bytes]) -> None:
        """Raises AioRpcError where ingest refuses them for a reason that time does not cure; all may come again."""
        for batch in batched(records):
            raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=batch))
            answer = await self._written(record_pb2.WriteRecordsRequest(source=f"sources/{self.source}", records=raw))
            for outcome in ("accepted", "duplicate", "quarantined", "omitted"):
                if count := getattr(answer, outcome):
                    metrics.add("andon.bridge.records", count, outcome=outcome, connection=self.connection)

    async def _written(self, request: record_pb2.WriteRecordsRequest) -> record_pb2.WriteRecordsResponse:
        attempt = 0
        while True:
            try:
                return await self.ingest.WriteRecords(request, timeout=WRITE_S_MAX)
            except grpc.aio.AioRpcError as error:
                if defect_of(error, "ingest"):
                    metrics.add("andon.bridge.refused", connection=self.connection)
                    raise
                pause_s = requested_delay_s(error) + self._backoff.delay_s(attempt, random.random)
            await asyncio.sleep(pause_s)
            attempt += 1
