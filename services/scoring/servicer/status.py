"""GetScoringStatus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andon.common.v1 import text_pb2
from andon.scoring.v1 import scoring_pb2

from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.dropped_slices import DroppedSlice
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
        dropped: dict[str, list[DroppedSlice]] = {}
        for one in await store.dropped_slices(tenant):
            dropped.setdefault(one.system, []).append(one)
        return scoring_pb2.GetScoringStatusResponse(
            partitions=partitions,
            through=codec.encode(newest),
            score_count=contents.score_count,
            signal_count=contents.signal_count,
            content_hash=contents.content_hash,
            systems=[_system(one, dropped.get(one.name, ())) for one in await store.system_states(tenant)],
        )


def _system(state: VersionHealth, dropped: Sequence[DroppedSlice]) -> scoring_pb2.GetScoringStatusResponse.System:
    kind = scoring_pb2.GetScoringStatusResponse.System
    failure, slices = state.failure, [_dropped_slice(one) for one in dropped]
    if failure is None:
        return kind(name=state.name, version=state.version, state=kind.STATE_SERVING, dropped_slices=slices)
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
        dropped_slices=slices,
    )
    if state.since is not None:
        message.stop_time.FromDatetime(state.since)
    return message


def _dropped_slice(dropped: DroppedSlice) -> scoring_pb2.GetScoringStatusResponse.DroppedSlice:
    by, most = ", ".join(dropped.dimensions), dropped.combinations_max
    message = scoring_pb2.GetScoringStatusResponse.DroppedSlice(
        dimensions=dropped.dimensions,
        combinations_max=most,
        reason=text_pb2.Text(
            en=f"Events name more than {most:,} combinations of values of {by}, so nothing is scored by them. Activate "
            "a version that slices by a dimension with fewer values (or names those to ignore in unknown_values), or "
            "that slices fewer indicators and windows: then each slice may have more.",
            zh=f"事件中 {by} 的取值组合超过 {most:,} 个，因此不再按其评分。请启用新版本：改用取值较少的维度"
            "（或在 unknown_values 中列出应忽略的取值），或减少切片的指标与窗口，使每个切片可有更多组合。",
        ),
    )
    message.drop_time.FromDatetime(dropped.drop_time)
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
