"""A window that a source has not come to waits for it, in whatever order the sources deliver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from andon.ingest.v1 import event_pb2
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2

SOLVED = "desk/main/solved@hour"


def hourly(make: Any) -> system_pb.IndicatorSystemSpec:
    """Cases solved in an hour, from two sources of which one is waited for as long as ten hours."""
    spec = make.spec()
    del spec.indicators[:]
    spec.sources.extend(["desk", "shop"])
    spec.source_idle_timeout.FromTimedelta(timedelta(hours=10))
    spec.measures.add(name="solved").count.activities.append("Closed")
    spec.indicators.add(
        name="solved",
        measure="solved",
        aggregate=system_pb.Indicator.AGGREGATE_SUM,
        direction=system_pb.DIRECTION_HIGHER_IS_BETTER,
        windows=[system_pb.WINDOW_HOUR],
        count_min=1,
    )
    return spec


def solved(source: str, at: datetime) -> list[event_pb2.Event]:
    case = f"{source}-{at:%d%H%M}"
    events = [
        event_pb2.Event(id=f"{case}-{activity}", source=source, case_id=case, activity=activity)
        for activity in ("Opened", "Closed")
    ]
    for event in events:
        event.time.FromDatetime(at)
    return events


async def complete_hours(stub: Any, through: str, now: datetime) -> list[int]:
    """How many hours ago each complete window began."""
    asked = scoring_pb2.ListScoresRequest(at_least=through)
    asked.filter.series.append(SOLVED)
    listed = await stub.ListScores(asked, timeout=60)
    return [
        round((now - one.interval.start.ToDatetime(UTC)) / timedelta(hours=1)) for one in listed.scores if one.complete
    ]


async def test_a_window_waits_for_the_source_that_lags_in_any_order_and_after_a_restart(
    suite_of: Any, make: Any
) -> None:
    suite = await suite_of()
    stop = await suite.start_scoring()
    await suite.activate(hourly(make))
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    half = timedelta(minutes=30)
    desk = [one for ago in range(6, 0, -1) for one in solved("desk", now - timedelta(hours=ago) + half)]
    shop = [one for ago in range(6, 3, -1) for one in solved("shop", now - timedelta(hours=ago) + half)]
    # Ahead of the server's clock, as far as ingest lets a source be.
    ahead = solved("desk", now + timedelta(hours=20))
    through = await suite.write([*desk, *ahead])
    assert await complete_hours(suite.scoring(), through, now) == []
    through = await suite.write(shop)
    assert await complete_hours(suite.scoring(), through, now) == [6, 5]

    await suite.end_scoring(stop)
    await suite.start_scoring()
    late = [one for ago in range(3, 0, -1) for one in solved("shop", now - timedelta(hours=ago) + half)]
    through = await suite.write(late[:2])
    assert await complete_hours(suite.scoring(-1), through, now) == [6, 5, 4]
    through = await suite.write([*late[2:], *solved("shop", now)])
    assert await complete_hours(suite.scoring(-1), through, now) == [6, 5, 4, 3, 2, 1]
    asked = scoring_pb2.ListScoresRequest()
    asked.filter.series.append(SOLVED)
    listed = (await suite.scoring(-1).ListScores(asked)).scores
    # Nothing came late: each window was published once it was whole.
    assert [(one.value, one.reason) for one in listed if one.complete] == [(2.0, "")] * 6
