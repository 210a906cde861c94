"""List, then watch: no gap, no split commit, resumed from any cursor; lists page, wait and look back in time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.follow import follow
from google.rpc import error_details_pb2, status_pb2

from services.runtime.cursors import CursorCodec, foreign_origin, foreign_position


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def few(week: int, place: int) -> bool:
    return place < 2


async def test_a_watch_from_a_list_sees_every_later_change_once_and_in_order(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    events = make.weeks(6, 20, few)
    through = await suite.write(events[:180])
    stub = suite.scoring()
    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    known = {(one.series, one.interval.start.seconds): one.revision for one in listed.scores}

    async def watch() -> None:
        async for response in stub.WatchScores(scoring_pb2.WatchScoresRequest(after=listed.through), timeout=60):
            for score in response.scores:
                key = (score.series, score.interval.start.seconds)
                assert score.revision == known.get(key, 0) + 1
                known[key] = score.revision
            if response.scores and known.get(("desk/main/to_close@all", 0), 0) and len(known) == wanted:
                return

    final = await suite.write(events[180:])
    whole = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=final, page_size=10_000), timeout=60)
    wanted = len(whole.scores)
    await watch()
    assert known == {(one.series, one.interval.start.seconds): one.revision for one in whole.scores}


async def test_a_snapshot_comes_first_and_heartbeats_keep_an_idle_watch_alive(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(2, 10, few))
    stub = suite.scoring()
    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    request = scoring_pb2.WatchScoresRequest(snapshot=True)
    request.heartbeat.FromMilliseconds(200)
    responses = []
    async for response in stub.WatchScores(request, timeout=60):
        responses.append(response)
        if len(responses) == 3:
            break
    assert responses[0].snapshot_complete
    assert list(responses[0].scores) == list(listed.scores)
    assert not responses[1].scores
    assert responses[1].through == responses[2].through == listed.through


async def test_signals_are_watched_with_the_trace_of_their_fold(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    stub = suite.scoring()
    bounds = await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())
    await suite.write(make.weeks(9, 20, lambda week, place: place < (12 if week == 7 else 1 + week % 2)))
    seen = []

    async def watch() -> None:
        opened = follow(lambda after: stub.WatchSignals(scoring_pb2.WatchSignalsRequest(after=after)), bounds.newest)
        async for response in opened:
            seen.extend(response.signals)
            if response.signals:
                return

    await asyncio.wait_for(watch(), 60)
    listed = (await stub.ListSignals(scoring_pb2.ListSignalsRequest())).signals
    assert {one.name for one in seen} == {one.name for one in listed}
    assert {one.name.split("/")[0] for one in seen} == {"processes"}


async def test_a_filter_narrows_lists_and_watches(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(3, 20, few))
    stub = suite.scoring()
    filter_ = scoring_pb2.SeriesFilter(
        process="desk", indicators=["sla_breach"], windows=[indicator_system_pb2.WINDOW_WEEK], unsliced_only=True
    )
    listed = await stub.ListScores(scoring_pb2.ListScoresRequest(filter=filter_, at_least=through), timeout=60)
    assert {one.series for one in listed.scores} == {"desk/main/sla_breach@week"}
    async for response in stub.WatchScores(scoring_pb2.WatchScoresRequest(filter=filter_, snapshot=True), timeout=60):
        assert list(response.scores) == list(listed.scores)
        break
    series = await stub.ListSeries(
        scoring_pb2.ListSeriesRequest(filter=scoring_pb2.SeriesFilter(indicators=["sla_breach"]))
    )
    keys = [one.key for one in series.series]
    assert keys == sorted(keys)
    assert "desk/main/sla_breach@week{priority=high}" in keys
    assert {tuple(one.slice.items()) for one in series.series} >= {(), (("priority", "high"),)}
    assert {one.title.zh for one in series.series} == {"违约率"}


async def test_lists_page_without_repeats_and_a_token_fits_its_own_list_only(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(4, 20, few))
    stub = suite.scoring()
    whole = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    request, paged = scoring_pb2.ListScoresRequest(page_size=3), []
    while True:
        page = await stub.ListScores(request)
        paged += page.scores
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert paged == list(whole.scores)
    wrong = scoring_pb2.ListScoresRequest(page_token=request.page_token, filter=scoring_pb2.SeriesFilter(process="x"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListScores(wrong)
    assert reason_of(caught.value) == "PAGE_TOKEN_INVALID"


async def test_a_read_waits_for_what_was_written_and_says_when_it_was_not_reached(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(2, 10, few))
    stub = suite.scoring()
    await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    beyond = CursorCodec(foreign_origin(through)).encode(foreign_position(through) + 100)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=beyond), timeout=6)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(caught.value) == "NOT_YET_REACHED"
    own = (await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
    for cursor, reason in (("nonsense!", "CURSOR_INVALID"), (own, "CURSOR_FOREIGN")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=cursor), timeout=60)
        assert reason_of(refused.value) == reason


async def test_scores_are_read_as_of_a_past_instant(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    events = make.weeks(2, 10, few)
    through = await suite.write(events[:30])
    stub = suite.scoring()
    early = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    then = datetime.now(UTC)
    await asyncio.sleep(0.05)
    through = await suite.write([*events[30:], *make.case(999, 1000.0, 3.0, True)])
    late = await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through), timeout=60)
    assert late.scores != early.scores
    request = scoring_pb2.ListScoresRequest()
    request.as_of.FromDatetime(then)
    assert list((await stub.ListScores(request)).scores) == list(early.scores)


async def test_cursors_of_others_and_contradictions_are_refused(suite: Any, make: Any) -> None:
    stub, other = suite.scoring(), suite.scoring(tenant="quiet")
    foreign = (await other.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
    for request, reason in (
        (scoring_pb2.WatchScoresRequest(after=foreign), "CURSOR_FOREIGN"),
        (scoring_pb2.WatchScoresRequest(after="zzz"), "CURSOR_INVALID"),
        (scoring_pb2.WatchScoresRequest(after=foreign, snapshot=True), "FIELD_INVALID"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.WatchScores(request, timeout=60):
                pass
        assert reason_of(caught.value) == reason
