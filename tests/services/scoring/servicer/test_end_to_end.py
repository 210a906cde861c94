"""Events written to ingest come out of scoring as scores, signals and charts, over real gRPC and Postgres."""

from __future__ import annotations

import json
from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2


def steady_then_bad(week: int, place: int) -> bool:
    """Two to four of 40 tickets breach each week; from week 12 on it is 16."""
    return place < (16 if week >= 12 else 2 + week % 3)


async def test_events_become_scores_a_chart_and_signals(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(15, 40, steady_then_bad))
    stub = suite.scoring()

    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    scores = {(one.series, one.interval.start.seconds): one for one in listed.scores}
    whole = [one for one in listed.scores if one.series == "desk/main/sla_breach@week"]
    assert len(whole) == 15
    assert [one.count for one in whole] == [40] * 15
    assert [one.value for one in whole] == [(16 if week >= 12 else 2 + week % 3) / 40 for week in range(15)]
    assert [one.complete for one in whole] == [True] * 14 + [False]
    assert whole[0].state == score_pb2.SCORE_STATE_MET
    assert whole[-2].state == score_pb2.SCORE_STATE_MISSED
    assert round(whole[-2].points, 6) == 25.0
    everything = next(one for key, one in scores.items() if key[0] == "desk/main/to_close@all")
    assert everything.count == 600
    assert not everything.interval.HasField("start")

    signals = (await stub.ListSignals(scoring_pb2.ListSignalsRequest())).signals
    assert [one.name for one in signals] == sorted(one.name for one in signals)
    on_whole = [one for one in signals if one.series == "desk/main/sla_breach@week"]
    assert {one.rule for one in on_whole} >= {"WE1"}
    assert min(one.interval.start.seconds for one in on_whole) == whole[12].interval.start.seconds
    assert all(one.adverse and one.arl0 > 100 and one.baseline.window_count == 6 for one in on_whole)
    assert list(on_whole[0].symptom_of) == ["to_close"]

    chart = await stub.GetControlChart(
        scoring_pb2.GetControlChartRequest(series="desk/main/sla_breach@week", language="zh")
    )
    assert [point.in_baseline for point in chart.points] == [True] * 6 + [False] * 8
    assert "WE1" in chart.points[12].rules
    assert json.loads(chart.vega_lite)["title"]["text"] == "违约率"


async def test_a_scorecard_adds_up_and_a_score_explains_itself_down_to_events(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(3, 20, lambda week, place: place < 4))
    stub = suite.scoring()

    card = await stub.GetScorecard(
        scoring_pb2.GetScorecardRequest(name=make.system, window=system_pb.WINDOW_WEEK, at_least=through), timeout=20
    )
    nodes = {node.name: node for node in card.nodes}
    assert nodes["sla_breach"].weight_total == 0.75
    assert nodes["to_close_median"].weight_total == 0.0
    leaves = 0.75 * nodes["sla_breach"].score.points + 0.25 * nodes["to_close"].score.points
    assert abs(nodes["overall"].score.points - leaves) < 1e-9
    assert abs(sum(phase.weight * phase.points for phase in card.phases) - leaves) < 1e-9

    asked = scoring_pb2.ExplainScoreRequest(
        series="desk/main/sla_breach@week{priority=high}", time=nodes["sla_breach"].score.interval.start, page_size=4
    )
    cases: list[scoring_pb2.CaseObservation] = []
    while True:
        explained = await stub.ExplainScore(asked)
        cases += explained.cases
        if not explained.next_page_token:
            break
        asked.page_token = explained.next_page_token
    assert len(cases) == explained.total_count == explained.score.count == 10
    assert sum(case.value for case in cases) == int(explained.score.moments.total)
    assert sum(case.value**2 for case in cases) == int(explained.score.moments.squares)
    assert list(cases[0].event_ids) == [f"{cases[0].case_id}-{place}" for place in (1, 2, 3)]
    assert (explained.unit, explained.amount) == ("%", 100 * explained.score.value)
    assert abs(sum(case.contribution for case in cases) - explained.amount) < 1e-9

    asked = scoring_pb2.ExplainScoreRequest(series="desk/main/to_close@week", time=asked.time, page_size=1_000)
    hours = await stub.ExplainScore(asked)
    assert hours.unit == "h"
    assert abs(sum(case.amount for case in hours.cases) / 20 - hours.score.value) < 1e-9
    assert abs(sum(case.contribution for case in hours.cases) - hours.amount) < 1e-9
    assert f"/ 20 = {hours.amount:,.6g} h." in hours.working.en
    asked.series = "desk/main/overall@week"
    rolled = await stub.ExplainScore(asked)
    assert (rolled.unit, [node.name for node in rolled.nodes]) == ("points", ["sla_breach", "to_close"])
    assert abs(sum(node.contribution for node in rolled.nodes) - rolled.amount) < 1e-9


async def test_working_time_is_the_sum_over_pairs_and_its_explanation_counts_what_has_no_partner(
    suite: Any, make: Any
) -> None:
    spec = make.spec()
    spec.measures.add(name="worked").work.activities.append("Repair")
    spec.measures.add(name="running").work.unmatched = system_pb.Measure.Work.UNMATCHED_STARTS
    for measure, unit in (("worked", "min"), ("running", "")):
        spec.indicators.add(
            name=measure,
            measure=measure,
            aggregate=system_pb.Indicator.AGGREGATE_SUM,
            direction=system_pb.DIRECTION_LOWER_IS_BETTER,
            unit=unit,
            windows=[system_pb.WINDOW_ALL],
        )
    await suite.activate(spec)
    said = [(900, "start"), (3_600, "complete"), (7_200, "start"), (9_000, "complete"), (9_060, "start")]
    events = [
        make.event(f"r-{at}", "case-00000", "Repair", at, **{"lifecycle:transition": transition})
        for at, transition in said
    ]
    through = await suite.write([*make.case(0, 0.0, 4.0, False), *events])
    stub = suite.scoring()
    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    value = {one.series: one.value for one in listed.scores}
    assert (value["desk/main/worked@all"], value["desk/main/running@all"]) == (75.0, 1.0)
    asked = scoring_pb2.ExplainScoreRequest(series="desk/main/worked@all")
    explained = await stub.ExplainScore(asked)
    assert [case.value for case in explained.cases] == [75 * 60]
    assert "Without a partner in the 1 cases listed: 1 starts and 0 completions." in explained.working.en
    assert "开始 1 个" in explained.working.zh
