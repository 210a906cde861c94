"""Each line of `andon watch` says in which zone its times are."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import score_pb2
from andon_client.commands.watch import WatchedKind, _show
from andon_client.presentation.notation import Notation
from andon_client.terminal import Context

SHANGHAI = Notation({"desk/main": ZoneInfo("Asia/Shanghai")})


def filled(item):
    item.interval.start.FromDatetime(datetime(2026, 2, 15, 16, tzinfo=UTC))
    item.interval.end.FromDatetime(datetime(2026, 2, 16, 16, tzinfo=UTC))
    return item


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (WatchedKind.SCORES, score_pb2.Score(series="desk/main/wait@day", value=3.0, count=391, unobserved_count=938)),
        (WatchedKind.SIGNALS, score_pb2.Signal(series="desk/main/wait@day", rule="WE1")),
        (WatchedKind.PROBLEMS, problem_pb2.Problem(name="problems/1", process="desk", system="main")),
    ],
)
def test_a_line_shows_the_day_of_the_zone_and_the_zone(kind, item, capsys):
    _show(kind, filled(item), Context(), False, SHANGHAI)
    line = capsys.readouterr().out.replace("\n", " ")
    assert "2026-02-16" in line
    assert "Asia/Shanghai" in line
    assert kind is not WatchedKind.SCORES or "n = 391 of 1,329" in line
