"""The key of a series says what it is, whatever characters the values of its slice hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.system.model import IndicatorSystem, SystemSpec, Window
from services.scoring.system.series import SeriesKey, series_key, series_name, slice_of

SYSTEM = IndicatorSystem("processes/it-desk/indicatorSystems/main", 1, SystemSpec())


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), max_size=3), st.sampled_from(Window))
def test_what_a_key_is_made_of_is_read_back(values: dict[str, str], window: Window) -> None:
    key = series_key(SYSTEM, "sla", window, tuple(values.items()))
    name = series_name(key)
    assert (name.process, name.system, name.indicator, name.window) == ("it-desk", "main", "sla", window)
    assert name.whole == (not values)
    assert slice_of(key) == values


def test_series_keys_are_read_back() -> None:
    name = series_name(SeriesKey("it-desk/main/sla@month{priority=2 - High,team=a@b/c}"))
    assert (name.process, name.system, name.indicator, name.window, name.whole) == (
        "it-desk",
        "main",
        "sla",
        Window.MONTH,
        False,
    )
