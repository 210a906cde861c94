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


async def test_a_silent_count_alarms_while_the_silence_lasts_and_late_events_take_the_alarm_back(
    suite_of: Any, make: Any
) -> None:
    """By two replicas; the log goes on with tickets of low priority while those of high priority are silent."""
    suite = await suite_of()
    stops = [await suite.start_scoring() for _ in range(2)]
    spec = daily(make)
    spec.indicators[0].chart.baseline_windows = 8
    spec.indicators[0].chart.rules.append("WE1")
    await suite.activate(spec)

    def day(number: int, priority: str, count: int) -> list[Any]:
        first = 1_000 * number + 500 * (priority == "high")
        cases = (make.case(first + place, number * DAY_S + 3_600.0, 1.0, False, priority) for place in range(count))
        return [event for case in cases for event in case]

    async def alarmed_days(through: str, replica: int) -> list[int]:
        asked = scoring_pb2.ListSignalsRequest(at_least=through, filter=scoring_pb2.SeriesFilter(series=[HIGH]))
        found = (await suite.scoring(replica).ListSignals(asked, timeout=60)).signals
        return sorted((one.interval.start.seconds - MONDAY_S) // DAY_S for one in found)

    high = {number: day(number, "high", 20 + number % 3) for number in range(14)}
    steady = [event for number in range(10) for event in (*high[number], *day(number, "low", 20 + number % 3))]
    assert await alarmed_days(await suite.write(steady), 0) == []
    for number in (10, 11, 12, 13):
        # The first ticket of the next day says that the day before is over.
        through = await suite.write([*day(number, "low", 21), *day(number + 1, "low", 1)[:1]])
        for replica in (0, 1):
            assert await alarmed_days(through, replica) == list(range(10, number + 1))
    chart = await suite.scoring().GetControlChart(scoring_pb2.GetControlChartRequest(series=HIGH))
    assert [(one.value, list(one.rules)) for one in chart.points[10:]] == [(0.0, ["WE1"])] * 4

    # A lost connection: two of the days come late, and after a restart.
    await suite.end_scoring(stops[0])
    through = await suite.write([*high[10], *high[12]])
    assert await alarmed_days(through, 1) == [11, 13]
    through = await suite.write(high[11])
    assert await alarmed_days(through, 1) == [13]
    asked = scoring_pb2.ListSignalsRequest(include_retracted=True, filter=scoring_pb2.SeriesFilter(series=[HIGH]))
    gone = [one for one in (await suite.scoring(1).ListSignals(asked)).signals if one.reason]
    assert {(one.interval.start.seconds - MONDAY_S) // DAY_S for one in gone} == {10, 11, 12}
    served = await suite.content_hash(through)

    # Who had heard of all of it in another order says the same.
    await suite.start_scoring()
    spec.title.en = "The same once more"
    await suite.activate(spec)
    assert await suite.content_hash(through) == served
