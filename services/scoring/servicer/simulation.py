"""SimulationService: GetQueueSimulation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from andon.scoring.v1 import simulation_pb2 as pb
from andon.scoring.v1 import simulation_pb2_grpc
from andon_quality import queues
from andon_quality.errors import QualityError
from andon_quality.queues import Durations, Shape

from services.runtime.errors import FailedPrecondition, invalid, invalid_number
from services.scoring.scores.case_values import CaseValues
from services.scoring.scores.queue_model import QueueOutcome, Scenario, gaps, gaps_of, outcome
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import case_values, indicator_of
from services.scoring.system.model import SECONDS_BY_UNIT, Indicator
from services.scoring.system.series import SeriesKey
from services.scoring.wire.confidence import confidence_of
from services.scoring.wire.scores import bounds, text

STAFF_MAX, WHAT_IFS_MAX, QUANTILES_MAX, TITLE_MAX = 1_000, 20, 20, 200
CASES_MIN = 20
VARIATION_MAX, FACTOR_MAX, RATE_MAX, HOURS_MAX = 10.0, 1_000.0, 1e6, 1e5
SHAPES: dict[int, Shape] = {
    pb.ServiceTimes.SHAPE_EXPONENTIAL: "exponential",
    pb.ServiceTimes.SHAPE_GAMMA: "gamma",
    pb.ServiceTimes.SHAPE_LOGNORMAL: "lognormal",
    pb.ServiceTimes.SHAPE_CONSTANT: "constant",
}
# Draws of a sample are of so many values at most, evenly over time.
SAMPLE_MAX = 20_000
# One after the other in a process: each takes a processor.
AT_ONCE = asyncio.Semaphore(1)


class SimulationServicer(simulation_pb2_grpc.SimulationServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def GetQueueSimulation(
        self, request: pb.GetQueueSimulationRequest, context: Any
    ) -> pb.GetQueueSimulationResponse:
        scenarios, quantiles = scenarios_of(request), tuple(request.quantiles) or queues.QUANTILES
        confidence = confidence_of(request.confidence)
        arrivals, arrival_count = await self._arrivals(request)
        service, service_count = await self._service(request)
        outcomes = []
        async with AT_ONCE:
            for one in scenarios:
                try:
                    outcomes.append(
                        await asyncio.to_thread(
                            outcome, arrivals, service, one, quantiles, confidence, abs(request.seed)
                        )
                    )
                except QualityError as error:
                    raise invalid("quantiles", str(error)) from error
        return pb.GetQueueSimulationResponse(
            now=outcome_message(outcomes[0]),
            what_ifs=map(outcome_message, outcomes[1:]),
            arrivals_per_hour=1 / arrivals.mean,
            arrivals_variation=arrivals.variation,
            service_mean_hours=service.mean,
            service_variation=service.variation,
            service_shape=service.shape,
            arrival_count=arrival_count,
            service_count=service_count,
            confidence=confidence,
        )

    async def _arrivals(self, request: pb.GetQueueSimulationRequest) -> tuple[Durations, int]:
        given = request.arrivals
        variation = given.variation if given.HasField("variation") else None
        if variation is not None and not 0 <= variation <= VARIATION_MAX:
            raise invalid("arrivals.variation", f"must lie between 0 and {VARIATION_MAX:g}")
        if given.WhichOneof("kind") == "series":
            values, _ = await self._cases(given.series, "arrivals.series", request)
            try:
                return await asyncio.to_thread(gaps_of, values.anchors, variation), len(values.anchors)
            except QualityError as error:
                raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        if not 0 < given.per_hour <= RATE_MAX:
            message = f"needs a series, or per_hour above 0 and at most {RATE_MAX:g}"
            raise invalid_number("arrivals", message, given.per_hour)
        return gaps(given.per_hour, variation), 0

    async def _service(self, request: pb.GetQueueSimulationRequest) -> tuple[Durations, int]:
        given = request.service
        variation = given.variation if given.HasField("variation") else None
        if variation is not None and not 0 <= variation <= VARIATION_MAX:
            raise invalid("service.variation", f"must lie between 0 and {VARIATION_MAX:g}")
        if given.WhichOneof("kind") == "series":
            values, hours = await self._cases(given.series, "service.series", request)
            step = max(1, len(values.values) // SAMPLE_MAX)
            try:
                return await asyncio.to_thread(queues.sampled, values.values[::step] * hours), len(values.values)
            except QualityError as error:
                raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
        if not 0 < given.mean_hours <= HOURS_MAX:
            message = f"needs a series, or mean_hours above 0 and at most {HOURS_MAX:g}"
            raise invalid_number("service", message, given.mean_hours)
        shape = SHAPES.get(given.shape, "exponential" if variation is None else "lognormal")
        fixed = {"exponential": 1.0, "constant": 0.0}.get(shape)
        return Durations(
            shape, given.mean_hours, fixed if fixed is not None else 1.0 if variation is None else variation
        ), 0

    async def _cases(self, series: str, field: str, request: pb.GetQueueSimulationRequest) -> tuple[CaseValues, float]:
        """The cases of a series, and how many hours one unit of their values is."""
        tenant, key = self.requests.tenant, SeriesKey(series)
        system = await self.requests.system_of_series(tenant, key)
        indicator = indicator_of(system, key)
        if indicator is None:
            raise invalid(field, "is a composite: it has no cases")
        if system.spec.ratio(indicator) is not None:
            raise invalid(field, "is a ratio: its rows are no cases")
        measure = system.spec.measure_by_name[indicator.measure]
        if field.startswith("service") and not measure.is_duration:
            raise invalid(field, "must be that of a duration")
        found = await case_values(self.requests, tenant, system, key, bounds(request.interval))
        if len(found.values) < CASES_MIN:
            message = f"{series} has {len(found.values)} cases in the interval; {CASES_MIN} are needed"
            raise FailedPrecondition("NOT_ENOUGH_DATA", message)
        return found, system.spec.resolution(indicator) * hours_of(indicator)


def hours_of(indicator: Indicator) -> float:
    """Of one unit that durations of this indicator are reported in."""
    return SECONDS_BY_UNIT.get(indicator.unit, 1) / 3_600


def scenarios_of(request: pb.GetQueueSimulationRequest) -> list[Scenario]:
    """As it is, and each what-if. INVALID_ARGUMENT with the field."""
    if not 1 <= request.staff <= STAFF_MAX:
        raise invalid_number("staff", f"must lie between 1 and {STAFF_MAX:,}", request.staff)
    if len(request.what_ifs) > WHAT_IFS_MAX:
        raise invalid("what_ifs", f"has more than {WHAT_IFS_MAX} members")
    if len(request.quantiles) > QUANTILES_MAX or not all(0 < one < 1 for one in request.quantiles):
        raise invalid("quantiles", f"must be at most {QUANTILES_MAX} numbers between 0 and 1")
    made = [Scenario("", request.staff)]
    for place, one in enumerate(request.what_ifs):
        if not 0 <= one.staff <= STAFF_MAX:
            raise invalid(f"what_ifs[{place}].staff", f"must lie between 0 and {STAFF_MAX:,}")
        if len(one.title) > TITLE_MAX:
            raise invalid(f"what_ifs[{place}].title", f"has more than {TITLE_MAX} characters")
        for name in ("arrivals_factor", "service_factor"):
            factor = getattr(one, name)
            if factor and not 1 / FACTOR_MAX <= factor <= FACTOR_MAX:
                raise invalid(f"what_ifs[{place}].{name}", f"must lie between {1 / FACTOR_MAX:g} and {FACTOR_MAX:g}")
        made.append(
            Scenario(one.title, one.staff or request.staff, one.arrivals_factor or 1.0, one.service_factor or 1.0)
        )
    return made


def outcome_message(one: QueueOutcome) -> pb.QueueOutcome:
    made = pb.QueueOutcome(
        title=one.scenario.title,
        staff=one.scenario.staff,
        utilisation=one.utilisation,
        is_stable=one.queue is not None,
        summary=text(one.summary),
    )
    queue = one.queue
    if queue is not None:
        made.waiting_share, made.mean_wait_hours = queue.waiting, queue.mean
        made.mean_wait_lower, made.mean_wait_upper = queue.mean_lower, queue.mean_upper
        made.line_mean = queue.line
        made.method = "formula" if one.is_formula else "simulation"
        made.quantiles.extend(quantile_messages(queue.shares, queue.quantiles, queue.lower, queue.upper))
    return made


def quantile_messages(*columns: Any) -> Sequence[pb.WaitQuantile]:
    rows = np.stack(columns, axis=1).tolist()
    return [pb.WaitQuantile(share=share, hours=hours, lower=low, upper=high) for share, hours, low, high in rows]
