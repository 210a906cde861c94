"""Empty windows are part of a series' life as long as it lasts: zero for a sum, a gap for everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.scoring.scores.results import Score, ScoreState
from services.scoring.scores.silence import SilentSeries
from services.scoring.system.calendar import Zone, window_around, windows_after
from services.scoring.system.case_model import Count, Measure
from services.scoring.system.model import (
    Aggregate,
    ChartRule,
    Direction,
    Indicator,
    IndicatorSystem,
    SystemSpec,
    Target,
    Window,
)
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId


def at_us(year: int, month: int, day: int, hour: int = 0, zone: str = "UTC") -> int:
    return round(datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp() * 1e6)


def system(*indicators: Indicator, zone: str = "UTC") -> IndicatorSystem:
    spec = SystemSpec(time_zone=zone, measures=(Measure("n", Count()),), indicators=indicators)
    return IndicatorSystem("processes/desk/indicatorSystems/main", 3, spec)


def indicator(aggregate: Aggregate, target: float | None = 18.0, windows: int = 5) -> Indicator:
    goal = None if target is None else Target(target)
    rule = ChartRule(baseline_windows=windows)
    return Indicator("solved", "n", aggregate, direction=Direction.HIGHER_IS_BETTER, target=goal, chart=rule)


def day(number: int) -> WindowId:
    return WindowId(at_us(2026, 3, number), at_us(2026, 3, number) + 86_400_000_000)


def silent_days(one: Indicator, passed: int, last: int, following: int | None = None) -> list[Score]:
    """Between one day of March and another, with the watermark at the end of a third."""
    silent = SilentSeries(system(one), day(passed).end_us)
    next_us = None if following is None else day(following).start_us
    return list(silent.between(SeriesKey("desk/main/solved@day"), day(last), next_us))


def test_a_silent_sum_is_zero_and_judged_and_has_no_points() -> None:
    found = silent_days(indicator(Aggregate.SUM), passed=20, last=4, following=7)
    assert [one.window for one in found] == [day(5), day(6)]
    said = {(one.value, one.count, one.state, one.points, one.points_high, one.complete, one.revision) for one in found}
    assert said == {(0.0, 0, ScoreState.MISSED, None, None, True, 0)}
    free = silent_days(indicator(Aggregate.SUM, target=None), 20, 4, 6)
    assert [(one.value, one.state, one.points_low) for one in free] == [(0.0, ScoreState.NO_TARGET, None)]


@pytest.mark.parametrize("aggregate", [Aggregate.MEAN, Aggregate.MEDIAN, Aggregate.SHARE, Aggregate.QUANTILE])
def test_of_nothing_there_is_no_mean_and_no_share(aggregate: Aggregate) -> None:
    (found,) = silent_days(indicator(aggregate), passed=20, last=4, following=6)
    assert (found.value, found.count, found.state) == (None, 0, ScoreState.NOT_ENOUGH_DATA)


def test_at_the_end_silence_shows_up_to_the_last_complete_window_and_ends_after_the_life_of_the_series() -> None:
    assert [one.window for one in silent_days(indicator(Aggregate.SUM), passed=6, last=4)] == [day(5), day(6)]
    assert silent_days(indicator(Aggregate.SUM), passed=4, last=4) == []
    # As many as phase I has, then nobody waits for it any more; so it is in the middle.
    assert [one.window for one in silent_days(indicator(Aggregate.SUM), 28, 4)] == [day(n) for n in range(5, 10)]
    assert [one.window for one in silent_days(indicator(Aggregate.SUM), 28, 4, 25)] == [day(n) for n in range(5, 10)]


def test_a_composite_shows_the_gap_and_what_the_system_does_not_score_or_has_no_end_shows_none() -> None:
    silent = SilentSeries(system(indicator(Aggregate.SUM)), day(20).end_us)
    (gap,) = silent.between(SeriesKey("desk/main/overall@day"), day(4), day(6).start_us)
    assert (gap.value, gap.count, gap.state, gap.points_low) == (None, 0, ScoreState.NOT_ENOUGH_DATA, 0.0)
    assert list(silent.between(SeriesKey("desk/main/gone@day"), day(4))) == []
    assert list(silent.between(SeriesKey("desk/main/solved@all"), day(4))) == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
@pytest.mark.parametrize("window", [Window.HOUR, Window.DAY, Window.WEEK, Window.MONTH])
@pytest.mark.parametrize("start", [(2011, 12, 28), (2026, 3, 7), (2026, 10, 3), (2026, 10, 31)])
def test_the_windows_after_a_boundary_follow_each_other_without_a_hole(
    zone: str, window: Window, start: tuple[int, int, int]
) -> None:
    """One at a time, over clock changes of half an hour, and over a day that a zone left out."""
    first = window_around(Zone(zone), window, at_us(*start, zone=zone))
    found = windows_after(Zone(zone), window, first.start_us, 60)
    walked = [first]
    while len(walked) < 60:
        walked.append(window_around(Zone(zone), window, walked[-1].end_us))
    assert found == walked
    assert timedelta(microseconds=found[-1].end_us - found[0].start_us) > timedelta(hours=29)
