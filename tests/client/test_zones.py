"""Zones are read once for each system, and times that are only shown wait for nobody."""

from __future__ import annotations

from datetime import UTC
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import grpc
import pytest
from andon.improvement.v1.problem_pb2 import Problem
from andon.scoring.v1 import scoring_pb2
from andon_client.listing import problem_zone, read_filtered_zones, read_zones, shown_zones
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
    zones = await read_zones(asked, ["desk/main/a@day", "desk/main/b@week{team=x/y}", "gone/main/a@day"])
    assert len(asked.scoring.asked) == 2
    assert zones.by_system == {"desk/main": BERLIN, "gone/main": UTC}


async def test_a_filter_of_one_system_reads_no_other():
    asked = suite()
    zones = await read_filtered_zones(asked, scoring_pb2.SeriesFilter(process="desk", system="main"))
    assert (zones.only, len(asked.scoring.asked)) == (BERLIN, 1)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
async def test_without_scoring_times_are_shown_in_utc_and_none_is_read(code):
    problem = Problem(process="desk", system="main")
    assert (await shown_zones(suite(code), ["desk/main"])).of("desk/main") is UTC
    assert await problem_zone(suite(code), problem) is UTC
    with pytest.raises(AioRpcError):
        await problem_zone(suite(code), problem, is_entered=True)
    assert await problem_zone(suite(), problem, is_entered=True) == BERLIN
