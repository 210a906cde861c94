"""An indicator system that scores and charts every quantity of sensors, as a document for people."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import sensor_pb2 as pb

# Names of indicators have 64 characters at most.
_STEM_CHARS = 50


def system_document(one: pb.SensorSource) -> dict[str, Any]:
    """Of each quantity the mean and spread of its readings (Xbar-S), their range, and how many lie above the limit."""
    name = one.name.removeprefix("sensorSources/")
    return {
        "title": _text(one.title, name),
        "sources": [name],
        "dimensions": [{"name": "sensor", "attribute": "sensor"}],
        "measures": [measure for quantity in one.quantities for measure in _measures(quantity)],
        "indicators": [indicator for quantity in one.quantities for indicator in _indicators(quantity)],
    }


def _measures(one: pb.SensorQuantity) -> list[dict[str, Any]]:
    stem = one.name[:_STEM_CHARS]
    squared = float(f"{one.resolution**2:.12g}")

    def value(suffix: str, attribute: str, resolution: float) -> dict[str, Any]:
        return {"name": f"{stem}_{suffix}", "value": {"attribute": attribute, "resolution": resolution}}

    made: list[dict[str, Any]] = [
        value("sum", "sum", one.resolution),
        value("squares", "squares", squared),
        value("n", "n", 1.0),
        value("range", "range", one.resolution),
        {"name": stem, "ratio": {"of": f"{stem}_sum", "per": f"{stem}_n", "squares": f"{stem}_squares"}},
    ]
    if one.HasField("limit"):
        made.append(value("over", "above", 1.0))
        made.append({"name": f"{stem}_above", "ratio": {"of": f"{stem}_over", "per": f"{stem}_n"}})
    return made


def _indicators(one: pb.SensorQuantity) -> list[dict[str, Any]]:
    stem, title = one.name[:_STEM_CHARS], _text(one.title, one.name)
    common: dict[str, Any] = {
        # An event is of one quantity; those of the others are not in its windows.
        "anchor": {"first": {"activities": [one.name]}},
        "windows": ["hour"],
        "count_min": 1,
        "slices": [{"dimensions": ["sensor"]}],
    }
    unit = {"unit": one.unit} if one.unit else {}
    made = [
        {
            "name": stem,
            "title": title,
            "measure": stem,
            "aggregate": "mean",
            "direction": "target_is_better",
            **unit,
            **common,
            "chart": {"kind": "xbar_s"},
        },
        {
            "name": f"{stem}_range",
            "title": _titled(title, "range", "极差"),
            "measure": f"{stem}_range",
            "aggregate": "mean",
            "direction": "lower_is_better",
            **unit,
            **common,
            "chart": {},
        },
    ]
    if one.HasField("limit"):
        made.append(
            {
                "name": f"{stem}_above",
                "title": _titled(title, f"time above {one.limit:g}", f"高于 {one.limit:g} 的时间"),
                "measure": f"{stem}_above",
                "aggregate": "share",
                "direction": "lower_is_better",
                **common,
                "chart": {},
            }
        )
    return made


def _titled(title: dict[str, str], english: str, chinese: str) -> dict[str, str]:
    both = {"en": english, "zh": chinese}
    return {language: f"{text}: {both[language]}" for language, text in title.items()}


def _text(text: Any, name: str) -> dict[str, str]:
    return {language: value for language in ("en", "zh") if (value := getattr(text, language))} or {"en": name}
