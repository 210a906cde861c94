"""Times and lengths as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from andon_client.moments import MalformedLength, MalformedTime, UnclearTime, entered_time, length, timestamp
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90min", 5400), ("12h", 43_200), ("14d", 1_209_600), (" 6 w ", 3_628_800), ("1209600s", 1_209_600)],
)
def test_a_length_is_a_number_and_a_unit(written, seconds):
    assert length(written).seconds == seconds


def test_a_part_of_a_second_is_kept():
    assert length("0.25s").ToMilliseconds() == 250


@pytest.mark.parametrize("written", ["", "d", "14", "-3d", "14 days", "1e3d", "9999999w", "9" * 400 + "s", "١d"])
def test_what_is_no_length_is_refused_with_examples(written):
    with pytest.raises(MalformedLength, match="90min, 12h, 14d or 6w"):
        length(written)


@given(st.integers(0, 5_000))
def test_units_agree_with_one_another(count):
    assert length(f"{count}w") == length(f"{7 * count}d") == length(f"{168 * count}h")


def test_a_day_is_its_first_moment_and_a_time_without_a_zone_is_utc():
    midnight = timestamp(datetime(2026, 4, 7, tzinfo=UTC))
    assert timestamp(date(2026, 4, 7)) == timestamp(datetime(2026, 4, 7)) == midnight
    shanghai = timezone(timedelta(hours=8))
    assert timestamp(datetime(2026, 4, 7, 8, tzinfo=shanghai)) == midnight


BERLIN, HAVANA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana")


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 00:30Z", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T03:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC)),
        ("20261026T0100", datetime(2026, 10, 26, 0, tzinfo=UTC)),
    ],
)
def test_a_time_with_an_offset_names_either_of_two_equal_hours(written, utc):
    assert timestamp(entered_time(written), BERLIN) == timestamp(utc)


def test_a_time_that_comes_twice_or_never_is_refused_with_both_that_it_could_be():
    with pytest.raises(UnclearTime) as twice:
        timestamp(entered_time("2026-10-25T02:30"), BERLIN)
    assert "comes twice in Europe/Berlin" in str(twice.value)
    assert str(twice.value).endswith("write 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00")
    with pytest.raises(UnclearTime) as never:
        timestamp(entered_time("2026-03-29T02:30"), BERLIN)
    assert "does not exist in Europe/Berlin" in str(never.value)
    assert str(never.value).endswith("write 2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00")
    assert "不存在" in never.value.text("zh")


def test_a_day_without_a_midnight_begins_with_the_moment_that_follows_it():
    assert timestamp(entered_time("2026-03-08"), HAVANA) == timestamp(datetime(2026, 3, 8, 5, tzinfo=UTC))
    assert timestamp(entered_time("2026-11-01"), HAVANA) == timestamp(datetime(2026, 11, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    "written", ["", "yesterday", "2026-02-30", "25.10.2026", "2026-10-25T25:00", "0001-01-01T00:00+05:00"]
)
def test_what_is_no_time_is_refused_with_examples(written):
    with pytest.raises(MalformedTime, match="such as 2026-10-25, 2026-10-25T14:30 or 2026-10-25T14:30"):
        entered_time(written)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_times_that_a_refusal_names_are_accepted(time, name):
    zone = ZoneInfo(name)
    try:
        made = timestamp(time, zone)
    except UnclearTime as unclear:
        found = [timestamp(entered_time(str(unclear.places[place])), zone) for place in ("first", "second")]
        assert found[0].ToNanoseconds() < found[1].ToNanoseconds()
    else:
        assert made.ToDatetime(zone).replace(tzinfo=None) == time
