"""Capability and loss over real gRPC: published studies, good or bad cases, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import grpc
import numpy as np
import pytest
from andon.scoring.v1 import capability_pb2 as pb
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.services.scoring.conftest import DAY_S

DATA = Path(__file__).parents[4].parent / "shared" / "data"
RINGS = DATA / "spc" / "qcc_pistonrings.csv"
EXPECTED = DATA / "EXPECTED.json"
DIAMETER = "desk/main/diameter@day"
BACKWARDS = {"start": {"seconds": 9}, "end": {"seconds": 8}}


def rings_spec():
    spec = system_pb.IndicatorSystemSpec(title={"en": "Rings"})
    value = spec.measures.add(name="diameter").value
    value.attribute, value.resolution = "diameter", 0.001
    spec.indicators.add(
        name="diameter",
        measure="diameter",
        aggregate=system_pb.Indicator.AGGREGATE_MEAN,
        direction=system_pb.DIRECTION_TARGET_IS_BETTER,
        windows=[system_pb.WINDOW_DAY, system_pb.WINDOW_ALL],
        target=system_pb.Target(value=74.0, lower=73.95, upper=74.05),
    )
    return spec


async def scored(suite, spec, events):
    await suite.activate(spec)
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)


def published():
    if not RINGS.exists():
        pytest.skip("the published data are not at hand")
    with RINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads(EXPECTED.read_text(encoding="utf-8"))["qcc_published"]["pistonrings"]


async def test_a_published_study_of_single_values_comes_out_as_printed(suite, make):
    rows, expected = published()
    events = [
        make.event(f"r{place}", f"r{place}", "Measured", (int(row["sample"]) - 1) * DAY_S + place, diameter=diameter)
        for place, row in enumerate(rows)
        for diameter in [float(row["diameter"])]
    ]
    await scored(suite, rings_spec(), events)
    request = pb.GetCapabilityRequest(series=DIAMETER)
    # Phase I: the first 25 samples of 5.
    request.interval.end.FromSeconds(events[0].time.seconds + 25 * DAY_S - 100)
    found = await suite.capability().GetCapability(request)
    want = expected["capability_7395_7405"]
    indices = {"Cp": found.cp, "Cp_l": found.cpl, "Cp_u": found.cpu, "Cp_k": found.cpk, "Cpm": found.cpm}
    assert {name: round(one.value, 2) for name, one in indices.items()} == {name: want[name] for name in indices}
    assert [round(found.cp.lower, 2), round(found.cp.upper, 2)] == want["ci_Cp"]
    assert [round(found.cpk.lower, 2), round(found.cpk.upper, 2)] == want["ci_Cpk"]
    assert (found.count, found.subgroup_count, found.spread) == (125, 25, "mean range")
    assert found.mean == pytest.approx(expected["xbar"]["centre"], abs=1e-5)
    # Printed with d2 to three digits.
    assert found.sigma_within == pytest.approx(expected["xbar"]["sd"], rel=5e-5)
    assert found.limits.origin == pb.SpecificationLimits.ORIGIN_INDICATOR_TARGET
    assert all(one.is_met for one in found.assumptions)

    request.limits.lower, request.limits.upper = 73.99, 74.01
    narrow, want = await suite.capability().GetCapability(request), expected["capability_7399_7401"]
    assert [round(one.value, 3) for one in (narrow.cp, narrow.cpk, narrow.cpm)] == [
        want["Cp"],
        want["Cp_k"],
        want["Cpm"],
    ]
    ppm = [narrow.expected_below_ppm, narrow.observed_below_ppm, narrow.expected_above_ppm, narrow.observed_above_ppm]
    assert [round(one / 1e6, 2) for one in ppm] == [
        want["exp_below"],
        want["obs_below"],
        want["exp_above"],
        want["obs_above"],
    ]
    assert narrow.sigma_level.value == pytest.approx(1.5 + 0.5, abs=0.05)


async def test_skewed_values_are_fitted_and_a_share_is_counted(suite, make):
    hours = np.random.default_rng(4).lognormal(1.5, 0.6, 400)
    events = [
        event
        for number, long in enumerate(hours)
        for event in make.case(number, number * DAY_S / 8, float(long), breached=number % 5 == 0)
    ]
    await scored(suite, make.spec(), events)
    stub = suite.capability()
    found = await stub.GetCapability(pb.GetCapabilityRequest(series="desk/main/to_close@week"))
    # The target, 8 h, is the upper limit where lower is better.
    assert (found.limits.upper, found.limits.HasField("lower"), found.count) == (8.0, False, 400)
    assert found.distribution.startswith("fit, ")
    assert not found.HasField("cp")
    assert found.ppk.lower < found.ppk.value < found.ppk.upper
    assert found.observed_above_ppm == pytest.approx(1e6 * (np.round(hours * 3600) / 3600 > 8).mean())
    assert found.dpmo.value == pytest.approx(found.observed_above_ppm, rel=0.15)

    share = await stub.GetCapability(pb.GetCapabilityRequest(series="desk/main/sla_breach@week", shift=0.0))
    assert (share.distribution, share.dpmo.value, share.mean) == ("binomial", 200_000.0, 0.2)
    assert share.sigma_level.value == pytest.approx(0.8416, abs=1e-4)
    assert share.ppk.value == pytest.approx(share.sigma_level.value / 3)
    assert share.dpmo.lower < 200_000 < share.dpmo.upper

    sliced = await stub.GetCapability(pb.GetCapabilityRequest(series="desk/main/sla_breach@week{priority=low}"))
    assert sliced.count == 400


async def test_loss_is_the_money_of_each_window(suite, make):
    events = [event for number in range(30) for event in make.case(number, number * DAY_S / 3, 1.0 + number % 4, False)]
    await scored(suite, make.spec(), [*events, *make.case(99, 40 * DAY_S, 1.0, False)])
    request = pb.GetLossRequest(series="desk/main/to_close@week", cost=32.0, currency="EUR", page_size=1)
    windows = []
    while True:
        answer = await suite.capability().GetLoss(request)
        windows += answer.windows
        request.page_token = answer.next_page_token
        if not answer.next_page_token:
            break
    # 32 at the target of 8 h: half a unit of money for an hour squared.
    assert (answer.form, answer.coefficient, answer.tolerance) == (pb.GetLossRequest.FORM_SMALLER, 0.5, 8.0)
    first = windows[0]
    values = [1.0 + number % 4 for number in range(first.count)]
    assert first.total == pytest.approx(sum(0.5 * value**2 for value in values))
    assert first.per_case == pytest.approx(first.off_target + first.spread)
    assert math.fsum(one.count for one in windows) >= 30


UNANSWERABLE = [
    ("GetCapability", {"series": "nothing"}, "series"),
    ("GetCapability", {"series": "desk/main/to_close_median@week"}, "limits"),
    ("GetCapability", {"series": "desk/main/to_close@week", "limits": {"lower": 3.0, "upper": 2.0}}, "limits"),
    ("GetCapability", {"series": "desk/main/to_close@week", "confidence": 1.0}, "confidence"),
    ("GetCapability", {"series": "desk/main/overall@week", "values_of": 1}, "values_of"),
    ("GetCapability", {"series": "desk/main/to_close@week", "interval": BACKWARDS}, "interval"),
    ("GetLoss", {"series": "desk/main/to_close@week", "cost": 1.0, "interval": BACKWARDS}, "interval"),
    ("GetLoss", {"series": "desk/main/overall@week", "cost": 1.0}, "series"),
    ("GetLoss", {"series": "desk/main/to_close@week"}, "cost"),
    ("GetLoss", {"series": "desk/main/to_close_median@week", "cost": 1.0}, "tolerance"),
]


async def test_what_cannot_be_answered_names_its_field(subtests, suite, make):
    await suite.activate(make.spec())
    for rpc, fields, reason in UNANSWERABLE:
        with subtests.test(str((rpc, fields, reason))):
            kind = getattr(pb, f"{rpc}Request")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await getattr(suite.capability(), rpc)(kind(**fields))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details().startswith(reason)


async def test_a_ratio_is_studied_by_its_windows_since_its_rows_are_no_cases(suite, make):
    rows = [(hits, 10 + week) for week, hits in enumerate([3, 5, 4, 6, 5, 7, 4, 5])]
    events = [
        make.event(f"r{week}", f"r{week}", "Closed", week * 7 * DAY_S, hits=hits, size=size)
        for week, (hits, size) in enumerate(rows)
    ]
    await scored(suite, make.ratio_spec(), events)
    found = await suite.capability().GetCapability(pb.GetCapabilityRequest(series="desk/main/parts@week"))
    # The last week is open.
    shares = [hits / size for hits, size in rows[:-1]]
    assert (found.values_of, found.count, found.limits.upper) == (pb.VALUES_OF_WINDOWS, 7, 0.5)
    assert found.mean == pytest.approx(np.mean(shares))


OF_SINGLE_CASES = [
    ("GetCapability", {"values_of": pb.VALUES_OF_CASES}, "values_of"),
    ("GetLoss", {"cost": 1.0}, "series"),
]


async def test_what_needs_single_cases_is_refused_of_a_ratio(subtests, suite, make):
    await suite.activate(make.ratio_spec())
    for rpc, fields, reason in OF_SINGLE_CASES:
        with subtests.test(str((rpc, fields, reason))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await getattr(suite.capability(), rpc)(
                    getattr(pb, f"{rpc}Request")(series="desk/main/parts@week", **fields)
                )
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details().startswith(reason)


COSTS = [(0.0, "FIELD_REQUIRED"), (-50.0, "FIELD_INVALID")]


async def test_a_cost_that_is_missing_differs_from_one_that_is_wrong(subtests, suite, make):
    await suite.activate(make.spec())
    for cost, reason in COSTS:
        with subtests.test(str((cost, reason))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.capability().GetLoss(pb.GetLossRequest(series="desk/main/to_close@week", cost=cost))
            status = rpc_status.from_call(refused.value)
            info = error_details_pb2.ErrorInfo()
            assert status is not None
            assert any(one.Unpack(info) for one in status.details)
            assert info.reason == reason


async def test_too_few_values_are_a_precondition(suite, make):
    await scored(suite, make.spec(), make.case(1, 0.0, 2.0, False))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.capability().GetCapability(pb.GetCapabilityRequest(series="desk/main/to_close@week"))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
