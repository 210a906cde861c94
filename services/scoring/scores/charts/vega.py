"""A control chart as a Vega-Lite 5 spec with its data: one definition for console, report and notebook.

Vega knows the zone of the reader and UTC, and no other. So the axis is a UTC scale over what the clocks of the system's
zone show (`clock`, `clock_end`), and its title names the zone; `start` and `end` are the instants themselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from services.scoring.scores.charts.chart import Drawn
from services.scoring.scores.charts.derivation import caveats_of
from services.scoring.scores.results import ChartPoint, Signal
from services.scoring.system.calendar import Zone
from services.scoring.system.case_model import Text

Language = Literal["en", "zh"]
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
TEXTS: dict[str, dict[Language, str]] = {
    "time": {"en": "window start", "zh": "窗口起始"},
    "baseline": {"en": "phase I (frozen)", "zh": "基线阶段（已冻结）"},
    "centre": {"en": "centre", "zh": "中心线"},
    "limit": {"en": "limit", "zh": "控制限"},
    "signal": {"en": "signal", "zh": "信号"},
    "value": {"en": "value", "zh": "数值"},
    "rule": {"en": "rule", "zh": "规则"},
    "count": {"en": "cases", "zh": "案例数"},
    "arl0": {"en": "one false alarm in {arl} windows", "zh": "平均每 {arl} 个窗口一次误报"},
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As D3 has it: per cent with at most two decimals.
PER_CENT = ".2~%"
BLUE, GREY, RED, SHADE = "#2b6cb0", "#718096", "#c53030", "#edf2f7"


def control_chart(
    title: str,
    unit: str,
    is_share: bool,
    drawn: Drawn,
    signals: Sequence[Signal],
    arl0: float,
    language: Language,
    phase_one: Text,
    zone: Zone,
) -> str:
    """The spec as JSON; every number in it is data of the chart, so it renders without any other source.

    is_share: values are shown in per cent. phase_one: what it waits for, where there are no limits. zone: whose clocks
    the time axis shows.
    """
    rules: dict[int, list[str]] = {}
    for signal in signals:
        rules.setdefault(signal.window.start_us, []).append(signal.rule)
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "title": {"text": title, "subtitle": _subtitle(drawn, arl0, language, phase_one), "anchor": "start"},
        "width": "container",
        "height": 280,
        "data": {"values": [_row(point, rules.get(point.window.start_us, []), zone) for point in drawn.points]},
        "layer": _layers(drawn, unit, is_share, language, zone),
    }
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def _subtitle(drawn: Drawn, arl0: float, language: Language, phase_one: Text) -> list[str]:
    if drawn.baseline is None:
        return [phase_one.zh if language == "zh" else phase_one.en]
    first = f"{drawn.baseline.chart}: {TEXTS['arl0'][language].format(arl=round(arl0))}"
    caveats = caveats_of(drawn.baseline)
    return [first, *(one.zh if language == "zh" else one.en for one in caveats)]


def _row(point: ChartPoint, rules: Sequence[str], zone: Zone) -> dict[str, Any]:
    return {
        **_times(point.window.start_us, point.window.end_us, zone),
        "window": _clock_text(point.window.start_us, zone),
        "value": point.value,
        "statistic": point.statistic,
        "count": point.count,
        "centre": point.centre,
        "lower": point.lower,
        "upper": point.upper,
        "baseline": point.in_baseline,
        "rules": ", ".join(rules),
    }


def _layers(drawn: Drawn, unit: str, is_share: bool, language: Language, zone: Zone) -> list[dict[str, Any]]:
    axis = {
        "field": "clock",
        "type": "temporal",
        "scale": {"type": "utc"},
        "title": f"{TEXTS['time'][language]} ({zone.name})",
    }
    layers = [_lines(unit, is_share, language, axis), _points(is_share, language, axis), _signals(language, axis)]
    if drawn.baseline is None:
        return layers
    shade = {
        "data": {"values": [_times(drawn.baseline.start_us, drawn.baseline.end_us, zone)]},
        "mark": {"type": "rect", "color": SHADE, "tooltip": TEXTS["baseline"][language]},
        "encoding": {"x": axis, "x2": {"field": "clock_end"}},
    }
    limits = [_step("centre", GREY, [], axis)]
    limits += [_step(side, RED, [4, 4], axis) for side in ("lower", "upper")]
    return [shade, *limits, *layers]


def _tooltip(language: Language) -> dict[str, Any]:
    """As text: a tooltip shows times by the clock of the reader."""
    return {"field": "window", "type": "nominal", "title": TEXTS["time"][language]}


def _step(field: str, colour: str, dash: list[int], axis: dict[str, Any]) -> dict[str, Any]:
    return {
        "mark": {"type": "line", "interpolate": "step-after", "color": colour, "strokeDash": dash, "strokeWidth": 1},
        "encoding": {"x": axis, "y": {"field": field, "type": "quantitative"}},
    }


def _lines(unit: str, is_share: bool, language: Language, axis: dict[str, Any]) -> dict[str, Any]:
    label = f"{TEXTS['value'][language]} ({unit})" if unit and not is_share else TEXTS["value"][language]
    return {
        "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.5},
        "encoding": {
            "x": axis,
            "y": {
                "field": "statistic",
                "type": "quantitative",
                "title": label,
                "scale": {"zero": False},
                **({"axis": {"format": PER_CENT}} if is_share else {}),
            },
        },
    }


def _points(is_share: bool, language: Language, axis: dict[str, Any]) -> dict[str, Any]:
    return {
        "mark": {"type": "point", "filled": True, "size": 40, "color": BLUE},
        "encoding": {
            "x": axis,
            "y": {"field": "statistic", "type": "quantitative"},
            "tooltip": [
                _tooltip(language),
                {
                    "field": "value",
                    "type": "quantitative",
                    "title": TEXTS["value"][language],
                    **({"format": PER_CENT} if is_share else {}),
                },
                {"field": "count", "type": "quantitative", "title": TEXTS["count"][language]},
            ],
        },
    }


def _signals(language: Language, axis: dict[str, Any]) -> dict[str, Any]:
    return {
        "transform": [{"filter": "datum.rules != ''"}],
        "mark": {"type": "point", "shape": "circle", "size": 180, "color": RED, "strokeWidth": 2},
        "encoding": {
            "x": axis,
            "y": {"field": "statistic", "type": "quantitative"},
            "tooltip": [
                {"field": "rules", "type": "nominal", "title": TEXTS["rule"][language]},
                _tooltip(language),
            ],
        },
    }


def _times(start_us: int, end_us: int, zone: Zone) -> dict[str, str]:
    clock, clock_end = zone.clock_positions(np.array([start_us, end_us], dtype=np.int64)).tolist()
    return {"start": _iso(start_us), "end": _iso(end_us), "clock": _iso(clock), "clock_end": _iso(clock_end)}


def _clock_text(us: int, zone: Zone) -> str:
    """ "2026-03-29 01:00"; with its offset from UTC where the clock shows it twice."""
    at = (EPOCH + timedelta(microseconds=us)).astimezone(ZoneInfo(zone.name))
    comes_twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return f"{at:%Y-%m-%d %H:%M}" + (f" ({at:%z})" if comes_twice else "")


def _iso(us: int) -> str:
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")
