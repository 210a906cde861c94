"""What a KPI feed may declare."""

import math
import re
from zoneinfo import available_timezones

from andon.ingest.v1 import feed_pb2

from services.ingest.registry.feeds.model import Feed
from services.runtime.field_checks import FieldChecks

SERIES_MAX, DIMENSIONS_MAX = 500, 5
TITLE_CHARS_MAX, UNIT_CHARS_MAX = 200, 64
RESOLUTION_MIN, RESOLUTION_MAX = 1e-9, 1e9
NAME = re.compile(r"[a-z0-9_]{1,64}")
# Columns of a row that are no dimensions.
_TAKEN = ("series", "period", "value", "numerator", "denominator", "revision", "id", "retracts")


def check_feed(message: feed_pb2.Feed, checks: FieldChecks) -> None:
    _check_title(message.title, "feed.title", checks)
    known = message.period in feed_pb2.FeedPeriod.values() and message.period != feed_pb2.FEED_PERIOD_UNSPECIFIED
    checks.require(known, "feed.period", "must be hour, day, week, month, quarter or year", "FIELD_REQUIRED")
    zoned = not message.time_zone or message.time_zone in available_timezones()
    checks.require(zoned, "feed.time_zone", "must be a name of the IANA time zone database")
    checks.require(len(message.dimensions) <= DIMENSIONS_MAX, "feed.dimensions", f"must be at most {DIMENSIONS_MAX}")
    for index, name in enumerate(message.dimensions[:DIMENSIONS_MAX]):
        at = f"feed.dimensions[{index}]"
        allowed = NAME.fullmatch(name) is not None and name not in _TAKEN
        checks.require(allowed, at, f"must be 1 to 64 of [a-z0-9_], and not {', '.join(_TAKEN)}")
        checks.require(name not in message.dimensions[:index], at, "must be given once only")
    checks.require(1 <= len(message.series) <= SERIES_MAX, "feed.series", f"must be 1 to {SERIES_MAX}")
    seen: set[str] = set()
    for index, one in enumerate(message.series[:SERIES_MAX]):
        _check_series(one, f"feed.series[{index}]", checks)
        checks.require(one.name not in seen, f"feed.series[{index}].name", "must be given once only")
        seen.add(one.name)


def _check_series(one: feed_pb2.FeedSeries, at: str, checks: FieldChecks) -> None:
    checks.require(NAME.fullmatch(one.name) is not None, f"{at}.name", "must be 1 to 64 of [a-z0-9_]")
    _check_title(one.title, f"{at}.title", checks)
    figures = one.figures in feed_pb2.FeedFigures.values() and one.figures != feed_pb2.FEED_FIGURES_UNSPECIFIED
    checks.require(figures, f"{at}.figures", "must be value, count, share, rate or ratio", "FIELD_REQUIRED")
    told = one.direction in feed_pb2.FeedDirection.values() and one.direction != feed_pb2.FEED_DIRECTION_UNSPECIFIED
    checks.require(told, f"{at}.direction", "must say which way is better", "FIELD_REQUIRED")
    checks.require(len(one.unit) <= UNIT_CHARS_MAX, f"{at}.unit", f"must have at most {UNIT_CHARS_MAX} characters")
    aimed = one.direction == feed_pb2.FEED_DIRECTION_TARGET_IS_BETTER
    checks.require(
        one.HasField("target") or not aimed, f"{at}.target", "is needed where a target is best", "FIELD_REQUIRED"
    )
    checks.require(not one.HasField("target") or math.isfinite(one.target), f"{at}.target", "must be finite")
    for name in ("resolution", "denominator_resolution"):
        size = getattr(one, name)
        sized = not size or RESOLUTION_MIN <= size <= RESOLUTION_MAX
        checks.require(sized, f"{at}.{name}", f"must be {RESOLUTION_MIN:g} to {RESOLUTION_MAX:g}")
    exposed = one.figures in (feed_pb2.FEED_FIGURES_RATE, feed_pb2.FEED_FIGURES_RATIO)
    whole_parts = exposed or one.denominator_resolution in (0.0, 1.0)
    checks.require(whole_parts, f"{at}.denominator_resolution", "is of rates and ratios: must be 0 or 1")
    whole = one.figures in (feed_pb2.FEED_FIGURES_COUNT, feed_pb2.FEED_FIGURES_SHARE, feed_pb2.FEED_FIGURES_RATE)
    checks.require(not whole or one.resolution in (0.0, 1.0), f"{at}.resolution", "counts are whole: must be 0 or 1")


def check_change(before: Feed, after: Feed, checks: FieldChecks) -> None:
    """What is in the log must still be what the feed says."""
    checks.require(after.period == before.period, "feed.period", "must not change")
    checks.require(after.time_zone == before.time_zone, "feed.time_zone", "must not change")
    checks.require(after.dimensions == before.dimensions, "feed.dimensions", "must not change")
    now = {one.name: one for one in after.series}
    for one in before.series:
        same = one.name in now and now[one.name].figures == one.figures
        checks.require(same, "feed.series", f"must still have {one.name}, with the same figures")


def _check_title(title: object, at: str, checks: FieldChecks) -> None:
    for language in ("en", "zh"):
        short = len(getattr(title, language)) <= TITLE_CHARS_MAX
        checks.require(short, f"{at}.{language}", f"must have at most {TITLE_CHARS_MAX} characters")
