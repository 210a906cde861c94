"""Simulated queues over real gRPC: against formulas, fitted from history, and what is refused."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from andon.scoring.v1 import scoring_pb2
from andon.scoring.v1 import simulation_pb2 as pb
from andon_quality import queues


async def test_exponential_queues_are_answered_by_formula_and_what_ifs_by_comparison(suite):
    request = pb.GetQueueSimulationRequest(staff=3, arrivals={"per_hour": 10}, service={"mean_hours": 0.25})
    request.what_ifs.add(title="one more", staff=4)
    request.what_ifs.add(title="campaign", arrivals_factor=1.5)
    request.what_ifs.add(title="all that they can do", arrivals_factor=1.2)
    found = await suite.simulation().GetQueueSimulation(request)
    exact = queues.markovian(10.0, 0.25, 3)
    assert (found.now.method, found.now.utilisation) == ("formula", pytest.approx(10 * 0.25 / 3))
    assert found.now.mean_wait_hours == pytest.approx(exact.mean)
    assert [one.hours for one in found.now.quantiles] == pytest.approx(exact.quantiles.tolist())
    more, campaign, full = found.what_ifs
    assert (full.is_stable, full.utilisation, len(full.quantiles)) == (False, pytest.approx(1.0), 0)
    assert more.mean_wait_hours < 0.3 * found.now.mean_wait_hours
    assert (campaign.is_stable, campaign.utilisation, len(campaign.quantiles)) == (False, pytest.approx(1.25), 0)


async def test_a_simulation_of_one_server_is_as_pollaczek_and_khinchine_say(suite):
    request = pb.GetQueueSimulationRequest(staff=1, arrivals={"per_hour": 0.7}, seed=3)
    request.service.mean_hours, request.service.variation = 1.0, 0.5
    request.service.shape = pb.ServiceTimes.SHAPE_GAMMA
    found = await suite.simulation().GetQueueSimulation(request)
    assert found.now.method == "simulation"
    assert found.now.mean_wait_hours == pytest.approx(0.7 * 1.25 / 0.6, rel=0.03)
    assert found.now.mean_wait_lower < found.now.mean_wait_hours < found.now.mean_wait_upper
    assert await suite.simulation().GetQueueSimulation(request) == found


async def test_arrivals_and_service_are_fitted_from_cases(suite, make):
    rng = np.random.default_rng(5)
    opened = np.cumsum(rng.exponential(1_800.0, 300))
    hours = rng.lognormal(-0.5, 0.4, 300)
    events = [
        event
        for number, (at_s, long) in enumerate(zip(opened, hours, strict=True))
        for event in make.case(number, float(at_s), float(long), False)
    ]
    spec = make.spec()
    # Cases are placed by their beginning, so their moments are the arrivals.
    spec.indicators[1].anchor.opened = True
    await suite.activate(spec)
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    series = "desk/main/to_close@week"
    request = pb.GetQueueSimulationRequest(staff=2, arrivals={"series": series}, service={"series": series})
    found = await suite.simulation().GetQueueSimulation(request)
    seen = np.round(hours * 3_600) / 3_600
    assert (found.arrival_count, found.service_count, found.service_shape) == (300, 300, "sample")
    assert found.service_mean_hours == pytest.approx(seen.mean(), rel=1e-3)
    assert found.service_variation == pytest.approx(seen.std() / seen.mean(), rel=1e-2)
    assert found.arrivals_per_hour == pytest.approx(3_600 * 299 / (opened[-1] - opened[0]), rel=1e-3)
    assert found.now.is_stable


async def test_rows_of_a_ratio_are_no_arrivals(suite, make):
    await suite.activate(make.ratio_spec())
    arrivals, service = {"series": "desk/main/parts@week"}, {"mean_hours": 1}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.simulation().GetQueueSimulation(
            pb.GetQueueSimulationRequest(staff=1, arrivals=arrivals, service=service)
        )
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details().startswith("arrivals.series")


NOT_SIMULATED = [
    ({"staff": 0, "arrivals": {"per_hour": 1}, "service": {"mean_hours": 1}}, "INVALID_ARGUMENT"),
    ({"staff": 1, "service": {"mean_hours": 1}}, "INVALID_ARGUMENT"),
    ({"staff": 1, "arrivals": {"per_hour": 1}}, "INVALID_ARGUMENT"),
    (
        {"staff": 1, "arrivals": {"per_hour": 1}, "service": {"mean_hours": 1}, "quantiles": [1.0]},
        "INVALID_ARGUMENT",
    ),
    (
        {"staff": 1, "arrivals": {"per_hour": 1}, "service": {"mean_hours": 1}, "what_ifs": [{"staff": -1}]},
        "INVALID_ARGUMENT",
    ),
    (
        {"staff": 1, "arrivals": {"per_hour": 1}, "service": {"series": "desk/main/sla_breach@week"}},
        "INVALID_ARGUMENT",
    ),
    (
        {"staff": 1, "arrivals": {"per_hour": 1}, "service": {"series": "desk/main/to_close@week"}},
        "FAILED_PRECONDITION",
    ),
]


async def test_what_cannot_be_simulated_is_refused(subtests, suite, make):
    await suite.activate(make.spec())
    for fields, code in NOT_SIMULATED:
        with subtests.test(str((fields, code))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.simulation().GetQueueSimulation(pb.GetQueueSimulationRequest(**fields))
            assert refused.value.code().name == code
