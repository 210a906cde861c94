"""BenchmarkService: GetFunnel and GetErrorBudget."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from andon.scoring.v1 import benchmark_pb2 as pb
from andon.scoring.v1 import benchmark_pb2_grpc
from andon_quality.errors import QualityError

from services.runtime.errors import FailedPrecondition, NotFound, invalid
from services.scoring.scores.benchmark import Overdispersion, Placed, PlacedUnit, placed, unit_of
from services.scoring.scores.error_budgets import Burn, burnt
from services.scoring.scores.results import Score
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import all_windows, indicator_of, slices_of
from services.scoring.system.model import DAY_US, Aggregate, Direction, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name, slice_of
from services.scoring.system.windows import LATEST_US
from services.scoring.wire.confidence import confidence_of
from services.scoring.wire.scores import bounds, interval, score_of, series_message, text, unpack_score

COUNT_MIN = 5
PERIOD_DAYS, PERIOD_DAYS_MAX = 30, 400
FALSE_ALARMS, FALSE_ALARMS_MIN, FALSE_ALARMS_MAX = 0.5, 0.001, 100.0
OVERDISPERSION: Mapping[int, Overdispersion] = {
    pb.GetFunnelRequest.OVERDISPERSION_UNSPECIFIED: "additive",
    pb.GetFunnelRequest.OVERDISPERSION_NONE: "none",
    pb.GetFunnelRequest.OVERDISPERSION_MULTIPLICATIVE: "multiplicative",
    pb.GetFunnelRequest.OVERDISPERSION_ADDITIVE: "additive",
}
MEANS = (Aggregate.MEAN, Aggregate.UNSPECIFIED)


class BenchmarkServicer(benchmark_pb2_grpc.BenchmarkServiceServicer):
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

    async def GetErrorBudget(self, request: pb.GetErrorBudgetRequest, context: Any) -> pb.GetErrorBudgetResponse:
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        days = request.period_days or PERIOD_DAYS
        if not 1 <= days <= PERIOD_DAYS_MAX:
            raise invalid("period_days", f"must lie between 1 and {PERIOD_DAYS_MAX}; 0 means {PERIOD_DAYS}")
        wanted = request.false_alarms_per_month or FALSE_ALARMS
        if not FALSE_ALARMS_MIN <= wanted <= FALSE_ALARMS_MAX:
            limits = f"between {FALSE_ALARMS_MIN} and {FALSE_ALARMS_MAX:g}"
            raise invalid("false_alarms_per_month", f"must lie {limits}; 0 means {FALSE_ALARMS}")
        system = await self.requests.system_of_series(tenant, key)
        indicator, kind = indicator_of(system, key), series_name(key).window
        if indicator is None or indicator.aggregate is not Aggregate.SHARE or kind is Window.ALL:
            raise invalid("series", "must be that of a share, in windows that end")
        allowed = allowed_share(request.allowed_share, indicator)
        newest = await self._newest_complete_us(tenant, system, key)
        scores = await all_windows(self.requests, tenant, [key], (newest - days * DAY_US, LATEST_US))
        complete = [one for one in scores if one.complete and one.count]
        if not complete:
            raise FailedPrecondition("NOT_ENOUGH_DATA", "the series has no complete window in the period")
        try:
            found = await asyncio.to_thread(burnt, complete, indicator.direction, kind, allowed, days, wanted)
        except QualityError as error:
            raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        return pb.GetErrorBudgetResponse(
            series=series_message(key, system),
            interval=interval(found.span),
            allowed_share=allowed,
            count=found.count,
            failure_count=found.failures,
            allowed_count=found.allowed_count,
            consumed=found.consumed,
            burn_rates=map(burn_message, found.burns),
            alpha=found.alpha,
            false_alarms_per_month=wanted,
            is_burning=any(one.is_burning for one in found.burns),
            summary=text(found.summary),
        )

    async def _newest_complete_us(self, tenant: str, system: IndicatorSystem, key: SeriesKey) -> int:
        """Until when windows of the series are complete. NOT_FOUND where it has none."""
        passed_us = (await self.requests.silent_series(tenant, system)).passed_us
        rows = await self.requests.store.last_scores(tenant, [key], passed_us)
        for score in map(score_of, map(unpack_score, rows)):
            # The window that is open begins where the latest complete one ends.
            return score.window.end_us if score.complete else score.window.start_us
        raise NotFound("NOT_FOUND", "the series has no complete window")


def allowed_share(given: float, indicator: Indicator) -> float:
    """Of the request, else by the target of the indicator."""
    if given:
        if not 0 < given < 1:
            raise invalid("allowed_share", "must lie between 0 and 1")
        return given
    if indicator.target is not None and indicator.direction is Direction.LOWER_IS_BETTER:
        share = indicator.target.value
    elif indicator.target is not None and indicator.direction is Direction.HIGHER_IS_BETTER:
        share = 1 - indicator.target.value
    else:
        share = 0.0
    if not 0 < share < 1:
        message = "is needed: no share that may fail follows from the target of the indicator"
        raise invalid("allowed_share", message, "FIELD_REQUIRED")
    return share


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


def burn_message(one: Burn) -> pb.BurnRate:
    return pb.BurnRate(
        window_count=one.windows,
        interval=interval(one.span),
        count=one.count,
        failure_count=one.failures,
        rate=one.rate,
        lower=one.lower,
        p_value=one.p_value,
        threshold=one.threshold,
        is_burning=one.is_burning,
    )
