"""A control chart as a Vega-Lite 5 spec with its data: one definition for console, report and notebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from services.scoring.scores.charts.chart import Drawn
from services.scoring.scores.charts.derivation import caveats_of
from services.scoring.scores.results import ChartPoint, Signal
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
BLUE, GREY, RED, SHADE = "#2b6cb0", "#718096", "#c53030", "#edf2f7"


def control_chart(
    title: str,
    unit: str,
    drawn: Drawn,
    signals: Sequence[Signal],
    arl0: float,
    language: Language,
    phase_one: Text,
) -> str:
    """The spec as JSON; every number in it is data of the chart, so it renders without any other source.

    phase_one: what it waits for, where there are no limits.
    """
    rules: dict[int, list[str]] = {}
    for signal in signals:
        rules.setdefault(signal.window.start_us, []).append(signal.rule)
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "title": {"text": title, "subtitle": _subtitle(drawn, arl0, language, phase_one), "anchor": "start"},
        "width": "container",
        "height": 280,
        "data": {"values": [_row(point, rules.get(point.window.start_us, [])) for point in drawn.points]},
        "layer": _layers(drawn, unit, language),
    }
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def _subtitle(drawn: Drawn, arl0: float, language: Language, phase_one: Text) -> list[str]:
    if drawn.baseline is None:
        return [phase_one.zh if language == "zh" else phase_one.en]
    first = f"{drawn.baseline.chart}: {TEXTS['arl0'][language].format(arl=round(arl0))}"
    caveats = caveats_of(drawn.baseline)
    return [first, *(one.zh if language == "zh" else one.en for one in caveats)]


def _row(point: ChartPoint, rules: Sequence[str]) -> dict[str, Any]:
    return {
        "start": _iso(point.window.start_us),
        "end": _iso(point.window.end_us),
        "value": point.value,
        "statistic": point.statistic,
        "count": point.count,
        "centre": point.centre,
        "lower": point.lower,
        "upper": point.upper,
        "baseline": point.in_baseline,
        "rules": ", ".join(rules),
    }


def _layers(drawn: Drawn, unit: str, language: Language) -> list[dict[str, Any]]:
    layers = [_lines(unit, language), _points(language), _signals(language)]
    if drawn.baseline is None:
        return layers
    shade = {
        "data": {"values": [{"start": _iso(drawn.baseline.start_us), "end": _iso(drawn.baseline.end_us)}]},
        "mark": {"type": "rect", "color": SHADE, "tooltip": TEXTS["baseline"][language]},
        "encoding": {"x": _time(language, "start"), "x2": {"field": "end"}},
    }
    limits = [_step("centre", GREY, [], language)]
    limits += [_step(side, RED, [4, 4], language) for side in ("lower", "upper")]
    return [shade, *limits, *layers]


def _time(language: Language, field: str = "start") -> dict[str, Any]:
    return {"field": field, "type": "temporal", "title": TEXTS["time"][language]}


def _step(field: str, colour: str, dash: list[int], language: Language) -> dict[str, Any]:
    return {
        "mark": {"type": "line", "interpolate": "step-after", "color": colour, "strokeDash": dash, "strokeWidth": 1},
        "encoding": {"x": _time(language), "y": {"field": field, "type": "quantitative"}},
    }


def _lines(unit: str, language: Language) -> dict[str, Any]:
    label = f"{TEXTS['value'][language]} ({unit})" if unit else TEXTS["value"][language]
    return {
        "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.5},
        "encoding": {
            "x": _time(language),
            "y": {"field": "statistic", "type": "quantitative", "title": label, "scale": {"zero": False}},
        },
    }


def _points(language: Language) -> dict[str, Any]:
    return {
        "mark": {"type": "point", "filled": True, "size": 40, "color": BLUE},
        "encoding": {
            "x": _time(language),
            "y": {"field": "statistic", "type": "quantitative"},
            "tooltip": [
                _time(language),
                {"field": "value", "type": "quantitative", "title": TEXTS["value"][language]},
                {"field": "count", "type": "quantitative", "title": TEXTS["count"][language]},
            ],
        },
    }


def _signals(language: Language) -> dict[str, Any]:
    return {
        "transform": [{"filter": "datum.rules != ''"}],
        "mark": {"type": "point", "shape": "circle", "size": 180, "color": RED, "strokeWidth": 2},
        "encoding": {
            "x": _time(language),
            "y": {"field": "statistic", "type": "quantitative"},
            "tooltip": [
                {"field": "rules", "type": "nominal", "title": TEXTS["rule"][language]},
                _time(language),
            ],
        },
    }


def _iso(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat().replace("+00:00", "Z")
