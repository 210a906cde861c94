"""Killed at any moment, split over replicas, fed in any order: the same events end in the same scores and signals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pyarrow as pa
import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import scoring_pb2

QUIET = "quiet"


def badly(week: int, place: int) -> bool:
    return place < (14 if week >= 9 else 2 + week % 3)


def shuffled_batches(events: Sequence[Any], seed: int, batches: int) -> list[list[Any]]:
    dice = random.Random(seed)
    mixed = list(events)
    dice.shuffle(mixed)
    cuts = sorted(dice.sample(range(1, len(mixed)), batches - 1))
    return [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]


async def undisturbed(suite: Any, make: Any, events: Sequence[Any]) -> str:
    """The hash that the same events give when they come at once to a tenant that nobody disturbs."""
    await suite.activate(make.spec(), QUIET)
    for start in range(0, len(events), 5_000):
        through = await suite.write(events[start : start + 5_000], QUIET)
    return str(await suite.content_hash(through, QUIET))


async def test_order_batches_and_duplicates_change_nothing(suite: Any, make: Any) -> None:
    events = make.weeks(11, 20, badly)
    await suite.activate(make.spec())
    for batch in shuffled_batches(events, 7, 9):
        through = await suite.write(batch)
    through = await suite.write(events[:100])
    assert await suite.content_hash(through) == await undisturbed(suite, make, events)


async def test_corrections_and_retractions_restate_and_end_where_the_truth_would_have(suite: Any, make: Any) -> None:
    true = make.weeks(11, 20, badly)
    wrong = make.case(7, 100.0, hours=900.0, breached=True, priority="high")
    await suite.activate(make.spec())
    right = [event for event in true if event.case_id != "case-00007"]
    await suite.content_hash(await suite.write([*right, *wrong]))
    corrections = [event for event in true if event.case_id == "case-00007"]
    for correction, event in zip(corrections, wrong, strict=True):
        correction.id, correction.supersedes = f"fix-{event.id}", event.id
    through = await suite.write(corrections)
    assert await suite.content_hash(through) == await undisturbed(suite, make, make.weeks(11, 20, badly))
    listed = await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(page_size=10_000))
    assert "correction" in {score.reason for score in listed.scores}


@pytest.mark.slow
async def test_kill_9_at_random_moments_leaves_no_trace(suite_of: Callable[[], Awaitable[Any]], make: Any) -> None:
    suite, dice = await suite_of(), random.Random(11)
    events = make.weeks(11, 30, badly)
    process = await suite.start_scoring_process(snapshot_events=120, snapshot_interval_s=0.3)
    await suite.activate(make.spec())
    for number, batch in enumerate(shuffled_batches(events, 3, 24)):
        through = await suite.write(batch)
        await asyncio.sleep(dice.random() * 0.15)
        if number % 6 == 5:
            process.kill()
            process.wait()
            process = await suite.start_scoring_process(snapshot_events=120, snapshot_interval_s=0.3)
    assert await suite.content_hash(through) == await undisturbed(suite, make, events)


async def test_cases_that_left_memory_come_back_for_late_events_and_corrections_after_a_kill_too(
    suite_of: Callable[[], Awaitable[Any]], make: Any
) -> None:
    suite = await suite_of()
    suite.serve_tenant(QUIET, served=False)
    weeks, late = make.weeks(5, 1_300, badly), []
    for event in weeks[:9_000:75]:
        again = type(event)()
        again.CopyFrom(event)
        again.id, again.supersedes = f"fix-{event.id}", event.id
        again.time.FromSeconds(event.time.seconds + 7_200)
        late.append(again)
    late += [event for number in range(0, 3_000, 60) for event in make.case(number, 500.0, 2.0, True)[1:2]]
    for number, event in enumerate(late):
        event.id = f"{event.id}-{number}"
    events = [*weeks, *late]
    memory = {"snapshot_events": 900, "case_idle_days": 2.0}
    process = await suite.start_scoring_process(**memory)
    await suite.activate(make.spec())
    for start in range(0, len(weeks), 2_000):
        await suite.content_hash(await suite.write(weeks[start : start + 2_000]))
    away = await archived(suite)
    assert away > 2_000
    process.kill()
    process.wait()
    process = await suite.start_scoring_process(**memory)
    for start in range(0, len(late), 60):
        final = await suite.content_hash(await suite.write(late[start : start + 60]))
    status = await suite.scoring(-1).GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    assert sum(partition.case_count for partition in status.partitions) == 6_500
    process.kill()
    process.wait()
    suite.serve_tenant(QUIET, served=True)
    await suite.start_scoring_process(case_idle_days=0.0)
    assert final == await undisturbed(suite, make, events)


async def archived(suite: Any) -> int:
    connection = await asyncpg.connect(suite.dsn)
    try:
        return int(
            await connection.fetchval("SELECT coalesce(sum(octet_length(hashes)), 0) / 8 FROM scoring.case_page")
        )
    finally:
        await connection.close()


async def test_two_replicas_share_the_partitions_and_the_dead_ones_move(
    suite_of: Callable[[], Awaitable[Any]], make: Any
) -> None:
    suite = await suite_of()
    suite.serve_tenant(QUIET, served=False)
    events = make.weeks(11, 30, badly)
    first = await suite.start_scoring_process()
    second = await suite.start_scoring_process()
    await suite.activate(make.spec())
    batches = shuffled_batches(events, 5, 12)
    for batch in batches[:6]:
        through = await suite.write(batch)
        await asyncio.sleep(0.05)
    await suite.content_hash(through)
    await owned_by(suite, 2)

    first.kill()
    began_s = asyncio.get_running_loop().time()
    for batch in batches[6:]:
        through = await suite.write(batch)
    final = await suite.content_hash(through)
    assert asyncio.get_running_loop().time() - began_s < 15.0
    await owned_by(suite, 1)
    suite.serve_tenant(QUIET, served=True)
    assert final == await undisturbed(suite, make, events)
    assert second.poll() is None


async def owned_by(suite: Any, replicas: int) -> None:
    for _ in range(200):
        status = await suite.scoring(-1).GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
        assert len(status.partitions) == 4
        if len({partition.owner for partition in status.partitions}) == replicas:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the partitions are not shared by {replicas}: {status.partitions}")


def as_columns(events: Sequence[Any]) -> event_pb2.EventBatch:
    """As a loader sends them: plain columns, where rows become dictionaries."""
    columns: dict[str, pa.Array] = {
        name: pa.array([getattr(event, name) for event in events]) for name in ("id", "source", "case_id", "activity")
    }
    times = [event.time.ToMicroseconds() for event in events]
    columns["time"] = pa.array(times, pa.timestamp("us", tz="UTC"))
    for name, kind in (("priority", "text"), ("breached", "flag")):
        values = [getattr(event.attributes[name], kind) if name in event.attributes else None for event in events]
        columns[f"attributes.{name}"] = pa.array(values)
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())


async def test_cases_loaded_as_columns_are_corrected_by_rows_and_explained(suite: Any, make: Any) -> None:
    events = make.weeks(3, 20, badly)
    await suite.activate(make.spec())
    await suite.ingest().WriteEvents(ingest_pb2.WriteEventsRequest(batch=as_columns(events)))
    fixes = make.case(7, 100.0, hours=900.0, breached=True, priority="high")
    for fix in fixes:
        fix.id, fix.supersedes = f"fix-{fix.id}", fix.id
    through = await suite.write(fixes)
    right = [event for event in events if event.case_id != "case-00007"]
    assert await suite.content_hash(through) == await undisturbed(suite, make, [*right, *fixes])
    listed = await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(page_size=10_000))
    score = next(one for one in listed.scores if one.series.startswith("desk/main/to_close@week") and one.count)
    request = scoring_pb2.ExplainScoreRequest(series=score.series, time=score.interval.start, page_size=1_000)
    explained = await suite.scoring().ExplainScore(request)
    assert len(explained.cases) == score.count


async def test_an_attribute_that_is_a_text_here_and_a_number_there_stops_nothing(suite: Any, make: Any) -> None:
    events = make.weeks(2, 20, badly)
    for event in events[::3]:
        event.attributes["priority"].integer = 1
    await suite.activate(make.spec())
    through = await suite.write(events)
    # Each event as its own batch, and so its own page, gives the same.
    await suite.activate(make.spec(), QUIET)
    for event in events:
        apart = await suite.write([event], QUIET)
    assert await suite.content_hash(through) == await suite.content_hash(apart, QUIET)


async def test_a_database_without_statistics_of_windows_gets_them_from_the_log_once_more_and_nothing_is_restated(
    suite_of: Callable[[], Awaitable[Any]], make: Any
) -> None:
    """As migration 0006 leaves one that the release before has written."""
    suite = await suite_of()
    suite.serve_tenant(QUIET, served=False)
    events, late = make.weeks(9, 20, badly), make.case(90_000, 200.0, 5.0, True)
    scoring = await suite.start_scoring()
    await suite.activate(make.spec())
    for start in range(0, len(events), 60):
        through = await suite.write(events[start : start + 60])
        before = await suite.content_hash(through)
    await suite.end_scoring(scoring)
    connection = await asyncpg.connect(suite.dsn, server_settings={"search_path": "scoring"})
    revisions = await connection.fetchval("SELECT count(*) FROM score_history")
    await connection.execute(
        "TRUNCATE fold, progress, snapshot, case_page, observation, window_statistics, book_checkpoint;"
        "UPDATE score_log SET change = '', step = NULL"
    )
    await suite.start_scoring()
    assert await suite.content_hash(through) == before
    assert await connection.fetchval("SELECT count(*) FROM score_history") == revisions
    assert await connection.fetchval("SELECT count(*) FROM window_statistics") > 0
    await connection.close()
    final = await suite.content_hash(await suite.write(late))
    suite.serve_tenant(QUIET, served=True)
    assert final == await undisturbed(suite, make, [*events, *late])
