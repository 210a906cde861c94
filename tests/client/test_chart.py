"""The chart in the terminal shows values, limits, signals and dates, whatever there is of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from andon.common.v1 import interval_pb2, text_pb2
from andon.scoring.v1 import score_pb2, scoring_pb2
from andon_client.commands import chart as module
from andon_client.presentation.notation import Notation
from andon_client.terminal import Context
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

WAIT = Notation({}, {"desk/main/wait": ("h", False)})
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def point(day, value, fired=False, limits=True):
    start = int((BEGIN + timedelta(days=day)).timestamp())
    made = scoring_pb2.ChartPoint(
        interval=interval_pb2.Interval(start=Timestamp(seconds=start), end=Timestamp(seconds=start + 86_400)),
        statistic=value,
        rules=["WE1"] if fired else [],
    )
    if limits:
        made.lower, made.centre, made.upper = 1.0, 2.0, 3.0
    return made


def found(points, baseline=True):
    made = scoring_pb2.GetControlChartResponse(
        series=score_pb2.Series(key="desk/main/wait@day", title=text_pb2.Text(en="Wait", zh="等候"), unit="h"),
        points=points,
        rules=["WE1"],
        arl0=370.4,
    )
    if baseline:
        made.baseline.chart, made.baseline.window_count = "XmR", 20
    return made


@pytest.fixture
def drawn(monkeypatch, capsys):
    def draw(response, width=100, notation=WAIT):
        monkeypatch.setattr(module, "screen", Console(width=width, color_system=None, force_terminal=False))
        module._draw(response, Context(), notation)
        return capsys.readouterr().out

    return draw


def test_values_limits_signals_and_dates_are_shown(drawn):
    shown = drawn(found([point(day, 2.0 + day % 3 / 4, fired=day == 9) for day in range(12)]))
    assert "Wait (h)  desk/main/wait@day" in shown
    assert "✖" in shown
    for name in ("value", "lower limit", "centre line", "upper limit", "2026-01-05", "in-control ARL 370.4"):
        assert name in shown


def test_a_share_is_drawn_in_per_cent_and_so_are_its_figures(drawn):
    points = [point(day, 0.25 + day % 3 / 100, limits=False) for day in range(12)]
    made = found(points)
    made.series.unit, made.baseline.centre, made.baseline.sigma = "", 0.2571, 0.0213
    shown = drawn(made, notation=Notation({}, {"desk/main/wait": ("", True)}))
    assert "Wait (%)  desk/main/wait@day" in shown
    assert "27.0┤" in shown
    assert "centre 25.71 %, sigma 2.13 %" in shown


@pytest.mark.parametrize("width", [60, 100, 160])
def test_no_line_is_wider_than_the_screen(drawn, width):
    assert max(map(len, drawn(found([point(day, 2.0) for day in range(40)]), width).splitlines())) <= width


def test_the_legend_stands_below_the_figure_where_it_hides_nothing(drawn):
    lines = drawn(found([point(day, 2.0, fired=day == 3) for day in range(12)])).splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.lstrip().startswith("└┬")]
    assert " ".join(lines[at + 2].split()) == "⠤ value · lower limit, centre line, upper limit ✖ signal"
    assert not any("value" in line for line in lines[:at])


def test_without_a_signal_there_is_no_cross(drawn):
    assert "✖" not in drawn(found([point(day, 2.0) for day in range(5)]))


def test_a_chart_whose_first_phase_is_not_over_shows_values_without_limits(drawn):
    shown = drawn(found([point(day, 2.0, limits=False) for day in range(3)], baseline=False))
    assert "centre line" not in shown
    assert "phase I is not complete yet" in shown


def test_one_chart_leaves_nothing_behind_for_the_next(drawn):
    drawn(found([point(day, 2.0, fired=True) for day in range(5)]))
    assert "✖" not in drawn(found([point(day, 2.0) for day in range(5)]))


def test_a_series_without_points_says_so(drawn):
    assert "no complete window" in drawn(found([]))


def test_what_phase_one_waits_for_is_said_instead_of_limits(drawn):
    response = found([point(day, 2.0, limits=False) for day in range(3)], baseline=False)
    response.phase_one.explanation.en = "phase I is not complete: 3 of 20 windows, 17 are missing"
    assert "no limits: phase I is not complete: 3 of 20 windows, 17 are missing" in drawn(response)


def test_a_chart_says_what_it_can_detect_and_what_its_centre_and_limits_are_worth(drawn):
    response = found([point(day, 2.0) for day in range(12)])
    base, seen = response.baseline, response.baseline.calibration.detection
    base.centre, base.centre_bound = 0.002, score_pb2.Baseline.CENTRE_BOUND_AT_MOST
    seen.shift_sigma, seen.within_windows, seen.probability, seen.detects = 2.0, 10, 0.9, True
    seen.median_delay_windows = 4
    shown = " ".join(drawn(response, 400).split())
    assert "found after 4" in shown
    assert "centre ≤ 0.002" in shown
    assert "95 % bound" in shown
    assert "cannot detect" not in shown
    seen.detects, seen.probability, base.calibration.is_capped = False, 0.03, True
    seen.ClearField("median_delay_windows")
    shown = " ".join(drawn(response, 400).split())
    assert "found after > 100" in shown
    assert "cannot detect a shift of 2 sigma within 10 windows (probability 3 %)" in shown
    assert "limits are capped" in shown
