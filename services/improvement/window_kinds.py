"""The kinds of windows: how long each is, how far back a history of them reaches, and which seasons they can have."""

from __future__ import annotations

from collections.abc import Mapping

from andon_quality.effect import Cycle

from services.improvement.model import DAY_US

HOUR_US = DAY_US // 24
# Months are distinguished by rounding, for which their mean length is close enough.
MONTH_US = round(365.2425 / 12 * DAY_US)
WINDOW_US: Mapping[str, int] = {
    "hour": HOUR_US,
    "day": DAY_US,
    "week": 7 * DAY_US,
    "month": MONTH_US,
    "quarter": 3 * MONTH_US,
    "year": 12 * MONTH_US,
}
# Twelve weeks of hours, two years of days, and so on: more would tell of another process.
HISTORY_WINDOWS_MAX: Mapping[str, int] = {
    "hour": 2016,
    "day": 730,
    "week": 260,
    "month": 120,
    "quarter": 80,
    "year": 40,
}
# The longest that the history can show comes first. Weeks of a year would need a decade.
CYCLES: Mapping[str, tuple[Cycle, ...]] = {
    "hour": (Cycle("week", 168, HOUR_US), Cycle("day", 24, HOUR_US)),
    "day": (Cycle("week", 7, DAY_US),),
    "month": (Cycle("year", 12, MONTH_US),),
    "quarter": (Cycle("year", 4, 3 * MONTH_US),),
}


def window_of(series: str) -> str:
    """ "desk/main/rework@day{team=B}" -> "day"."""
    return series.partition("@")[2].partition("{")[0]


def reach_us(window: str) -> int:
    """How long the history may be. 0: no series of such windows is compared."""
    return HISTORY_WINDOWS_MAX.get(window, 0) * WINDOW_US.get(window, 0)


def has_season(window: str) -> bool:
    return window in CYCLES
