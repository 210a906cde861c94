"""GetScoringStatus."""

from __future__ import annotations

from typing import Any

from andon.scoring.v1 import scoring_pb2

from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.progress import Progress
from services.scoring.wire.scores import timestamp


class Status:
    requests: RequestContext

    async def GetScoringStatus(
        self, request: scoring_pb2.GetScoringStatusRequest, context: Any
    ) -> scoring_pb2.GetScoringStatusResponse:
        tenant, store = self.requests.tenant, self.requests.store
        codec, newest, _ = await self.requests.cursors(tenant)
        partitions = [
            _partition(one.name, row) for one in await store.progress_of_active(tenant) for row in one.progress
        ]
        scores, signals = await store.counts(tenant)
        return scoring_pb2.GetScoringStatusResponse(
            partitions=partitions,
            through=codec.encode(newest),
            score_count=scores,
            signal_count=signals,
            content_hash=await store.content_hash(tenant),
        )


def _partition(system: str, row: Progress) -> scoring_pb2.GetScoringStatusResponse.Partition:
    message = scoring_pb2.GetScoringStatusResponse.Partition(
        partition=row.partition,
        system=system,
        through=row.through,
        owner=row.owner,
        epoch=row.epoch,
        case_count=row.case_count,
        event_count=row.event_count,
    )
    if row.watermark_us is not None:
        message.watermark.CopyFrom(timestamp(row.watermark_us))
    return message
