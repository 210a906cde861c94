"""What is old goes in small batches; who asks for it is told so; what stands, and recovery, are as before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
from andon.scoring.v1 import scoring_pb2
from google.rpc import error_details_pb2, status_pb2

from services.runtime.database import open_pool
from services.runtime.errors import OutOfRange
from services.scoring.store import Store
from services.scoring.store.results import HistoryGone, Page
from services.scoring.store.statements import SCHEMA
from services.scoring.system.series import SeriesFilter
from services.scoring.wire.scores import unpack_score

SECOND_DAYS = 1 / 86_400
QUIET = "quiet"
SOON = {"snapshot_interval_s": 0.2, "retention_interval_s": 0.1}
EVERYTHING = (-(2**62), 2**62)


def few(week: int, place: int) -> bool:
    return place < (9 if week == 7 else 2)


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.05)


async def bounds(stub: Any) -> Any:
    return await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())


async def test_a_cursor_older_than_what_is_kept_is_told_so_and_recovery_needs_nothing_that_went(
    suite_of: Any, make: Any
) -> None:
    suite = await suite_of()
    suite.serve_tenant(QUIET, served=False)
    process = await suite.start_scoring_process(**SOON, score_log_days=2 * SECOND_DAYS, score_history_days=0.0)
    await suite.activate(make.spec())
    stub = suite.scoring(-1)
    first = await bounds(stub)
    events = make.weeks(9, 20, few)
    for start in range(0, 480, 60):
        before = await suite.content_hash(await suite.write(events[start : start + 60]))

    async def moved() -> bool:
        now = await bounds(stub)
        return bool(now.oldest != first.oldest and now.oldest == now.newest)

    await until(moved)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.WatchScores(scoring_pb2.WatchScoresRequest(after=first.newest), timeout=60):
            pass
    oldest = (await bounds(stub)).oldest
    assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
    assert (info_of(caught.value).reason, info_of(caught.value).metadata["oldest"]) == ("CURSOR_EXPIRED", oldest)

    process.kill()
    process.wait()
    await suite.start_scoring_process(**SOON, score_log_days=0.0)
    stub = suite.scoring(-1)
    assert str((await stub.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())).content_hash) == before
    final = await suite.content_hash(await suite.write(events[480:]))
    async for response in stub.WatchScores(scoring_pb2.WatchScoresRequest(after=oldest), timeout=60):
        assert response.scores
        break
    suite.serve_tenant(QUIET, served=True)
    await suite.activate(make.spec(), QUIET)
    assert final == await suite.content_hash(await suite.write(events, QUIET), QUIET)


async def test_a_version_retired_for_longer_than_the_log_is_kept_starts_anew(suite_of: Any, make: Any) -> None:
    suite = await suite_of()
    await suite.start_scoring(**SOON, score_log_days=SECOND_DAYS)
    stub = suite.scoring(-1)
    await suite.activate(make.spec())
    through = await suite.write(make.weeks(9, 20, few))
    first = await suite.content_hash(through)
    await suite.activate(make.spec(baseline_windows=5))

    async def forgotten() -> bool:
        async with asyncio.timeout(60):
            connection = await asyncpg.connect(suite.dsn)
            versions = await connection.fetch("SELECT DISTINCT version FROM scoring.progress WHERE tenant = 'acme'")
            await connection.close()
        return {row["version"] for row in versions} == {2}

    await until(forgotten)
    await stub.ActivateIndicatorSystem(scoring_pb2.ActivateIndicatorSystemRequest(name=make.system, version=1))

    async def again() -> bool:
        status = await stub.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
        return str(status.content_hash) == first

    await until(again)


async def test_a_score_shows_the_cases_that_are_kept_and_says_how_many_are_not(suite_of: Any, make: Any) -> None:
    suite = await suite_of()
    await suite.start_scoring(**SOON, observation_days=14.0)
    await suite.activate(make.spec())
    events = make.weeks(9, 20, few)
    for start in range(0, len(events), 60):
        await suite.content_hash(await suite.write(events[start : start + 60]))
    connection = await asyncpg.connect(suite.dsn)
    await connection.execute("UPDATE scoring.observation SET kept_at = kept_at - interval '20 days'")
    await connection.close()
    stub = suite.scoring()

    async def explained(week: int, window: str = "week") -> Any:
        request = scoring_pb2.ExplainScoreRequest(series=f"desk/main/to_close@{window}", page_size=1000)
        request.time.FromDatetime(datetime(2026, 1, 6, tzinfo=UTC) + timedelta(weeks=week))
        return await stub.ExplainScore(request)

    async def trimmed() -> bool:
        return bool((await explained(0)).total_count == 0)

    await until(trimmed)
    early, late, whole = await explained(0), await explained(8), await explained(0, "all")
    assert early.score.count == 20
    assert "20 of the cases are not listed" in early.working.en
    assert "未列出" in early.working.zh
    assert late.total_count == late.score.count
    assert "not listed" not in late.working.en
    assert 0 < whole.total_count < whole.score.count
    assert f"{whole.score.count - whole.total_count} of the cases are not listed" in whole.working.en


@pytest.fixture
async def store(database: str) -> Any:
    pool = await open_pool(database, role_settings={"search_path": SCHEMA}, min_size=1, max_size=2)
    kept = Store(pool)
    await kept.provision_tenant("acme")
    yield kept
    await pool.close()


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_an_entry_goes_once_its_own_version_does_not_need_it_however_quiet_another_system_is(
    store: Any, database: str
) -> None:
    connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
    await connection.execute("UPDATE score_head SET position = 9")
    for system in ("busy", "quiet"):
        await connection.execute("INSERT INTO indicator_system VALUES ('acme', $1, 1, 2, '', '')", system)
        await connection.execute("INSERT INTO progress VALUES ('acme', $1, 1, 0, 1, '', 5, '', 5, NULL, 1, 1)", system)
    await connection.execute(
        "INSERT INTO score_log"
        " (tenant, position, system_name, version, scores, signals, traceparent, committed_at)"
        " SELECT 'acme', place, CASE place WHEN 2 THEN 'quiet' ELSE 'busy' END, 1, '', '', '', $1"
        " FROM generate_series(1, 9) AS place",
        NOON,
    )

    async def oldest_after(system: str, checkpoint: int) -> int:
        await connection.execute("INSERT INTO book_checkpoint VALUES ('acme', $1, 1, $2, '')", system, checkpoint)
        while await store.trim_log("acme", NOON + timedelta(minutes=1)):
            pass
        return int((await store.head("acme")).oldest)

    try:
        assert await oldest_after("quiet", 2) == 0
        assert await oldest_after("busy", 7) == 7
        await connection.execute("DELETE FROM book_checkpoint WHERE system_name = 'busy'")
        assert await oldest_after("busy", 9) == 9
    finally:
        await connection.close()


async def state(database: str, series: str, revision: int, minute: int, present: bool) -> None:
    """A revision of one window of a series, as a step would keep it."""
    from andon.scoring.v1 import score_pb2

    body = score_pb2.Score(series=series, revision=revision).SerializeToString()
    connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
    await connection.execute(
        "INSERT INTO score VALUES ('acme', $1, 0, 1, 'desk', 'main', 'x', 3, true, $2, true, $3, '')"
        " ON CONFLICT (tenant, series, window_start) DO UPDATE SET present = $2, body = $3",
        series,
        present,
        body,
    )
    await connection.execute(
        "INSERT INTO score_history VALUES ('acme', $1, 0, $2, $3, $4, $5)",
        series,
        revision,
        NOON + timedelta(minutes=minute),
        present,
        body,
    )
    await connection.close()


async def test_history_answers_every_instant_that_is_kept_and_refuses_those_before(store: Any, database: str) -> None:
    said = {"a": [(1, 0, True), (2, 10, True), (3, 30, True)], "b": [(1, 5, True), (2, 20, False)], "c": [(1, 1, True)]}
    for series, revisions in said.items():
        for revision, minute, present in revisions:
            await state(database, series, revision, minute, present)

    async def as_of(minute: int) -> list[tuple[str, int]]:
        found = await store.list_scores(
            "acme", SeriesFilter(), EVERYTHING, Page(("", -(2**62)), 99), NOON + timedelta(minutes=minute)
        )
        return [(score.series, score.revision) for score in map(unpack_score, found)]

    then = {minute: await as_of(minute) for minute in range(0, 40, 3)}
    while await store.trim_history("acme", NOON + timedelta(minutes=22)):
        pass
    for minute, scores in then.items():
        if minute >= 20:
            assert await as_of(minute) == scores
        else:
            with pytest.raises(HistoryGone) as gone:
                await as_of(minute)
            assert gone.value.since == NOON + timedelta(minutes=20)
    connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
    kept = await connection.fetch("SELECT series, revision FROM score_history ORDER BY series, revision")
    await connection.close()
    assert [tuple(row) for row in kept] == [("a", 2), ("a", 3), ("b", 2), ("c", 1)]


async def test_a_follower_that_is_overtaken_by_retention_is_told_so_and_not_skipped_ahead(
    store: Any, database: str
) -> None:
    connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
    await connection.execute(
        "INSERT INTO score_log (tenant, position, system_name, version, scores, signals, traceparent, committed_at)"
        " SELECT 'acme', place, 's', 1, '', '', '', $1 FROM generate_series(1, 9) AS place",
        NOON,
    )
    await connection.execute("UPDATE score_head SET position = 9 WHERE tenant = 'acme'")
    await connection.close()
    assert [position for position, _ in await store.entries("acme", 0, 5)] == [1, 2, 3, 4, 5]
    connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
    await connection.execute("DELETE FROM score_log WHERE position <= 6")
    await connection.execute("UPDATE score_head SET oldest = 6")
    await connection.close()
    for after in (0, 5):
        with pytest.raises(OutOfRange):
            await store.entries("acme", after, 5)
    assert [position for position, _ in await store.entries("acme", 6, 5)] == [7, 8, 9]
    assert await store.entries("acme", 9, 5) == []
