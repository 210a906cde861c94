"""Weights over real gRPC: proposed, changed within a cap and logged; changes of a composite split, slices ranked."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2
from andon.scoring.v1 import weight_pb2 as pb
from andon_quality.weights import ahp, critic, dynamic

from tests.services.scoring.conftest import SYSTEM, WEEK_S

WEEKS = 14
RNG = np.random.default_rng(7)
POINTS = {name: RNG.integers(20, 90, (WEEKS, 2)) for name in ("speed", "care", "cost")}
OVERALL = "desk/main/overall@week"
TEAMS = ("north", "south")


def spec_of(weights=(1.0, 1.0, 2.0)):
    """Three indicators whose points are their values; speed and care below "service", that and cost below the root."""
    spec = system_pb.IndicatorSystemSpec(title={"en": "Desk"})
    spec.dimensions.add(name="team", attribute="team")
    spec.composites.add(name="overall", title={"en": "Overall"})
    spec.composites.add(name="service", title={"en": "Service"}, parent="overall")
    for name, weight in zip(POINTS, weights, strict=True):
        value = spec.measures.add(name=name).value
        value.attribute, value.resolution = name, 1.0
        one = spec.indicators.add(
            name=name,
            title={"en": name.title()},
            measure=name,
            aggregate=system_pb.Indicator.AGGREGATE_MEAN,
            direction=system_pb.DIRECTION_HIGHER_IS_BETTER,
            windows=[system_pb.WINDOW_WEEK],
            target=system_pb.Target(value=100.0, worst=0.0),
            weight=weight,
            count_min=1,
            parent="overall" if name == "cost" else "service",
        )
        one.slices.add(dimensions=["team"])
    return spec


@pytest.fixture
async def weighed(suite, make):
    await suite.activate(spec_of())
    events = [
        make.event(
            f"{week}-{team}",
            f"{week}-{team}",
            "Measured",
            week * WEEK_S + 60,
            team=team,
            **{name: int(points[week][place]) for name, points in POINTS.items()},
        )
        for week in range(WEEKS)
        for place, team in enumerate(TEAMS)
    ]
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    return suite


def means(week):
    return {name: float(points[week].mean()) for name, points in POINTS.items()}


def at(week):
    found = pb.ExplainChangeRequest().time_before
    found.FromSeconds(round(1767571200 + week * WEEK_S + 3_600))
    return found


async def test_weights_come_from_experts_and_from_history_and_go_no_further_than_the_cap(weighed):
    judged = [("speed", "care", 3.0)]
    experts = [
        pb.ExpertJudgement(comparisons={"pairs": [dict(zip(("member", "other", "ratio"), judged[0], strict=True))]})
    ]
    found = await weighed.weights().ProposeWeights(
        pb.ProposeWeightsRequest(
            name=SYSTEM,
            composite="service",
            experts=experts,
            data_method=pb.ProposeWeightsRequest.DATA_METHOD_CRITIC,
            expert_share=0.7,
        )
    )
    # The last week is open.
    table = np.array([[means(week)["speed"], means(week)["care"]] for week in range(WEEKS - 1)])
    expert, data = ahp([[1, 3], [1 / 3, 1]]).weights, critic(table)
    wanted = 0.7 * expert + 0.3 * data
    step = dynamic([0.5, 0.5], wanted, 0.1)
    assert [one.member for one in found.members] == ["speed", "care"]
    assert [one.weight_experts for one in found.members] == pytest.approx(expert)
    assert [one.weight_data for one in found.members] == pytest.approx(data)
    assert [one.weight_proposed for one in found.members] == pytest.approx(wanted)
    assert [one.weight_step for one in found.members] == pytest.approx(step.after)
    assert (found.window_count, found.window, found.version) == (WEEKS - 1, system_pb.WINDOW_WEEK, 1)
    assert [one.is_consistent for one in found.consistencies] == [True]


async def test_experts_who_contradict_themselves_are_told_what_to_ask_again(suite):
    spec = spec_of()
    for one in spec.indicators:
        one.parent = "overall"
    del spec.composites[1]
    await suite.activate(spec)
    pairs = [
        pb.Comparison(member=one, other=other, ratio=ratio)
        for one, other, ratio in (("speed", "care", 4), ("care", "cost", 4), ("cost", "speed", 4))
    ]
    found = await suite.weights().ProposeWeights(
        pb.ProposeWeightsRequest(name=SYSTEM, experts=[pb.ExpertJudgement(expert="Ann", comparisons={"pairs": pairs})])
    )
    (one,) = found.consistencies
    assert (one.expert, one.is_consistent) == ("Ann", False)
    assert one.ask_again.ratio == pytest.approx(1.0)
    assert "Ann" in found.summary.en


MALFORMED = [
    ({"experts": [{"comparisons": {}}]}, "experts[0].comparisons.pairs"),
    (
        {"experts": [{"comparisons": {"pairs": [{"member": "speed", "other": "lost", "ratio": 2}]}}]},
        "experts[0].comparisons.pairs[0].other",
    ),
    (
        {"experts": [{"comparisons": {"pairs": [{"member": "speed", "other": "care", "ratio": 10}]}}]},
        "experts[0].comparisons.pairs[0].ratio",
    ),
    ({"experts": [{"best_worst": {"best": "speed", "worst": "speed"}}]}, "experts[0].best_worst.worst"),
    ({"experts": [{"best_worst": {"best": "speed", "worst": "care"}}]}, "experts[0].best_worst.best_to_others"),
    ({"cap": 2.0}, "cap"),
    ({"window": system_pb.WINDOW_DAY}, "window"),
]


async def test_judgements_are_refused_with_their_field(subtests, suite):
    await suite.activate(spec_of())
    for changes, field in MALFORMED:
        with subtests.test(str((changes, field))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.weights().ProposeWeights(
                    pb.ProposeWeightsRequest(name=SYSTEM, composite="service", **changes)
                )
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details().startswith(f"{field} ")


async def test_weights_go_a_capped_step_and_the_log_says_who_changed_them_and_why(suite):
    await suite.activate(spec_of())
    request = pb.AdjustWeightsRequest(
        name=SYSTEM,
        composite="overall",
        weights=[pb.MemberWeight(member="service", weight=9), pb.MemberWeight(member="cost", weight=1)],
        cap=0.2,
        reason="Customers ask for care",
        request_id="5f1c3f0e-0000-4000-8000-000000000000",
    )
    made = (await suite.weights().AdjustWeights(request)).change
    again = (await suite.weights().AdjustWeights(request)).change
    assert made == again
    # service weighed 1 and cost 2: from 1/3 towards 0.9, but no further than 0.2.
    assert [one.after for one in made.steps] == pytest.approx([1 / 3 + 0.2, 2 / 3 - 0.2])
    assert (made.version_before, made.version, made.author) == (1, 2, "tester")
    listed = await suite.weights().ListWeightChanges(pb.ListWeightChangesRequest(name=SYSTEM))
    assert list(listed.changes) == [made]
    draft = await suite.scoring().GetIndicatorSystem(scoring_pb2.GetIndicatorSystemRequest(name=SYSTEM, version=2))
    spec = draft.indicator_system.spec
    assert draft.indicator_system.state == system_pb.IndicatorSystem.STATE_DRAFT
    assert {one.name: one.weight for one in spec.composites}["service"] == pytest.approx(1 / 3 + 0.2)
    assert {one.name: one.weight for one in spec.indicators}["cost"] == pytest.approx(2 / 3 - 0.2)
    assert {one.name: one.weight for one in spec.indicators}["speed"] == 1.0


async def test_a_version_that_was_changed_meanwhile_is_not_changed(suite):
    first = await suite.activate(spec_of())
    await suite.activate(spec_of((2.0, 1.0, 2.0)))
    weights = [pb.MemberWeight(member=name, weight=1) for name in ("service", "cost")]
    request = pb.AdjustWeightsRequest(name=SYSTEM, weights=weights, reason="even", etag=first.etag)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.weights().AdjustWeights(request)
    assert refused.value.code() is grpc.StatusCode.ABORTED


async def test_a_change_is_split_into_what_indicators_and_weights_did_and_adds_up(weighed):
    await weighed.activate(spec_of((3.0, 1.0, 1.0)))
    request = pb.ExplainChangeRequest(series=OVERALL, time_before=at(2), time_after=at(5), version_before=1)
    found = await weighed.weights().ExplainChange(request)
    before, after = means(2), means(5)
    old = {"speed": 1 / 6, "care": 1 / 6, "cost": 2 / 3}
    new = {"speed": 3 / 8, "care": 1 / 8, "cost": 1 / 2}
    assert found.points_before == pytest.approx(sum(old[one] * before[one] for one in old))
    assert found.points_after == pytest.approx(sum(new[one] * after[one] for one in new))
    assert found.change == pytest.approx(found.data + found.weight + found.structure + found.missing, abs=1e-12)
    assert found.change == pytest.approx(found.points_after - found.points_before, abs=1e-12)
    # Two factors: half of each order (Shapley).
    assert found.data == pytest.approx(sum((old[one] + new[one]) / 2 * (after[one] - before[one]) for one in old))
    assert found.weight == pytest.approx(sum((new[one] - old[one]) * (after[one] + before[one]) / 2 for one in old))
    assert (found.structure, found.missing, found.version_after) == (0.0, 0.0, 2)
    parts = {one.indicator: one for one in found.indicators}
    assert parts["speed"].weight_after == pytest.approx(new["speed"])
    assert sum(one.data for one in found.indicators) == pytest.approx(found.data)


async def test_slices_rank_by_a_composite_with_how_far_the_ranks_depend_on_the_weights(weighed):
    found = await weighed.weights().GetRanking(
        pb.GetRankingRequest(series=OVERALL, dimensions=["team"], time=at(3), radius=0.3)
    )
    weights = {"speed": 1 / 6, "care": 1 / 6, "cost": 2 / 3}
    points = {
        team: sum(weights[name] * float(values[3][place]) for name, values in POINTS.items())
        for place, team in enumerate(TEAMS)
    }
    best = max(points, key=points.__getitem__)
    assert next((one.slice["team"], one.rank) for one in found.slices) == (best, 1)
    assert {one.slice["team"]: one.points for one in found.slices} == pytest.approx(points)
    assert 0 < found.first_share <= 1
    assert (found.unranked_count, list(found.left_out)) == (0, [])
