"""GetScorecard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.errors import NotFound, invalid
from services.scoring.scores.scorecard import CardNode, card_nodes, phase_shares
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import node_scores
from services.scoring.system.calendar import Zone, window_around
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.windows import EARLIEST_US, LATEST_US, WindowId
from services.scoring.wire.scores import (
    WINDOW_KINDS,
    interval,
    microseconds,
    score_of,
    text,
)
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
        window, messages = await self._window(tenant, system, kind, at_us) if kind else (None, {})
        if kind is None or window is None:
            raise NotFound("NOT_FOUND", "no window of this kind has scores at this time")
        scores = {name: score_of(message) for name, message in messages.items()}
        tree = tree_of(system, kind)
        response = scoring_pb2.GetScorecardResponse(
            interval=interval(window),
            nodes=[_node(node) for node in card_nodes(system, tree, scores)],
            phases=[
                scoring_pb2.PhasePoints(
                    phase=system_pb.Phase.ValueType(PHASE_NUMBERS[share.phase]),
                    weight=share.weight,
                    points=share.points,
                    points_low=share.points_low,
                    points_high=share.points_high,
                )
                for share in phase_shares(tree, scores)
            ],
            system_version=system.version,
            through=codec.encode(newest),
        )
        for node in response.nodes:
            if node.name in messages:
                node.score.CopyFrom(messages[node.name])
        return response

    async def _window(
        self, tenant: str, system: IndicatorSystem, kind: Window, at_us: int | None
    ) -> tuple[WindowId | None, Mapping[str, score_pb2.Score]]:
        """A window and the scores of its nodes by name; at_us None: the latest complete one that says something."""
        silent = await self.requests.silent_series(tenant, system)
        inside_us = silent.passed_us - 1 if at_us is None else at_us
        if kind is not Window.ALL and EARLIEST_US < inside_us < LATEST_US:
            window = window_around(Zone(system.spec.time_zone), kind, inside_us)
            if window.end_us > silent.passed_us and at_us is None:
                window = window_around(Zone(system.spec.time_zone), kind, window.start_us - 1)
            nodes = await node_scores(self.requests, tenant, system, kind, window, silent)
            if any(one.revision or one.HasField("value") or at_us is not None for one in nodes.values()):
                return window, nodes
        found = await self.requests.store.window_at(tenant, system.process, system.system, kind, at_us)
        if found is None:
            return None, {}
        return WindowId(*found), await node_scores(self.requests, tenant, system, kind, WindowId(*found), silent)


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
