"""Times are read as they are written or not at all: nothing is shifted, nothing that does not exist becomes a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from andon_records.mapping.time_formats import NoDate, UnknownFormat, time_format
from andon_records.mapping.times import Outcome, formats_that_fit, read_times, unread
from hypothesis import given, settings
from hypothesis import strategies as st


def read(texts, formats=("iso",), zone="UTC"):
    return read_times(pa.array(texts, pa.utf8()), [time_format(one) for one in formats], zone)


def instants(texts, formats=("iso",), zone="UTC"):
    return read(texts, formats, zone).times.to_pylist()


def at(*parts, **more):
    return datetime(*parts, **more, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02", at(2026, 3, 2)),
        ("20260302", at(2026, 3, 2)),
        ("2026-03-02 09:00", at(2026, 3, 2, 9)),
        ("2026-03-02T09", at(2026, 3, 2, 9)),
        ("20260302T090001Z", at(2026, 3, 2, 9, 0, 1)),
        ("2026-03-02 09:00:00.120", at(2026, 3, 2, 9, microsecond=120_000)),
        ("2026-03-02T09:00:00,5z", at(2026, 3, 2, 9, microsecond=500_000)),
        ("2026-03-02T09:00:00.123456789", at(2026, 3, 2, 9, microsecond=123_456)),
        ("2026-03-02T09:30.5", at(2026, 3, 2, 9, 30, 30)),
        ("2026-03-02T09.25", at(2026, 3, 2, 9, 15)),
        ("2026-03-02T09:00:00+01:00", at(2026, 3, 2, 8)),
        ("2026-03-02T09:00:00-0530", at(2026, 3, 2, 14, 30)),
        ("2026-03-02T09:00:00−01", at(2026, 3, 2, 10)),
        ("2026-03-02T09:00:00 +01:00", at(2026, 3, 2, 8)),
        ("2026-03-02T09:00+08:00[Asia/Shanghai]", at(2026, 3, 2, 1)),
        ("2026-03-02 09:00 Asia/Shanghai", at(2026, 3, 2, 1)),
        ("2026-03-02 09:00:00 CET", at(2026, 3, 2, 8)),
        ("2026-03-02 09:00:00 EST", at(2026, 3, 2, 14)),
        ("2026-W10-1T10:00", at(2026, 3, 2, 10)),
        ("2020W537", at(2021, 1, 3)),
        ("2026-061", at(2026, 3, 2)),
        ("2026-03-01T24:00", at(2026, 3, 2)),
        ("2024-02-29", at(2024, 2, 29)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
    ],
)
def test_iso_8601_is_read_in_all_its_forms(text, instant):
    assert instants([text]) == [instant]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-30", "2025-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01"),
        *("2026-03-02T25:00", "2026-03-02T24:00:01", "2026-03-02T10:60", "2026-03-02T10:00:61"),
        *("2026-03-02T23:59:60Z", "2026-03-02T12:00:60", "2021W537", "2026-366", "2026-000"),
    ],
)
def test_what_does_not_exist_is_refused_and_named(text):
    assert instants([text]) == [None]
    assert "does not exist" in unread(text, [time_format("iso")], "UTC").text()


@pytest.mark.parametrize("name", ["CST", "IST", "BST", "XYZ", "Mars/Olympus", "Berlin"])
def test_a_zone_that_is_unknown_or_means_several_is_refused_never_shifted(name):
    text = f"2026-03-02 09:00:00 {name}"
    assert instants([text]) == instants([text], ["%Y-%m-%d %H:%M:%S %Z"]) == [None]
    assert "the zone of" in unread(text, [time_format("iso")], "UTC").text()


@settings(deadline=None, max_examples=50)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-18 * 60, 18 * 60))
def test_what_python_writes_is_read_as_python_reads_it(moment, minutes):
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert instants([zoned.isoformat(), moment.isoformat()]) == [zoned.astimezone(UTC), moment.replace(tzinfo=UTC)]


@settings(deadline=None, max_examples=50)
@given(st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)))
def test_local_times_of_a_region_agree_with_the_standard_library(moment):
    zone = ZoneInfo("America/New_York")
    local = moment.replace(microsecond=0)
    result = read([local.isoformat()], zone="America/New_York")
    there = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) != local:
        assert result.times.to_pylist() == [None]
    else:
        assert result.times.to_pylist() == [there]
        assert bool(result.folded[0]) == (there != local.replace(tzinfo=zone, fold=1).astimezone(UTC))


def test_a_skipped_hour_is_refused_and_a_repeated_one_is_the_first_and_marked():
    texts = ["2026-03-29T01:59:59", "2026-03-29T02:00:00", "2026-03-29T03:00:00", "2026-10-25T02:30:00"]
    result = read(texts, zone="Europe/Berlin")
    assert result.times.to_pylist() == [
        at(2026, 3, 29, 0, 59, 59),
        None,
        at(2026, 3, 29, 1),
        at(2026, 10, 25, 0, 30),
    ]
    assert list(result.folded) == [False, False, False, True]
    assert "clocks were put forward" in unread(texts[1], [time_format("iso")], "Europe/Berlin").text()


def test_a_written_offset_wins_over_the_zone_of_the_mapping():
    assert instants(["2026-03-29T02:30:00+02:00"], zone="Europe/Berlin") == [at(2026, 3, 29, 0, 30)]


@pytest.mark.parametrize(
    ("format", "text", "instant"),
    [
        ("epoch_s", "1772442000", at(2026, 3, 2, 9)),
        ("epoch_s", "1772442000.25", at(2026, 3, 2, 9, microsecond=250_000)),
        ("epoch_s", "-1", at(1969, 12, 31, 23, 59, 59)),
        ("epoch_ms", "1772442000120", at(2026, 3, 2, 9, microsecond=120_000)),
        ("epoch_us", "1772442000000001", at(2026, 3, 2, 9, microsecond=1)),
        ("epoch_ns", "1772442000000001999", at(2026, 3, 2, 9, microsecond=1)),
        ("%s", "1772442600000", None),
        ("%d/%m/%Y %H:%M", "3/4/2026 9:05", at(2026, 4, 3, 9, 5)),
        ("%m/%d/%Y", "3/4/2026", at(2026, 3, 4)),
        ("%d/%m/%Y", "3/13/2026", None),
        ("%d.%m.%y", "02.03.26", at(2026, 3, 2)),
        ("%d-%b-%Y %I:%M %p", "02-Mar-2026 12:05 AM", at(2026, 3, 2, 0, 5)),
        ("%d %B %Y %I:%M%p", "2 märz 2026 01:00pm", at(2026, 3, 2, 13)),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-03-02 09:00:00.5", at(2026, 3, 2, 9, microsecond=500_000)),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-02T09:00:00+0100", at(2026, 3, 2, 8)),
        ("%Y年%m月%d日 %p%I:%M", "2026年3月2日 下午3:04", at(2026, 3, 2, 15, 4)),
        ("%Y-%m", "2026-03", at(2026, 3, 1)),
        ("%T %F", "09:00:00 2026-03-02", at(2026, 3, 2, 9)),
    ],
)
def test_other_formats_are_read_as_they_say(format, text, instant):
    assert instants([text], [format]) == [instant]


def test_of_several_formats_the_first_that_fits_is_taken():
    assert instants(["1772442000", "1772442600000"], ["epoch_s", "epoch_ms"]) == [
        at(2026, 3, 2, 9),
        at(2026, 3, 2, 9, 10),
    ]


@pytest.mark.parametrize("written", ["%Q", "%d/%m/%Y %d", "%", "%-d"])
def test_a_directive_without_meaning_is_refused(written):
    with pytest.raises(UnknownFormat):
        time_format(written)


@pytest.mark.parametrize("written", ["%H:%M", "Y-m-d", "isO"])
def test_a_format_without_a_year_is_none(written):
    with pytest.raises(NoDate):
        time_format(written)


def test_a_hint_fits_every_text_and_says_where_two_readings_are_possible():
    iso = [time_format("iso")]
    assert formats_that_fit(["25/3/2026 9:30", "1/4/2026 10:00"], "UTC")[0] == "%d/%m/%Y %H:%M"
    assert "day comes first" in unread("3/4/2026", iso, "UTC").text()
    assert '"%d/%m/%Y"' in unread("3/4/2026", iso, "UTC", ["25/4/2026"]).text()
    assert "month" not in unread("3/4/2026", iso, "UTC", ["25/4/2026"]).text()
    assert "epoch_ms" in unread("1772442600000", iso, "UTC").text()
    month_first = [time_format("%m/%d/%Y %H:%M")]
    assert (
        'does not exist; write time_formats: ["%d/%m/%Y %H:%M"]' in unread("13/2/2026 9:45", month_first, "UTC").text()
    )
    assert unread("30/2/2026 9:45", month_first, "UTC").text() == '"30/2/2026 9:45" does not exist'


@pytest.mark.parametrize(
    ("text", "format", "says"),
    [
        ("1704067200", "epoch_s", "2024-01-01 00:00:00+00:00"),
        ("1704067200123", "epoch_ms", "2024-01-01 00:00:00.123000+00:00"),
        ("1704067200123456", "epoch_us", "2024-01-01 00:00:00.123456+00:00"),
        ("45292.25", "excel", "2024-01-01 05:00:00+00:00"),
        ("45292,5833333333", "excel", "2024-01-01 13:00:00+00:00"),
        ("45474", "excel", "2024-06-30 22:00:00+00:00"),
    ],
)
def test_a_bare_number_is_hinted_to_be_the_count_that_falls_into_our_time(text, format, says):
    assert f"write time_formats: [{format}]" in str(unread(text, [time_format("iso")], "Europe/Berlin"))
    (read,) = read_times(pa.array([text]), [time_format(format)], "Europe/Berlin").times.to_pylist()
    assert str(read) == says


@pytest.mark.parametrize("text", ["60", "2958466", "0.5", "-3", "45292.5.1"])
def test_what_is_no_serial_number_of_a_spreadsheet_is_no_time(text):
    assert read_times(pa.array([text]), [time_format("excel")], "UTC").times.null_count == 1


def test_spaces_that_do_not_break_are_spaces():
    texts = pa.array(["2024-01-01\u00a010:00", "2024-01-01 10:00"])
    assert len(set(read_times(texts, [time_format("iso")], "UTC").times.to_pylist())) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2024-01-01 0:05", 'write time_formats: ["%Y-%m-%d %H:%M"]'),
        ("31.12.2024 14:05 Uhr", "if it is a time, write its pattern in time_formats"),
        ("1.70407E+12", "if it is a time, write its pattern in time_formats"),
    ],
)
def test_a_time_that_is_not_read_always_says_what_to_write(text, says):
    assert says in str(unread(text, [time_format("iso")], "UTC"))


@pytest.mark.parametrize(
    ("date", "zone", "instant", "outcome"),
    [
        # Clocks of Cairo go from 0:00 to 1:00; Havana has midnight twice; Apia has no 30 December 2011 at all.
        ("2026-04-24", "Africa/Cairo", at(2026, 4, 23, 22), Outcome.READ),
        ("2026-04-24T00:00", "Africa/Cairo", None, Outcome.SKIPPED),
        ("2026-11-01", "America/Havana", at(2026, 11, 1, 4), Outcome.READ),
        ("2011-12-30", "Pacific/Apia", None, Outcome.SKIPPED),
        ("2011-12-31", "Pacific/Apia", at(2011, 12, 30, 10), Outcome.READ),
    ],
)
def test_a_date_alone_is_the_first_instant_of_its_day(date, zone, instant, outcome):
    result = read([date], zone=zone)
    assert (result.times.to_pylist(), result.outcomes.tolist()) == ([instant], [outcome])
    assert not result.folded.any()
