"""ErrorBudgetService: how much of what may fail has failed."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.scoring.v1 import error_budget_pb2 as pb
from andon.scoring.v1 import error_budget_pb2_grpc
from andon_quality.errors import QualityError

from services.runtime.errors import FailedPrecondition, NotFound, invalid
from services.scoring.scores.error_budgets import Burn, burnt
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import all_windows, indicator_of
from services.scoring.system.model import DAY_US, Aggregate, Direction, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import LATEST_US
from services.scoring.wire.scores import interval, score_of, series_message, text, unpack_score

PERIOD_DAYS, PERIOD_DAYS_MAX = 30, 400
FALSE_ALARMS, FALSE_ALARMS_MIN, FALSE_ALARMS_MAX = 0.5, 0.001, 100.0


class ErrorBudgetServicer(error_budget_pb2_grpc.ErrorBudgetServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

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
