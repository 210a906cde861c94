"""The notation of a system is read once, and what is only shown waits for nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import grpc
import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.improvement.v1.problem_pb2 import Problem
from andon.scoring.v1 import scoring_pb2
from andon_client.listing import problem_notation, read_filtered_notation, read_notation, shown_notation
from andon_client.presentation.formats import span
from grpc.aio import AioRpcError, Metadata

BERLIN = ZoneInfo("Europe/Berlin")


class Scoring:
    """Answers for "desk/main" alone; `code`: fails so instead."""

    def __init__(self, code=None):
        self.code, self.asked = code, []

    async def GetIndicatorSystem(self, request):
        self.asked.append(request.name)
        code = self.code or (None if request.name.startswith("processes/desk/") else grpc.StatusCode.NOT_FOUND)
        if code is not None:
            raise AioRpcError(code, Metadata(), Metadata())
        answer = scoring_pb2.GetIndicatorSystemResponse()
        answer.indicator_system.spec.time_zone = "Europe/Berlin"
        return answer


def suite(code=None):
    return SimpleNamespace(scoring=Scoring(code))


async def test_a_system_is_asked_for_once_however_many_of_its_series_there_are_and_one_that_is_gone_is_utc():
    asked = suite()
    notation = await read_notation(asked, ["desk/main/a@day", "desk/main/b@week{team=x/y}", "gone/main/a@day"])
    assert len(asked.scoring.asked) == 2
    assert notation.zones == {"desk/main": BERLIN, "gone/main": UTC}


async def test_a_filter_of_one_system_reads_no_other():
    asked = suite()
    notation = await read_filtered_notation(asked, scoring_pb2.SeriesFilter(process="desk", system="main"))
    assert (notation.only_zone, len(asked.scoring.asked)) == (BERLIN, 1)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
async def test_without_scoring_times_are_shown_in_utc_and_none_is_read(code):
    problem = Problem(process="desk", system="main")
    assert (await shown_notation(suite(code), ["desk/main"])).zone("desk/main") is UTC
    assert (await problem_notation(suite(code), problem)).zone("desk/main") is UTC
    with pytest.raises(AioRpcError):
        await problem_notation(suite(code), problem, is_entered=True)
    assert (await problem_notation(suite(), problem, is_entered=True)).zone("desk/main") == BERLIN


@pytest.mark.parametrize(
    ("zone", "starts", "shown"),
    [
        ("Europe/Berlin", [23, 24, 25, 26], ["01:00", "02:00 (+0200)", "02:00 (+0100)", "03:00"]),
        ("Asia/Kathmandu", [18.25, 19.25], ["00:00", "01:00"]),
        ("UTC", [23, 24], ["23:00", "00:00"]),
    ],
)
def test_hours_of_a_list_are_told_apart_where_they_come_twice_and_at_midnight(zone, starts, shown):
    day = datetime(2026, 10, 24, tzinfo=UTC)
    spans = []
    for start in starts:
        hour = Interval()
        hour.start.FromDatetime(day + timedelta(hours=start))
        hour.end.FromDatetime(day + timedelta(hours=start + 1))
        spans.append(span(hour, "en", ZoneInfo(zone))[11:])
    assert spans == shown


def test_a_day_is_named_by_its_date_also_where_its_midnight_comes_twice_or_never():
    for zone, start in (("America/Havana", "2026-11-01T04:00Z"), ("America/Santiago", "2026-09-06T04:00Z")):
        whole = Interval()
        whole.start.FromDatetime(datetime.fromisoformat(start))
        whole.end.FromDatetime(datetime.fromisoformat(start) + timedelta(hours=25 if "Havana" in zone else 23))
        assert span(whole, "en", ZoneInfo(zone)).startswith(start[:10])
