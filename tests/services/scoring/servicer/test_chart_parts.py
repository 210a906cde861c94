"""A part of a chart costs what it shows, and shows what the whole chart does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from andon.scoring.v1 import scoring_pb2

SERIES = "desk/main/sla_breach@week"
WEEKS, WEEK_S = 150, 604_800


async def chart(suite: Any, start: datetime | None = None, end: datetime | None = None) -> Any:
    request = scoring_pb2.GetControlChartRequest(series=SERIES)
    if start is not None:
        request.interval.start.FromDatetime(start)
    if end is not None:
        request.interval.end.FromDatetime(end)
    return await suite.scoring().GetControlChart(request)


async def test_a_part_is_what_the_whole_shows_there_also_after_late_events_and_a_new_version(
    suite: Any, make: Any, database: str
) -> None:
    await suite.activate(make.spec())
    events = [
        event
        for week in range(WEEKS)
        for place in range(6)
        # Every tenth week from the hundredth on is bad.
        for event in make.case(
            6 * week + place,
            (week - WEEKS) * WEEK_S + place * 70_000,
            4.0 + (week * 7 + place * 3) % 11,
            place == week % 6 or (week >= 100 and week % 10 == 0),
        )
    ]
    for start in range(0, len(events), 900):
        await suite.content_hash(await suite.write(events[start : start + 900]))
    await compared(suite)
    for number, week in ((9_000, 70), (9_001, 3)):
        await suite.content_hash(await suite.write(make.case(number, (week - WEEKS) * WEEK_S + 3_600, 2.0, True)))
        await compared(suite)
    owner = await asyncpg.connect(database)
    stored = await owner.fetch("SELECT through_us, judged FROM scoring.chart_state WHERE series = $1", SERIES)
    assert 2 <= len(stored) <= 4
    assert all(row["judged"] for row in stored)
    await suite.activate(make.spec(baseline_windows=80))
    await suite.content_hash(await suite.write(make.case(9_002, (100 - WEEKS) * WEEK_S, 2.0, True)))
    await compared(suite)
    await owner.close()


async def compared(suite: Any) -> None:
    first_monday = datetime(2026, 1, 5, tzinfo=UTC) - timedelta(weeks=WEEKS)
    whole = await chart(suite)
    assert len(whole.points) > WEEKS - 5
    assert whole.HasField("baseline")
    assert whole.signals
    for first, weeks in ((-3, 2), (0, 3), (2, 30), (64, 1), (66, 70), (95, 15), (130, None)):
        start = first_monday + timedelta(weeks=first)
        end = None if weeks is None else start + timedelta(weeks=weeks)
        part = await chart(suite, start, end)
        until = end or datetime(9999, 1, 1, tzinfo=UTC)
        inside = [one for one in whole.points if start <= one.interval.start.ToDatetime(UTC) < until]
        assert list(part.points) == inside
        assert part.baseline == whole.baseline
        assert part.phase_one == whole.phase_one
        shown = [one for one in whole.signals if start <= one.interval.start.ToDatetime(UTC) < until]
        assert list(part.signals) == shown
