"""Times and lengths as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from andon_client.moments import MalformedLength, length, timestamp
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
