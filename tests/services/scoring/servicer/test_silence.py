"""Lists and scorecards show the windows in which nothing happened, page by page and from any instant on."""

from __future__ import annotations

from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2

DAY_S = 86_400
MONDAY_S = 1_767_571_200
SOLVED, SPENT = "desk/main/solved@day", "desk/main/spent@day"
HIGH = f"{SOLVED}{{priority=high}}"


def daily(make: Any) -> system_pb.IndicatorSystemSpec:
    spec = make.spec()
    del spec.indicators[:]
    spec.measures.add(name="solved").count.activities.append("Closed")
    for name, measure, aggregate in (
        ("solved", "solved", system_pb.Indicator.AGGREGATE_SUM),
        ("spent", "to_close", system_pb.Indicator.AGGREGATE_MEAN),
    ):
        one = spec.indicators.add(
            name=name,
            measure=measure,
            aggregate=aggregate,
            direction=system_pb.DIRECTION_HIGHER_IS_BETTER,
            windows=[system_pb.WINDOW_DAY, system_pb.WINDOW_ALL],
            count_min=1,
        )
        one.target.value = 2.0
        one.slices.add(dimensions=["priority"])
    return spec


def days_and_values(scores: list[score_pb2.Score], series: str) -> list[tuple[int, float | None]]:
    return [
        ((one.interval.start.seconds - MONDAY_S) // DAY_S, one.value if one.HasField("value") else None)
        for one in scores
        if one.series == series
    ]


async def listed(stub: Any, size: int, **asked: Any) -> list[score_pb2.Score]:
    request = scoring_pb2.ListScoresRequest(page_size=size, **asked)
    found: list[score_pb2.Score] = []
    while True:
        page = await stub.ListScores(request, timeout=60)
        assert len(page.scores) <= size
        found += page.scores
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_an_outage_is_listed_in_the_middle_at_the_end_and_where_a_slice_falls_silent(
    suite: Any, make: Any
) -> None:
    await suite.activate(daily(make))
    # Nobody on days 3 and 4; of high priority nobody after day 5; on day 12 a case is opened that nobody closes.
    events = [
        event
        for day in (0, 1, 2, 5, 6, 7, 9)
        for place, priority in enumerate(("low", "high") if day <= 5 else ("low",))
        for event in make.case(10 * day + place, day * DAY_S + 3_600.0, 1.0, False, priority)
    ]
    through = await suite.write([*events, make.event("open", "open", "Opened", 12.5 * DAY_S)])
    stub = suite.scoring()
    scores = await listed(stub, 1_000, at_least=through)
    whole = [2, 2, 2, 0, 0, 2, 1, 1, 0, 1, 0, 0]
    assert days_and_values(scores, SOLVED) == [(day, float(count)) for day, count in enumerate(whole)]
    assert days_and_values(scores, HIGH) == [(day, float(day in (0, 1, 2, 5))) for day in range(12)]
    assert days_and_values(scores, SPENT) == [(day, 3_600.0 if count else None) for day, count in enumerate(whole)]
    empty = [one for one in scores if one.series == SOLVED and not one.revision]
    assert {(one.count, one.complete, one.state, one.HasField("score_time")) for one in empty} == {
        (0, True, score_pb2.SCORE_STATE_MISSED, False)
    }
    gaps = [day for day, value in days_and_values(scores, "desk/main/overall@day") if value is None]
    assert gaps == [3, 4, 8, 10, 11]

    # Whatever the page, nothing is left out or comes twice.
    for size in (1, 4, 7):
        assert await listed(stub, size) == scores
    # From any instant on it is the same list, also where nothing was published any more.
    for first, last in ((4, 9), (10, 12), (3, 4)):
        asked = scoring_pb2.ListScoresRequest()
        asked.interval.start.FromSeconds(MONDAY_S + first * DAY_S)
        asked.interval.end.FromSeconds(MONDAY_S + last * DAY_S)
        part = [one for one in scores if first * DAY_S <= one.interval.start.seconds - MONDAY_S < last * DAY_S]
        for size in (2, 1_000):
            assert await listed(stub, size, interval=asked.interval) == part
    silent = scoring_pb2.ExplainScoreRequest(series=SOLVED)
    silent.time.FromSeconds(MONDAY_S + 3 * DAY_S + 60)
    explained = await stub.ExplainScore(silent)
    assert (explained.amount, explained.score.revision, len(explained.cases)) == (0.0, 0, 0)
    assert "sum over none is 0" in explained.working.en

    only = scoring_pb2.SeriesFilter(series=[HIGH])
    assert await listed(stub, 3, filter=only) == [one for one in scores if one.series == HIGH]
    published = await listed(stub, 5, published_only=True)
    assert published == [one for one in scores if one.revision]

    card = await stub.GetScorecard(scoring_pb2.GetScorecardRequest(name=make.system, window=system_pb.WINDOW_DAY))
    nodes = {node.name: node.score for node in card.nodes}
    assert (card.interval.start.seconds - MONDAY_S) // DAY_S == 11
    assert (nodes["solved"].value, nodes["solved"].HasField("value"), nodes["spent"].HasField("value")) == (
        0,
        True,
        False,
    )
    asked_card = scoring_pb2.GetScorecardRequest(name=make.system, window=system_pb.WINDOW_DAY)
    asked_card.time.FromSeconds(MONDAY_S + 3 * DAY_S + 60)
    card = await stub.GetScorecard(asked_card)
    assert [(node.name, node.score.revision) for node in card.nodes] == [("overall", 0), ("solved", 0), ("spent", 0)]
