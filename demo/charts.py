"""The Vega-Lite specs of the report: control charts with the injected faults, and the Pareto chart of problems."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import scoring_pb2
from andon_client.presentation.formats import localised

from demo.detection import FaultFinding
from demo.report_texts import Say
from demo.simulation import PlantedFault


def with_faults(
    chart: scoring_pb2.GetControlChartResponse, faults: Sequence[FaultFinding], say: Say, language: str, zone: tzinfo
) -> dict[str, Any]:
    """The service's own spec with a band behind it for each injected fault that the series must show."""
    spec: dict[str, Any] = json.loads(chart.vega_lite)
    spec |= {"width": "container", "height": 260}
    bands = [
        {"clock": _clock(f.start, zone), "clock_end": _clock(f.end, zone), "fault": fault_title(f.fault, language)}
        for f in faults
        if chart.series.indicator in f.fault.indicators
    ]
    if bands and "layer" in spec:
        band = {
            "data": {"values": bands},
            "mark": {"type": "rect", "color": "#f2b134", "opacity": 0.28},
            "encoding": {
                # As the service's own layers have it: what the clocks of the zone show, on a UTC scale.
                "x": {"field": "clock", "type": "temporal", "scale": {"type": "utc"}},
                "x2": {"field": "clock_end"},
                "tooltip": {"field": "fault", "title": say("injected")},
            },
        }
        spec["layer"] = [band, *spec["layer"]]
    return spec


def fault_title(fault: PlantedFault, language: str) -> str:
    return fault.title_zh if language.startswith("zh") else fault.title_en


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%SZ}"


def pareto(problems: Sequence[problem_pb2.Problem], say: Say, language: str) -> dict[str, Any]:
    """Problems by their number of signals, the largest first, with the cumulative share."""
    counted = [(localised(problem.title, language), len(problem.signals)) for problem in problems]
    total, running, rows = sum(signals for _, signals in counted) or 1, 0, []
    for title, signals in sorted(counted, key=lambda one: (-one[1], one[0]))[:12]:
        running += signals
        rows.append({"problem": title, "signals": signals, "share": running / total})
    order = {"field": "problem", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": "container",
        "height": 260,
        "data": {"values": rows},
        "encoding": {"x": order},
        "resolve": {"scale": {"y": "independent"}},
        "layer": [
            {
                "mark": {"type": "bar", "color": "#3566a8", "tooltip": True},
                "encoding": {"y": {"field": "signals", "type": "quantitative", "title": say("signals")}},
            },
            {
                "mark": {"type": "line", "point": True, "color": "#c8442f", "tooltip": True},
                "encoding": {
                    "y": {
                        "field": "share",
                        "type": "quantitative",
                        "title": say("cumulative"),
                        "axis": {"format": "%"},
                        "scale": {"domain": [0, 1]},
                    }
                },
            },
        ],
    }
