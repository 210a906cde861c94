"""FunnelService: units side by side."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from andon.scoring.v1 import funnel_pb2 as pb
from andon.scoring.v1 import funnel_pb2_grpc
from andon_quality.errors import QualityError

from services.runtime.errors import FailedPrecondition, invalid
from services.scoring.scores.funnels import Overdispersion, Placed, PlacedUnit, placed, unit_of
from services.scoring.scores.results import Score
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import all_windows, indicator_of, slices_of
from services.scoring.system.model import Aggregate
from services.scoring.system.series import SeriesKey, series_name, slice_of
from services.scoring.wire.confidence import confidence_of
from services.scoring.wire.scores import bounds, series_message, text

COUNT_MIN = 5
OVERDISPERSION: Mapping[int, Overdispersion] = {
    pb.GetFunnelRequest.OVERDISPERSION_UNSPECIFIED: "additive",
    pb.GetFunnelRequest.OVERDISPERSION_NONE: "none",
    pb.GetFunnelRequest.OVERDISPERSION_MULTIPLICATIVE: "multiplicative",
    pb.GetFunnelRequest.OVERDISPERSION_ADDITIVE: "additive",
}
MEANS = (Aggregate.MEAN, Aggregate.UNSPECIFIED)


class FunnelServicer(funnel_pb2_grpc.FunnelServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def GetFunnel(self, request: pb.GetFunnelRequest, context: Any) -> pb.GetFunnelResponse:
        confidence = confidence_of(request.confidence)
        if request.count_min < 0:
            raise invalid("count_min", "must not be negative")
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        system = await self.requests.system_of_series(tenant, key)
        indicator = indicator_of(system, key)
        if indicator is None or (indicator.aggregate is not Aggregate.SHARE and indicator.aggregate not in MEANS):
            raise invalid("series", "must be that of a share or a mean")
        if not system.spec.knows_squares(indicator):
            raise invalid("series", "is a ratio without squares: how far its cases are from their mean is unknown")
        dimensions = tuple(request.dimensions) or (indicator.slices[0].dimensions if indicator.slices else ())
        if dimensions not in [one.dimensions for one in indicator.slices]:
            slices = ", ".join("+".join(one.dimensions) for one in indicator.slices)
            raise invalid("dimensions", f"must be a slice of the indicator, which has {slices or 'none'}")
        scores = await self._slices(tenant, key, dimensions, bounds(request.interval))
        target = request.target if request.HasField("target") else None
        if target is not None and indicator.aggregate is Aggregate.SHARE and not 0 < target < 1:
            raise invalid("target", "of a share must lie between 0 and 1")
        count_min = request.count_min or COUNT_MIN
        units = [unit_of(tuple(sorted(slice_of(one).items())), some) for one, some in scores.items()]
        large = [one for one in units if one.count >= count_min]
        resolution = system.spec.resolution(indicator)
        try:
            found = await asyncio.to_thread(
                placed, large, indicator, resolution, target, OVERDISPERSION[request.overdispersion], confidence
            )
        except QualityError as error:
            raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        response = funnel_message(found)
        response.series.CopyFrom(series_message(key, system))
        response.dimensions.extend(dimensions)
        response.is_target_requested = target is not None
        response.left_out_count = len(units) - len(large)
        response.confidence = confidence
        return response

    async def _slices(
        self, tenant: str, key: SeriesKey, dimensions: tuple[str, ...], span: tuple[int, int]
    ) -> dict[SeriesKey, list[Score]]:
        """The windows of every series of a slice."""
        name = series_name(key)
        if not name.whole:
            raise invalid("series", "must be without a slice: its slices are the units")
        keys = await slices_of(self.requests, tenant, name, frozenset({name.indicator}), dimensions)
        found: dict[SeriesKey, list[Score]] = defaultdict(list)
        for one in await all_windows(self.requests, tenant, keys, span):
            found[one.series].append(one)
        return found


def funnel_message(found: Placed) -> pb.GetFunnelResponse:
    return pb.GetFunnelResponse(
        target=found.target,
        dispersion=found.dispersion,
        tau=found.tau,
        is_widened=found.is_widened,
        levels=found.levels,
        units=map(unit_message, found.units),
        summary=text(found.summary),
    )


def unit_message(one: PlacedUnit) -> pb.FunnelUnit:
    return pb.FunnelUnit(
        slice=dict(one.unit.slice_),
        count=one.unit.count,
        value=one.value,
        limits=[pb.FunnelUnit.Limits(lower=low, upper=high) for low, high in one.limits],
        z=one.z,
        beyond_level=one.beyond,
        is_worse=one.is_worse,
        rank=one.rank,
        rank_lower=one.rank_lower,
        rank_upper=one.rank_upper,
    )
