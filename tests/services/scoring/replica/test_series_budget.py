"""A slice with too many combinations of values is dropped as a whole, in any order of events, and it is said."""

from __future__ import annotations

import random
from typing import Any

import pytest
from andon.scoring.v1 import score_pb2, scoring_pb2

from services.scoring.system import series_budget

QUIET = "quiet"
PRIORITIES = ("low", "high", "urgent", "none", "later")


def few(week: int, place: int) -> bool:
    return place < (12 if week == 8 else 2)


def events_of(make: Any, priorities: int) -> list[Any]:
    """Ten weeks of twenty cases; all but two priorities are named in the last weeks only."""
    found = []
    for week in range(10):
        values = PRIORITIES[: priorities if week > 7 else 2]
        for place in range(20):
            found += make.case(
                week * 20 + place,
                week * 604_800 + place * 9_000.0,
                4.0 + place % 7,
                few(week, place),
                values[place % len(values)],
            )
    return found


async def sliced(stub: Any) -> tuple[list[str], list[Any], list[Any]]:
    """Series, scores and active signals of slices."""
    series = (await stub.ListSeries(scoring_pb2.ListSeriesRequest())).series
    scores = (await stub.ListScores(scoring_pb2.ListScoresRequest())).scores
    signals = (await stub.ListSignals(scoring_pb2.ListSignalsRequest())).signals
    return (
        [one.key for one in series if "{" in one.key],
        [one for one in scores if "{" in one.series],
        [one for one in signals if "{" in one.series],
    )


async def dropped(stub: Any) -> list[tuple[list[str], int]]:
    status = await stub.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    return [(list(one.dimensions), one.combinations_max) for system in status.systems for one in system.dropped_slices]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_slice_over_its_limit_leaves_no_trace_whatever_came_first(
    suite: Any, make: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(series_budget, "COMBINATIONS_MAX", 3)
    await suite.activate(make.spec())
    await suite.activate(make.spec(), QUIET)
    events = events_of(make, 4)
    stub = suite.scoring()
    first = await suite.content_hash(await suite.write(events[: 8 * 60]))
    assert (await sliced(stub))[0]
    assert await dropped(stub) == []
    for start in range(8 * 60, len(events), 30):
        through = await suite.write(events[start : start + 30])
    final = await suite.content_hash(through)
    assert first != final
    assert await sliced(stub) == ([], [], [])
    assert await dropped(stub) == [(["priority"], 3)]

    random.Random(seed).shuffle(events)
    assert await suite.content_hash(await suite.write(events, QUIET), QUIET) == final
    # More of it changes nothing about slices, and a case of before that comes late neither.
    late = make.case(9_000, 1.5 * 604_800, 3.0, True, "high")
    both = [await suite.content_hash(await suite.write(late, tenant), tenant) for tenant in ("acme", QUIET)]
    assert both[0] == both[1] != final
    assert await sliced(stub) == ([], [], [])


async def test_what_was_published_of_a_slice_is_withdrawn_with_a_reason_and_stays_away_after_a_restart(
    suite_of: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_budget, "COMBINATIONS_MAX", 3)
    suite = await suite_of()
    stop = await suite.start_scoring(snapshot_events=40)
    await suite.activate(make.spec())
    events, stub = events_of(make, 5), suite.scoring()
    await suite.content_hash(await suite.write(events[: 8 * 60]))
    bounds = await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())
    before = await sliced(stub)
    final = await suite.content_hash(await suite.write(events[8 * 60 :]))
    withdrawn: dict[tuple[str, int], score_pb2.Score] = {}
    async for response in stub.WatchScores(scoring_pb2.WatchScoresRequest(after=bounds.newest)):
        for score in response.scores:
            if "{" in score.series and not score.count:
                withdrawn[score.series, score.interval.start.seconds] = score
        if response.through == (await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest:
            break
    assert {(one.series, one.interval.start.seconds) for one in before[1]} <= withdrawn.keys()
    assert {one.reason for one in withdrawn.values()} == {"too many combinations of values"}
    await suite.end_scoring(stop)
    await suite.start_scoring(snapshot_events=40)
    later = make.case(9_001, 9.5 * 604_800, 3.0, True, "high")
    await suite.content_hash(await suite.write(later))
    stub = suite.scoring(-1)
    assert await sliced(stub) == ([], [], [])
    assert await dropped(stub) == [(["priority"], 3)]
    status = await stub.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    assert "priority" in status.systems[0].dropped_slices[0].reason.en
    assert status.content_hash != final


async def test_a_new_version_counts_from_the_beginning_and_scores_a_slice_that_has_fewer(
    suite: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_budget, "COMBINATIONS_MAX", 3)
    await suite.activate(make.spec())
    through = await suite.write(events_of(make, 4))
    await suite.content_hash(through)
    spec = make.spec()
    spec.dimensions[0].unknown_values.append("none")
    await suite.activate(spec)
    await suite.content_hash(await suite.write(make.case(9_000, 9.9 * 604_800, 3.0, False, "low")))
    stub = suite.scoring()
    assert {one.partition("{")[2] for one in (await sliced(stub))[0]} == {
        f"priority={name}}}" for name in PRIORITIES[:3]
    }
    assert await dropped(stub) == []
