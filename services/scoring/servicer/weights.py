"""WeightService: weights are proposed, changed within a cap and logged; changes and ranks of composites explained."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import weight_pb2 as pb
from andon.scoring.v1 import weight_pb2_grpc
from andon_quality.arrays import FloatArray
from andon_quality.errors import QualityError
from andon_quality.weights import WeightStep, dynamic

from services.runtime.errors import Aborted, FailedPrecondition, NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.scores.composite_change import Side, change_between
from services.scoring.scores.results import Score
from services.scoring.scores.slice_ranks import ranking_of
from services.scoring.scores.weight_proposal import (
    CAP,
    EXPERT_SHARE,
    WINDOWS_MIN,
    Consistency,
    DataMethod,
    PointHistory,
    data_weights,
    expert_weights,
    history_of,
    proposal,
    proposal_summary,
    shares_of,
)
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import all_windows, indicator_of, node_scores, slices_of
from services.scoring.system.hierarchy import Node, Tree, members_of, part_of, tree_of
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_key, series_name, slice_of
from services.scoring.system.windows import WindowId
from services.scoring.wire.scores import (
    WINDOW_KINDS,
    WINDOWS,
    bounds,
    interval,
    microseconds,
    score_of,
    text,
    unpack_score,
    window_id,
)
from services.scoring.wire.systems import system_message, system_of
from services.scoring.wire.weights import (
    DATA_METHODS,
    MIXES,
    change_response,
    consistency_message,
    judgements_of,
    proposal_messages,
    ranking_response,
    wanted_weights,
)

LIST_DEFAULT, LIST_MAX = 100, 1_000
REASON_MAX = 1_000
RADIUS = 0.2
NEWEST = 2**31 - 1
SHARE_MIN = 1e-6
"""0 in a document means that no weight is given."""
WIDEST_FIRST = tuple(reversed([one for one in Window if one is not Window.ALL]))


class WeightServicer(weight_pb2_grpc.WeightServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def ProposeWeights(self, request: pb.ProposeWeightsRequest, context: Any) -> pb.ProposeWeightsResponse:
        tenant, cap = self.requests.tenant, cap_of(request.cap)
        system = await self.requests.system(tenant, request.name)
        # Judgements of many experts, and documents of a thousand indicators: nothing for a loop.
        members, experts, consistencies = await asyncio.to_thread(asked_experts, system, request)
        method = DATA_METHODS.get(request.data_method, None if request.experts else DataMethod.CRITIC)
        history, window, data = PointHistory(np.empty((0, len(members))), 0), None, None
        share = request.expert_share if request.HasField("expert_share") else EXPERT_SHARE
        if not 0 <= share <= 1:
            raise invalid("expert_share", "must lie between 0 and 1")
        try:
            if method is not None:
                window, history = await self._history(tenant, system, members, request)
                data = await asyncio.to_thread(data_weights, method, history.points)
            found = proposal(shares_of(members), experts, data, share, MIXES[request.mix], cap)
        except QualityError as error:
            raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        return pb.ProposeWeightsResponse(
            members=proposal_messages(members, found),
            consistencies=[consistency_message(one, members) for one in consistencies],
            window_count=len(history.points),
            left_out_count=history.left_out_count,
            window=system_pb.Window.ValueType(WINDOWS[window] if window else 0),
            step_share=found.step_share,
            cap=cap,
            version=system.version,
            etag=system.etag,
            summary=text(proposal_summary(members, found, consistencies)),
        )

    async def _history(
        self, tenant: str, system: IndicatorSystem, members: Sequence[Node], request: pb.ProposeWeightsRequest
    ) -> tuple[Window, PointHistory]:
        """Of the width that is asked for, else of the widest that has windows enough."""
        names = {one.name for one in members}
        asked = WINDOW_KINDS.get(request.window)
        if asked is Window.ALL:
            raise invalid("window", "must be of windows that end")
        widths = [
            one
            for one in ((asked,) if asked else WIDEST_FIRST)
            if {node.name for node in members_of(system, request.composite, one)} == names
        ]
        if not widths:
            raise invalid("window", "must be one that every member is scored in")
        most = 0
        for width in widths:
            keys = [series_key(system, one.name, width) for one in members]
            scores = await all_windows(self.requests, tenant, keys, bounds(request.interval))
            history = await asyncio.to_thread(history_of, scores, keys)
            if len(history.points) >= WINDOWS_MIN:
                return width, history
            most = max(most, len(history.points))
        message = f"every member has points in {most} complete windows; {WINDOWS_MIN} are needed: ask experts instead"
        raise FailedPrecondition("NOT_ENOUGH_DATA", message)

    async def AdjustWeights(self, request: pb.AdjustWeightsRequest, context: Any) -> pb.AdjustWeightsResponse:
        key, cap, tenant = idempotency_key(request), cap_of(request.cap), self.requests.tenant
        if not request.reason.strip():
            raise invalid("reason", "is required", "FIELD_REQUIRED")
        if len(request.reason) > REASON_MAX:
            raise invalid("reason", f"has more than {REASON_MAX:,} characters")
        stored = await self.requests.store.system(tenant, request.name)
        if stored is None:
            raise NotFound("NOT_FOUND", "there is no such indicator system")
        # A document as large as one may be takes longer than a loop can wait.
        base, change, document = await asyncio.to_thread(
            lambda: adjusted(system_message(stored), request, cap, current_caller().subject)
        )
        if request.etag and request.etag != base.etag:
            raise Aborted("ETAG_STALE", "the version changed since it was read")
        if request.validate_only:
            return pb.AdjustWeightsResponse(change=change)
        async with self.requests.store.editing(tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return pb.AdjustWeightsResponse.FromString(first)
            if await editor.current_version(base.name) != base.version:
                raise Aborted("ETAG_STALE", "another version was made or activated meanwhile: try again")
            made = await editor.create(base.name, document, uuid.uuid4().hex)
            change.version = made.version
            await editor.log_weight_change(base.name, made.version, change.SerializeToString())
            answer = pb.AdjustWeightsResponse(change=change)
            await editor.store_answer(key, "AdjustWeights", answer.SerializeToString())
        return answer

    async def ListWeightChanges(
        self, request: pb.ListWeightChangesRequest, context: Any
    ) -> pb.ListWeightChangesResponse:
        size = page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        (before,) = place_of(request, NEWEST)
        rows = await self.requests.store.list_weight_changes(self.requests.tenant, request.name, before, size + 1)
        changes = [pb.WeightChange.FromString(row) for row in rows[:size]]
        return pb.ListWeightChangesResponse(
            changes=changes, next_page_token=page_token(request, changes[-1].version) if len(rows) > size else ""
        )

    async def ExplainChange(self, request: pb.ExplainChangeRequest, context: Any) -> pb.ExplainChangeResponse:
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        system, tree = await self._composite(tenant, key)
        name = series_name(key)
        former, former_tree = system, tree
        if request.version_before:
            former = await self.requests.system(tenant, system.name, request.version_before)
            whole = tree_of(former, name.window)
            found = part_of(whole, name.indicator) if whole else None
            if found is None:
                raise NotFound("NOT_FOUND", f"version {former.version} has no such composite in windows of this width")
            former_tree = found
        first = await self._window(tenant, key, microseconds(request.time_before), "time_before")
        last = await self._window(tenant, key, microseconds(request.time_after), "time_after")
        before = Side(former_tree, await self._scores(tenant, system, name.window, first))
        after = Side(tree, await self._scores(tenant, system, name.window, last))
        response = await asyncio.to_thread(lambda: change_response(before, after, change_between(before, after)))
        response.interval_before.CopyFrom(interval(first))
        response.interval_after.CopyFrom(interval(last))
        response.version_before, response.version_after = former.version, system.version
        return response

    async def GetRanking(self, request: pb.GetRankingRequest, context: Any) -> pb.GetRankingResponse:
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        radius = request.radius or RADIUS
        if not 0 < radius < 1:
            raise invalid("radius", "must lie between 0 and 1; 0 means 0.2")
        if not request.dimensions:
            raise invalid("dimensions", "is required", "FIELD_REQUIRED")
        system, tree = await self._composite(tenant, key)
        name, dimensions = series_name(key), tuple(request.dimensions)
        sliced = [
            leaf
            for leaf in tree.leaves
            if leaf.indicator and dimensions in [one.dimensions for one in leaf.indicator.slices]
        ]
        if not sliced:
            raise invalid("dimensions", "must be a slice of an indicator of the composite")
        if request.HasField("time"):
            window = await self._window(tenant, key, microseconds(request.time), "time")
        else:
            window = await self._latest(tenant, system, key)
        names = [one.name for one in sliced]
        keys = await slices_of(self.requests, tenant, name, frozenset(names), dimensions)
        scores = await all_windows(self.requests, tenant, keys, (window.start_us, window.start_us + 1))
        points, unranked = await asyncio.to_thread(ranked_points, scores, names, keys)
        weights = dict(zip((leaf.name for leaf in tree.leaves), tree.weights.leaf_weights.tolist(), strict=True))
        try:
            found = await asyncio.to_thread(
                ranking_of, points, [weights[one] for one in names], radius, abs(request.seed)
            )
        except QualityError as error:
            message = f"{len(points)} values have points of every indicator in the window; two are needed"
            raise FailedPrecondition("NOT_ENOUGH_DATA", message) from error
        response = ranking_response(found)
        response.interval.CopyFrom(interval(window))
        response.unranked_count, response.radius = unranked, radius
        response.left_out.extend(leaf.name for leaf in tree.leaves if leaf.name not in names)
        return response

    async def _composite(self, tenant: str, key: SeriesKey) -> tuple[IndicatorSystem, Tree]:
        """The system of a series of a composite, and what is below it."""
        system = await self.requests.system_of_series(tenant, key)
        name = series_name(key)
        if indicator_of(system, key) is not None or not name.whole:
            raise invalid("series", "must be that of a composite")
        whole = tree_of(system, name.window)
        tree = part_of(whole, name.indicator) if whole else None
        if tree is None:
            raise NotFound("NOT_FOUND", "the composite is not scored in windows of this width")
        return system, tree

    async def _window(self, tenant: str, key: SeriesKey, at_us: int, field: str) -> WindowId:
        row = await self.requests.store.score_at(tenant, key, at_us)
        if row is None:
            raise NotFound("NOT_FOUND", f"{field}: the composite has no score at this time")
        return window_id(unpack_score(row).interval)

    async def _latest(self, tenant: str, system: IndicatorSystem, key: SeriesKey) -> WindowId:
        passed_us = (await self.requests.silent_series(tenant, system)).passed_us
        rows = await self.requests.store.last_scores(tenant, [key], passed_us)
        for score in map(score_of, map(unpack_score, rows)):
            if score.complete:
                return score.window
            rows = await self.requests.store.last_scores(tenant, [key], score.window.start_us)
            return next((window_id(unpack_score(row).interval) for row in rows), score.window)
        raise NotFound("NOT_FOUND", "the composite has no complete window")

    async def _scores(self, tenant: str, system: IndicatorSystem, kind: Window, window: WindowId) -> dict[str, Score]:
        found = await node_scores(self.requests, tenant, system, kind, window)
        return {name: score_of(one) for name, one in found.items()}


def cap_of(given: float) -> float:
    if not 0 <= given <= 1:
        raise invalid("cap", f"must lie between 0 and 1; 0 means {CAP}")
    return given or CAP


def asked_experts(
    system: IndicatorSystem, request: pb.ProposeWeightsRequest
) -> tuple[list[Node], FloatArray | None, list[Consistency]]:
    """The members of the composite, and what experts say of them."""
    members = siblings_of(system, request.composite)
    if not request.experts:
        return members, None, []
    try:
        return members, *expert_weights(judgements_of(request.experts, members))
    except QualityError as error:
        raise invalid("experts", str(error)) from error


def siblings_of(system: IndicatorSystem, composite: str) -> list[Node]:
    """The members of a composite, in whichever window widths. NOT_FOUND; INVALID_ARGUMENT where it has but one."""
    if composite and composite not in system.spec.composite_names and composite != "overall":
        raise NotFound("NOT_FOUND", "the indicator system has no such composite")
    found = {one.name: one for kind in Window for one in members_of(system, composite, kind)}
    if len(found) < 2:
        raise invalid("composite", "has fewer than two members with a target: there is nothing to weigh")
    return list(found.values())


def adjusted(
    message: system_pb.IndicatorSystem, request: pb.AdjustWeightsRequest, cap: float, author: str
) -> tuple[system_pb.IndicatorSystem, pb.WeightChange, bytes]:
    """The version that is changed, what the log says, and the document with its new weights."""
    system = system_of(message)
    members = siblings_of(system, request.composite)
    step = dynamic(shares_of(members), wanted_weights(request.weights, members), cap)
    after = np.maximum(step.after, SHARE_MIN)
    weights = dict(zip((one.name for one in members), (after / after.sum()).tolist(), strict=True))
    spec = system_pb.IndicatorSystemSpec()
    spec.CopyFrom(message.spec)
    for indicator in spec.indicators:
        indicator.weight = weights.get(indicator.name, indicator.weight)
    for composite in spec.composites:
        composite.weight = weights.get(composite.name, composite.weight)
    return (
        message,
        change_message(message, request, members, step, weights, cap, author),
        spec.SerializeToString(deterministic=True),
    )


def change_message(
    message: system_pb.IndicatorSystem,
    request: pb.AdjustWeightsRequest,
    members: Sequence[Node],
    step: WeightStep,
    weights: dict[str, float],
    cap: float,
    author: str,
) -> pb.WeightChange:
    made = pb.WeightChange(
        indicator_system=message.name,
        composite=members[0].parent,
        version_before=message.version,
        steps=[
            pb.WeightChange.Step(
                member=one.name,
                before=step.before[place],
                wanted=step.proposed[place],
                after=weights[one.name],
            )
            for place, one in enumerate(members)
        ],
        step_share=step.share,
        cap=cap,
        reason=request.reason.strip(),
        author=author,
    )
    made.change_time.FromDatetime(datetime.now(UTC))
    return made


SliceKey = tuple[tuple[str, str], ...]


def slice_key(series: SeriesKey) -> SliceKey:
    return tuple(slice_of(series).items())


def ranked_points(
    scores: Sequence[Score], names: Sequence[str], series: Sequence[SeriesKey]
) -> tuple[dict[SliceKey, list[float]], int]:
    """Points of each slice by indicator, and how many slices lack some."""
    known: dict[SliceKey, dict[str, float]] = {slice_key(one): {} for one in series}
    for score in scores:
        if score.points is not None:
            known[slice_key(score.series)][series_name(score.series).indicator] = score.points
    whole = {one: [some[name] for name in names] for one, some in sorted(known.items()) if len(some) == len(names)}
    return whole, len(known) - len(whole)
