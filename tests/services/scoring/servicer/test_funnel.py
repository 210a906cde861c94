"""Funnels over real gRPC, with figures worked out here."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from andon.scoring.v1 import funnel_pb2 as pb
from andon.scoring.v1 import scoring_pb2
from andon_quality import funnel

SERIES = "desk/main/sla_breach@all"


async def scored(suite, spec, events):
    await suite.activate(spec)
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)


async def test_units_of_different_size_have_limits_of_their_own(suite, make):
    sizes, shares = {"a": 200, "b": 40, "c": 40, "d": 120, "e": 3}, {"a": 0.1, "b": 0.15, "c": 0.6, "d": 0.1, "e": 0}
    events, number = [], 0
    for team, size in sizes.items():
        for place in range(size):
            breached = place < round(size * shares[team])
            events += make.case(number, number * 600.0, 1.0, breached, priority=team)
            number += 1
    await scored(suite, make.spec(), events)
    stub = suite.funnels()
    found = await stub.GetFunnel(
        pb.GetFunnelRequest(series=SERIES, overdispersion=pb.GetFunnelRequest.OVERDISPERSION_NONE)
    )
    units = {one.slice["priority"]: one for one in found.units}
    assert (set(units), found.left_out_count, list(found.dimensions)) == ({"a", "b", "c", "d"}, 1, ["priority"])
    counts = [round(sizes[one] * shares[one]) for one in "abcd"]
    expected = funnel.proportions(counts, [sizes[one] for one in "abcd"])
    assert found.target == pytest.approx(sum(counts) / 400)
    for at, name in enumerate("abcd"):
        assert [one.upper for one in units[name].limits] == pytest.approx(expected.upper[:, at])
        assert [one.lower for one in units[name].limits] == pytest.approx(expected.lower[:, at])
    assert (units["c"].beyond_level, units["c"].is_worse, units["c"].rank) == (0.998, True, 4)
    assert (units["c"].rank_lower, units["c"].rank_upper) == (4, 4)
    assert units["b"].rank_lower < units["b"].rank_upper
    assert [one.rank for one in found.units] == sorted(one.rank for one in found.units)
    aimed = await stub.GetFunnel(pb.GetFunnelRequest(series=SERIES, target=0.05))
    assert (aimed.target, aimed.is_target_requested) == (0.05, True)
    assert aimed.is_widened
    # The same units from weekly windows.
    weekly = await stub.GetFunnel(
        pb.GetFunnelRequest(series="desk/main/sla_breach@week", overdispersion=pb.GetFunnelRequest.OVERDISPERSION_NONE)
    )
    assert [(one.count, one.value) for one in weekly.units] == [(one.count, one.value) for one in found.units]


INCOMPARABLE = [
    ({"series": "desk/main/to_close_median@all"}, "INVALID_ARGUMENT", "series"),
    ({"series": SERIES, "dimensions": ["team"]}, "INVALID_ARGUMENT", "dimensions"),
    ({"series": SERIES + "{priority=low}"}, "INVALID_ARGUMENT", "series"),
    ({"series": SERIES, "target": 2.0}, "INVALID_ARGUMENT", "target"),
    ({"series": SERIES}, "FAILED_PRECONDITION", ""),
]


async def test_what_cannot_be_compared_is_refused(subtests, suite, make):
    await suite.activate(make.spec())
    for fields, code, field in INCOMPARABLE:
        with subtests.test(str((fields, code, field))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.funnels().GetFunnel(pb.GetFunnelRequest(**fields))
            assert refused.value.code().name == code
            assert refused.value.details().startswith(field)


async def test_a_ratio_without_squares_is_refused_since_the_spread_of_its_cases_is_unknown(suite, make):
    await suite.activate(make.ratio_spec())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.funnels().GetFunnel(pb.GetFunnelRequest(series="desk/main/parts@all"))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details().startswith("series is a ratio without squares")


async def test_means_are_compared_by_their_standard_errors(suite, make):
    rng, events = np.random.default_rng(1), []
    spec = make.spec()
    spec.indicators[1].slices.add(dimensions=["priority"])
    for number in range(300):
        team = "abc"[number % 3]
        hours = float(rng.gamma(4.0, 2.0 if team == "c" else 1.0))
        events += make.case(number, number * 900.0, hours, False, priority=team)
    await scored(suite, spec, events)
    found = await suite.funnels().GetFunnel(
        pb.GetFunnelRequest(series="desk/main/to_close@all", overdispersion=pb.GetFunnelRequest.OVERDISPERSION_NONE)
    )
    assert found.units[-1].slice["priority"] == "c"
    assert found.units[-1].beyond_level == 0.998
    assert found.units[-1].is_worse
