"""GetScoringStatus."""

from __future__ import annotations

from typing import Any

from andon.common.v1 import text_pb2
from andon.scoring.v1 import scoring_pb2

from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.failures import VersionHealth
from services.scoring.store.progress import Progress
from services.scoring.wire.scores import timestamp


class StatusRpcs:
    requests: RequestContext

    async def GetScoringStatus(
        self, request: scoring_pb2.GetScoringStatusRequest, context: Any
    ) -> scoring_pb2.GetScoringStatusResponse:
        tenant, store = self.requests.tenant, self.requests.store
        codec, newest, _ = await self.requests.cursors(tenant)
        partitions = [
            _partition(one.name, row) for one in await store.progress_of_active(tenant) for row in one.progress
        ]
        contents = await store.contents(tenant)
        return scoring_pb2.GetScoringStatusResponse(
            partitions=partitions,
            through=codec.encode(newest),
            score_count=contents.score_count,
            signal_count=contents.signal_count,
            content_hash=contents.content_hash,
            systems=[_system(one) for one in await store.system_states(tenant)],
        )


def _system(state: VersionHealth) -> scoring_pb2.GetScoringStatusResponse.System:
    kind = scoring_pb2.GetScoringStatusResponse.System
    failure = state.failure
    if failure is None:
        return kind(name=state.name, version=state.version, state=kind.STATE_SERVING)
    reason = text_pb2.Text(
        en=f"A defect stopped scoring of this system: {failure.error}. The log of replica {failure.replica} has it.",
        zh=f"该指标体系的评分因缺陷而停止：{failure.error}。详情见副本 {failure.replica} 的日志。",
    )
    message = kind(
        name=state.name,
        version=state.version,
        state=kind.STATE_NOT_SERVING,
        reason=reason,
        incident=failure.incident,
    )
    if state.since is not None:
        message.stop_time.FromDatetime(state.since)
    return message


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
