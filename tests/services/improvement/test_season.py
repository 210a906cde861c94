"""The season of a series."""

from __future__ import annotations

import numpy as np
import pytest

from services.improvement.model import DAY_US, Reading
from services.improvement.season import HOUR_US, WINDOW_US, learn_season, window_of


def readings(values, step_us: int, begin_us: int = 0, shift=lambda index: 0) -> list[Reading]:
    starts = [begin_us + index * step_us + shift(index) for index in range(len(values))]
    return [Reading(start, start + step_us, value, 50, 1, 2) for start, value in zip(starts, values, strict=True)]


@pytest.mark.parametrize(("window", "phases"), [("day", 7), ("hour", 168), ("month", 12)])
def test_a_season_that_returns_is_taken_out_wholly(window, phases):
    rows = readings([float(index % phases) for index in range(phases * 5)], WINDOW_US[window])
    season = learn_season(window, rows)
    assert season.without(rows) == pytest.approx(np.full(len(rows), (phases - 1) / 2))
    assert season.fitted == phases


def test_hours_that_do_not_fill_four_weeks_have_the_season_of_the_day():
    assert learn_season("hour", readings([0.0] * 24 * 10, HOUR_US)).name == "day"


@pytest.mark.parametrize(("window", "count"), [("day", 27), ("hour", 90), ("month", 47), ("week", 500)])
def test_a_history_that_is_too_short_has_none(window, count):
    rows = readings([float(index) for index in range(count)], WINDOW_US[window])
    season = learn_season(window, rows)
    assert season.name == ""
    assert list(season.without(rows)) == [row.value for row in rows]


def test_a_missing_window_does_not_move_the_others_to_a_neighbours_phase():
    rows = [
        row for index, row in enumerate(readings([float(i % 7) for i in range(70)], DAY_US)) if index not in (9, 40)
    ]
    assert learn_season("day", rows).without(rows) == pytest.approx(np.full(68, 3.0))


def test_days_that_never_come_have_no_phase_to_fit():
    every = readings([float(index % 7) for index in range(70)], DAY_US)
    rows = [row for index, row in enumerate(every) if index % 7 < 5]
    assert learn_season("day", rows).fitted == 5


@pytest.mark.parametrize("offset_hours", [-11, 0, 8, 12])
def test_neither_time_zone_nor_summer_time_moves_a_day_to_another_phase(offset_hours):
    values = [float(index % 7) for index in range(140)]
    summer = readings(
        values, DAY_US, 20_000 * DAY_US - offset_hours * HOUR_US, lambda index: -HOUR_US if 40 < index < 110 else 0
    )
    assert learn_season("day", summer).without(summer) == pytest.approx(np.full(140, 3.0))


def test_the_kind_of_window_stands_in_the_key_of_the_series():
    assert window_of("desk/main/rework@day{team=B}") == "day"
    assert window_of("desk/main/rework@hour") == "hour"
    assert window_of("nonsense") == ""
