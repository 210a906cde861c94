"""An indicator system that scores and charts every series of a KPI feed, as a document for people."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import feed_pb2 as pb

_WINDOWS = {
    pb.FEED_PERIOD_HOUR: "hour",
    pb.FEED_PERIOD_DAY: "day",
    pb.FEED_PERIOD_WEEK: "week",
    pb.FEED_PERIOD_MONTH: "month",
}
# The longest that a period can be, where clocks are set back.
_SPANS = {pb.FEED_PERIOD_HOUR: "1h", pb.FEED_PERIOD_DAY: "25h", pb.FEED_PERIOD_WEEK: "169h"}
_DIRECTIONS = {
    pb.FEED_DIRECTION_LOWER_IS_BETTER: "lower_is_better",
    pb.FEED_DIRECTION_HIGHER_IS_BETTER: "higher_is_better",
    pb.FEED_DIRECTION_TARGET_IS_BETTER: "target_is_better",
}
_AGGREGATES = {pb.FEED_FIGURES_SHARE: "share", pb.FEED_FIGURES_COUNT: "sum"}
_CHARTS = {pb.FEED_FIGURES_COUNT: "c", pb.FEED_FIGURES_RATE: "u"}
_WHOLE = (pb.FEED_FIGURES_COUNT, pb.FEED_FIGURES_SHARE, pb.FEED_FIGURES_RATE)


def system_document(feed: pb.Feed) -> dict[str, Any]:
    """Measures of each series, and an indicator that is charted as its figures ask for.

    Quarters and years lie in the month that they begin in.
    """
    name = feed.name.removeprefix("feeds/")
    return {
        "title": _text(feed.title, name),
        "sources": [name],
        "time_zone": feed.time_zone or "UTC",
        # A row is dated the beginning of its period, and has come when that is over.
        "event_span": _SPANS.get(feed.period, "31d"),
        "measures": [one for series in feed.series for one in _measures(series)],
        **({"dimensions": [{"name": one, "attribute": one} for one in feed.dimensions]} if feed.dimensions else {}),
        "indicators": [_indicator(feed, series) for series in feed.series],
    }


def _measures(series: pb.FeedSeries) -> list[dict[str, Any]]:
    title = _text(series.title, series.name)
    resolution = 1.0 if series.figures in _WHOLE else series.resolution
    if series.figures in (pb.FEED_FIGURES_VALUE, pb.FEED_FIGURES_COUNT):
        return [{"name": series.name, "title": title, "value": {"attribute": "value", "resolution": resolution}}]
    of, per = f"{series.name[:60]}_of", f"{series.name[:60]}_per"
    return [
        {"name": of, "title": title, "value": {"attribute": "numerator", "resolution": resolution}},
        {
            "name": per,
            "title": title,
            "value": {"attribute": "denominator", "resolution": series.denominator_resolution},
        },
        {"name": series.name, "title": title, "ratio": {"of": of, "per": per}},
    ]


def _indicator(feed: pb.Feed, series: pb.FeedSeries) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": series.name,
        "title": _text(series.title, series.name),
        "measure": series.name,
        "aggregate": _AGGREGATES.get(series.figures, "mean"),
        "direction": _DIRECTIONS.get(series.direction, "lower_is_better"),
        # A row is of one series; rows of the others are not in its windows.
        "anchor": {"first": {"activities": [series.name]}},
        "windows": [_WINDOWS.get(feed.period, "month")],
        "count_min": 1,
    }
    if series.unit:
        document["unit"] = series.unit
    if feed.dimensions:
        document["slices"] = [{"dimensions": [one]} for one in feed.dimensions]
    document["chart"] = {"kind": _CHARTS[series.figures]} if series.figures in _CHARTS else {}
    return document


def _text(text: Any, name: str) -> dict[str, str]:
    return {language: value for language in ("en", "zh") if (value := getattr(text, language))} or {"en": name}
