"""What the command shows: errors with what to do about them, numbers and names for people."""

from __future__ import annotations

from datetime import UTC

import grpc
import pytest
import typer
from andon.common.v1 import interval_pb2, text_pb2
from andon.scoring.v1 import indicator_system_pb2
from andon_client import terminal as module
from andon_client.presentation.formats import localised, number, short, span, stretch
from andon_client.presentation.tables import Table, TableCell, TableColumn
from andon_client.terminal import describe, fail, show_table
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from rich.console import Console


def detailed(*details, code=grpc.StatusCode.INVALID_ARGUMENT):
    status = status_pb2.Status(code=code.value[0], message="bad request")
    for detail in details:
        status.details.append(any_pb2.Any())
        status.details[-1].Pack(detail)
    return ("grpc-status-details-bin", status.SerializeToString())


def test_an_error_without_details_is_its_code_and_message(rpc_error):
    assert describe(rpc_error(grpc.StatusCode.ABORTED, "no luck")) == "ABORTED: no luck"


def test_a_suite_that_does_not_answer_comes_with_the_way_to_start_one(rpc_error):
    told = describe(rpc_error(grpc.StatusCode.UNAVAILABLE, "no route"))
    assert told.startswith("UNAVAILABLE: no route\n")
    assert "`make run` or `python -m services`" in told
    info = error_details_pb2.ErrorInfo(reason="DRAINING", domain="andon")
    answer = detailed(info, code=grpc.StatusCode.UNAVAILABLE)
    assert "make run" not in describe(rpc_error(grpc.StatusCode.UNAVAILABLE, "bad request", (answer,)))


def test_a_rich_error_is_told_in_full(rpc_error):
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="spec.indicators[2].weight", description="is negative"
    )
    move = error_details_pb2.PreconditionFailure.Violation(description="possible are CLOSE")
    trailer = detailed(
        error_details_pb2.ErrorInfo(reason="FIELD_INVALID", domain="andon"),
        error_details_pb2.LocalizedMessage(locale="zh", message="请求有误"),
        error_details_pb2.BadRequest(field_violations=[violation]),
        error_details_pb2.PreconditionFailure(violations=[move]),
        error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
        Timestamp(seconds=1),
    )
    told = describe(rpc_error(grpc.StatusCode.INVALID_ARGUMENT, "bad request", (trailer,)))
    assert [line.strip() for line in told.splitlines()] == [
        "INVALID_ARGUMENT: bad request",
        "reason FIELD_INVALID",
        "请求有误",
        "spec.indicators[2].weight: is negative",
        "possible are CLOSE",
        "retry in 1.5 s",
    ]


def test_brackets_in_an_error_are_shown_as_they_are(capsys):
    with pytest.raises(typer.Exit):
        fail("desk.yaml: [red] is no colour of indicators[1]")
    assert "desk.yaml: [red] is no colour of indicators[1]" in " ".join(capsys.readouterr().err.split())


def test_the_same_line_is_said_once(rpc_error):
    info = error_details_pb2.ErrorInfo(reason="NOT_FOUND")
    told = describe(rpc_error(grpc.StatusCode.INVALID_ARGUMENT, "bad request", (detailed(info, info),)))
    assert told.count("reason NOT_FOUND") == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0.0, "0"), (0.36580, "0.3658"), (315.33, "315.3"), (9115.0, "9,115"), (141712.0, "141,712")],
)
def test_numbers_have_four_significant_digits_and_thousands_apart(value, shown):
    assert number(value) == shown


def test_a_window_is_shown_by_its_start_and_the_whole_of_time_by_words():
    day = interval_pb2.Interval(start=Timestamp(seconds=1_456_704_000))
    hour = interval_pb2.Interval(start=Timestamp(seconds=1_456_704_000 + 3600))
    assert span(day, "en", UTC) == "2016-02-29"
    assert span(hour, "en", UTC) == "2016-02-29 01:00"
    assert span(interval_pb2.Interval(), "en", UTC) == "all time"


def interval(start_h, end_h):
    """Hours after 2016-02-29."""
    start, end = (Timestamp(seconds=1_456_704_000 + 3600 * hour) for hour in (start_h, end_h))
    return interval_pb2.Interval(start=start, end=end)


def test_a_stretch_of_days_ends_on_its_last_day_and_one_of_hours_at_its_last_hour():
    assert stretch([interval(0, 48)], UTC) == "2016-02-29 – 2016-03-01"
    assert stretch([interval(0, 24)], UTC) == "2016-02-29"
    assert stretch([interval(23, 24), interval(30, 32)], UTC) == (
        "2016-02-29 23:00 – 2016-03-01 00:00, 2016-03-01 06:00 – 2016-03-01 08:00"
    )


def test_a_text_is_spoken_in_the_language_asked_for_or_in_the_one_there_is():
    both, english = text_pb2.Text(en="wait", zh="等候"), text_pb2.Text(en="wait")
    assert (localised(both, "en"), localised(both, "zh-Hant"), localised(english, "zh")) == ("wait", "等候", "wait")


def test_an_enum_value_is_shown_without_its_prefix():
    assert short(indicator_system_pb2.Window, indicator_system_pb2.WINDOW_WEEK) == "week"


def test_a_name_that_is_to_be_copied_is_not_folded(monkeypatch, capsys):
    monkeypatch.setattr(module, "screen", Console(width=40, color_system=None, force_terminal=False))
    name = "problems/0123456789abcdef0123"
    columns = [TableColumn("problem", whole=True), TableColumn("title"), TableColumn("count", numeric=True)]
    cells = [TableCell(name), TableCell("a title of many words that need more than one line"), TableCell("1")]
    show_table(Table("Problems", columns, [cells]), "en")
    lines = capsys.readouterr().out.splitlines()
    assert sum(name in line for line in lines) == 1
    assert len(lines) > 4
    assert max(map(len, lines)) <= 40
