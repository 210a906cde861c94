"""GetScorecard."""

from __future__ import annotations

from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import NotFound, invalid
from services.scoring.scores.scorecard import CardNode, PhaseShare, card_nodes, phase_shares
from services.scoring.servicer.request_context import RequestContext
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import WindowId
from services.scoring.wire.scores import WINDOW_KINDS, interval, microseconds, score_of, text, unpack_score
from services.scoring.wire.systems import PHASE_NUMBERS


class CardRpcs:
    requests: RequestContext

    async def GetScorecard(
        self, request: scoring_pb2.GetScorecardRequest, context: Any
    ) -> scoring_pb2.GetScorecardResponse:
        tenant, kind = self.requests.tenant, WINDOW_KINDS.get(request.window)
        if request.window == system_pb.WINDOW_UNSPECIFIED:
            raise invalid("window", "is required", "FIELD_REQUIRED")
        system = await self.requests.system(tenant, request.name)
        await self.requests.reached(tenant, request.at_least, system.process, system.system, context)
        codec, newest, _ = await self.requests.cursors(tenant)
        at_us = microseconds(request.time) if request.HasField("time") else None
        store = self.requests.store
        found = await store.window_at(tenant, system.process, system.system, kind, at_us) if kind else None
        if kind is None or found is None:
            raise NotFound("NOT_FOUND", "no window of this kind has scores at this time")
        rows = await store.scores_of_window(tenant, system.process, system.system, kind, found[0])
        messages = {series_name(SeriesKey(one.series)).indicator: one for one in map(unpack_score, rows)}
        scores = {name: score_of(message) for name, message in messages.items()}
        tree = tree_of(system, kind)
        response = scoring_pb2.GetScorecardResponse(
            interval=interval(WindowId(*found)),
            nodes=[_node(node) for node in card_nodes(system, tree, scores)],
            phases=[_phase(share) for share in phase_shares(tree, scores)],
            system_version=system.version,
            through=codec.encode(newest),
        )
        for node in response.nodes:
            if node.name in messages:
                node.score.CopyFrom(messages[node.name])
        return response


def _node(node: CardNode) -> scoring_pb2.ScorecardNode:
    message = scoring_pb2.ScorecardNode(
        name=node.name,
        parent=node.parent,
        title=text(node.title),
        weight=node.weight,
        weight_total=node.weight_total,
        is_indicator=node.indicator is not None,
    )
    if node.indicator is not None:
        message.phase = system_pb.Phase.ValueType(PHASE_NUMBERS[node.indicator.phase])
        message.unit = node.indicator.unit
        if node.indicator.target is not None:
            message.target = node.indicator.target.value
    return message


def _phase(share: PhaseShare) -> scoring_pb2.PhasePoints:
    return scoring_pb2.PhasePoints(
        phase=system_pb.Phase.ValueType(PHASE_NUMBERS[share.phase]),
        weight=share.weight,
        points=share.points,
        points_low=share.points_low,
        points_high=share.points_high,
    )
