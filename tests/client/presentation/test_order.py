"""Scores come as a person reads them: the newest window first, then down the hierarchy, the whole before its slices."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.listing import newest_scores
from andon_client.presentation.order import hierarchy

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def spec():
    made = indicator_system_pb2.IndicatorSystemSpec(time_zone="Asia/Shanghai")
    for name, parent in (("service", ""), ("speed", "service"), ("quality", "service")):
        made.composites.add(name=name, parent=parent)
    for name, parent, target in (("wait", "speed", 1), ("volume", "", 0), ("errors", "quality", 1), ("cost", "", 1)):
        one = made.indicators.add(name=name, parent=parent)
        if target:
            one.target.value = target
    return made


def test_the_hierarchy_is_that_of_a_scorecard():
    assert hierarchy(spec()) == ["service", "speed", "wait", "quality", "errors", "cost", "volume"]
    alone = indicator_system_pb2.IndicatorSystemSpec()
    alone.indicators.add(name="b").target.value = 1
    assert hierarchy(alone) == ["overall", "b"]


def score(key, day=None):
    made = score_pb2.Score(series=key, revision=1)
    if day is not None:
        made.interval.start.FromDatetime(DAY + timedelta(days=day))
        made.interval.end.FromDatetime(DAY + timedelta(days=day + (7 if "@week" in key else 1)))
    return made


class Scoring:
    """Answers as the contract says: by series and window, within an interval, page by page."""

    def __init__(self, scores, watermark):
        self.scores = sorted(scores, key=lambda one: (one.series, one.interval.start.seconds))
        self.watermark, self.listed = watermark, 0

    async def GetScoringStatus(self, request):
        answer = scoring_pb2.GetScoringStatusResponse()
        answer.partitions.add(system="processes/desk/indicatorSystems/main").watermark.FromDatetime(self.watermark)
        return answer

    async def GetIndicatorSystem(self, request):
        system = indicator_system_pb2.IndicatorSystem(name=request.name, spec=spec())
        return scoring_pb2.GetIndicatorSystemResponse(indicator_system=system)

    async def ListScores(self, request):
        first = request.interval.start.seconds if request.interval.HasField("start") else -1
        last = request.interval.end.seconds if request.interval.HasField("end") else 2**40
        inside = [one for one in self.scores if first <= one.interval.start.seconds < last]
        self.listed += len(inside)
        return scoring_pb2.ListScoresResponse(scores=inside)


def key(name, window="day", slice_=""):
    return f"desk/main/{name}@{window}{slice_}"


async def listed(scores, limit, interval=None):
    random.Random(1).shuffle(scores)
    scoring = Scoring(scores, DAY + timedelta(days=400, hours=12))
    wanted = scoring_pb2.SeriesFilter()
    found, notation = await newest_scores(SimpleNamespace(scoring=scoring), wanted, interval or Interval(), limit)
    assert str(notation.zone("desk/main")) == "Asia/Shanghai"
    return [(one.series.removeprefix("desk/main/"), one.interval.start.seconds) for one in found], scoring.listed


async def test_within_a_window_the_hierarchy_rules_and_slices_follow_their_whole():
    names = [
        key("service"),
        key("wait"),
        key("wait", slice_="{team=A}"),
        key("wait", slice_="{team=B}"),
        key("errors"),
        key("volume"),
    ]
    scores = [score(name, day) for name in names for day in (399, 398)] + [score(key("service", "week"), 398)]
    found, _ = await listed([*scores, score(key("wait", "all"))], 100)
    plain = [name.removeprefix("desk/main/") for name in names]
    assert [name for name, _ in found] == [*plain, "service@week", *plain, "wait@all"]


@pytest.mark.parametrize("limit", [5, 60, 5_000])
async def test_the_newest_come_first_and_a_long_history_is_not_read_for_a_few(limit):
    scores = [score(key(name), day) for name in ("wait", "errors", "cost") for day in range(400)]
    found, read = await listed(list(scores), limit)
    assert found[:4] == [(key(one)[10:], found[0][1]) for one in ("wait", "errors", "cost")] + [found[3]]
    assert [at for _, at in found] == sorted((at for _, at in found), reverse=True)
    assert len(found) == min(limit, 1_200)
    assert read < 12 * limit + 100


async def test_a_span_that_was_asked_for_is_kept_to():
    scores = [score(key("wait"), day) for day in range(400)]
    asked = Interval()
    asked.start.FromDatetime(DAY + timedelta(days=10))
    asked.end.FromDatetime(DAY + timedelta(days=20))
    found, _ = await listed(scores, 100, asked)
    assert [(at - found[-1][1]) // 86_400 for _, at in found] == list(range(9, -1, -1))
