"""CapabilityService: GetCapability and GetLoss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from andon.scoring.v1 import capability_pb2, capability_pb2_grpc
from andon_quality.capability import Specification
from andon_quality.errors import QualityError

from services.runtime.errors import FailedPrecondition
from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.scores.capability import (
    CapabilityStudy,
    StudyOptions,
    study_counts,
    study_flags,
    study_measured,
)
from services.scoring.scores.case_values import CaseValues
from services.scoring.scores.loss import losses
from services.scoring.scores.results import Score
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import all_windows, case_values, indicator_of, windows_of
from services.scoring.system.calendar import Zone
from services.scoring.system.case_model import Flag
from services.scoring.system.model import Direction, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import EARLIEST_US, WindowId
from services.scoring.wire.capability import (
    FORM_NUMBERS,
    has_limit,
    limits_message,
    loss_message,
    loss_terms,
    specification,
    study_message,
    study_options,
    values_of,
)
from services.scoring.wire.scores import bounds, interval, series_message

PAGE_SIZE, PAGE_SIZE_MAX = 1_000, 10_000
CASES, WINDOWS = capability_pb2.VALUES_OF_CASES, capability_pb2.VALUES_OF_WINDOWS


class CapabilityServicer(capability_pb2_grpc.CapabilityServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def GetCapability(
        self, request: capability_pb2.GetCapabilityRequest, context: Any
    ) -> capability_pb2.GetCapabilityResponse:
        tenant, key, options = self.requests.tenant, SeriesKey(request.series), study_options(request)
        system = await self.requests.system_of_series(tenant, key)
        indicator, span = indicator_of(system, key), bounds(request.interval)
        kind = values_of(request, system.spec, indicator)
        is_flag = indicator is not None and isinstance(system.spec.measure_by_name[indicator.measure].kind, Flag)
        is_counted = kind == CASES and (is_flag or options.opportunities > 0)
        limits = None if is_counted else specification(request.limits, indicator)
        response = capability_pb2.GetCapabilityResponse(confidence=options.confidence, shift=options.shift)
        if kind == CASES and not is_counted:
            found = await case_values(self.requests, tenant, system, key, span)
            # A composite and a ratio have windows only, and cases that are not counted have limits.
            assert indicator is not None
            assert limits is not None
            study, window = await asyncio.to_thread(_of_cases, found, system, indicator, key, limits, options)
        else:
            scores = await all_windows(self.requests, tenant, [key], span)
            study, window = await asyncio.to_thread(_of_windows, scores, indicator, limits, is_flag, options)
        response.MergeFrom(study_message(study))
        response.series.CopyFrom(series_message(key, system))
        response.interval.CopyFrom(interval(window))
        response.values_of = kind
        if limits is not None:
            response.limits.CopyFrom(limits_message(limits, has_limit(request.limits)))
        return response

    async def GetLoss(self, request: capability_pb2.GetLossRequest, context: Any) -> capability_pb2.GetLossResponse:
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after_us,) = place_of(request, EARLIEST_US)
        system = await self.requests.system_of_series(tenant, key)
        terms = loss_terms(request, system.spec, indicator_of(system, key))
        scores = await windows_of(self.requests, tenant, [key], bounds(request.interval), (key, after_us), size + 1)
        try:
            found = await asyncio.to_thread(losses, [one for one in scores[:size] if one.complete], terms)
        except QualityError as error:
            raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        token = page_token(request, scores[size - 1].window.start_us) if len(scores) > size else ""
        return capability_pb2.GetLossResponse(
            series=series_message(key, system),
            form=capability_pb2.GetLossRequest.Form.ValueType(FORM_NUMBERS[terms.form]),
            coefficient=terms.coefficient,
            target=terms.target,
            tolerance=terms.tolerance,
            currency=request.currency,
            windows=map(loss_message, found),
            next_page_token=token,
        )


def _of_cases(
    found: CaseValues,
    system: IndicatorSystem,
    indicator: Indicator,
    key: SeriesKey,
    limits: Specification,
    options: StudyOptions,
) -> tuple[CapabilityStudy, WindowId]:
    zone, kind = Zone(system.spec.time_zone), series_name(key).window
    groups = None if kind is Window.ALL else found.groups(zone, kind)
    values = np.asarray(found.values * system.spec.resolution(indicator), dtype=np.float64)
    study = _studied(len(values), lambda: study_measured(values, groups, limits, options))
    return study, WindowId(int(found.anchors[0]), int(found.anchors[-1]) + 1)


def _of_windows(
    scores: Sequence[Score],
    indicator: Indicator | None,
    limits: Specification | None,
    is_flag: bool,
    options: StudyOptions,
) -> tuple[CapabilityStudy, WindowId]:
    if limits is not None:
        some = [one for one in scores if one.value is not None and one.complete]
    else:
        some = [one for one in scores if one.count and one.total is not None]
    if not some:
        raise FailedPrecondition("NOT_ENOUGH_DATA", "the interval has no complete window with a value")
    window = WindowId(some[0].window.start_us, some[-1].window.end_us)
    if limits is not None:
        values = np.array([one.value for one in some], dtype=np.float64)
        return _studied(len(values), lambda: study_measured(values, None, limits, options)), window
    sizes = np.array([one.count for one in some], dtype=np.int64)
    if not is_flag:
        # A count is kept in whole multiples of 1.
        totals = np.array([round((one.total or 0) * one.resolution) for one in some], dtype=np.int64)
        return _studied(len(totals), lambda: study_counts(totals, sizes, options)), window
    ones = np.array([one.total for one in some], dtype=np.int64)
    is_good = indicator is not None and indicator.direction is Direction.HIGHER_IS_BETTER
    bad = sizes - ones if is_good else ones
    return _studied(len(bad), lambda: study_flags(bad, sizes, options)), window


def _studied(count: int, study: Callable[[], CapabilityStudy]) -> CapabilityStudy:
    if count < 2:
        raise FailedPrecondition("NOT_ENOUGH_DATA", f"capability needs at least 2 values, and the interval has {count}")
    try:
        return study()
    except QualityError as error:
        raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
