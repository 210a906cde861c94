"""Windows and working time across clock changes, against the standard library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.system.calendar import DAY_US, Zone, window_bounds, window_numbers, working_us
from services.scoring.system.case_model import Calendar, Hours
from services.scoring.system.model import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Africa/Cairo",
]
instants = st.lists(st.integers(0, 75 * 366 * DAY_US), min_size=1, max_size=20)


def us(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def of(window: Window, zone: str, times: list[int]) -> tuple[list[int], list[int]]:
    clock, values = Zone(zone), np.array(times, dtype=np.int64)
    starts, ends = window_bounds(clock, window, window_numbers(clock, window, values, clock.days(values)))
    return starts.tolist(), ends.tolist()


@settings(deadline=None, max_examples=60)
@given(times=instants, zone=st.sampled_from(ZONES), window=st.sampled_from([w for w in Window if w is not Window.ALL]))
def test_every_instant_lies_in_its_window_and_the_next_window_begins_where_it_ends(
    times: list[int], zone: str, window: Window
) -> None:
    starts, ends = of(window, zone, times)
    assert all(start <= time < end for start, time, end in zip(starts, times, ends, strict=True))
    assert of(window, zone, ends)[0] == ends


@settings(deadline=None, max_examples=60)
@given(times=instants, zone=st.sampled_from(ZONES))
def test_the_local_day_is_that_of_the_standard_library(times: list[int], zone: str) -> None:
    clock = ZoneInfo(zone)
    expected = [
        ((EPOCH + timedelta(microseconds=time)).astimezone(clock).date() - date(1970, 1, 1)).days for time in times
    ]
    assert Zone(zone).days(np.array(times, dtype=np.int64)).tolist() == expected


def test_a_day_on_which_clocks_go_forward_is_an_hour_shorter() -> None:
    starts, ends = of(Window.DAY, "Europe/Berlin", [us(datetime(2026, 3, 29, 12, tzinfo=UTC))])
    assert (ends[0] - starts[0]) == 23 * DAY_US // 24


def test_a_day_without_midnight_begins_at_its_first_instant() -> None:
    noon = us(datetime(2018, 11, 4, 12, tzinfo=UTC))
    assert of(Window.DAY, "America/Sao_Paulo", [noon])[0] == [us(datetime(2018, 11, 4, 3, tzinfo=UTC))]


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    first, second = us(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)), us(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    starts, _ = of(Window.HOUR, "Europe/Berlin", [first, second])
    assert starts == [first - DAY_US // 48, second - DAY_US // 48]


OFFICE = Calendar(tuple(Hours(day, 540, 1020) for day in range(1, 6)), ("2026-05-01",))


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ((2026, 5, 4, 9), (2026, 5, 4, 17), 6.0),  # Monday 11:00 to 19:00 in Berlin
        ((2026, 4, 30, 14), (2026, 5, 4, 8), 2.0),  # over the holiday of Friday and a weekend
        ((2026, 5, 2, 9), (2026, 5, 3, 9), 0.0),
        ((2026, 3, 27, 15), (2026, 3, 30, 8), 2.0),  # Friday 16:00, clocks go forward, Monday 10:00
    ],
)
def test_working_time_skips_nights_weekends_and_holidays(
    start: tuple[int, int, int, int], end: tuple[int, int, int, int], hours: float
) -> None:
    pair = [np.array([us(datetime(*moment, tzinfo=UTC))]) for moment in (start, end)]
    assert working_us(OFFICE, Zone("Europe/Berlin"), *pair).tolist() == [int(hours * DAY_US / 24)]


def test_working_time_is_additive() -> None:
    times = np.sort(
        np.random.default_rng(1).integers(
            us(datetime(2025, 1, 1, tzinfo=UTC)), us(datetime(2027, 1, 1, tzinfo=UTC)), 50
        )
    )
    zone = Zone("America/New_York")
    pieces = working_us(OFFICE, zone, times[:-1], times[1:])
    assert int(pieces.sum()) == int(working_us(OFFICE, zone, times[:1], times[-1:])[0])


def test_without_hours_time_runs_around_the_clock() -> None:
    start, end = np.array([0]), np.array([40 * DAY_US + 7])
    assert working_us(Calendar(), Zone("UTC"), start, end).tolist() == [40 * DAY_US + 7]
