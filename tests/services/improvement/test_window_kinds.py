"""The kinds of windows and the seasons they can have."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.effect import fit_season

from services.improvement.model import DAY_US
from services.improvement.window_kinds import (
    CYCLES,
    HISTORY_WINDOWS_MAX,
    HOUR_US,
    MONTH_US,
    WINDOW_US,
    has_season,
    reach_us,
    window_of,
)


@pytest.mark.parametrize(
    ("window", "name", "phases"), [("day", "week", 7), ("hour", "week", 168), ("month", "year", 12)]
)
def test_a_season_that_returns_is_taken_out_wholly(window, name, phases):
    starts, values = np.arange(phases * 4) * WINDOW_US[window], np.arange(phases * 4.0) % phases
    season = fit_season(starts, values, WINDOW_US[window], CYCLES[window])
    assert season.without(starts, values) == pytest.approx(np.full(values.size, (phases - 1) / 2))
    assert (season.cycle.name, season.fitted) == (name, phases)


@pytest.mark.parametrize(("hours", "name"), [(96, "day"), (671, "day"), (672, "week")])
def test_hours_that_do_not_fill_four_weeks_have_the_season_of_the_day(hours, name):
    assert fit_season(np.arange(hours) * HOUR_US, np.zeros(hours), HOUR_US, CYCLES["hour"]).cycle.name == name


@pytest.mark.parametrize(("window", "count"), [("day", 27), ("hour", 95), ("month", 47), ("week", 500)])
def test_a_history_that_is_too_short_has_none(window, count):
    starts = np.arange(count) * WINDOW_US[window]
    assert fit_season(starts, np.arange(count * 1.0), WINDOW_US[window], CYCLES.get(window, ())).cycle is None


@pytest.mark.parametrize("offset_hours", [-11, 0, 8, 12])
def test_neither_time_zone_nor_summer_time_moves_a_day_to_another_phase(offset_hours):
    days = np.arange(140)
    starts = 20_000 * DAY_US - offset_hours * HOUR_US + days * DAY_US - HOUR_US * ((days > 40) & (days < 110))
    season = fit_season(starts, days % 7.0, DAY_US, CYCLES["day"])
    assert season.without(starts, days % 7.0) == pytest.approx(np.full(140, 3.0))


def test_calendar_months_of_ten_years_fall_into_twelve_phases():
    begins = np.arange("2014-01", "2024-01", dtype="datetime64[M]").astype("datetime64[us]").astype(np.int64)
    season = fit_season(begins, np.arange(120.0) % 12, MONTH_US, CYCLES["month"])
    assert season.without(begins, np.arange(120.0) % 12) == pytest.approx(np.full(120, 5.5))


def test_a_history_is_twelve_weeks_of_hours_two_years_of_days_and_longer_the_longer_the_window():
    assert {window: reach_us(window) / DAY_US for window in HISTORY_WINDOWS_MAX} == pytest.approx(
        {"hour": 84, "day": 730, "week": 1820, "month": 3652.425, "quarter": 7304.85, "year": 14609.7}
    )
    assert reach_us("fortnight") == reach_us("") == 0


def test_hours_days_months_and_quarters_have_seasons_and_weeks_and_years_have_none():
    assert [window for window in ("hour", "day", "week", "month", "quarter", "year", "") if has_season(window)] == [
        "hour",
        "day",
        "month",
        "quarter",
    ]


def test_the_kind_of_window_is_in_the_key_of_the_series():
    assert window_of("desk/main/rework@day{team=B}") == "day"
    assert window_of("desk/main/rework@hour") == "hour"
    assert window_of("desk/main/rework@day{team=a@b}") == "day"
    assert window_of("nonsense") == ""
